"""`/etc/pve/datacenter.cfg`: the settings of the datacenter, one a line, under its description."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from simulator.records import Setting
from simulator.routing import ROUTES
from simulator.schema import Param
from simulator.ssh.text import (
    MalformedFileError,
    check_values,
    comment_lines,
    comment_text,
    decode_text,
    encode_text,
    lines_of,
)
from simulator.state import Datacenter

_LINE = re.compile(r"([a-z0-9_\-]+):\s*(\S.*)")
_ENCODED = "consent-text"


@functools.cache
def _params() -> Mapping[str, Param]:
    """Return the settings that there are: what the API's own method takes."""
    method = next(route for route in ROUTES if (route.method, route.path) == ("PUT", "/cluster/options"))
    return {name: param for name, param in method.params.items() if name != "delete"}


def render(options: Mapping[str, str]) -> str:
    """Write the file."""
    lines = [
        f"{key}: {encode_text(value) if key == _ENCODED else value}\n"
        for key, value in sorted(options.items())
        if key != "description"
    ]
    return comment_lines(options.get("description", "")) + "".join(lines)


def parse(text: str) -> dict[str, str]:
    """Read the file, or refuse it."""
    options: dict[str, str] = {}
    comment: list[str] = []
    for number, line in lines_of(text):
        if line.startswith("#"):
            comment.append(line[1:])
        elif line:
            match = _LINE.fullmatch(line)
            if match is None or match[1] in options or match[1] == "description":
                raise MalformedFileError(f"line {number}: '{line}' is no setting, or is there twice")
            options[match[1]] = decode_text(match[2]) if match[1] == _ENCODED else match[2]
    description = comment_text(comment)
    if description:
        options["description"] = description
    check_values("datacenter.cfg", _params(), options)
    return options


def write(datacenter: Datacenter, text: str) -> None:
    """Let the file be the state."""
    options = parse(text)
    for name in set(datacenter.options.keys()) - set(options):
        datacenter.options.delete(name)
    for name, value in options.items():
        datacenter.options.put(Setting(name=name, value=value))
