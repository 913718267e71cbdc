"""Values and calls as Python's source text, laid out as the project's formatter would.

What is printed evaluates to the same values again, whatever is in them: texts come from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 120
STEP = 4
Arguments = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class Code:
    """Python in place of a value: a name, or a call with what is in its brackets."""

    text: str
    inside: tuple[Code, ...] = ()


def call(opening: str, name: str, arguments: Arguments, indent: int = STEP) -> str:
    """The making of one resource, as lines without a line end behind the last; `opening` ends with its class."""
    flat = ", ".join([text_of(name), *(f"{key}={flat_of(value)}" for key, value in arguments)])
    line = f"{' ' * indent}{opening}({flat})"
    if len(line) <= WIDTH:
        return line
    inner = indent + STEP
    lines = [f"{' ' * indent}{opening}(", f"{' ' * inner}{laid_out(name, inner, inner)},"]
    for key, value in arguments:
        lines.append(f"{' ' * inner}{key}={laid_out(value, inner, inner + len(key) + 1)},")
    return "\n".join([*lines, f"{' ' * indent})"])


def laid_out(value: Any, indent: int, used: int) -> str:
    """A value that begins at a column of a line, and goes on in further lines where it does not fit."""
    flat = flat_of(value)
    if used + len(flat) + 1 <= WIDTH or not value:
        return flat
    inner = indent + STEP
    if isinstance(value, str):
        return _bracketed("()", _pieces(value, WIDTH - inner), indent)
    if isinstance(value, Mapping):
        keys = {key: f"{text_of(key)}: " for key in value}
        return _bracketed(
            "{}", (f"{keys[key]}{laid_out(value[key], inner, inner + len(keys[key]))}," for key in value), indent
        )
    if isinstance(value, list):
        return _bracketed("[]", (f"{laid_out(item, inner, inner)}," for item in value), indent)
    if isinstance(value, Code) and value.inside:
        return value.text + _bracketed("()", (f"{each.text}," for each in value.inside), indent)
    return flat


def _bracketed(brackets: str, entries: Iterator[str], indent: int) -> str:
    inner = " " * (indent + STEP)
    return "\n".join([brackets[0], *(f"{inner}{entry}" for entry in entries), f"{' ' * indent}{brackets[1]}"])


def flat_of(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{text_of(key)}: {flat_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flat_of, value)) + "]"
    if isinstance(value, Code):
        return value.text + (f"({', '.join(map(flat_of, value.inside))})" if value.inside else "")
    return repr(value)


def text_of(text: str) -> str:
    """A text in double quotes, unless that takes more escapes."""
    shown = repr(text)
    if shown[0] == '"' or text.count('"') > text.count("'"):
        return shown
    inside = shown[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{inside}"'


def _pieces(text: str, width: int) -> Iterator[str]:
    """A long text as several that stand one after the other: lines, and words where a line is too long."""
    for line in text.splitlines(keepends=True):
        rest = line
        while rest:
            length = _fitting(rest, width)
            yield text_of(rest[:length])
            rest = rest[length:]


def _fitting(text: str, width: int) -> int:
    """How many characters of a text fit when printed; it ends behind a blank where there is one."""
    if len(text_of(text)) <= width:
        return len(text)
    length = 1
    while len(text_of(text[: length + 1])) <= width:
        length += 1
    blank = text.rfind(" ", 0, length)
    return blank + 1 if blank > 0 else length
