"""The fewest calls that bring one list of rules to another.

Proxmox has four calls for a list: a new rule comes before all others (POST; it pays no attention to a position), a
rule moves before another one (PUT with `moveto`), a rule becomes another one where it is (PUT), a rule goes (DELETE).
A rule that is in both lists is the same rule, the last of several equal ones being the same as the last; it stays or
moves, and is never made from another rule. Each of the others goes, comes, or becomes one that comes. So:

- a rule that goes costs one call, or none where it becomes one that comes, which costs one;
- a rule that comes costs one call, and another to move it, unless it is before all rules that stay;
- a rule that is in both lists costs a call only where it moves.

The fewest calls follow from the longest common subsequence of the two lists, in which all rules that go and all that
come count as alike: what is in it is where it should be. The list is cut where most rules come before it for free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

Deed = Literal["insert", "move", "change", "remove"]
_TOLD = 12


@dataclass(frozen=True)
class Edit:
    """One call."""

    deed: Deed
    position: int = 0
    """Of the rule, before the call."""
    item: int = 0
    """insert, change: index of the rule in the wanted list."""
    to: int = 0
    """move: the position before which it goes."""


@dataclass(frozen=True)
class Plan:
    """What becomes of each rule."""

    sources: list[int | None]
    """For each wanted rule, where it is or what it is made of; None: it is new."""
    in_place: frozenset[int]
    """The wanted rules that don't move."""
    changed: frozenset[int]
    """The wanted rules that are made of others."""
    removed: list[int]

    @property
    def edits(self) -> list[Edit]:
        """The calls in their order: what comes first, what goes last."""
        return _Steps(self).all()


def plan(before: Sequence[Hashable], after: Sequence[Hashable]) -> Plan:
    """The fewest calls from one list to the other."""
    old, new = _numbered(before), _numbered(after)
    where = {key: position for position, key in enumerate(old)}
    goes, comes = set(old) - set(new), set(new) - set(old)
    first = [None if key in goes else key for key in old]
    second = [None if key in comes else key for key in new]
    lengths = _common_lengths(first, second)
    start = _cut(lengths[0], second, len(goes), len(comes))
    aligned = _aligned(first, second, lengths, start)
    spare = [position for position, key in enumerate(old) if key in goes and position not in aligned.values()]
    sources: list[int | None] = []
    for item, key in enumerate(new):
        if item in aligned:
            sources.append(aligned[item])
        elif key in where:
            sources.append(where[key])
        else:
            sources.append(spare.pop(0) if item >= start and spare else None)
    free = {item for item in range(start) if sources[item] is None}
    changed = {item for item, source in enumerate(sources) if source is not None and old[source] != new[item]}
    return Plan(sources, frozenset(free | set(aligned)), frozenset(changed), spare)


def told(before: Sequence[Hashable], after: Sequence[Hashable]) -> str:
    """`insert 3 at 2, move 7 to 1, change 4, remove 9`: the same in words, by positions of the lists."""
    found = plan(before, after)
    words: list[str] = []
    item = 0
    while item < len(found.sources):
        source, first = found.sources[item], item
        while item < len(found.sources) and found.sources[item] is None:
            item += 1
        if source is None:
            words.append(f"insert {item - first} at {first}")
            continue
        words += [f"move {source} to {item}"] if item not in found.in_place else []
        words += [f"change {item}"] if item in found.changed else []
        item += 1
    words += [f"remove {position}" for position in found.removed]
    rest = len(words) - _TOLD
    return ", ".join([*words[:_TOLD], f"and {rest} more"] if rest > 0 else words)


def _numbered(items: Sequence[Hashable]) -> list[tuple[Hashable, int]]:
    """Equal ones told apart by their number, counted from the end: new ones come in at the front."""
    seen: Counter[Hashable] = Counter()
    numbered = []
    for item in reversed(items):
        numbered.append((item, seen[item]))
        seen[item] += 1
    return numbered[::-1]


def _common_lengths(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[list[int]]:
    """The length of the longest common subsequence of every two tails."""
    below = [0] * (len(second) + 1)
    rows = [below]
    for item in reversed(first):
        row = [0] * (len(second) + 1)
        for column in range(len(second) - 1, -1, -1):
            if second[column] == item:
                row[column] = below[column + 1] + 1
            else:
                row[column] = max(below[column], row[column + 1])
        rows.append(row)
        below = row
    return rows[::-1]


def _cut(lengths: Sequence[int], second: Sequence[Hashable], goes: int, comes: int) -> int:
    """How many wanted rules stand before all that stay, so that the new ones among them need not move."""
    best, start, free = -1, 0, 0
    for column, length in enumerate(lengths):
        saved = length + min(free + goes, comes)
        if saved > best:
            best, start = saved, column
        free += column < len(second) and second[column] is None
    return start


def _aligned(
    first: Sequence[Hashable], second: Sequence[Hashable], lengths: list[list[int]], column: int
) -> dict[int, int]:
    """Index in the wanted list -> position, of all that are where they should be."""
    found, row = {}, 0
    while row < len(first) and column < len(second):
        if first[row] == second[column]:
            found[column] = row
            row, column = row + 1, column + 1
        elif lengths[row + 1][column] >= lengths[row][column + 1]:
            row += 1
        else:
            column += 1
    return found


class _Steps:
    """Goes through a plan, with the list as it is after every call."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._target: list[tuple[str, int]] = [
            ("new", item) if source is None else ("old", source) for item, source in enumerate(plan.sources)
        ]
        kept = {source for source in plan.sources if source is not None}
        self._now = [("old", position) for position in range(len(kept) + len(plan.removed))]

    def all(self) -> list[Edit]:
        """All calls."""
        return [*self._inserts(), *self._moves(), *self._changes(), *self._removals()]

    def _inserts(self) -> list[Edit]:
        new = [item for item, source in enumerate(self._plan.sources) if source is None]
        self._now = [("new", item) for item in new] + self._now
        return [Edit("insert", item=item) for item in reversed(new)]

    def _moves(self) -> list[Edit]:
        """Each one right behind the one before it."""
        edits = []
        for item, rule in enumerate(self._target):
            here = self._now.index(rule)
            to = self._now.index(self._target[item - 1]) + 1 if item else 0
            if item in self._plan.in_place or to in (here, here + 1):
                continue
            edits.append(Edit("move", here, to=to))
            del self._now[here]
            self._now.insert(to - (to > here), rule)
        return edits

    def _changes(self) -> list[Edit]:
        return [Edit("change", self._now.index(self._target[item]), item) for item in sorted(self._plan.changed)]

    def _removals(self) -> list[Edit]:
        gone = sorted((self._now.index(("old", position)) for position in self._plan.removed), reverse=True)
        return [Edit("remove", position) for position in gone]
