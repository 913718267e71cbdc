"""What is wrong with what somebody has declared, in the words in which it is told."""

from __future__ import annotations

from typing import Any, NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong: where, what is there, and why it can't be so with what to do."""

    key: str
    value: Any
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason} (it is {self.value!r})"
