"""The part of `/etc/hosts` that belongs to a resource: a block between two marks; everything else is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from providers._runtime.ownership import Owner

Names = dict[str, list[str]]
"""Address -> the names that it has, the first of them its own."""


def _marks(owner: Owner) -> tuple[str, str]:
    return f"# begin {owner.mark}", f"# end {owner.mark}"


def _block(owner: Owner) -> re.Pattern[str]:
    """The block, whatever project and stack are called by now: the key tells whose it is."""
    key = re.escape(owner.key)
    return re.compile(rf"^# begin \[pulumi \S+ {key}\]\n(.*?)^# end \[pulumi \S+ {key}\]\n?", re.DOTALL | re.MULTILINE)


def names_in(text: str, owner: Owner) -> Names | None:
    """The owner's names; None where there is no block of that owner."""
    found = _block(owner).search(text)
    return dict(_lines(found[1])) if found else None


def others_in(text: str, owner: Owner) -> Names:
    """What stands in the rest of the file."""
    return dict(_lines(without(text, owner)))


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if address:
            yield address, names


def with_names(text: str, owner: Owner, names: Names) -> str:
    """The text with the owner's block as it is to be: where it was, or at the end."""
    begin, end = _marks(owner)
    block = "\n".join([begin, *(" ".join([address, *names[address]]) for address in names), end, ""])
    changed, count = _block(owner).subn(lambda _: block, text, count=1)
    if count:
        return changed
    return (text if text.endswith("\n") or not text else f"{text}\n") + block


def without(text: str, owner: Owner) -> str:
    """The text without the owner's block."""
    return _block(owner).sub("", text)
