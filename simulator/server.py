"""The HTTPS side: requests in Proxmox's accepted shapes, answers with its headers, reason lines and bodies."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from aiohttp import web

from simulator.bodies import BadBody, read_values
from simulator.errors import ApiError, NodeUnreachable, ParamError, Unauthorized
from simulator.faults import Dropped, Faults, Withdrawn
from simulator.records import Node
from simulator.router import Request, Router
from simulator.state import Datacenter

METHODS = ("GET", "POST", "PUT", "DELETE")
REQUESTS_PER_CONNECTION = 100
GZIP_FROM = 1024
_LOG = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class RequestLog:
    """One JSON line per request, in a file and without secrets."""

    def __init__(self, path: Path) -> None:
        """Append to the file."""
        self.path = path
        self.in_flight = 0
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)

    def write(self, **entry: object) -> None:
        """Add a line."""
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """Read all lines back."""
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def clear(self) -> None:
        """Begin again with an empty file."""
        self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(slots=True)
class _Context:
    """What is noted about a request for its log line."""

    path: str
    authid: str = ""
    status: int = 500


class ApiServer:
    """Makes the request handler of each node."""

    def __init__(self, router: Router, faults: Faults, log: RequestLog, uploads: Path, fingerprint: str) -> None:
        """Answer through the router, disturbed by the faults."""
        self._router = router
        self._faults = faults
        self._log = log
        self._uploads = uploads
        self._fingerprint = fingerprint
        self._counts: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()

    def handler(self, host: str) -> Handler:
        """Return the handler for the port of a machine, whatever cluster that is in."""

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            started = time.monotonic()
            datacenter, node = self._router.world.place_of(host)
            context = _Context(unquote(request.rel_url.raw_path))
            self._log.in_flight += 1
            counts = True
            try:
                response = await self._serve(request, datacenter, node, context)
            except Dropped as dropped:
                counts = not isinstance(dropped, Withdrawn)
                context.status = 0
                if request.transport is not None:
                    request.transport.abort()
                raise asyncio.CancelledError from None
            finally:
                if counts:
                    self._log.write(
                        time=round(time.time(), 3), node=node.name, method=request.method, path=context.path,
                        user=context.authid, status=context.status,
                        ms=round((time.monotonic() - started) * 1000, 2), in_flight=self._log.in_flight,
                    )  # fmt: skip
                self._log.in_flight -= 1
            return self._finish(request, response)

        return handle

    def _finish(self, request: web.BaseRequest, response: web.Response) -> web.Response:
        """Set the headers that all answers have, and close connections as Proxmox does."""
        stamp = formatdate(usegmt=True)
        response.headers.update(
            {"Cache-Control": "max-age=0", "Pragma": "no-cache", "Server": "pve-api-daemon/3.0", "Date": stamp}
        )
        response.headers["Expires"] = stamp
        transport = request.transport
        if transport is not None:
            self._counts[transport] = self._counts.get(transport, 0) + 1
            if response.status >= 400 or self._counts[transport] >= REQUESTS_PER_CONNECTION:  # noqa: PLR2004 - errors
                response.force_close()
        response.headers["Connection"] = "Keep-Alive" if response.keep_alive is not False else "close"
        return response

    async def _answer(
        self, request: web.BaseRequest, datacenter: Datacenter, node: Node, context: _Context
    ) -> web.Response:
        """Answer a request, whatever it is."""
        match = re.fullmatch(r"/api2/([a-z]+)((?s:/.*)|)", context.path)
        if request.method not in METHODS:
            return _plain(501, f"method '{request.method}' not available", body=b"", context=context)
        if match is None:
            return _plain(404, f"no such file '{context.path}'", context=context)
        kind, path = match.groups()
        if kind not in ("json", "extjs"):
            text = ", ".join([kind, *[part for part in path.split("/") if part]])
            return _plain(501, f"no formatter for uri /, {text}", context=context)
        try:
            await self._faults.disturb(request.method, path, node.name)
            data = await self._call(request, datacenter, node, path, context)
        except BadBody as error:
            return _plain(error.status, str(error), context=context)
        except ApiError as error:
            return _refusal(error, kind, context)
        context.status = 200
        return _json_response(request, data | {"success": 1} if kind == "extjs" else data)

    async def _serve(
        self, request: web.BaseRequest, datacenter: Datacenter, node: Node, context: _Context
    ) -> web.Response:
        """Answer a request, also when the simulator has a bug: that must not end the others' service."""
        try:
            return await self._answer(request, datacenter, node, context)
        except Dropped:
            raise
        except Exception as error:  # noqa: BLE001 - see above
            _LOG.exception("%s %s failed inside the simulator", request.method, context.path)
            return _refusal(ApiError(f"simulator error: {error!r}"), "json", context)

    async def _call(
        self, request: web.BaseRequest, datacenter: Datacenter, node: Node, path: str, context: _Context
    ) -> dict[str, Any]:
        if not node.reachable:
            raise Dropped
        values = await read_values(request, self._uploads)
        ticket = request.cookies.get("PVEAuthCookie")
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("PVEAPIToken").lstrip("= ") if header.startswith("PVEAPIToken") else None
        call = Request(
            method=request.method, path=path, values=values, datacenter=datacenter, node=node.name,
            ticket=unquote(ticket) if ticket else None, csrf=request.headers.get("CSRFPreventionToken"),
            token=token, client={"fingerprint": self._fingerprint},
        )  # fmt: skip
        try:
            answer = await self._router.answer(call)
        finally:
            context.authid = call.authid
        return {"data": answer.data} | answer.extra


def _plain(status: int, reason: str, *, body: bytes | None = None, context: _Context) -> web.Response:
    """Make an answer that is plain text: the reason once more."""
    context.status = status
    return web.Response(status=status, reason=_reason(reason), body=reason.encode() if body is None else body)


def _reason(text: str) -> str:
    """Return the first line of a message, which is the reason, without what a status line cannot hold."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text.partition("\n")[0]).strip()


def _refusal(error: ApiError, kind: str, context: _Context) -> web.Response:
    context.status = error.status
    if isinstance(error, (Unauthorized, NodeUnreachable)):
        return _plain(error.status, error.message, body=b"", context=context)
    body: dict[str, Any] = {"data": None, "message": error.message + ("\n" if error.newline else "")}
    if error.errors:
        body["errors"] = error.errors
    if kind == "extjs":
        body |= {"success": 0, "status": "400" if isinstance(error, ParamError) else error.status}
        return web.json_response(body)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return web.Response(
        status=error.status,
        reason=_reason(error.message),
        body=text.encode(),
        headers={"Content-Type": "application/json;charset=UTF-8"},
    )


def _json_response(request: web.BaseRequest, data: dict[str, Any]) -> web.Response:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    if len(body) > GZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 1)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers)
