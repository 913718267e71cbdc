"""What a preview can tell of a guest: all that `up` would be refused, from a few answers that all guests share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from providers._guests import planning
from providers._guests.volumes import Slot, grows, is_cdrom, slots, volid_in, volume_fields
from providers._runtime import privileges
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts, Row
from providers._runtime.model import Inputs, Problem, Values, fields_of, from_wire
from providers._runtime.ownership import Owner
from providers._runtime.wire import size_bytes, size_text

MIB = 1 << 20
THICK = frozenset({"lvm"})
"""Storages whose volumes take their whole size at once; on the others they take room as they fill."""


@dataclass(frozen=True)
class Image:
    """A file on a storage that the guest is made with."""

    field: str
    volid: str
    content: str


@dataclass(frozen=True)
class Preflight:
    """One guest's inputs against what is known of the host."""

    kind: str
    content: str
    """The content type that a storage needs for its volumes."""
    inputs: type[Inputs]
    facts: Facts
    owner: Owner
    before: Values
    wanted: Values
    images: Sequence[Image] = ()

    def problems(self) -> Iterator[Problem]:
        """All that is wrong, as (field, reason)."""
        yield from self._numbers()
        yield from self._cards()
        yield from self._shrinking()
        yield from self._waiting()
        if self.before.get("template") and not self.wanted.get("template"):
            yield "template", "a template never becomes a guest again; clone it instead"
        node = self.wanted.get("node")
        row = self.facts.node(node) if node else None
        if node and row is None:
            known = ", ".join(sorted(str(row["node"]) for row in self.facts.of_type("node")))
            yield "node", f"there is no node {node!r}; there are {known or 'none that this connection may see'}"
        elif node and row and row.get("status") != "online":
            yield "node", f"{node} is {row.get('status', 'unknown')}"
        elif node and row:
            yield from self._on_node(node, row)

    def _on_node(self, node: str, row: Row) -> Iterator[Problem]:
        memory = int(self.wanted.get("memory") or 0) * MIB
        if row.get("maxmem") and memory > row["maxmem"]:
            yield (
                "memory",
                f"{size_text(memory)} is more than {node} has ({size_text(int(row['maxmem']) // MIB * MIB)})",
            )
        yield from self._volumes(node)
        yield from self._bridges(node)
        yield from self._source()
        for image in self.images:
            yield from self._image(node, image)
        pool = self.wanted.get("pool")
        if pool and not self.facts.announced("pool", pool):
            rows = self.facts.look("/pools") if self._may_see(f"/pool/{pool}", "Pool.Audit") else None
            if rows is not None and pool not in {entry.get("poolid") for entry in rows}:
                yield "pool", f"there is no pool {pool!r}, and this program makes none"

    def _may_see(self, path: str, privilege: str) -> bool:
        """Lists leave out what the identity may not see, so only who may see it can call it missing."""
        return privileges.granted(self.facts.permissions(), path, privilege)

    # ------------------------------------------------------------ numbers

    def _numbers(self) -> Iterator[Problem]:
        """The VMID has to be free, unless it is this guest's own already."""
        vmid = self.wanted.get("vmid")
        if vmid is None or self.before.get("vmid") == vmid:
            return
        if not self.facts.reserve(vmid, self.owner.key):
            yield "vmid", f"another resource of this program has {vmid} already"
        there = next((row for row in self.facts.of_type("qemu", "lxc") if row.get("vmid") == vmid), None)
        if there is None:
            return
        adopted = (self.wanted.get("adopt") or "never") != "never" and there["type"] == self.kind
        config = self.facts.look(f"/nodes/{there['node']}/{self.kind}/{vmid}/config") if adopted else None
        if config is not None:
            yield from self._volumes_of(str(vmid), config)
        owner, in_the_making = planning.look_at(self.facts, there)
        if in_the_making:
            return  # perhaps by a run of this program that died: `up` waits for it and looks at its mark
        if owner != self.owner and not (adopted and (owner is None or owner.stack == self.owner.stack)):
            whose = f"it belongs to stack {owner.stack}" if owner else "it has no mark of this program"
            remedy = "" if owner else "; take another number, or set adopt to `if-exists` to take it over"
            yield "vmid", f"{vmid} already exists on {there['node']} ({there['type']}), and {whose}{remedy}"

    def _cards(self) -> Iterator[Problem]:
        """No two NICs of the program have one address; IP addresses may repeat in networks of their own."""
        macs, ipconfig = self.wanted.get("macs") or {}, self.wanted.get("ipconfig") or {}
        for slot, nic in (self.wanted.get("net") or {}).items():
            key = f"{self.owner.key} {slot}"
            if slot in macs and not self.facts.reserve(macs[slot], key):
                yield f"net.{slot}", f"another NIC of this program has {macs[slot]} already"
            number = slot.removeprefix("net")
            for version in ("ip", "ip6"):
                address = str(ipconfig.get(f"ipconfig{number}", nic).get(version) or "")
                place = (nic.get("bridge"), nic.get("tag"), address.partition("/")[0])
                if "/" in address and not self.facts.reserve(place, key):
                    yield f"net.{slot}", f"another guest of this program has {address} on {nic.get('bridge')} already"

    def _waiting(self) -> Iterator[Problem]:
        """What can't come is not waited for."""
        what = self.wanted.get("wait_for") or "none"
        if what == "none":
            return
        if not self.wanted.get("started", True):
            yield "wait_for", f"a guest that is not started has no {what} to wait for"
        brought = any(self.wanted.get(name) for name in ("clone", "archive", "adopt"))
        agent = self.wanted.get("agent", {"enabled": brought})
        if what != "ssh" and not agent["enabled"]:
            yield "wait_for", 'its agent tells of it, and it has none: set agent={"enabled": True}'

    # ------------------------------------------------------------ volumes

    def _shrinking(self) -> Iterator[Problem]:
        there = slots(self.inputs, self.before)
        for slot, volume in slots(self.inputs, self.wanted).items():
            if slot in there:
                yield from _shrink(slot, there[slot].values.get("size"), volume.values.get("size"))
        if self.before.get("protection"):
            for slot in set(there) - set(slots(self.inputs, self.wanted)):
                if self.wanted.get("on_disk_removed") != "keep":
                    yield (
                        slot,
                        "protection is set, so no volume is removed; set protection=False and run `up` first",
                    )

    def _volumes(self, node: str) -> Iterator[Problem]:
        """Each storage is there and takes such a volume; all that is asked of it fits."""
        here, there = self.facts.storages(node), slots(self.inputs, self.before)
        asked: dict[str, int] = {}
        for slot, volume in slots(self.inputs, self.wanted).items():
            key = str(volume.part.default_key)
            volid = volume.values.get(key)
            storage = volume.values.get("storage") or (volid.partition(":")[0] if volid and ":" in volid else None)
            if storage is None or self.facts.announced("storage", storage):
                continue
            if storage not in here and not self._may_see(f"/storage/{storage}", "Datastore.Audit"):
                continue
            content = "iso" if volid and volid.endswith(".iso") else self.content
            yield from _storage(slot, storage, here.get(storage), node, content)
            if volid is None:
                old = there[slot].values if slot in there else {}
                asked[storage] = asked.get(storage, 0) + _growth(old, volume.values, storage)
        for storage, size in asked.items():
            if storage in here:
                yield from _room(storage, here[storage], size)

    def _image(self, node: str, image: Image) -> Iterator[Problem]:
        """It is there, or this program makes it; a storage that may not be looked into is believed."""
        storage = image.volid.partition(":")[0]
        if any(self.facts.announced(kind, name) for kind, name in (("file", image.volid), ("storage", storage))):
            return
        if storage not in self.facts.storages(node):
            if not self._may_see(f"/storage/{storage}", "Datastore.Audit"):
                return
            yield image.field, f"there is no storage {storage!r} on {node}, and this program makes none"
            return
        rows = self.facts.look(f"/nodes/{node}/storage/{storage}/content", {"content": image.content})
        there = sorted(str(row["volid"]) for row in rows or ())
        if rows is not None and image.volid not in there:
            yield image.field, f"there is no {image.volid} on {node}; there are {', '.join(there) or 'none'}"

    # ------------------------------------------------------------ network

    def _bridges(self, node: str) -> Iterator[Problem]:
        nics = self.wanted.get("net") or {}
        known = self.facts.bridges(node) if nics else None
        if known is None:
            return
        for slot, nic in nics.items():
            bridge = nic.get("bridge")
            made = any(self.facts.announced(kind, str(bridge)) for kind in ("bridge", "vnet"))
            if bridge and bridge not in known and not made:
                yield (
                    f"net.{slot}.bridge",
                    f"there is no bridge or VNet {bridge!r} on {node}, and this program makes none; "
                    f"there are {', '.join(sorted(known)) or 'none'}",
                )

    # ------------------------------------------------------------ what it is cloned from

    def _source(self) -> Iterator[Problem]:
        clone = self.wanted.get("clone")
        if not clone or self.before:
            return
        row = source_row(self.facts, self.kind, clone, self.wanted.get("node"))
        named = clone.get("vmid") or clone.get("name")
        if row is None:
            if not self.facts.announced("guest", str(named)) and self._may_see(f"/vms/{named}", "VM.Audit"):
                yield "clone", f"there is no {self.kind} guest {named!r} to clone, and this program makes none"
            return
        if clone.get("full") is False and not row.get("template"):
            yield "clone", f"{named} is no template, so it can't be cloned without copying; set full=True"
        config = self.facts.look(f"/nodes/{row['node']}/{self.kind}/{row['vmid']}/config")
        if config is not None:
            yield from self._volumes_of(str(named), config)

    def _volumes_of(self, source: str, config: Values) -> Iterator[Problem]:
        """Volumes that come along: none with data is left out, and none is to be smaller."""
        wanted = slots(self.inputs, self.wanted)
        for slot, volume in slots(self.inputs, from_wire(self.inputs, config)).items():
            volid = volid_in(str(config[slot]), volume.part)
            drive = is_cdrom(volume.values.get(str(volume.part.default_key), volid))
            if slot in wanted:
                yield from _shrink(slot, volume.values.get("size"), wanted[slot].values.get("size"))
            elif not drive and _map_is_declared(self.inputs, slot, volume, self.wanted):
                yield (
                    slot,
                    f'{source} has a disk ({volid}) there, which is not declared: add {slot}: {{"size": "…"}}, '
                    f"or leave the map out",
                )


def source_row(facts: Facts, kind: str, clone: Values, node: str | None) -> Row | None:
    """The guest to clone; of several with that name a template, and the one on the same node."""
    rows = [
        row
        for row in facts.of_type(kind)
        if (row.get("vmid") == clone["vmid"] if clone.get("vmid") else row.get("name") == clone["name"])
    ]
    rows.sort(key=lambda row: (not row.get("template"), row.get("node") != node, row["vmid"]))
    return rows[0] if rows else None


def _map_is_declared(inputs: type[Inputs], slot: str, volume: Slot, wanted: Values) -> bool:
    """Whether the volume stands in a map that the program declares, so that the map is owned whole."""
    return any(
        name in wanted and fields_of(inputs)[name].is_map and part is volume.part and slot not in wanted[name]
        for name, part in volume_fields(inputs).items()
    )


def _shrink(slot: str, there: str | None, wanted: str | None) -> Iterator[Problem]:
    try:
        grows(slot, there, wanted)
    except InvalidValue as error:
        yield slot, str(error)


def _growth(old: Values, new: Values, storage: str) -> int:
    """Bytes that a volume takes more than now."""
    size = size_bytes(new["size"]) if new.get("size") else 0
    same_place = old.get("format") == new.get("format") and old.get("storage") == new.get("storage") == storage
    return size - size_bytes(old["size"]) if same_place and old.get("size") else size


def _storage(slot: str, storage: str, row: Row | None, node: str, content: str) -> Iterator[Problem]:
    if row is None:
        yield slot, f"there is no storage {storage!r} on {node}, and this program makes none"
    elif row.get("status", "available") != "available":
        yield slot, f"storage {storage!r} on {node} is {row['status']}"
    elif "content" in row and content not in str(row["content"]).split(","):
        yield slot, f"storage {storage!r} can't hold {content}; it is for {row['content']}"


def _room(storage: str, row: Row, asked: int) -> Iterator[Problem]:
    """Thin storages may be promised more than they have, but no guest more than all of it."""
    total, used = int(row.get("maxdisk") or 0), int(row.get("disk") or 0)
    room = total - used if row.get("plugintype") in THICK else total
    if total and asked > room:
        gib = 1 << 30
        yield "disks", f"{asked / gib:.1f} GiB on {storage!r} are asked for, and there is room for {room / gib:.1f} GiB"
