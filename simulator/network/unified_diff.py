"""A unified diff as `diff -b -u` writes it: the shortest one, each change as far down as the lines allow."""

from __future__ import annotations

import functools

_CONTEXT = 3
_Step = tuple[str, str]
"""A line with its mark: ` `, `-` or `+`."""


@functools.lru_cache(maxsize=32)
def hunks(old: str, new: str) -> str:
    """Return the hunks that lead from one text to the other; the amount of white space does not count."""
    steps = _steps(old.splitlines(), new.splitlines())
    changed = [at for at, (mark, _) in enumerate(steps) if mark != " "]
    text, at = "", 0
    while at < len(changed):
        last = at
        while last + 1 < len(changed) and changed[last + 1] - changed[last] <= 2 * _CONTEXT + 1:
            last += 1
        text += _hunk(steps, max(0, changed[at] - _CONTEXT), min(len(steps), changed[last] + _CONTEXT + 1))
        at = last + 1
    return text


def _steps(old: list[str], new: list[str]) -> list[_Step]:
    """Return all lines with their marks, found from the end by the length of the longest common part."""
    plain_old, plain_new = [" ".join(line.split()) for line in old], [" ".join(line.split()) for line in new]
    lengths = _common_lengths(plain_old, plain_new)
    left, right, steps = len(old), len(new), list[_Step]()
    while left or right:
        if right and lengths[left][right - 1] == lengths[left][right]:
            right -= 1
            steps.append(("+", new[right]))
        elif left and lengths[left - 1][right] == lengths[left][right]:
            left -= 1
            steps.append(("-", old[left]))
        else:
            left, right = left - 1, right - 1
            steps.append((" ", old[left]))
    return steps[::-1]


def _common_lengths(old: list[str], new: list[str]) -> list[list[int]]:
    """Return, for the beginnings of both texts, how many lines they have in common."""
    lengths = [[0] * (len(new) + 1)]
    for line in old:
        above, row = lengths[-1], [0]
        for at, other in enumerate(new):
            row.append(above[at] + 1 if line == other else max(above[at + 1], row[at]))
        lengths.append(row)
    return lengths


def _hunk(steps: list[_Step], start: int, end: int) -> str:
    old_range = _range(sum(mark != "+" for mark, _ in steps[:start]), sum(mark != "+" for mark, _ in steps[start:end]))
    new_range = _range(sum(mark != "-" for mark, _ in steps[:start]), sum(mark != "-" for mark, _ in steps[start:end]))
    return f"@@ -{old_range} +{new_range} @@\n" + "".join(f"{mark}{line}\n" for mark, line in steps[start:end])


def _range(start: int, length: int) -> str:
    """Write a range of lines: its first line and its length, which is left out when it is one."""
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
