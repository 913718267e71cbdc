"""The life of a guest: made or cloned, read, changed in place, moved, stopped and removed.

The kinds differ in their fields and in a few of Proxmox's habits; what a kind says of itself are class variables and
the hooks `encode` and `decode`.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from providers._guests import (
    impact,
    making,
    neighbours,
    permits,
    planning,
    power,
    preflight,
    removing,
    updating,
    waiting,
)
from providers._guests.budget import Budget
from providers._guests.place import PASSING_LOCKS, Place, find, find_unlocked, vmid_of
from providers._guests.preflight import Image
from providers._guests.volumes import Volume, is_cdrom, slots, storages_of, volid_in, volume_fields
from providers._ha.storages import DISK_OF
from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.errors import Missing
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.markers import Impact, RootOnly
from providers._runtime.model import Changes, Problem, Values, as_declared, changes, fields_of, from_wire
from providers._runtime.ownership import Owner, owner_in, unmarked
from providers._runtime.privileges import Need

ROOT = "root@pam"


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
    cloud_init: ClassVar[frozenset[str]] = frozenset()
    """The fields that cloud-init finds in the guest."""
    unseen: ClassVar[frozenset[str]] = frozenset()
    """Fields that wait for the guest's next start without Proxmox saying so."""

    def encode(self, parameters: dict[str, str], values: Values) -> dict[str, str]:
        """Parameters whose form is the kind's own."""
        return parameters

    def decode(self, values: Values, raw: Values) -> Values:
        """The inverse of `encode`."""
        return values

    def only_at_first(self, wanted: Values) -> dict[str, str]:
        """Parameters that only the making of a guest takes."""
        return {}

    def beside_the_api(self, api: Api, place: Place, todo: Changes) -> None:
        """Write what Proxmox's API can't, before the guest is started."""

    @abc.abstractmethod
    def restoring(self, archive: Values) -> dict[str, str]:
        """Parameters that make a guest from a backup."""

    def images(self, wanted: Values) -> list[Image]:
        """Files on storages that have to be there."""
        archive = wanted.get("archive")
        return [Image("archive.volume", archive["volume"], "backup")] if archive else []

    def volume_privilege(self, volid: str) -> str:
        """The privilege on the guest that giving it a volume takes."""
        return "VM.Config.Disk"

    def root_only(self, wanted: Values) -> Iterator[str]:
        """The declared fields, and slots of them, that only root@pam itself may set."""
        return (name for name in wanted if fields_of(self.inputs)[name].has(RootOnly))

    @abc.abstractmethod
    def plugs(self, slot: str, there: Values) -> bool:
        """Whether a guest that runs gets a new volume in that slot at once."""

    @abc.abstractmethod
    def unplugs(self, slot: str, there: Values) -> bool:
        """Whether a guest that runs lets go of the volume in that slot at once."""

    def plugged(self, name: str, there: Values, wanted: Values, takes: Impact) -> Impact:
        """What changing a field, or a slot of one, takes of a guest that runs; `takes` is what its marker says."""
        return takes

    def stops_for(self, before: Values, wanted: Values, there: Values) -> dict[str, str]:
        """What a guest has to be stopped for, which is not done without leave: field or slot -> the reason."""
        return {}

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
            addresses=waiting.addresses(api, values),
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
        if there is not None:
            removing.refuse(api, *there)
            removing.remove(api, *there)

    def shown(self, wanted: Values, actual: Values) -> Values:
        """What is no drift: a drive that holds no data, a volume that is to be left, a NIC's address."""
        shown = as_declared(self.inputs, wanted, actual)
        if "macs" in shown:
            shown["macs"] = {slot: mac for slot, mac in shown["macs"].items() if slot in wanted["macs"]}
        keeps = wanted.get("on_disk_removed") == "keep"
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
        """Others clone it; HA is worth little where only one node has its disks."""
        named = [str(wanted[field]) for field in ("vmid", self.name_field) if field in wanted]
        storages = sorted(storages_of(self.inputs, wanted)) if "vmid" in wanted else []
        return [("guest", name) for name in named] + [(DISK_OF, f"{wanted['vmid']} {name}") for name in storages]

    def plan(
        self, facts: Facts | None, owner: Owner, before: Values, wanted: Values, unknown: frozenset[str]
    ) -> Values:
        """VMID and MAC addresses, where they are not declared."""
        if facts:
            neighbours.prepare(facts, before, wanted)
        planned: Values = {}
        if "vmid" not in wanted and "vmid" not in unknown:
            name = wanted.get(self.name_field)
            within = planning.range_of(wanted)
            planned["vmid"] = before.get("vmid") or planning.vmid(facts, owner, self.kind, name, within)
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
            slot: nic.get(self.mac_key) or known.get(slot) or planning.mac(owner, slot, facts)
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
        changed = {name: value for name, value in wanted.items() if before.get(name) != value}
        if facts.client.connection.username != ROOT:
            for name in self.root_only(changed):
                yield name, f"only {ROOT} may set it, logged in with its password: no API token, whatever it may do"
        if before:
            found = self.takes(before, wanted, before)
            yield from impact.refused(self, before, wanted, before, found)

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterable[str]:
        """What is short once all of it is used, and names that are hard to tell apart."""
        yield from Budget(self.kind, self.inputs, facts, owner, before, wanted).tight()
        yield from neighbours.sharers(facts, before, wanted)
        yield from planning.namesakes(facts, owner, before, wanted, self.name_field)

    def claims(self, wanted: Values) -> Iterable[Claim]:
        """Its number and its addresses."""
        return planning.claims(wanted)

    def needs(self, wanted: Values) -> list[Need]:
        """All that is declared, as Proxmox asks for it when a guest is made."""
        return permits.to_make(self, wanted)

    def needs_to_change(self, before: Values, wanted: Values) -> list[Need]:
        """What differs."""
        return permits.to_change(self, before, wanted)

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """Its configuration and its state."""
        return permits.to_read(wanted)

    def needs_to_delete(self, values: Values) -> list[Need]:
        """It is stopped first."""
        return permits.to_delete(values)

    def takes(self, before: Values, wanted: Values, there: Values) -> dict[str, Impact]:
        """What each change takes by itself; `there` is all that is known of the guest as it is."""
        return impact.takes(self, before, wanted, there, super().impact(before, wanted))

    def impact(self, before: Values, wanted: Values) -> dict[str, Impact]:
        """By the markers and what can be plugged, slot by slot, and by the policies."""
        return impact.by_policy(wanted, self.takes(before, wanted, before))

    def deeds(self, before: Values, wanted: Values) -> dict[str, str]:
        """What becomes of its volumes, and of the guest itself."""
        return impact.deeds(self, before, wanted)


def volumes_in(inputs: Any, values: Values, raw: Values) -> dict[str, str]:
    """Slot -> the name that Proxmox gave the volume."""
    found: dict[str, str] = {}
    for slot, volume in slots(inputs, values).items():
        part: type[Volume] = volume.part
        volid = volid_in(str(raw[slot]), part)
        if ":" in volid:
            found[slot] = volid
    return found
