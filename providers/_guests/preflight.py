"""What a preview can tell of a guest: all that `up` would be refused, from a few answers that all guests share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from providers._guests import permits, planning
from providers._guests.budget import Budget
from providers._guests.place import source_row
from providers._guests.volumes import Slot, grows, is_cdrom, slots, storages_of, volid_in, volume_fields
from providers._runtime import privileges
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts, Row
from providers._runtime.model import Inputs, Problem, Values, fields_of, from_wire
from providers._runtime.ownership import Owner


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

    @property
    def budget(self) -> Budget:
        """What it takes of its node and its storages."""
        return Budget(self.kind, self.inputs, self.facts, self.owner, self.before, self.wanted)

    def problems(self) -> Iterator[Problem]:
        """All that is wrong, as (field, reason)."""
        if self.before and self._is_elsewhere():
            before, now = self.before.get("connection"), self.wanted.get("connection")
            yield (
                "connection",
                f"{self.kind}/{self.before.get('vmid')} is behind {before!r} and not behind {now!r}: guests don't go "
                f"to a host that is in no cluster with theirs; leave it there, or take it out of the program for one "
                f"run, which destroys it, and then make it anew",
            )
            return
        yield from self._numbers()
        yield from self._shrinking()
        yield from self._waiting()
        if self.before.get("template") and not self.wanted.get("template"):
            yield "template", "a template never becomes a guest again; clone it instead"
        node = self.wanted.get("node")
        if node is None:
            return
        row = self.facts.node(node)
        if why := self.facts.no_node(node):
            yield "node", why
        elif row and row.get("status") != "online":
            yield "node", f"{node} is {row.get('status', 'unknown')}"
        elif row:
            yield from self._on_node(node, row)

    def _on_node(self, node: str, row: Row) -> Iterator[Problem]:
        yield from self.budget.refused(row)
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

    def _is_elsewhere(self) -> bool:
        """Whether another connection is declared, behind which it is not; the same host's may get another name."""
        if self.before.get("connection") == self.wanted.get("connection"):
            return False
        vmid = self.before.get("vmid")
        row = next((row for row in self.facts.of_type(self.kind) if row.get("vmid") == vmid), None)
        return row is None or planning.look_at(self.facts, row)[0] != self.owner

    # ------------------------------------------------------------ numbers

    def _numbers(self) -> Iterator[Problem]:
        """The VMID has to be free, unless it is this guest's own already."""
        vmid = self.wanted.get("vmid")
        if vmid is None or self.before.get("vmid") == vmid:
            return
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

    def _waiting(self) -> Iterator[Problem]:
        """What can't come is not waited for."""
        what = self.wanted.get("wait_for") or "none"
        if what == "none":
            return
        if not self.wanted.get("started", True):
            yield "wait_for", f"a guest that is not started has no {what} to wait for"
        brought = any(self.wanted.get(name) for name in ("clone", "archive", "adopt"))
        agent = self.wanted.get("agent", {"enabled": brought})
        if self.kind == "qemu" and what != "ssh" and not agent["enabled"]:
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
        """Each storage is there and takes such a volume."""
        here = self.facts.storages(node)
        for slot, volume in slots(self.inputs, self.wanted).items():
            key = str(volume.part.default_key)
            volid = volume.values.get(key)
            storage = volume.values.get("storage") or (volid.partition(":")[0] if volid and ":" in volid else None)
            if storage is None or self.facts.announced("storage", storage):
                continue
            if storage not in here and not self._may_see(f"/storage/{storage}", "Datastore.Audit"):
                continue
            content = "iso" if volid and volid.endswith(".iso") else self.content
            if storage in here:
                yield from _storage(slot, storage, here[storage], node, content)
            else:
                yield slot, self._no_storage(storage, node)

    def _no_storage(self, storage: str, node: str) -> str:
        """It is nowhere, or on other nodes only; one that is switched off is listed nowhere."""
        others = sorted(str(row["node"]) for row in self.facts.of_type("storage") if row.get("storage") == storage)
        elsewhere = f"; it is on {', '.join(others)}" if others else ", and this program makes none"
        return f"there is no storage {storage!r} on {node}{elsewhere}"

    def _image(self, node: str, image: Image) -> Iterator[Problem]:
        """It is there, or this program makes it; a storage that may not be looked into is believed."""
        storage = image.volid.partition(":")[0]
        if any(self.facts.announced(kind, name) for kind, name in (("file", image.volid), ("storage", storage))):
            return
        if storage not in self.facts.storages(node):
            if not self._may_see(f"/storage/{storage}", "Datastore.Audit"):
                return
            yield image.field, self._no_storage(storage, node)
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
        yield from privileges.missing(self.facts, self._vnets(nics.values(), known))

    def _vnets(self, nics: Iterable[Values], known: set[str]) -> Iterator[privileges.Need]:
        """The use of a VNet is permitted by its zone."""
        used = [nic for nic in nics if nic.get("bridge") in known and not permits.is_local(str(nic["bridge"]))]
        rows = (self.facts.look("/cluster/sdn/vnets") or ()) if used else ()
        zones = {str(row["vnet"]): str(row["zone"]) for row in rows if "zone" in row}
        for nic in used:
            if nic["bridge"] in zones:
                yield permits.bridge_path(zones[nic["bridge"]], nic["bridge"], nic.get("tag")), "SDN.Use"

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
        needs: list[privileges.Need] = [(f"/vms/{row['vmid']}", "VM.Clone")] if clone.get("name") else []
        if clone.get("full") is False and not row.get("template"):
            yield "clone", f"{named} is no template, so it can't be cloned without copying; set full=True"
        config = self.facts.look(f"/nodes/{row['node']}/{self.kind}/{row['vmid']}/config")
        if config is not None:
            yield from self._volumes_of(str(named), config)
            storages = {
                clone.get("storage") or storage for storage in storages_of(self.inputs, from_wire(self.inputs, config))
            }
            needs += [(f"/storage/{storage}", "Datastore.AllocateSpace") for storage in sorted(storages)]
            needs += permits.on_bridges(from_wire(self.inputs, config).get("net", {}).values())
        yield from privileges.missing(self.facts, needs)

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
        yield slot, str(error).removeprefix(f"{slot}: ")


def _storage(slot: str, storage: str, row: Row, node: str, content: str) -> Iterator[Problem]:
    if row.get("status", "available") != "available":
        yield slot, f"storage {storage!r} on {node} is {row['status']}"
    elif "content" in row and content not in str(row["content"]).split(","):
        yield slot, f"storage {storage!r} can't hold {content}; it is for {row['content']}"
