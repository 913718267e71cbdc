"""Privileges that depend on what a request says: on volumes, storages and bridges."""

from __future__ import annotations

from simulator.errors import ApiError
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import parse_name, split_volid
from simulator.routing import Call


def check_volume(call: Call, view: StorageView, volid: str, vmid: int | None = None) -> None:
    """Refuse the call unless the caller may use a volume; `vmid` is the guest that is to use it."""
    if volid.startswith("/"):
        if not call.is_root:
            raise ApiError("Only root can pass arbitrary filesystem paths.")
        return
    storage, name = split_volid(volid)
    parsed = parse_name(view.type_of(storage), name)
    path, access = f"/storage/{storage}", call.access
    if access.may(path, ["Datastore.Allocate"]):
        return
    if parsed.content in ("iso", "vztmpl", "import"):
        access.require(path, ["Datastore.AllocateSpace", "Datastore.Audit"], any_of=True)
    elif parsed.content == "backup" and parsed.vmid is not None:
        access.require(path, ["Datastore.AllocateSpace"])
        access.require(f"/vms/{parsed.vmid}", ["VM.Backup"])
    elif parsed.is_image and parsed.vmid is not None:
        if parsed.vmid != vmid:
            access.require(path, ["Datastore.Audit"])
            access.require(f"/vms/{parsed.vmid}", ["VM.Config.Disk"])
    else:
        raise ApiError(f"missing privileges to access {volid}")


def check_bridge(call: Call, bridge: str, tag: str | None) -> None:
    """Refuse the call unless the caller may use a bridge (and a VLAN on it)."""
    vnet = next((row for row in call.datacenter.sdn.by("kind", "vnets") if row.id == bridge), None)
    zone = vnet.options["zone"] if vnet else "localnetwork"
    call.access.require("/".join(["/sdn/zones", zone, bridge, *([tag] if tag else [])]), ["SDN.Use"])


def check_guest(call: Call, vmid: int, pool: str | None, privileges: list[str], *, any_of: bool = False) -> None:
    """Refuse the call unless privileges are held on a guest, or on the pool it is made in."""
    if pool is not None and call.access.may(f"/pool/{pool}", privileges, any_of=any_of):
        return
    call.access.require(f"/vms/{vmid}", privileges, any_of=any_of)


def check_allocation(call: Call, storage: str) -> None:
    """Refuse the call unless the caller may make volumes on a storage."""
    call.access.require(f"/storage/{storage}", ["Datastore.AllocateSpace"])
