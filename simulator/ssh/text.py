"""What Proxmox's configuration files have in common: how free text is written on one line, and a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from simulator.schema import Param, check

_UNSAFE = re.compile(rb"[^\x20-\x24\x26-\x39\x3b-\x7e]")


class MalformedFileError(ValueError):
    """A file is not what it should be; the text is one line and names the place."""


def encode_text(text: str) -> str:
    """Write free text so that it fits on a line: control characters, `:`, `%` and all beyond ASCII are escaped."""
    escaped = _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], text.encode())
    return escaped.decode("ascii")


def decode_text(text: str) -> str:
    """Read text back that `encode_text` has written; what is no UTF-8 is taken as it stands."""
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return text


def comment_lines(text: str) -> str:
    """Write a description as the comment lines at the top of a file or section."""
    return "".join(f"#{encode_text(line)}\n" for line in text.split("\n")) if text else ""


def comment_text(lines: list[str]) -> str:
    """Read a description back from its comment lines, given without the leading `#`."""
    return "\n".join(decode_text(line) for line in lines)


def check_values(where: str, params: Mapping[str, Param], values: Mapping[str, str]) -> None:
    """Refuse values that the API would refuse as well; what is missing is the caller's business."""
    known = {name: param for name, param in params.items() if name in values}
    unknown = next((name for name in values if name not in params), None)
    if unknown is not None:
        raise MalformedFileError(f"{where}: unknown option '{unknown}'")
    for name, text in check(known, values)[1].items():
        if name in values:
            raise MalformedFileError(f"{where}: {name}: {text.strip()}")


def lines_of(text: str) -> list[tuple[int, str]]:
    """Return the numbered lines of a file without what is blank at their ends (but for comments, which are text).

    Between the variables of a container (`env`) stand zero bytes, and nowhere else.
    """
    if any("\0" in line and not line.startswith("env:") for line in text.split("\n")):
        raise MalformedFileError("a zero byte is no text")
    lines = enumerate(text.split("\n"), 1)
    return [(number, line if line.startswith("#") else line.rstrip(" \t\r")) for number, line in lines]
