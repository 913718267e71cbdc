"""What a command reads and writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from simulator.guests.inside import Finished

Write = Callable[[bytes], None]


@dataclass(slots=True)
class Input:
    """What comes in, part after part; what was taken and is not needed can be put back."""

    source: Callable[[], Awaitable[bytes]]
    left: bytes = b""

    async def read(self) -> bytes:
        """Return everything up to the end."""
        parts = [self.left]
        self.left = b""
        while part := await self.source():
            parts.append(part)
        return b"".join(parts)

    async def line(self) -> bytes:
        """Return a line with its end, or nothing at the end."""
        while b"\n" not in self.left:
            part = await self.source()
            if not part:
                break
            self.left += part
        line, newline, self.left = self.left.partition(b"\n")
        return line + newline


def holding(data: bytes) -> Input:
    """Return an input that holds these bytes."""
    return Input(_nothing, data)


async def _nothing() -> bytes:
    return b""


def forget(_data: bytes) -> None:
    """Write to nowhere."""


@dataclass(slots=True)
class Streams:
    """The three streams of a command."""

    input: Input
    out: Write
    error: Write

    async def read(self) -> bytes:
        """Return all that comes in."""
        return await self.input.read()

    def end(self, finished: Finished) -> int:
        """Say what a program has said that ran elsewhere, and return its exit code."""
        self.out(finished.out)
        self.error(finished.error)
        return finished.code

    def say(self, text: str) -> None:
        """Write a line of output."""
        self.out(f"{text}\n".encode(errors="surrogateescape"))

    def complain(self, text: str) -> None:
        """Write a line of errors."""
        self.error(f"{text}\n".encode(errors="surrogateescape"))
