"""What Pulumi says, without secrets: neither as values, nor within names and messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "[secret]"
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""How Pulumi marks a value of its own kind in JSON, such as a secret."""
SHORTEST = 3
"""A secret that is shorter is looked for nowhere: it would be found in every word."""
FORM = frozenset(
    {
        "custom",
        "diagnostics",
        "impact",
        "inputs",
        "message",
        "newState",
        "oldState",
        "op",
        "outputs",
        "retainOnDelete",
        "severity",
        "steps",
        "type",
        "urn",
    }
)
"""Names that are Pulumi's own."""
WORDS = frozenset({"op", "severity", "type"})
"""Of these, the ones whose values are Pulumi's too."""


def masked(told: Any, secrets: Iterable[str]) -> Any:
    """The same with each secret masked wherever it is, also as a part of a name."""
    words = sorted({word for word in secrets if len(word) >= SHORTEST and word != MASK}, key=len, reverse=True)
    return _masked(told, words)


def _masked(told: Any, words: list[str]) -> Any:
    if isinstance(told, str):
        for word in words:
            told = told.replace(word, MASK)
        return told
    if isinstance(told, Mapping):
        if SIGNATURE in told:
            return MASK
        return {
            name if name in FORM else _masked(name, words): value if name in WORDS else _masked(value, words)
            for name, value in told.items()
        }
    if isinstance(told, list):
        return [_masked(item, words) for item in told]
    return told


def leaves(told: Any) -> Iterator[str]:
    """Every text and number in a value, as text."""
    if isinstance(told, Mapping):
        for value in told.values():
            yield from leaves(value)
    elif isinstance(told, list):
        for item in told:
            yield from leaves(item)
    elif told is not None and not isinstance(told, bool):
        yield str(told)
