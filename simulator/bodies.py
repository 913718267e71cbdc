"""The parameters of a request: query, form, JSON, or an upload, each refused where Proxmox refuses it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, web

MAX_BODY = 512 * 1024
_MOST_DIGITS = 300


class BadBody(Exception):
    """A body cannot be read: a status code and a plain text."""

    def __init__(self, text: str, status: int) -> None:
        """Keep both."""
        super().__init__(text)
        self.status = status


def form_values(text: str) -> dict[str, Any]:
    """Read form or query parameters; a repeated key becomes a list."""
    values: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        if key not in values:
            values[key] = value
        elif isinstance(values[key], list):
            values[key].append(value)
        else:
            values[key] = [values[key], value]
    return values


async def read_values(request: web.BaseRequest, uploads: Path) -> dict[str, Any]:
    """Return all parameters of a request, those of its body winning over those of its query."""
    values = form_values(request.rel_url.raw_query_string)
    if not request.body_exists:
        return values
    if request.method in ("GET", "DELETE"):
        raise BadBody(f"Unexpected content for method '{request.method}'", 501)
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        raise BadBody("chunked transfer encoding not supported", 501)
    content_type = request.content_type if "Content-Type" in request.headers else ""
    if content_type == "multipart/form-data" and "boundary=" in request.headers["Content-Type"]:
        return values | await _read_upload(request, uploads)
    body = await _read_all(request)
    if content_type == "application/json":
        return values | _json_values(body)
    if content_type in ("", "application/x-www-form-urlencoded"):
        return values | form_values(body.decode("utf-8", "replace"))
    raise BadBody(f"upload 'Content-Type '{content_type}' not implemented", 506)


async def _read_all(request: web.BaseRequest) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > MAX_BODY:
            raise BadBody("for data too large", 501)
    return bytes(body)


def _json_values(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        values = json.loads(body, parse_constant=_no_constant, parse_int=_integer)
        json.dumps(values, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    except ValueError as error:
        raise BadBody(f"malformed JSON string: {error}", 500) from None
    except RecursionError:
        text = "json text or perl structure exceeds maximum nesting level (max_depth set too low?)"
        raise BadBody(text, 500) from None
    if not isinstance(values, dict):
        raise BadBody("malformed JSON string, neither array, object, number, string or atom expected", 500)
    return values


def _no_constant(name: str) -> None:
    """Refuse what Python reads as a number and JSON does not know: NaN and Infinity."""
    raise ValueError(f"{name} is no number")


def _integer(digits: str) -> int | str:
    """Read a number; one that no processor has room for stays a text."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


async def _read_upload(request: web.BaseRequest, uploads: Path) -> dict[str, Any]:
    """Read form fields; a file part is written to disk and becomes `filename` and `tmpfilename`."""
    values: dict[str, Any] = {}
    try:
        await _read_parts(await request.multipart(), uploads, values)
    except ValueError as error:
        if "tmpfilename" in values:
            (uploads / Path(values["tmpfilename"]).name).unlink()
        raise BadBody(f"upload is not complete: {error}", 500) from None
    return values


async def _read_parts(reader: MultipartReader, uploads: Path, values: dict[str, Any]) -> None:
    async for part in reader:
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        if part.filename is None:
            values[part.name] = (await part.read(decode=True)).decode("utf-8", "replace")
            continue
        target = uploads / f"pveupload-{secrets.token_hex(16)}"
        values |= {"filename": part.filename, "tmpfilename": f"/var/tmp/{target.name}"}  # noqa: S108 - the name Proxmox gives it; it lies in `uploads`
        with target.open("wb") as file:
            while chunk := await part.read_chunk(1 << 16):
                file.write(chunk)
