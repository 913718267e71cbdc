"""What making and destroying a guest means beyond its configuration: its VMID, its pool, its permissions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.errors import ApiError, PermissionDenied
from simulator.firewall import files as firewall_files
from simulator.guests.draft import owns, volume_of
from simulator.guests.lxc_mounts import is_mount
from simulator.guests.qemu_drives import is_drive
from simulator.guests.storages import StorageView
from simulator.records import Guest
from simulator.routing import Call
from simulator.state import Datacenter, volume_key


def check_pool(call: Call) -> None:
    """Refuse a pool that does not exist."""
    if "pool" in call and call.text("pool") not in call.datacenter.pools:
        raise PermissionDenied(f"pool '{call.text('pool')}' does not exist")


def check_may_create(call: Call, vmid: int) -> None:
    """Refuse the call unless the caller may make this guest, by itself or in the pool that is asked for."""
    check_pool(call)
    pool = call.optional("pool")
    if call.access.may(f"/vms/{vmid}", ["VM.Allocate"]):
        return
    if pool is None or not call.access.may(f"/pool/{pool}", ["VM.Allocate"]):
        raise PermissionDenied


def check_vmid_free(datacenter: Datacenter, vmid: int, what: str) -> None:
    """Refuse a VMID that any guest of the cluster has."""
    other = datacenter.guests.get(vmid)
    if other is not None:
        kind = "VM" if other.type == "qemu" else "CT"
        raise ApiError(f"unable to create {what} {vmid} - {kind} {vmid} already exists on node '{other.node}'")


def reserve_vmid(datacenter: Datacenter, vmid: int, kind: str, node: str) -> Guest:
    """Take a VMID: an empty configuration, locked until the guest is made."""
    return datacenter.guests.put(Guest(vmid=vmid, type=kind, node=node, config={"lock": "create"}))


def join_pool(datacenter: Datacenter, vmid: int, poolid: str | None) -> None:
    """Make a guest a member of a pool."""
    pool = datacenter.pools.get(poolid) if poolid is not None else None
    if pool is not None:
        datacenter.pools.put(replace(pool, vms=pool.vms | {vmid}))


def leave_no_trace(datacenter: Datacenter, vmid: int) -> None:
    """Remove a destroyed guest from its pool and from the access control list, and how its files were written."""
    for pool in datacenter.pools:
        if vmid in pool.vms:
            datacenter.pools.put(replace(pool, vms=pool.vms - {vmid}))
    datacenter.acl.delete(f"/vms/{vmid}")
    firewall_files.remove_guest(datacenter, vmid)
    datacenter.agents.delete(vmid)
    datacenter.guests.delete(vmid)
    for path in [row.path for row in datacenter.written if row.path.endswith(f"/{vmid}.conf")]:
        datacenter.written.delete(path)


def free_unreferenced(view: StorageView, vmid: int) -> None:
    """Free every volume that bears a guest's number, on all storages that its node sees."""
    for volume in view.datacenter.volumes.by("vmid", vmid):
        known = volume.storage in view.datacenter.storages
        if known and volume.content in ("images", "rootdir") and volume.node in ("", view.node):
            view.check_base(volume)
            view.datacenter.volumes.delete(volume_key(volume.node, volume.volid))


def owned_volumes(guest: Guest) -> list[str]:
    """Return the volumes that a guest, its pending changes and its snapshots name and that belong to it."""
    configs = [guest.config, guest.pending, *(snapshot.config for snapshot in guest.snapshots.values())]
    disks = is_drive if guest.type == "qemu" else is_mount
    named = [volume_of(value) for config in configs for key, value in config.items() if _names_volume(disks, key)]
    return [volid for volid in dict.fromkeys(named) if ":" in volid and owns(guest.vmid, volid)]


def _names_volume(disks: Callable[[str], bool], key: str) -> bool:
    return disks(key) or key.startswith("unused") or key == "vmstate"


def free_quietly(view: StorageView, volids: list[str]) -> None:
    """Free what a failed task has made."""
    for volid in volids:
        view.free(volid)
