"""Files of settings, one a line (`keyboard: de`), under the description, which is written as comment lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from simulator.schema import Param
from simulator.ssh.text import check_values, comment_lines, comment_text, decode_text, encode_text, lines_of

_LINE = re.compile(r"([a-z0-9_\-]+):\s*(\S.*)")


def render(options: Mapping[str, str], encoded: Collection[str] = ()) -> str:
    """Write the file; the values of `encoded` may hold several lines."""
    lines = [
        f"{key}: {encode_text(value) if key in encoded else value}\n"
        for key, value in sorted(options.items())
        if key != "description"
    ]
    return comment_lines(options.get("description", "")) + "".join(lines)


def parse(name: str, text: str, params: Mapping[str, Param], encoded: Collection[str] = ()) -> dict[str, str]:
    """Read the file; a line that is no setting, and a value that the API would refuse, is left out."""
    options: dict[str, str] = {}
    comment: list[str] = []
    for _, line in lines_of(text):
        match = _LINE.fullmatch(line)
        if line.startswith("#"):
            comment.append(line[1:])
        elif match is not None and match[1] != "description" and match[1] not in options:
            try:
                value = decode_text(match[2]) if match[1] in encoded else match[2]
                check_values(name, params, {match[1]: value})
            except ValueError:
                continue
            options[match[1]] = value
    description = comment_text(comment)
    if description:
        options["description"] = description
    return options
