"""What a stack's guests take of each host and storage, before and after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.report.plan import GUESTS, Part, Values, host_of

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class Load:
    """Of one host; what a guest does not declare is not counted."""

    guests: int = 0
    memory: int = 0
    """MiB."""
    cores: int = 0

    def __add__(self, other: Load) -> Load:
        """Both together."""
        return Load(self.guests + other.guests, self.memory + other.memory, self.cores + other.cores)


@dataclass(frozen=True)
class Capacity:
    """Each as it is and as it will be."""

    hosts: Mapping[str, tuple[Load, Load]]
    storages: Mapping[tuple[str, str], tuple[int, int]]
    """Host and storage -> bytes of declared volumes."""


def capacity_of(parts: Iterable[Part]) -> Capacity:
    """Added up over all guests."""
    hosts: dict[str, list[Load]] = {}
    storages: dict[tuple[str, str], list[int]] = {}
    for part in parts:
        for side, values in enumerate((part.before, part.after)):
            if part.type not in GUESTS or not values:
                continue
            host = host_of(values)
            hosts.setdefault(host, [Load(), Load()])[side] += _load(values)
            for storage, size in _volumes(values):
                storages.setdefault((host, storage), [0, 0])[side] += size
    return Capacity(
        {host: (both[0], both[1]) for host, both in sorted(hosts.items())},
        {where: (both[0], both[1]) for where, both in sorted(storages.items())},
    )


def _load(values: Values) -> Load:
    return Load(1, _number(values.get("memory")), _number(values.get("cores")) * (_number(values.get("sockets")) or 1))


def _number(value: object) -> int:
    """0 for what is not declared or not known yet."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _volumes(value: Any) -> Iterator[tuple[str, int]]:
    """Everything that says a storage and a size, wherever it is."""
    if not isinstance(value, Mapping):
        return
    size = bytes_of(value.get("size"))
    if isinstance(value.get("storage"), str) and size:
        yield value["storage"], size
        return
    for inner in value.values():
        yield from _volumes(inner)


def bytes_of(size: object) -> int:
    """`16G` as a number; 0 for what is no size."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT])", size) if isinstance(size, str) else None
    return int(float(found[1]) * UNITS[found[2]]) if found else 0


def readable(size: int) -> str:
    """As Proxmox would write it: in the largest unit that leaves at most one digit behind the point."""
    for unit, factor in reversed(UNITS.items()):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}iB"
    return "0"
