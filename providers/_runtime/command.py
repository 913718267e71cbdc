"""How a command in a guest or on a node has ended, whichever way it was run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: bytes
    error: bytes
