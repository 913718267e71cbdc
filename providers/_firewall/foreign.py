"""Whose rules are whose in a list that several may write to, and what becomes of those of others.

A rule that a resource makes carries the resource's mark behind its comment. One whose comment somebody has written
anew is still known by the rest of its content, from the state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from providers._firewall.rule_list import Row, contents, identity
from providers._runtime.model import Values
from providers._runtime.ownership import Owner, marked, owner_in, unmarked

Foreign = Literal["keep-above", "keep-below", "remove", "fail"]


@dataclass(frozen=True)
class Shared:
    """A list of rules with those of one resource in it."""

    contents: list[Values]
    """As they are on the host, marks and all."""
    own: list[bool]
    """Which of them are the resource's."""

    @classmethod
    def of(cls, rows: Sequence[Row], owner: Owner, recorded: Iterable[Values]) -> Shared:
        """Tell them apart; `recorded` are the rules that the resource had."""
        there = contents(rows)
        owners = [owner_in(content.get("comment")) for content in there]
        lost = Counter(_gist(content) for content in recorded)
        lost.subtract(_gist(content) for content, whose in zip(there, owners, strict=True) if whose == owner)
        own = []
        for content, whose in zip(there, owners, strict=True):
            found_again = whose is None and lost[_gist(content)] > 0
            lost[_gist(content)] -= found_again
            own.append(whose == owner or found_again)
        return cls(there, own)

    @property
    def others(self) -> list[Values]:
        """The rules that are not the resource's."""
        return [content for content, own in zip(self.contents, self.own, strict=True) if not own]

    def target(self, rules: Iterable[Values], owner: Owner, foreign: Foreign) -> list[Values]:
        """The whole list as it should be."""
        ours = [{**rule, "comment": marked(rule.get("comment"), owner)} for rule in rules]
        if foreign == "keep-above":
            return [*self.others, *ours]
        return [*ours, *self.others] if foreign == "keep-below" else ours

    @property
    def ours(self) -> list[Values]:
        """The resource's rules, without its mark."""
        return [as_written(content) for content, own in zip(self.contents, self.own, strict=True) if own]

    def in_the_way(self, foreign: Foreign) -> list[Values]:
        """Rules of others that stand where there should be none."""
        first, end = 0, len(self.own)
        if foreign == "keep-above" and any(self.own):
            first = self.own.index(True)
        elif foreign == "keep-below" and any(self.own):
            end -= self.own[::-1].index(True)
        return [self.contents[place] for place in range(first, end) if not self.own[place]]


def as_written(content: Values) -> Values:
    """A rule without the mark in its comment."""
    comment = unmarked(content.get("comment"))
    rest = {name: value for name, value in content.items() if name != "comment"}
    return {**rest, **({"comment": comment} if comment else {})}


def words(content: Values) -> str:
    """A rule, told to people."""
    text = f"{content['type']} {content['action']}"
    details = [
        f"{name} {value}" for name, value in as_written(content).items() if name not in ("type", "action", "enable")
    ]
    return " ".join([text, *details])


def _gist(content: Values) -> Hashable:
    """A rule without its comment."""
    return identity({name: value for name, value in content.items() if name != "comment"})
