"""What the guests of a program take together of a node and its storages, against what is there.

Refused is only what can't be: a volume for which there is no room, more than all that a node has. Memory, processors
and thin storages may be promised more than once, so that is a warning.

Counted is what changes: what runs already is in the figures of the host, and these are taken as this run found them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from providers._guests.place import source_row
from providers._guests.volumes import is_cdrom, slots
from providers._runtime.facts import Facts, Row
from providers._runtime.model import Inputs, Problem, Values, from_wire
from providers._runtime.ownership import Owner
from providers._runtime.wire import size_bytes, size_text

MIB = 1 << 20
GIB = 1 << 30
DEFAULT_MEMORY = 512
"""MiB that Proxmox gives a guest which declares nothing."""
GIB_A_TIB = 1024
SHARES = 4
"""Guests' processors for each one of the node from which on a program is warned: they take turns."""


@dataclass(frozen=True)
class Budget:
    """What one guest asks for, added up with what the program's other guests ask for."""

    kind: str
    inputs: type[Inputs]
    facts: Facts
    owner: Owner
    before: Values
    wanted: Values

    def refused(self, node: Row) -> Iterator[Problem]:
        """What can't be."""
        memory, total = self._memory(self._whole), int(node.get("maxmem") or 0)
        if total and memory > total:
            whole = size_text(total // MIB * MIB)
            yield "memory", f"{size_text(memory)} is more than {node['node']} has ({whole})"
        cpus, there = self._cpus(self._whole), int(node.get("maxcpu") or 0)
        if there and self.kind == "qemu" and self._runs(self.wanted) and cpus > there:
            yield "cores", f"it would not start with {cpus} processors: {node['node']} has {there}"
        for storage, asked in self._room.items():
            yield from self._too_much(storage, asked)

    def tight(self) -> Iterator[str]:
        """What fits only as long as not all of it is used; in words that don't differ between guests."""
        node = str(self.wanted.get("node"))
        row = next((row for row in self.facts.before_this_run("node") if row.get("node") == node), {})
        free = int(row.get("maxmem") or 0) - max(int(row.get("mem") or 0), self._kept_for_zfs(node))
        if "mem" in row and self._together(("memory", node), self._more_memory) > free:
            yield f"the guests of this program have more memory on {node} than is free there ({free / GIB:.1f} GiB)"
        cpus = int(row.get("maxcpu") or 0)
        if cpus and self._together(("cpus", node), self._more_cpus) > SHARES * cpus:
            yield f"the guests of this program have more than {SHARES} times the {cpus} processors of {node}"
        for storage, asked in self._room.items():
            room = self._free(storage)
            if room and not self._is_thick(storage) and self._together(self._account(storage), asked) > room:
                yield (
                    f"the volumes of this program on {storage!r} will need more than the {room / GIB:.1f} GiB that are "
                    f"free there, once they are full"
                )

    def _kept_for_zfs(self, node: str) -> int:
        """Bytes of memory that ZFS wants for itself, whether or not it has them now: about a GiB for each TiB."""
        rows = (row for row in self.facts.before_this_run("storage") if row.get("node") == node)
        return sum(int(row.get("maxdisk") or 0) for row in rows if row.get("plugintype") == "zfspool") // GIB_A_TIB

    def _together(self, what: object, amount: int) -> int:
        return self.facts.ask_for(what, self.owner.key, amount)

    # ------------------------------------------------------------ memory and processors

    @cached_property
    def _is_there(self) -> bool:
        """Whether the host's figures have it in them: made by a run that died, or to be taken over."""
        rows = self.facts.before_this_run(self.kind)
        return not self.before and any(row.get("vmid") == self.wanted.get("vmid") for row in rows)

    @cached_property
    def _whole(self) -> Values:
        """What is declared, over what its source has."""
        return {**self._source, **self.wanted}

    def _runs(self, values: Values) -> bool:
        return bool(values.get("started", True)) and not values.get("template")

    @staticmethod
    def _memory(values: Values) -> int:
        """In bytes; the long form of a configuration, which only a source can have, counts as the default."""
        given = values.get("memory")
        return (given if isinstance(given, int) else DEFAULT_MEMORY) * MIB

    @staticmethod
    def _cpus(values: Values) -> int:
        return int(values.get("sockets") or 1) * int(values.get("cores") or 1)

    def _more(self, now: int, before: int) -> int:
        """What it takes more than the host's figures say already."""
        if self._is_there or not self._runs(self.wanted):
            return 0
        stays = self.before and self._runs(self.before) and self.before.get("node") == self.wanted.get("node")
        return now - before if stays else now

    @property
    def _more_memory(self) -> int:
        return self._more(self._memory(self._whole), self._memory(self.before))

    @property
    def _more_cpus(self) -> int:
        return self._more(self._cpus(self._whole), self._cpus(self.before))

    # ------------------------------------------------------------ storages

    @cached_property
    def _source(self) -> Values:
        """What the guest that it is cloned from has."""
        clone = self.wanted.get("clone")
        row = source_row(self.facts, self.kind, clone, self.wanted.get("node")) if clone and not self.before else None
        raw = self.facts.look(f"/nodes/{row['node']}/{self.kind}/{row['vmid']}/config") if row else None
        return from_wire(self.inputs, raw) | {"template": row.get("template")} if row and raw else {}

    @cached_property
    def _room(self) -> Counter[str]:
        """Bytes that its volumes take more than now, by storage."""
        asked: Counter[str] = Counter()
        if self._is_there:
            return asked
        clone = self.wanted.get("clone") or {}
        target = {"storage": clone["storage"]} if clone.get("storage") else {}
        source = _volumes(self.inputs, self._source)
        copied = {slot: {**values, **target} for slot, values in source.items()}
        linked = not clone.get("full", not self._source.get("template"))
        there = _volumes(self.inputs, self.before) or (source if linked else {})
        for slot, declared in {**dict.fromkeys(copied), **slots(self.inputs, self.wanted)}.items():
            if declared and declared.values.get(str(declared.part.default_key)) is not None:
                continue  # a drive, or a volume that is there already
            new = {**copied.get(slot, {}), **(declared.values if declared else {})}
            storage = new.get("storage")
            if storage and not self.facts.announced("storage", storage):
                asked[storage] += _growth(there.get(slot, {}) if self._stays(storage) else {}, new)
        return asked

    def _stays(self, storage: str) -> bool:
        """Whether a volume can be left where it is: one that all nodes see need not move with its guest."""
        return (
            not self.before
            or self.before.get("node") == self.wanted.get("node")
            or bool(self._row(storage).get("shared"))
        )

    def _row(self, storage: str) -> Row:
        """The storage as its node had it before this run; empty where it was not there, or can't be seen."""
        rows = (row for row in self.facts.before_this_run("storage") if row.get("storage") == storage)
        return next((row for row in rows if row.get("node") == self.wanted.get("node")), {})

    def _free(self, storage: str) -> int:
        row = self._row(storage)
        return int(row.get("maxdisk") or 0) - int(row.get("disk") or 0)

    def _account(self, storage: str) -> tuple[Any, ...]:
        """A storage that all nodes share is one; others are one on each node."""
        return "room", storage, None if self._row(storage).get("shared") else self.wanted.get("node")

    def _is_thick(self, storage: str) -> bool:
        """Whether its volumes take their whole size at once; on the others they take room as they fill."""
        type_ = self._row(storage).get("plugintype")
        if type_ != "zfspool" or self.kind != "qemu":
            return type_ == "lvm"
        configured = self.facts.look("/storage") or ()
        return not any(row.get("sparse") for row in configured if row.get("storage") == storage)

    def _too_much(self, storage: str, asked: int) -> Iterator[Problem]:
        """Thin storages may be promised more than they have, but no guest more than all of it."""
        total = int(self._row(storage).get("maxdisk") or 0)
        thick = self._is_thick(storage)
        room = self._free(storage) if thick else total
        together = self._together(self._account(storage), asked) if thick else asked
        if total and asked > 0 and together > room:
            whose = " by the guests of this program so far" if together > asked else ""
            yield (
                "disks",
                f"{together / GIB:.1f} GiB on {storage!r} are asked for{whose}, "
                f"and there is room for {room / GIB:.1f} GiB",
            )


def _volumes(inputs: type[Inputs], values: Values) -> dict[str, Values]:
    """Where each volume is and how big, by slot; without drives, which take no room."""
    return {
        slot: volume.values
        for slot, volume in slots(inputs, values).items()
        if not is_cdrom(str(volume.values.get(str(volume.part.default_key), "")))
    }


def _growth(old: Values, new: Values) -> int:
    """Bytes that a volume takes more than now."""
    size = size_bytes(new["size"]) if new.get("size") else 0
    same_place = old.get("format") == new.get("format") and old.get("storage") == new.get("storage")
    return size - size_bytes(old["size"]) if same_place and old.get("size") else size
