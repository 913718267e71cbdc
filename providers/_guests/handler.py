"""The life of a guest: made or cloned, read, changed in place, moved, stopped and removed.

The kinds differ in their fields and in a few of Proxmox's habits; what a kind says of itself are class variables and
the hooks `encode` and `decode`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from providers._guests import making, planning, power, preflight, updating
from providers._guests.place import GONE, PASSING_LOCKS, Place, find, find_unlocked, vmid_of
from providers._guests.preflight import Image
from providers._guests.volumes import Volume, is_cdrom, slots, volid_in, volume_fields
from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.errors import AlreadyThere, ApiRefused, DataAtRisk, Missing
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Impact
from providers._runtime.model import Changes, Problem, Values, as_declared, changes, fields_of, from_wire
from providers._runtime.ownership import Owner, owner_in, unmarked
from providers._runtime.privileges import Need


class GuestHandler(Handler):
    """Guests as Proxmox keeps them."""

    holds_data = True
    kind: ClassVar[str]
    """Proxmox's word in paths: `qemu` or `lxc`."""
    name_field: ClassVar[str]
    mac_key: ClassVar[str]
    """The key of a NIC's address."""
    content: ClassVar[str]
    """The content type that a storage needs for its volumes."""
    unsettable: ClassVar[dict[str, str]] = {}
    """Parameters that Proxmox can't unset -> the default that is written instead."""
    hotplugged: ClassVar[tuple[str, ...]]
    """Buses on which a running guest gets a new volume at once."""
    detaches_live: ClassVar[bool]
    """Whether a running guest lets go of a volume at once."""
    privileges: ClassVar[dict[str, str]]
    """Field -> the privilege on the guest that setting it takes."""

    def encode(self, parameters: dict[str, str], values: Values) -> dict[str, str]:
        """Parameters whose form is the kind's own."""
        return parameters

    def decode(self, values: Values, raw: Values) -> Values:
        """The inverse of `encode`."""
        return values

    def only_at_first(self, wanted: Values) -> dict[str, str]:
        """Parameters that only the making of a guest takes."""
        return {}

    def images(self, wanted: Values) -> list[Image]:
        """Files on storages that have to be there."""
        return []

    # ------------------------------------------------------------ on the host

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its VMID, once the task that makes it is through."""
        there = find_unlocked(api, self.kind, wanted["vmid"]) if "vmid" in wanted else None
        return self._found(api, *there) if there else None

    def read(self, api: Api, id_: str) -> Found | None:
        """One request of its own; place, pool and state come from answers that all guests share."""
        there = find(api, self.kind, vmid_of(id_))
        return self._found(api, *there) if there else None

    def _found(self, api: Api, place: Place, raw: Values) -> Found:
        values = self.decode(from_wire(self.inputs, raw), raw)
        values.update(
            vmid=place.vmid,
            node=place.node,
            template=str(raw.get("template", 0)) == "1",
            description=unmarked(raw.get("description")),
            macs={slot: nic[self.mac_key] for slot, nic in values.get("net", {}).items() if self.mac_key in nic},
            volumes=volumes_in(self.inputs, values, raw),
            pool=self._pool(api, place),
        )
        values["started"] = not values["template"] and power.is_running(api, place)
        known = {name: value for name, value in values.items() if value is not None}
        return Found(place.id, known, owner_in(raw.get("description")), raw)

    def _pool(self, api: Api, place: Place) -> str | None:
        noted = api.facts.noted(place.vmid)
        if "pool" in noted:
            return str(noted["pool"]) if noted["pool"] else None
        rows = (row for row in api.facts.of_type(self.kind) if row.get("vmid") == place.vmid)
        return next((str(row["pool"]) for row in rows if row.get("pool")), None)

    def create(self, api: Api, wanted: Values) -> str:
        """Make it, or go on with the one that a died run has made; a planned VMID that is gone is planned anew."""
        return making.create(self, api, wanted)

    def bring_to(self, api: Api, id_: str, wanted: Values) -> None:
        """From whatever is there to what is wanted."""
        found = self.read(api, id_)
        if found is not None:
            lifecycle.bring_to(self, api, found, {}, wanted)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """In place, whatever it takes; one that a task is still making is waited for."""
        if found.raw.get("lock") in PASSING_LOCKS:
            there = find_unlocked(api, self.kind, vmid_of(found.id))
            if there is None:
                raise Missing(f"{found.id} was being made, and that failed; the node's task list says why")
            found = self._found(api, *there)
            todo = changes(self.inputs, {}, found.values, wanted)
        updating.Update(self, api, found, wanted, todo).run()

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Refused before anything is touched; then shut down and destroyed with its volumes."""
        there = find(api, self.kind, vmid_of(id_))
        if there is None:
            return
        place, raw = there
        owner = owner_in(raw.get("description"))
        if owner is not None and owner.stack != api.owner.stack:
            raise AlreadyThere(f"{id_} belongs to stack {owner.stack}, and this one does not remove it")
        if str(raw.get("protection", 0)) == "1":
            raise DataAtRisk(f"{id_} has protection set and stays; set protection=False, run `up`, then remove it")
        if str(raw.get("template", 0)) != "1" and power.is_running(api, place):
            power.stop(api, place)
        try:
            api.run(f"removing {id_}", "DELETE", place.path, {"purge": 1, "destroy-unreferenced-disks": 0})
        except ApiRefused as refused:
            if not refused.says(GONE):
                raise
        api.facts.place(place.vmid, None)

    def shown(self, wanted: Values, actual: Values) -> Values:
        """What is no drift: a drive that holds no data, a volume that `removed_disks: keep` leaves, a NIC's address."""
        shown = as_declared(self.inputs, wanted, actual)
        if "macs" in shown:
            shown["macs"] = {slot: mac for slot, mac in shown["macs"].items() if slot in wanted["macs"]}
        keeps = wanted.get("removed_disks") == "keep"
        for name, part in volume_fields(self.inputs).items():
            if fields_of(self.inputs)[name].is_map and name in shown:
                key = str(part.default_key)
                shown[name] = {
                    slot: value
                    for slot, value in shown[name].items()
                    if slot in wanted[name] or not (keeps or is_cdrom(value.get(key, "")))
                }
        return shown

    # ------------------------------------------------------------ in a preview

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Others clone it."""
        named = [str(wanted[field]) for field in ("vmid", self.name_field) if field in wanted]
        return [("guest", name) for name in named]

    def plan(
        self, facts: Facts | None, owner: Owner, before: Values, wanted: Values, unknown: frozenset[str]
    ) -> Values:
        """VMID and MAC addresses, where they are not declared."""
        planned: Values = {}
        if "vmid" not in wanted and "vmid" not in unknown:
            name = wanted.get(self.name_field)
            planned["vmid"] = before.get("vmid") or planning.vmid(facts, owner, self.kind, name)
            if facts:
                facts.announce("guest", str(planned["vmid"]))
        if "net" not in unknown:
            macs = self._macs(facts, owner, before, {**wanted, **planned})
            planned |= {"macs": macs} if macs != wanted.get("macs", {}) else {}
        return planned

    def _macs(self, facts: Facts | None, owner: Owner, before: Values, wanted: Values) -> dict[str, str]:
        """Declared, or as until now, or as the adopted guest has it, or planned."""
        known = {**self._adopted_macs(facts, before, wanted), **before.get("macs", {}), **wanted.get("macs", {})}
        return {
            slot: nic.get(self.mac_key) or known.get(slot) or planning.mac(owner, slot)
            for slot, nic in wanted.get("net", {}).items()
        }

    def _adopted_macs(self, facts: Facts | None, before: Values, wanted: Values) -> dict[str, str]:
        if before or facts is None or (wanted.get("adopt") or "never") == "never":
            return {}
        node = facts.node_of(wanted["vmid"]) if "vmid" in wanted else None
        raw = facts.look(f"/nodes/{node}/{self.kind}/{wanted['vmid']}/config") if node else None
        nics = from_wire(self.inputs, raw).get("net", {}) if raw else {}
        return {slot: nic[self.mac_key] for slot, nic in nics.items() if self.mac_key in nic}

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterable[Problem]:
        """All that the host would refuse."""
        checks = preflight.Preflight(
            self.kind, self.content, self.inputs, facts, owner, before, wanted, () if before else self.images(wanted)
        )
        yield from checks.problems()
        reboots = [name for name, impact in self.impact(before, wanted).items() if impact == "reboot"]
        if before and reboots and wanted.get("on_reboot_needed") == "fail":
            for name in reboots:
                yield name, "the change needs a reboot of the running guest, and on_reboot_needed is `fail`"

    def needs(self, wanted: Values) -> list[Need]:
        """In a pool the pool's privileges count, which can't be told from outside."""
        found: list[Need] = []
        if "pool" not in wanted and "vmid" in wanted:
            guest = f"/vms/{wanted['vmid']}"
            asked = {"VM.Allocate", *(self.privileges[name] for name in wanted if name in self.privileges)}
            found += [(guest, privilege) for privilege in sorted(asked)]
        storages = {slot.values.get("storage") for slot in slots(self.inputs, wanted).values()} - {None}
        found += [(f"/storage/{storage}", "Datastore.AllocateSpace") for storage in sorted(map(str, storages))]
        bridges = {str(nic.get("bridge")) for nic in wanted.get("net", {}).values()}
        found += [(f"/sdn/zones/localnetwork/{name}", "SDN.Use") for name in sorted(bridges) if name.startswith("vmbr")]
        clone = wanted.get("clone") or {}
        return found + ([(f"/vms/{clone['vmid']}", "VM.Clone")] if clone.get("vmid") else [])

    def impact(self, before: Values, wanted: Values) -> dict[str, Impact]:
        """By the markers; volumes one by one. A guest that does not run takes everything at once."""
        return updating.impact(self, before, wanted, super().impact(before, wanted))


def volumes_in(inputs: Any, values: Values, raw: Values) -> dict[str, str]:
    """Slot -> the name that Proxmox gave the volume."""
    found: dict[str, str] = {}
    for slot, volume in slots(inputs, values).items():
        part: type[Volume] = volume.part
        volid = volid_in(str(raw[slot]), part)
        if ":" in volid:
            found[slot] = volid
    return found
