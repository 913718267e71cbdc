"""What a guest takes of its host, read from its values; what they don't know yet is not counted.

Memory and processors are counted for guests that are meant to run, and disks in their full size, whether a storage is
thin or a disk is linked to its template: it is what they can grow to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from providers._guests.budget import DEFAULT_MEMORY, MIB
from providers._guests.volumes import is_cdrom
from providers._runtime.errors import InvalidValue
from providers._runtime.wire import size_bytes

GUESTS = {"VirtualMachine": "qemu", "Container": "lxc"}
"""Classes of resources that are guests, and what Proxmox calls each."""

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Taken:
    """What one guest takes, in bytes."""

    connection: str | None
    node: str
    memory: int
    cores: int
    disks: Mapping[str, int]
    """By storage."""


def taken_by(values: Values) -> Taken:
    """By a guest with these inputs or outputs."""
    runs = values.get("started", True) and not values.get("template")
    disks: Counter[str] = Counter()
    for storage, size in _volumes(values):
        disks[storage] += size
    return Taken(
        connection=values.get("connection"),
        node=str(values.get("node") or ""),
        memory=(_number(values.get("memory")) or DEFAULT_MEMORY) * MIB if runs else 0,
        cores=(_number(values.get("sockets")) or 1) * (_number(values.get("cores")) or 1) if runs else 0,
        disks=disks,
    )


def _number(value: object) -> int:
    """0 for what is not declared or not known yet."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _volumes(value: Any) -> Iterator[tuple[str, int]]:
    """Everything that says a storage and a size, wherever it is, but for images in drives."""
    if not isinstance(value, Mapping):
        return
    size = _bytes_of(value.get("size"))
    if isinstance(value.get("storage"), str) and size:
        if not is_cdrom(str(value.get("file", ""))):
            yield value["storage"], size
        return
    for inner in value.values():
        yield from _volumes(inner)


def _bytes_of(size: object) -> int:
    """`16G` as a number; 0 for what is no size."""
    try:
        return size_bytes(size) if isinstance(size, str) else 0
    except InvalidValue:
        return 0
