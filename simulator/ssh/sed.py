"""`sed`: the commands that scripts use on configuration files: s, d, p, q, a, i, c and =, with addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from simulator.ssh.flags import misused, read_flags
from simulator.ssh.shell import Program, Shell, Streams
from simulator.ssh.text_tools import contents, regular


class _BadScriptError(Exception):
    """The script is none."""


@dataclass(slots=True)
class _Step:
    """A command of a script: on which lines it works, and what it does with them."""

    begin: str
    end: str
    inverted: bool
    command: str
    argument: str = ""
    pattern: re.Pattern[str] | None = None
    flags: str = ""
    inside: bool = False


def _read_script(text: str, *, extended: bool) -> list[_Step]:
    steps, left = [], text.strip()
    while left:
        step, left = _read_step(left, extended=extended)
        steps.append(step)
        left = left.lstrip(" \t;\n")
    return steps


def _read_step(text: str, *, extended: bool) -> tuple[_Step, str]:
    begin, text = _address(text)
    end = ""
    if begin and text.startswith(","):
        end, text = _address(text[1:])
    text = text.lstrip()
    inverted = text.startswith("!")
    text = text.removeprefix("!").lstrip()
    if not text:
        raise _BadScriptError("missing command")
    step = _Step(begin, end, inverted, text[0])
    rest = text[1:]
    if step.command == "s":
        return _substitution(step, rest, extended=extended)
    if step.command in "aic":
        line, _, rest = rest.partition("\n")
        step.argument = re.sub(r"^\s*\\?\s*", "", line)
        return step, rest
    if step.command not in "dpq=":
        raise _BadScriptError(f"unknown command: `{step.command}'")
    return step, rest


def _address(text: str) -> tuple[str, str]:
    match = re.match(r"\s*(\d+|\$|/(?:[^/\\]|\\.)*/|\\(.)(?:(?!\2).)*\2)", text)
    return (match[1], text[match.end() :]) if match else ("", text)


def _substitution(step: _Step, rest: str, *, extended: bool) -> tuple[_Step, str]:
    if not rest:
        raise _BadScriptError("unterminated `s' command")
    mark = re.escape(rest[0])
    match = re.match(rf"{mark}((?:\\.|(?!{mark})[^\\])*){mark}((?:\\.|(?!{mark})[^\\])*){mark}([gpiI0-9]*)", rest, re.S)
    if match is None:
        raise _BadScriptError("unterminated `s' command")
    flags = re.IGNORECASE if "i" in match[3].lower() else 0
    wanted = match[1].replace(f"\\{rest[0]}", rest[0])
    try:
        step.pattern = re.compile(regular(wanted, extended), flags)
    except re.error as error:
        raise _BadScriptError(error.msg) from None
    step.argument, step.flags = match[2].replace(f"\\{rest[0]}", rest[0]), match[3]
    return step, rest[match.end() :]


def _replacement(text: str) -> Callable[[re.Match[str]], str]:
    r"""Return what puts a match in place of `&` and its groups in place of `\1`."""

    def fill(match: re.Match[str]) -> str:
        def part(found: re.Match[str]) -> str:
            if found[0] == "&":
                return match[0]
            letter = found[1]
            if letter.isdecimal():
                return match[int(letter)] or ""
            return {"n": "\n", "t": "\t"}.get(letter, letter)

        return re.sub(r"\\(.)|&", part, text, flags=re.DOTALL)

    return fill


def _applies(step: _Step, number: int, line: str, *, last: bool, extended: bool) -> bool:
    def meets(address: str) -> bool:
        if address.isdecimal():
            return int(address) == number
        if address == "$":
            return last
        inner = address[2:-1] if address.startswith("\\") else address[1:-1].replace("\\/", "/")
        return re.search(regular(inner, extended), line) is not None

    if not step.begin:
        return not step.inverted
    if step.inside:
        step.inside = not meets(step.end)
        return not step.inverted
    found = meets(step.begin)
    if found and step.end and not (step.end.isdecimal() and int(step.end) <= number):
        step.inside = True
    return found != step.inverted


def edited(text: str, steps: list[_Step], *, silent: bool, extended: bool) -> str:
    """Return a text after a script."""
    rows, out = text.splitlines(), list[str]()
    for step in steps:
        step.inside = False
    for number, row in enumerate(rows, 1):
        line, kept, after, stop = row, True, list[str](), False
        for step in steps:
            if not _applies(step, number, line, last=number == len(rows), extended=extended):
                continue
            if step.command == "s" and step.pattern is not None:
                line, shown = _substituted(step, line)
                out += [line] if shown else []
            elif step.command in "ai":
                (after if step.command == "a" else out).append(step.argument)
            elif step.command in "p=":
                out.append(line if step.command == "p" else str(number))
            elif step.command in "dc":
                out += [step.argument] if step.command == "c" else []
                kept = False
                break
            else:
                stop = True
        out += ([line] if kept and not silent else []) + after
        if stop:
            break
    return "".join(f"{line}\n" for line in out) if text.endswith("\n") or not out else "\n".join(out)


def _substituted(step: _Step, line: str) -> tuple[str, bool]:
    assert step.pattern is not None  # noqa: S101 - a substitution has one
    number = int(re.sub(r"\D", "", step.flags) or 1)
    fill, count = _replacement(step.argument), 0

    def one(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        fits = count >= number if "g" in step.flags else count == number
        return fill(match) if fits else match[0]

    changed = step.pattern.sub(one, line)
    return changed, "p" in step.flags and count >= number


async def sed(shell: Shell, args: list[str], streams: Streams) -> int:
    """Edit text by a script; with -i the files themselves."""
    in_place = next((word for word in args if word.startswith(("-i", "--in-place"))), "")
    flags = read_flags([word for word in args if word != in_place], "nErsuz", "e", long={"expression": "e"})
    names = list(flags.names)
    scripts = flags.values.get("e") or ([names.pop(0)] if names else [])
    if flags.unknown or not scripts:
        return misused(streams, "sed", flags)
    extended, silent = bool(flags.letters & {"E", "r"}), "n" in flags.letters
    try:
        steps = [step for script in scripts for step in _read_script(script, extended=extended)]
    except _BadScriptError as error:
        streams.complain(f"sed: -e expression #1, char {len(scripts[0])}: {error}")
        return 1
    code = 0
    for name, data in await contents(shell, "sed", names, streams):
        if data is None:
            code = 2
            continue
        result = edited(data.decode(errors="surrogateescape"), steps, silent=silent, extended=extended)
        if not in_place or name == "-":
            streams.out(result.encode(errors="surrogateescape"))
        else:
            ending = in_place.removeprefix("-i").removeprefix("--in-place").removeprefix("=")
            code = _replaced(shell, name, (data, ending), result, streams) or code
    return code


def _replaced(shell: Shell, name: str, before: tuple[bytes, str], result: str, streams: Streams) -> int:
    """Write a file, beside a copy of what it was when an ending is given for that."""
    path, (data, ending) = shell.place(name), before
    try:
        if ending:
            shell.tree.write(path + ending, data)
        shell.tree.write(path, result.encode(errors="surrogateescape"))
    except OSError as error:
        streams.complain(f"sed: couldn't edit {name}: {error.strerror}")
        return 4
    return 0


PROGRAMS: dict[str, Program] = {"sed": sed}
