"""The door to the inside of a running guest: whoever opens it can run programs there and read and write files.

What is behind the door depends on the topology: a plain model (`plain_inside`), or a container that is really there.
`World.inside` opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from simulator.records import Guest
    from simulator.state import Datacenter, World


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that has ended inside a guest."""

    code: int
    out: bytes
    error: bytes


class Inside(Protocol):
    """The inside of a running guest, as root sees it."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run a program to its end; one that is not there ends with 127."""

    async def read(self, path: str) -> bytes:
        """Return a file's content; raises the OSError that a file system gives."""

    async def write(self, path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Write a file; raises the OSError that a file system gives."""


class Programs(Protocol):
    """The programs that packages have put on a node, where they run for real."""

    def has(self, path: str) -> bool:
        """Tell whether a program, or the file of a unit, is really there."""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run one to its end, with the files that are on the node."""


Opening = Callable[["World", "Datacenter", "Guest"], Inside]
