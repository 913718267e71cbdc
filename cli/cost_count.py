"""What the guests of a stack take of their hosts, added up; nothing here asks anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.taken import GUESTS, Taken, taken_by

TYPE = "pulumi-python:dynamic/proxmox:"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class HostCost:
    """A node: what the stack takes of it, what all that runs there uses now, and what it has."""

    connection: str
    node: str
    guests: int
    memory: int
    memory_used: int
    memory_total: int
    cores: int
    cores_total: int


@dataclass(frozen=True)
class StorageCost:
    """A storage in the same way; one that all nodes share has no node."""

    connection: str
    node: str | None
    storage: str
    disks: int
    used: int
    total: int


def guests_in(state: Iterable[Row]) -> list[Taken]:
    """The guests among a stack's resources."""
    types = {f"{TYPE}{name}" for name in GUESTS}
    return [taken_by(each.get("outputs") or each.get("inputs") or {}) for each in state if each.get("type") in types]


def hosts(taken: Mapping[str, Iterable[Taken]], rows: Mapping[str, Iterable[Row]]) -> list[HostCost]:
    """Connection -> guests, and what `/cluster/resources` says there: a line for each node with guests of the stack."""
    found = []
    for connection, guests in taken.items():
        by_node: dict[str, list[Taken]] = {}
        for guest in guests:
            by_node.setdefault(guest.node, []).append(guest)
        has = {row.get("node"): row for row in rows[connection] if row.get("type") == "node"}
        for node, there in sorted(by_node.items()):
            row = has.get(node, {})
            memory, cores = sum(each.memory for each in there), sum(each.cores for each in there)
            used, total = int(row.get("mem") or 0), int(row.get("maxmem") or 0)
            cpus = int(row.get("maxcpu") or 0)
            found.append(HostCost(connection, node, len(there), memory, used, total, cores, cpus))
    return found


def storages(taken: Mapping[str, Iterable[Taken]], rows: Mapping[str, Iterable[Row]]) -> list[StorageCost]:
    """The same for storages: a line for each that has disks of the stack."""
    found = []
    for connection, guests in taken.items():
        has = {(row.get("node"), row.get("storage")): row for row in rows[connection] if row.get("type") == "storage"}
        disks: Counter[tuple[str | None, str]] = Counter()
        of: dict[tuple[str | None, str], Row] = {}
        for guest in guests:
            for storage, size in guest.disks.items():
                row = has.get((guest.node, storage), {})
                key = (None if row.get("shared") else guest.node, storage)
                disks[key] += size
                of[key] = row
        for (node, storage), size in sorted(disks.items(), key=lambda each: (each[0][0] or "", each[0][1])):
            row = of[node, storage]
            used, total = int(row.get("disk") or 0), int(row.get("maxdisk") or 0)
            found.append(StorageCost(connection, node, storage, size, used, total))
    return found
