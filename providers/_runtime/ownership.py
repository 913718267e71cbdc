"""How a resource knows its own objects again: a mark in their comment or description.

A run can die after Proxmox made an object and before the engine noted it. The next run finds the mark and goes on
from there, instead of making a second object. The mark names project and stack for the people who read it, and the
resource by a hash of its URN.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_MARK = re.compile(r"\s*\[pulumi ([^\s\]]+) ([0-9a-f]{12})\]\s*$")


@dataclass(frozen=True)
class Owner:
    """The resource that an object belongs to, as far as its mark tells."""

    stack: str
    """`project/stack`, for people."""
    key: str
    """Twelve hex digits of the URN's hash."""

    @classmethod
    def of_urn(cls, urn: str) -> Owner:
        """The owner that a resource of the program is."""
        stack, project = urn.removeprefix("urn:pulumi:").split("::")[:2]
        return cls(f"{project}/{stack}", hashlib.sha256(urn.encode()).hexdigest()[:12])

    @property
    def mark(self) -> str:
        """The text that goes into the object."""
        return f"[pulumi {self.stack} {self.key}]"


def marked(text: str | None, owner: Owner) -> str:
    """The user's text with the owner's mark behind it."""
    plain = unmarked(text)
    return f"{plain} {owner.mark}" if plain else owner.mark


def unmarked(text: str | None) -> str | None:
    """The user's own text; None if there is nothing but a mark."""
    return _MARK.sub("", text or "").rstrip() or None


def owner_in(text: str | None) -> Owner | None:
    """Whose mark is in the text."""
    found = _MARK.search(text or "")
    return Owner(found[1], found[2]) if found else None
