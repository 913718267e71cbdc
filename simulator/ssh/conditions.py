"""The command `test`, also written `[`."""

from __future__ import annotations

from collections.abc import Callable

from simulator.ssh.shell import MISUSE, Program, Shell, Streams

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda a, b: a == b,
    "-ne": lambda a, b: a != b,
    "-lt": lambda a, b: a < b,
    "-le": lambda a, b: a <= b,
    "-gt": lambda a, b: a > b,
    "-ge": lambda a, b: a >= b,
}
_LONGEST = 3


class _BadTestError(Exception):
    """The expression cannot be read."""


def _of_file(shell: Shell, operator: str, name: str) -> bool:
    path = shell.place(name)
    if operator in ("-L", "-h"):
        return bool(name) and shell.tree.present(path) and shell.tree.lstat(path).target is not None
    if not name or not shell.tree.exists(path):
        return False
    entry = shell.tree.stat(path)
    return {"-d": entry.folder, "-f": not entry.folder, "-s": entry.size > 0, "-x": bool(entry.mode & 0o111)}.get(
        operator, True
    )


def _evaluate(shell: Shell, words: list[str]) -> bool:
    """Evaluate an expression: comparisons joined by `-a` and `-o`."""
    for joint in ("-o", "-a"):
        if joint in words[1:-1] and len(words) > _LONGEST:
            place = words.index(joint, 1)
            left, right = _evaluate(shell, words[:place]), _evaluate(shell, words[place + 1 :])
            return (left or right) if joint == "-o" else (left and right)
    if words[:1] == ["!"] and len(words) > 1:
        return not _evaluate(shell, words[1:])
    if len(words) <= 1:
        return any(words)
    return _of_one(shell, *words) if len(words) < _LONGEST else _of_two(words)


def _of_one(shell: Shell, operator: str, operand: str) -> bool:
    if operator in {"-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h"}:
        return _of_file(shell, operator, operand)
    if operator in {"-n", "-z"}:
        return (operand == "") == (operator == "-z")
    raise _BadTestError(f"{operator}: unary operator expected")


def _of_two(words: list[str]) -> bool:
    left, operator, right, *rest = words
    if rest:
        raise _BadTestError("too many arguments")
    if operator in _NUMBERS:
        return _NUMBERS[operator](_integer(left), _integer(right))
    if operator not in {"=", "==", "!="}:
        raise _BadTestError(f"{operator}: binary operator expected")
    return (left == right) == (operator != "!=")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _BadTestError(f"{text}: integer expression expected") from None


def _program(name: str) -> Program:
    async def run(shell: Shell, args: list[str], streams: Streams) -> int:
        if name == "[":
            if args[-1:] != ["]"]:
                streams.complain("bash: line 1: [: missing `]'")
                return MISUSE
            args = args[:-1]
        try:
            return 0 if _evaluate(shell, args) else 1
        except _BadTestError as error:
            streams.complain(f"bash: line 1: {name}: {error}")
            return MISUSE

    return run


PROGRAMS: dict[str, Program] = {"test": _program("test"), "[": _program("[")}
