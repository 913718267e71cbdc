"""Changing a guest in place: migrate, write the configuration once, move and grow volumes, pool, power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from providers._guests import impact, power, waiting
from providers._guests.making import grow, make_template, with_macs
from providers._guests.place import Place, vmid_of
from providers._guests.volumes import (
    Work,
    is_cloudinit,
    slots,
    volid_in,
    volume_fields,
    work,
)
from providers._runtime.api import Api
from providers._runtime.errors import DataAtRisk, InvalidValue
from providers._runtime.handler import Found
from providers._runtime.markers import Impact
from providers._runtime.model import Changes, Values, fields_of, update_parameters
from providers._runtime.ownership import marked

if TYPE_CHECKING:
    from providers._guests.handler import GuestHandler


@dataclass
class Update:
    """One change of one guest."""

    handler: GuestHandler
    api: Api
    found: Found
    wanted: Values
    todo: Changes

    def run(self) -> None:
        """In an order in which each step can be repeated by the next run, should one fail."""
        actual = self.found.values
        place = Place(self.handler.kind, vmid_of(self.found.id), actual["node"])
        job = work(self.handler.inputs, actual, self.wanted, self.todo, actual["volumes"])
        before = self.handler.shown(self.wanted, actual)
        takes = self.handler.takes(before, self.wanted, actual)
        self._refuse(before, takes)
        stops = self.handler.stops_for(before, self.wanted, actual)
        stays_up = bool(actual["started"]) and self._starts() and not stops
        if actual["started"] and not stays_up:
            power.stop(self.api, place)
            self._read_again(place, job)  # what was pending is in effect now, so the digest is another one
        if "node" in self.todo.set:
            place = self._migrate(place, job, running=stays_up)
        self._sizes_first(place, job)
        self._configure(place, job)
        self.handler.beside_the_api(self.api, place, self.todo)
        self._volumes(place, job)
        self._pool(place)
        if stays_up:
            self._take_effect(place, job, takes)
        elif self.wanted.get("template") and not actual["template"]:
            make_template(self.api, place)
        elif self._starts():
            power.start(self.api, place)
        if self._starts():
            waiting.wait(self.api, place, self.wanted)

    def _starts(self) -> bool:
        """Whether the guest is to run."""
        is_template = self.wanted.get("template") or self.found.values["template"]
        return not is_template and bool(self.wanted.get("started", self.found.values["started"]))

    def _refuse(self, before: Values, takes: dict[str, Impact]) -> None:
        """What a preview refuses as well, where it could look."""
        if self.found.values["template"] and self.todo.set.get("template") is False:
            raise DataAtRisk(f"{self.found.id} is a template and never becomes a guest again; clone it instead")
        for name, reason in impact.refused(self.handler, before, self.wanted, self.found.values, takes):
            raise InvalidValue(f"{self.found.id}: {name}: {reason}")

    def _migrate(self, place: Place, job: Work, *, running: bool) -> Place:
        """A volume that is to be on another storage goes there at once."""
        there = slots(self.handler.inputs, self.found.values)
        pairs = {(there[slot].values["storage"], target["storage"]) for slot, target in job.move.items()}
        storages = dict(pairs) if len(dict(pairs)) == len(pairs) else {}
        place = power.migrate(self.api, place, self.wanted["node"], running=running, storages=storages)
        self._read_again(place, job)
        for slot, target in list(job.move.items()):
            now = self.found.values["volumes"][slot].partition(":")[0]
            if now == target["storage"] and "format" not in target:
                del job.move[slot]
        return place

    def _read_again(self, place: Place, job: Work) -> None:
        """After a step of our own: the digest is another one, and a volume that was copied may have another name."""
        self.found.raw = self.api.get(f"{place.path}/config")
        parts = {slot: volume.part for slot, volume in slots(self.handler.inputs, self.wanted).items()}
        volids = self.found.values["volumes"]
        for slot in set(parts) & set(volids) & set(self.found.raw):
            now = volid_in(str(self.found.raw[slot]), parts[slot])
            if slot in job.write:
                job.write[slot] = job.write[slot].replace(volids[slot], now, 1)
            volids[slot] = now

    # ------------------------------------------------------------ the configuration

    def _configure(self, place: Place, job: Work) -> None:
        """One request; in QEMU as a task where it allocates volumes, which may take longer than a request may."""
        parameters = self._parameters(job)
        if not parameters:
            return
        if "digest" in self.found.raw:
            parameters["digest"] = str(self.found.raw["digest"])
        if place.kind == "qemu" and job.allocates:
            self.api.run(f"configuring {place.id}", "POST", f"{place.path}/config", parameters)
        else:
            self.api.put(f"{place.path}/config", parameters)

    def _parameters(self, job: Work) -> dict[str, str]:
        apart = {*volume_fields(self.handler.inputs), "net", "description"}
        rest = Changes(
            {name: value for name, value in self.todo.set.items() if name not in apart},
            [name for name in self.todo.cleared if name not in apart],
            {name: gone for name, gone in self.todo.dropped.items() if name not in apart - {"net"}},
        )
        parameters = self.handler.encode(update_parameters(self.handler.inputs, rest), rest.set)
        parameters |= self._nics() | job.write | self._description()
        unset = [name for name in parameters.pop("delete", "").split(",") if name]
        defaults = self.handler.unsettable
        parameters |= {name: defaults[name].format(**self.found.values) for name in unset if name in defaults}
        unset = [name for name in unset if name not in defaults] + self._detached(job)
        if unset:
            parameters["delete"] = ",".join(unset)
        if self._destroys(job) and place_forces(self.handler.kind):
            parameters["force"] = "1"
        return parameters

    def _description(self) -> dict[str, str]:
        """The description carries the mark, so it is never empty."""
        if self.found.owner == self.api.owner and "description" not in self.todo.names():
            return {}
        text = self.wanted.get("description")
        if text is None and "description" not in self.todo.cleared:
            text = self.found.values.get("description")
        return {"description": marked(text, self.api.owner)}

    def _nics(self) -> dict[str, str]:
        """Each NIC that is to be different, with the address that it keeps."""
        part = fields_of(self.handler.inputs)["net"].part
        if part is None or "net" not in self.wanted:
            return {}
        key, actual = self.handler.mac_key, self.found.values.get("net", {})
        changed: Values = self.todo.set.get("net", {})
        return {
            slot: part.print({**changed.get(slot, actual.get(slot, {})), key: nic[key]})
            for slot, nic in with_macs(self.handler, self.api, self.wanted).items()
            if slot in changed or actual.get(slot, {}).get(key) != nic[key]
        }

    # ------------------------------------------------------------ volumes

    def _sizes_first(self, place: Place, job: Work) -> None:
        """A volume whose options change too is moved and grown before: a text that waits for a reboot has a size."""
        both = [slot for slot in job.write if slot in self.found.values["volumes"] and slot in {*job.move, *job.grow}]
        if not both:
            return
        for slot in both:
            self._move_and_grow(place, slot, job.move.pop(slot, None), job.grow.pop(slot, None))
        self._read_again(place, job)

    def _move_and_grow(self, place: Place, slot: str, target: dict[str, str] | None, size: str | None) -> None:
        if target:
            self._move(place, slot, target)
        if size:
            grow(self.api, place, slot, size)

    def _detached(self, job: Work) -> list[str]:
        return [] if self.wanted.get("on_disk_removed") == "keep" else job.gone

    def _destroys(self, job: Work) -> bool:
        return bool(job.gone) and self.wanted.get("on_disk_removed") == "delete"

    def _volumes(self, place: Place, job: Work) -> None:
        for slot in sorted({*job.move, *job.grow}):
            self._move_and_grow(place, slot, job.move.get(slot), job.grow.get(slot))
        if self._destroys(job) and not place_forces(place.kind):
            self._destroy_unused(place, job)

    def _move(self, place: Place, slot: str, target: dict[str, str]) -> None:
        """The source is removed once all is copied."""
        disk, action = ("disk", "move_disk") if place.kind == "qemu" else ("volume", "move_volume")
        what = f"moving {slot} of {place.id} to {target['storage']}"
        with self.api.client.heavy(node=place.node, storage=target["storage"], deadline=self.api.deadline):
            self.api.run(what, "POST", f"{place.path}/{action}", {disk: slot, "delete": 1, **target})

    def _destroy_unused(self, place: Place, job: Work) -> None:
        """A detached volume is an unused one first; where the guest still holds it, that comes with its next stop."""
        volids = {self.found.values["volumes"].get(slot): slot for slot in job.gone}
        raw: dict[str, Any] = self.api.get(f"{place.path}/config")
        unused = {name: volids.pop(text) for name, text in raw.items() if name.startswith("unused") and text in volids}
        if unused:
            self.api.put(f"{place.path}/config", {"delete": ",".join(sorted(unused))})
        for volid, slot in volids.items():
            if volid is not None:
                self.api.warn(f"{slot} ({volid}) is let go of when {place.id} stops, and stays as an unused volume")

    # ------------------------------------------------------------ pool and power

    def _pool(self, place: Place) -> None:
        if "pool" in self.todo.set:
            pool = self.wanted["pool"]
            self.api.put("/pools", {"poolid": pool, "vms": place.vmid, "allow-move": 1})
        elif "pool" in self.todo.cleared:
            pool = None
            self.api.put("/pools", {"poolid": self.found.values["pool"], "vms": place.vmid, "delete": 1})
        else:
            return
        self.api.facts.note(place.vmid, pool=pool)

    def _take_effect(self, place: Place, job: Work, takes: dict[str, Impact]) -> None:
        """What the running guest has not taken yet: by a reboot, if that is wanted, or it is reported."""
        cloud_init = bool(self.handler.cloud_init & set(self.todo.names())) and self._has_cloud_init(job)
        how = self.wanted.get("on_cloud_init_change") or "regenerate"
        waits = self._waiting(place) if "reboot" in takes.values() else []
        if (cloud_init and how == "reboot") or (waits and self.wanted.get("on_reboot_needed") == "reboot"):
            power.reboot(self.api, place)
            return
        if cloud_init and how == "regenerate":
            self.api.put(f"{place.path}/cloudinit")
        if waits:
            self.api.warn(f"{place.id} has to be rebooted before these take effect: {', '.join(waits)}")

    def _has_cloud_init(self, job: Work) -> bool:
        """Whether there is a drive for it."""
        texts = [str(self.found.raw.get(slot, "")) for slot in self.found.values["volumes"]]
        return any(is_cloudinit(text) for text in [*texts, *job.write.values()])

    def _waiting(self, place: Place) -> list[str]:
        """What waits for the next start."""
        rows = self.api.get(f"{place.path}/pending")
        listed = {str(row["key"]) for row in rows if "pending" in row or row.get("delete")}
        return sorted(listed | (self.handler.unseen & set(self.todo.names())))


def place_forces(kind: str) -> bool:
    """Whether the configuration request itself can destroy a volume; in LXC it is a second step."""
    return kind == "qemu"
