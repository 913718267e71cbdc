"""Making a guest: from scratch, from another one, or from a backup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from providers._guests import planning, power, waiting
from providers._guests.place import Place, find, ours, source_row
from providers._guests.volumes import brings_its_size, slots
from providers._runtime.api import Api
from providers._runtime.errors import AlreadyThere, ApiRefused, Missing, TaskFailed, TookTooLong
from providers._runtime.model import Changes, Values, from_wire, to_wire
from providers._runtime.ownership import marked, owner_in

if TYPE_CHECKING:
    from providers._guests.handler import GuestHandler

EXISTS = r"already exists|\.conf' failed: File exists"
"""What Proxmox says of a VMID that a guest on this node, or on another one, has."""


def create(handler: GuestHandler, api: Api, wanted: Values) -> str:
    """Returns the ID; the VMID in it may be another one than planned, if somebody else was faster."""
    name, within = wanted.get(handler.name_field), planning.range_of(wanted)
    vmid: int | None = wanted.get("vmid") or planning.vmid(api.facts, api.owner, handler.kind, name, within)
    while vmid is not None:
        id_ = f"{handler.kind}/{vmid}"
        try:
            _make(handler, api, vmid, wanted)
        except AlreadyThere:
            if ours(api, handler.kind, vmid):
                api.created(id_)
                handler.bring_to(api, id_, wanted)
                return id_
            vmid = planning.next_vmid(api.facts, api.owner, vmid, within)
            if vmid is None:
                raise
        else:
            return id_
    raise AssertionError("a guest without a VMID was refused above")


def _make(handler: GuestHandler, api: Api, vmid: int, wanted: Values) -> None:
    place = Place(handler.kind, vmid, wanted["node"])
    if wanted.get("clone") or wanted.get("archive"):
        make = _clone if wanted.get("clone") else _restore
        make(handler, api, place, wanted)
        handler.bring_to(api, place.id, wanted)
        return
    _from_scratch(handler, api, place, wanted)
    _grow_existing(handler, api, place, wanted)
    handler.beside_the_api(api, place, Changes(set=wanted))
    if wanted.get("template"):
        make_template(api, place)
    elif wanted.get("started", True):
        power.start(api, place)
        waiting.wait(api, place, wanted)


def _from_scratch(handler: GuestHandler, api: Api, place: Place, wanted: Values) -> None:
    """One request that carries everything."""
    values = {**wanted, "vmid": place.vmid}
    if "net" in wanted:
        values["net"] = with_macs(handler, api, wanted)
    parameters = handler.encode(to_wire(handler.inputs, values), values)
    parameters |= handler.only_at_first(wanted)
    parameters["description"] = marked(wanted.get("description"), api.owner)
    if wanted.get("pool"):
        parameters["pool"] = wanted["pool"]
    _run(api, place, f"creating {place.id}", f"/nodes/{place.node}/{place.kind}", parameters)
    api.facts.note(place.vmid, pool=wanted.get("pool"), started=False)


def with_macs(handler: GuestHandler, api: Api, wanted: Values) -> Values:
    """The declared NICs, each with its address: Proxmox would make up another one at every change."""
    planned = wanted.get("macs") or {}
    return {
        slot: {handler.mac_key: planned.get(slot) or planning.mac(api.owner, slot), **nic}
        for slot, nic in wanted["net"].items()
    }


def _grow_existing(handler: GuestHandler, api: Api, place: Place, wanted: Values) -> None:
    """An existing volume keeps its size when it is attached, and a copied one that of its source."""
    for slot, volume in slots(handler.inputs, wanted).items():
        volid = volume.values.get(str(volume.part.default_key))
        if brings_its_size(volume.values, volid) and "size" in volume.values:
            grow(api, place, slot, volume.values["size"])


def grow(api: Api, place: Place, slot: str, size: str) -> None:
    """Make one volume bigger."""
    api.run(f"growing {slot} of {place.id} to {size}", "PUT", f"{place.path}/resize", {"disk": slot, "size": size})


def make_template(api: Api, place: Place) -> None:
    """For good."""
    api.run(f"making {place.id} a template", "POST", f"{place.path}/template")
    api.facts.note(place.vmid, started=False)


def _clone(handler: GuestHandler, api: Api, place: Place, wanted: Values) -> None:
    """Clone it on its source's node, or at once to the wanted one where all of the source's storages are shared."""
    clone = wanted["clone"]
    row = source_row(api.facts, handler.kind, clone, wanted["node"]) or _look_again(handler, api, wanted)
    source = Place(handler.kind, int(row["vmid"]), str(row["node"]))
    parameters = _clone_parameters(handler, api, place, wanted)
    landed = place.node if source.node != place.node and _shared(handler, api, source, clone) else source.node
    if landed != source.node:
        parameters["target"] = landed
    what = f"cloning {source.id} to {place.id}"
    if clone.get("full"):
        with api.client.heavy(node=source.node, storage=clone.get("storage"), deadline=api.deadline):
            _run(api, Place(place.kind, place.vmid, landed), what, f"{source.path}/clone", parameters)
    else:
        _run(api, Place(place.kind, place.vmid, landed), what, f"{source.path}/clone", parameters)
    api.facts.note(place.vmid, pool=wanted.get("pool"), started=False)


def _clone_parameters(handler: GuestHandler, api: Api, place: Place, wanted: Values) -> dict[str, Any]:
    clone = wanted["clone"]
    parameters: dict[str, Any] = {
        "newid": place.vmid,
        **{name: clone[name] for name in ("storage", "format", "snapname", "bwlimit") if clone.get(name) is not None},
        **_identity(handler, api, wanted),
    }
    if clone.get("full") is not None:
        parameters["full"] = int(clone["full"])
    return parameters


def _identity(handler: GuestHandler, api: Api, wanted: Values) -> dict[str, str]:
    """What a copy is told apart by from the first moment on."""
    given = {name: str(wanted[name]) for name in (handler.name_field, "pool") if wanted.get(name)}
    return {"description": marked(wanted.get("description"), api.owner), **given}


def _restore(handler: GuestHandler, api: Api, place: Place, wanted: Values) -> None:
    """Restore it from a backup, with our own mark over the one that the backup has."""
    archive = wanted["archive"]
    parameters: dict[str, Any] = {
        "vmid": place.vmid,
        **handler.restoring(archive),
        **{name: archive[name] for name in ("storage", "bwlimit") if archive.get(name) is not None},
        **_identity(handler, api, wanted),
    }
    with api.client.heavy(node=place.node, storage=archive.get("storage"), deadline=api.deadline):
        _run(api, place, f"restoring {place.id}", f"/nodes/{place.node}/{place.kind}", parameters)
    api.facts.note(place.vmid, pool=wanted.get("pool"))


def _look_again(handler: GuestHandler, api: Api, wanted: Values) -> Values:
    """The source may have been made a moment ago, by this very run."""
    api.facts.of_type(handler.kind, max_age=0.0)
    row = source_row(api.facts, handler.kind, wanted["clone"], wanted["node"])
    if row is None:
        named = wanted["clone"].get("vmid") or wanted["clone"].get("name")
        raise Missing(f"there is no {handler.kind} guest {named!r} to clone")
    return row


def _shared(handler: GuestHandler, api: Api, source: Place, clone: Values) -> bool:
    """Whether every node sees the source's volumes, and those of the clone."""
    raw = api.facts.look(f"{source.path}/config") or {}
    volumes = slots(handler.inputs, from_wire(handler.inputs, raw)).values()
    names = {volume.values.get("storage") for volume in volumes} | {clone.get("storage")}
    here = api.facts.storages(source.node)
    return all(here.get(name, {}).get("shared") for name in names if name)


def _run(api: Api, place: Place, what: str, path: str, parameters: dict[str, Any]) -> None:
    """The task that makes the guest; whatever it leaves behind is noted, so that it is not lost."""
    try:
        api.run(what, "POST", path, parameters)
    except ApiRefused as refused:
        if refused.says(EXISTS):
            raise AlreadyThere(refused.reason) from None
        raise
    except TookTooLong:
        api.created(place.id)
        raise
    except TaskFailed as failed:
        if re.search(EXISTS, failed.exitstatus):
            raise AlreadyThere(failed.exitstatus) from None
        left = find(api, place.kind, place.vmid)  # its task is over, so a lock that is left would not go by itself
        if left is not None and owner_in(left[1].get("description")) == api.owner:
            api.created(place.id)
        raise
    api.facts.place(place.vmid, place.node)
    api.created(place.id)
