"""Which host each guest is on: by hand, or by room.

Where hosts share nothing, a guest that is placed anew would be destroyed and made again, and elsewhere it would be
moved; so what counts is that guests stay where they are. Each guest prefers a host by its name alone, the members of a
group by turns; it takes the next one only if there is no room left. The guests are placed in the order in which they
are declared: one that is added at the end moves nobody. Nor does a host that is said to have been added: it gets the
guests that the others have no room for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from components.problem import Problem

Size = Annotated[str, Field(pattern=r"^[1-9]\d*[MGT]$")]
"""Such as 16G."""
MIB = {"M": 1, "G": 1 << 10, "T": 1 << 20}


def mebibytes(size: str) -> int:
    """`16G` as a number of MiB."""
    match = re.fullmatch(r"(\d+)([MGT])", size)
    if match is None:
        raise ValueError(f"{size!r} is no size: write it like 16G, with M, G or T")
    return int(match[1]) * MIB[match[2]]


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a host has for guests, or what a guest takes: MiB of memory and of disk."""

    memory: int
    disk: int

    def has(self, other: Room) -> bool:
        """Whether the other fits in."""
        return other.memory <= self.memory and other.disk <= self.disk

    def without(self, other: Room) -> Room:
        """What is left when the other has been taken."""
        return Room(memory=self.memory - other.memory, disk=self.disk - other.disk)

    def __str__(self) -> str:
        return f"{self.memory} MiB of memory and {self.disk / 1024:g} GiB of disk"


@dataclass(frozen=True, kw_only=True)
class Reserve:
    """What guests don't get of a host."""

    memory: Size = "2G"
    disk: Size = "50G"


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a host has, and how much of it guests don't get."""

    memory: Size
    disk: Size
    """How much the storage of the guests' disks holds."""
    reserve: Reserve = Reserve()

    def problems(self, key: str) -> Iterator[Problem]:
        """What is reserved without being there; `key` is where the host is declared."""
        for resource in ("memory", "disk"):
            if getattr(self.room, resource) <= 0:
                reason = "the host does not even have what is reserved for itself; take less"
                yield Problem(f"{key}.reserve.{resource}", getattr(self.reserve, resource), reason)

    @property
    def room(self) -> Room:
        """What it has for guests."""
        return Room(
            memory=mebibytes(self.memory) - mebibytes(self.reserve.memory),
            disk=mebibytes(self.disk) - mebibytes(self.reserve.disk),
        )


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A guest that wants a place."""

    name: str
    takes: Room
    group: str
    """Guests of one group are spread over the hosts by turns."""
    number: int = 0
    """Its place in the group."""
    host: str | None = None
    """The host, where somebody has chosen it by hand."""


class NoRoomError(ValueError):
    """A guest does not fit anywhere that it may be."""

    def __init__(self, wish: Wish, free: Mapping[str, Room]) -> None:
        self.wish = wish
        left = ", ".join(f"{host}: {room}" for host, room in free.items())
        super().__init__(f"{wish.name} takes {wish.takes}, and what is left is no more than this: {left}")


def place(hosts: Mapping[str, Room], wishes: Sequence[Wish], added: Collection[str] = ()) -> dict[str, str]:
    """The host of each guest, by its name; `added` are the hosts that came when guests were placed already."""
    first = [host for host in hosts if host not in added]
    last = sorted(host for host in hosts if host in added)
    free, placed = dict(hosts), dict[str, str]()
    for wish in wishes:
        wanted = [wish.host] if wish.host is not None else [*_preferred(first, wish), *last]
        host = next((host for host in wanted if free[host].has(wish.takes)), None)
        if host is None:
            raise NoRoomError(wish, {host: free[host] for host in wanted})
        free[host] = free[host].without(wish.takes)
        placed[wish.name] = host
    return placed


def _preferred(hosts: Collection[str], wish: Wish) -> list[str]:
    """The hosts, the best first; the same for a name whatever else there is."""
    ranked = sorted(hosts, key=lambda host: hashlib.sha256(f"{wish.group} {host}".encode()).hexdigest())
    first = wish.number % max(1, len(ranked))
    return ranked[first:] + ranked[:first]
