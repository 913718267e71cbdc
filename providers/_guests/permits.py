"""The privileges that making or changing a guest takes, each as Proxmox asks for it.

In a pool a guest has the pool's privileges too, and one that is made in it may be made by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from providers._guests.volumes import Slot, slots, volume_fields
from providers._runtime.markers import Needs
from providers._runtime.model import Values, fields_of
from providers._runtime.privileges import Need

AGENT = "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted"
"""Either lets one ask the agent of a machine for what can be seen."""

if TYPE_CHECKING:
    from providers._guests.handler import GuestHandler
    from providers._guests.preflight import Image


def to_make(handler: GuestHandler, wanted: Values) -> list[Need]:
    """For all that is declared."""
    asked = {"VM.Allocate", "VM.Config.Options", *(_by_field(handler, wanted) - {"VM.PowerMgmt"})}
    asked |= _to_power(wanted) | _to_wait(wanted)
    volumes = slots(handler.inputs, wanted)
    clone = wanted.get("clone") or {}
    return [
        *_on_guest(wanted, wanted.get("pool"), asked | {_privilege(handler, volume) for volume in volumes.values()}),
        *([("/", "Sys.Modify")] if "startup" in wanted else []),
        *_on_storages(_storage(volume) for volume in volumes.values()),
        *on_bridges((wanted.get("net") or {}).values()),
        *([(f"/vms/{clone['vmid']}", privilege) for privilege in ("VM.Audit", "VM.Clone") if clone.get("vmid")]),
        *_on_images(handler.images(wanted)),
    ]


def to_read(wanted: Values) -> list[Need]:
    """For looking at it."""
    return _on_guest(wanted, wanted.get("pool"), {"VM.Audit"})


def to_delete(values: Values) -> list[Need]:
    """For stopping it, and for removing it with its volumes."""
    return _on_guest(values, values.get("pool"), {"VM.Allocate"} | _to_power(values))


def _to_power(values: Values) -> set[str]:
    """For starting and stopping it, where it is to run."""
    return {"VM.PowerMgmt"} if values.get("started", True) and not values.get("template") else set()


def _to_wait(wanted: Values) -> set[str]:
    """For asking its agent, which is not done where the address is known; for cloud-init a command is run inside."""
    what = wanted.get("wait_for") or "none"
    fixed = any("/" in entry.get("ip", "") for entry in (wanted.get("ipconfig") or {}).values())
    if what == "none" or (what == "ssh" and fixed):
        return set()
    return {"VM.GuestAgent.Unrestricted" if what == "cloud-init" else AGENT}


def to_change(handler: GuestHandler, before: Values, wanted: Values) -> list[Need]:
    """For what differs, and nothing else."""
    changed = {name for name in {*before, *wanted} if before.get(name) != wanted.get(name)}
    there, declared = slots(handler.inputs, before), slots(handler.inputs, wanted)
    touched = [slot for slot in {**there, **declared} if there.get(slot) != declared.get(slot)]
    asked = _by_field(handler, changed - set(volume_fields(handler.inputs)))
    asked |= _by_doing(handler, before, wanted, changed)
    asked |= {_privilege(handler, declared.get(slot) or there[slot]) for slot in touched}
    placed = [slot for slot in touched if slot in declared]
    nics: Values = before.get("net") or {}
    return [
        *_on_guest(wanted, before.get("pool"), asked),
        *([("/", "Sys.Modify")] if "startup" in changed else []),
        *([(f"/pool/{pool}", "Pool.Allocate") for pool in _pools(before, wanted)] if "pool" in changed else []),
        *_on_storages(
            _storage(declared[slot])
            for slot in placed
            if slot not in there or _storage(there[slot]) != _storage(declared[slot])
        ),
        *on_bridges(nic for slot, nic in (wanted.get("net") or {}).items() if nics.get(slot) != nic),
        *_on_images(image for image in handler.images(wanted) if image not in handler.images(before)),
    ]


def _by_doing(handler: GuestHandler, before: Values, wanted: Values, changed: set[str]) -> set[str]:
    """What is no option of the configuration but done to the guest, or comes with it."""
    regenerates = (wanted.get("on_cloud_init_change") or "regenerate") == "regenerate" and before.get("started")
    takes = set(handler.impact(before, wanted).values())
    found = {
        "VM.Config.Options": "description" in changed,
        "VM.Migrate": "node" in changed,
        "VM.Allocate": bool(changed & {"pool", "template"}),
        "VM.PowerMgmt": bool(takes & {"reboot", "stop-start"}),
        "VM.Config.Cloudinit": bool(changed & handler.cloud_init and regenerates),
    }
    return {privilege for privilege, needed in found.items() if needed}


def _pools(before: Values, wanted: Values) -> list[str]:
    """The pool that it leaves, and the one that it joins."""
    return sorted({str(pool) for pool in (before.get("pool"), wanted.get("pool")) if pool})


def _by_field(handler: GuestHandler, names: Iterable[str]) -> set[str]:
    """What the markers of the fields say."""
    specs = fields_of(handler.inputs)
    marks = (specs[name].marker(Needs) for name in names if name in specs)
    return {mark.privilege for mark in marks if mark}


def _privilege(handler: GuestHandler, volume: Slot) -> str:
    return handler.volume_privilege(str(volume.values.get(str(volume.part.default_key))))


def _on_guest(wanted: Values, pool: str | None, asked: set[str]) -> list[Need]:
    """On the guest itself, or from the pool that it is in."""
    guest = f"/vms/{wanted['vmid']}" if "vmid" in wanted else "/vms"
    if pool:
        return [(guest, privilege, f"/pool/{pool}") for privilege in sorted(asked)]
    return [(guest, privilege) for privilege in sorted(asked)] if "vmid" in wanted else []


def _storage(volume: Slot) -> str:
    return str(volume.values.get("storage") or "")


def _on_storages(storages: Iterable[str]) -> list[Need]:
    return [(f"/storage/{storage}", "Datastore.AllocateSpace") for storage in sorted({*storages} - {""})]


def _on_images(images: Iterable[Image]) -> list[Need]:
    """Whoever may look at a storage may use its files, but for the backups of guests."""
    found: list[Need] = []
    for image in images:
        storage = f"/storage/{image.volid.partition(':')[0]}"
        if image.content in ("import", "iso", "vztmpl"):
            found.append((storage, "Datastore.Audit|Datastore.AllocateSpace|Datastore.Allocate"))
        elif source := re.search(r"vzdump-[a-z]+-(\d+)-", image.volid):
            found.append((storage, "Datastore.AllocateSpace|Datastore.Allocate"))
            found.append((f"/vms/{source[1]}", "VM.Backup|Datastore.Allocate", storage))
    return found


def on_bridges(nics: Iterable[Values]) -> list[Need]:
    """Bridges of the nodes are in a zone of their own; VNets have to be looked up first."""
    found = {(str(nic.get("bridge")), nic.get("tag")) for nic in nics}
    return [(bridge_path("localnetwork", *each), "SDN.Use") for each in sorted(found, key=str) if is_local(each[0])]


def bridge_path(zone: str, bridge: str, tag: int | None) -> str:
    """Where the use of a bridge is permitted; a VLAN may be by itself."""
    return f"/sdn/zones/{zone}/{bridge}" + (f"/{tag}" if tag else "")


def is_local(bridge: str) -> bool:
    """Whether it is a node's own bridge by its name, and no VNet."""
    return bridge.startswith("vmbr")
