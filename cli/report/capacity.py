"""What a stack's guests take of each host and storage, before and after, beside what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.report.plan import Part, host_of
from cli.taken import Taken, taken_by

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SHARED = "shared"
"""Stands for the node of a storage that all nodes of its connection share."""

Storage = tuple[str, str]
"""A host and a storage of it."""


@dataclass(frozen=True)
class Load:
    """Of one host."""

    guests: int = 0
    memory: int = 0
    """Bytes."""
    cores: int = 0

    def __add__(self, other: Load) -> Load:
        """Both together."""
        return Load(self.guests + other.guests, self.memory + other.memory, self.cores + other.cores)


@dataclass(frozen=True)
class Room:
    """What hosts have; empty where nobody was asked."""

    hosts: Mapping[str, Load] = field(default_factory=dict)
    storages: Mapping[Storage, int] = field(default_factory=dict)
    """Bytes."""
    shared: Mapping[Storage, Storage] = field(default_factory=dict)
    """A shared storage as a host names it -> the one that it is."""


@dataclass(frozen=True)
class Capacity:
    """Each as it is and as it will be."""

    hosts: Mapping[str, tuple[Load, Load]]
    storages: Mapping[Storage, tuple[int, int]]
    """Bytes of declared volumes."""


def room_of(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> Room:
    """Connection -> what `/cluster/resources` says there. The only connection need not be named by a resource."""
    hosts: dict[str, Load] = {}
    storages: dict[Storage, int] = {}
    shared: dict[Storage, Storage] = {}
    for connection, told in rows.items():
        names = [connection] if len(rows) > 1 else [connection, None]
        for row, name in ((row, name) for row in told for name in names):
            host = host_of({"connection": name, "node": row.get("node")})
            if row.get("type") == "node":
                hosts[host] = Load(0, int(row.get("maxmem") or 0), int(row.get("maxcpu") or 0))
            elif row.get("type") == "storage":
                mine = (host, str(row["storage"]))
                if row.get("shared"):
                    shared[mine] = (host_of({"connection": name, "node": SHARED}), mine[1])
                storages[shared.get(mine, mine)] = int(row.get("maxdisk") or 0)
    return Room(hosts, storages, shared)


def capacity_of(parts: Iterable[Part], room: Room | None = None) -> Capacity:
    """Added up over all guests."""
    shared = room.shared if room else {}
    hosts: dict[str, list[Load]] = {}
    storages: dict[Storage, list[int]] = {}
    for part in parts:
        for side, values in enumerate((part.before, part.after)):
            if not part.is_guest or not values:
                continue
            host, taken = host_of(values), taken_by(values)
            hosts.setdefault(host, [Load(), Load()])[side] += _load(taken)
            for storage, size in taken.disks.items():
                where = (host, storage)
                storages.setdefault(shared.get(where, where), [0, 0])[side] += size
    return Capacity(
        {host: (both[0], both[1]) for host, both in sorted(hosts.items())},
        {where: (both[0], both[1]) for where, both in sorted(storages.items())},
    )


def _load(taken: Taken) -> Load:
    return Load(1, taken.memory, taken.cores)


def readable(size: int) -> str:
    """As Proxmox would write it: in the largest unit that leaves at most one digit behind the point."""
    for unit, factor in reversed(UNITS.items()):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}iB"
    return "0"
