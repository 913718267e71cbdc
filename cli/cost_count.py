"""What the guests of a stack take of their hosts, added up; nothing here asks anybody.

Memory and processors are counted for guests that are meant to run, and disks in their full size, whether a storage is
thin or a disk is linked to its template: it is what they can grow to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers._guests.budget import DEFAULT_MEMORY, MIB
from providers._guests.volumes import is_cdrom, slots
from providers._runtime.registry import handler_of
from providers._runtime.wire import size_bytes

KINDS = {"VirtualMachine": "vm", "Container": "container"}
TYPE = "pulumi-python:dynamic/proxmox:"

Row = Mapping[str, Any]
At = tuple[str, str]
"""A connection and a node."""


@dataclass(frozen=True)
class Taken:
    """What one guest takes, in bytes."""

    connection: str | None
    node: str
    memory: int
    cores: int
    disks: Mapping[str, int]
    """By storage."""


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
    kinds = {f"{TYPE}{name}": kind for name, kind in KINDS.items()}
    return [_taken(kinds[str(each["type"])], each) for each in state if each.get("type") in kinds]


def _taken(kind: str, resource: Row) -> Taken:
    values = resource.get("outputs") or resource.get("inputs") or {}
    runs = values.get("started", True) and not values.get("template")
    disks: Counter[str] = Counter()
    for slot in slots(handler_of(kind).inputs, values).values():
        storage, size = slot.values.get("storage"), slot.values.get("size")
        if storage and size and not is_cdrom(str(slot.values.get(str(slot.part.default_key), ""))):
            disks[storage] += size_bytes(size)
    return Taken(
        connection=values.get("connection"),
        node=str(values["node"]),
        memory=int(values.get("memory") or DEFAULT_MEMORY) * MIB if runs else 0,
        cores=int(values.get("sockets") or 1) * int(values.get("cores") or 1) if runs else 0,
        disks=disks,
    )


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
