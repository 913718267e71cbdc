"""Which privileges a change of a container's configuration needs, option by option."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from simulator.errors import ApiError, ParamError, PermissionDenied
from simulator.guests.lxc_mounts import is_mount, is_volume, new_volume, parse_mount
from simulator.guests.lxc_options import FEATURES, NET
from simulator.guests.rights import check_allocation, check_bridge, check_guest, check_volume
from simulator.guests.storages import StorageView
from simulator.routing import Call

_PRIVILEGES: Mapping[str, str] = {
    "cores": "CPU", "cpulimit": "CPU", "cpuunits": "CPU", "memory": "Memory", "swap": "Memory",
    "nameserver": "Network", "searchdomain": "Network", "hostname": "Network", "rootfs": "Disk",
}  # fmt: skip
_ROOT_ONLY = {
    "hookscript": "changing the hookscript is only allowed for root@pam",
    "dev": "configuring device passthrough is only allowed for root@pam",
    "lock": "changing the lock is only allowed for root@pam",
}


def check_keys(call: Call, vmid: int, pool: str | None, keys: Iterable[str]) -> None:
    """Refuse the call unless the caller may change all of these options."""
    if call.is_root:
        return
    for key in keys:
        kind = re.sub(r"\d+$", "", key)
        if kind in _ROOT_ONLY:
            raise PermissionDenied(_ROOT_ONLY[kind])
        if kind in ("mp", "unused"):
            privilege = "Disk"
        elif kind == "net":
            privilege = "Network"
        else:
            privilege = _PRIVILEGES.get(key, "Options")
        check_guest(call, vmid, pool, [f"VM.Config.{privilege}"])
        if key == "startup":
            call.access.require("/", ["Sys.Modify"])


def check_values(call: Call, given: Mapping[str, str], *, unprivileged: bool) -> None:
    """Refuse the call unless the caller may set these values: bridges, features, directories of the host."""
    for key, value in given.items():
        if re.fullmatch(r"net\d+", key):
            nic = NET.parse(value, key)
            if "bridge" in nic:
                check_bridge(call, str(nic["bridge"]), str(nic["tag"]) if "tag" in nic else None)
        elif not call.is_root:
            _check_for_others(key, value, unprivileged=unprivileged)


def _check_for_others(key: str, value: str, *, unprivileged: bool) -> None:
    if is_mount(key) and not is_volume(parse_mount(key, value)):
        kind = "device" if value.startswith("/dev/") else "bind"
        raise PermissionDenied(f"mount point type {kind} is only allowed for root@pam")
    if key == "features":
        if not unprivileged:
            raise PermissionDenied("changing feature flags for privileged container is only allowed for root@pam")
        if set(FEATURES.parse(value, key)) - {"nesting"}:
            raise PermissionDenied("changing feature flags (except nesting) is only allowed for root@pam")


def check_mount_sources(call: Call, view: StorageView, vmid: int, given: Mapping[str, str]) -> None:
    """Refuse mount points on storages that cannot hold them, or volumes that the caller may not use."""
    for key, value in given.items():
        if not is_mount(key):
            continue
        mount = parse_mount(key, value)
        if not is_volume(mount):
            continue
        new = new_volume(mount)
        storage = new[0] if new else mount["volume"].partition(":")[0]
        check_holds_containers(view, storage)
        if new is not None:
            check_allocation(call, storage)
        elif re.fullmatch(r"[^:]+:\d+/.*|[^:]+:(?:vm|subvol|base|basevol)-.*", mount["volume"]):
            check_volume(call, view, mount["volume"], vmid)


def check_holds_containers(view: StorageView, storage: str) -> None:
    """Refuse a storage that is not for containers."""
    if "rootdir" not in view.contents(storage):
        raise ParamError({"storage": f"storage '{storage}' does not support container directories"})


def check_template(call: Call, view: StorageView, vmid: int) -> None:
    """Refuse what is no template (or, for a restore, no backup)."""
    volid, wanted = call.text("ostemplate"), "backup" if call.flag("restore") else "vztmpl"
    if volid.partition(":")[2].partition("/")[0] != wanted:
        raise ApiError(f"unable to use volume {volid} - content type needs to be '{wanted}'")
    check_volume(call, view, volid, vmid)
