"""Options of the small tools: letters that may stand together, some with a value, and their long names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.ssh.streams import Streams

_LONG = {
    "parents": "p", "recursive": "r", "force": "f", "all": "a", "verbose": "v", "directory": "d", "quiet": "q",
    "symbolic": "s", "format": "c", "bytes": "c", "lines": "n", "append": "a", "decode": "d", "wrap": "w",
    "regexp-extended": "E", "in-place": "i", "expression": "e", "ignore-case": "i", "mode": "m", "no-clobber": "n",
    "reference": "r", "archive": "a", "canonicalize": "f", "silent": "q", "follow": "f", "dereference": "L",
}  # fmt: skip
_ONLY_LONG = ("no-preserve-root", "preserve", "preserve-root", "no-target-directory", "color")


class InvalidArgumentError(Exception):
    """An argument of a tool is not what it has to be; the text is what the tool says after its name."""


def number(text: str, what: str = "argument") -> int:
    """Return a number that is given as a text of not more than nine digits."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise InvalidArgumentError(f"invalid {what}: '{text}'")
    return int(text)


@dataclass(slots=True)
class Flags:
    """What was given: letters, letters with a value, and the other words; `unknown` is an option that is none."""

    letters: set[str] = field(default_factory=set)
    values: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    unknown: str = ""

    def value(self, letter: str, default: str = "") -> str:
        """Return the value of an option; the last one counts."""
        return self.values.get(letter, [default])[-1]


def read_flags(args: list[str], flags: str, valued: str = "", long: Mapping[str, str] | None = None) -> Flags:
    """Sort the arguments of a tool; options may stand behind the names."""
    result, left, names = Flags(), list(args), {**_LONG, **(long or {})}
    while left and not result.unknown:
        word = left.pop(0)
        if word == "--":
            result.names += left
            break
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            if name in _ONLY_LONG:
                continue
            letter = names.get(name, "")
            if letter and letter in valued and not given and left:
                value = left.pop(0)
            if not _take(result, letter, value, flags, valued):
                result.unknown = f"unrecognized option '{word}'"
        elif word.startswith("-") and word != "-":
            _read_letters(result, word[1:], left, flags, valued)
        else:
            result.names.append(word)
    return result


def _read_letters(result: Flags, letters: str, left: list[str], flags: str, valued: str) -> None:
    for place, letter in enumerate(letters):
        if letter in valued:
            value = letters[place + 1 :] or (left.pop(0) if left else "")
            _take(result, letter, value, flags, valued)
            return
        if not _take(result, letter, "", flags, valued):
            result.unknown = f"invalid option -- '{letter}'"
            return


def _take(result: Flags, letter: str, value: str, flags: str, valued: str) -> bool:
    if letter and letter in valued:
        result.values.setdefault(letter, []).append(value)
    elif letter and letter in flags:
        result.letters.add(letter)
    else:
        return False
    return True


def misused(streams: Streams, name: str, flags: Flags, code: int = 1) -> int:
    """Say what is wrong with the arguments of a tool: an option that is none, or nothing to work on."""
    streams.complain(f"{name}: {flags.unknown or 'missing operand'}\nTry '{name} --help' for more information.")
    return code
