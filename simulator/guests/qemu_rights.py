"""Which privileges a change of a virtual machine's configuration needs, option by option."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from simulator.errors import ApiError, ParamError
from simulator.formats import split_list
from simulator.guests.qemu_drives import Drive, is_cdrom, is_cloudinit, is_drive, new_cloudinit, new_disk, parse_drive
from simulator.guests.qemu_options import CLOUDINIT_KEYS, HOSTPCI, NET, USB
from simulator.guests.rights import check_allocation, check_bridge, check_guest, check_volume
from simulator.guests.storages import StorageView
from simulator.routing import Call


def _words(text: str, privilege: str) -> dict[str, str]:
    return dict.fromkeys(text.split(), privilege)


_PRIVILEGES: Mapping[str, str] = {
    **_words("cores sockets cpu cpulimit cpuunits numa smp vcpus affinity", "VM.Config.CPU"),
    **_words("memory balloon shares allow-ksm", "VM.Config.Memory"),
    **_words(
        "acpi hotplug kvm machine scsihw smbios1 tablet vga watchdog audio0 vmgenid rng0 spice_enhancements",
        "VM.Config.HWType",
    ),
    **_words(
        "agent autostart bios description keyboard localtime migrate_downtime migrate_speed name onboot ostype"
        " protection reboot startdate startup tdf template tags",
        "VM.Config.Options",
    ),
    "freeze": "VM.PowerMgmt",
    **_words("boot bootdisk vmstatestorage", "VM.Config.Disk"),
}
_ELSEWHERE = re.compile(r"(?:unused|serial|usb|hostpci)\d+")


def check_keys(call: Call, vmid: int, pool: str | None, keys: Iterable[str]) -> None:
    """Refuse the call unless the caller may change all of these options."""
    if call.is_root:
        return
    for key in keys:
        if not is_drive(key) and not _ELSEWHERE.fullmatch(key):
            _check_key(call, vmid, pool, key)


def _check_key(call: Call, vmid: int, pool: str | None, key: str) -> None:
    if key in _PRIVILEGES or re.fullmatch(r"numa\d+", key):
        check_guest(call, vmid, pool, [_PRIVILEGES.get(key, "VM.Config.CPU")])
        if key == "startup":
            call.access.require("/", ["Sys.Modify"])
    elif re.fullmatch(r"net\d+", key):
        check_guest(call, vmid, pool, ["VM.Config.Network"])
    elif key in CLOUDINIT_KEYS:
        check_guest(call, vmid, pool, ["VM.Config.Cloudinit", "VM.Config.Network"], any_of=True)
    elif re.fullmatch(r"virtiofs\d+", key):
        check_guest(call, vmid, pool, ["VM.Config.Options"])
    else:
        raise ApiError(f"only root can set '{key}' config")


def check_values(call: Call, vmid: int, pool: str | None, given: Mapping[str, str]) -> None:
    """Refuse the call unless the caller may set these values: real devices, bridges, drives of a kind."""
    for key, value in given.items():
        if re.fullmatch(r"net\d+", key):
            nic = NET.parse(value, key)
            if "bridge" in nic:
                check_bridge(call, str(nic["bridge"]), str(nic["tag"]) if "tag" in nic else None)
        elif is_drive(key):
            _check_drive_kind(call, vmid, pool, parse_drive(key, value))
        elif not call.is_root:
            _check_device(call, vmid, pool, key, value)


def _check_drive_kind(call: Call, vmid: int, pool: str | None, drive: Drive) -> None:
    if is_cloudinit(drive):
        check_guest(call, vmid, pool, ["VM.Config.Cloudinit", "VM.Config.CDROM"], any_of=True)
    elif is_cdrom(drive):
        check_guest(call, vmid, pool, ["VM.Config.CDROM"])
    else:
        check_guest(call, vmid, pool, ["VM.Config.Disk"])


def _check_device(call: Call, vmid: int, pool: str | None, key: str, value: str) -> None:
    """Devices of the host are for root alone, or for whoever may use their mapping."""
    kind = key.rstrip("0123456789")
    if kind in ("serial", "parallel") and key != kind:
        if value != "socket":
            raise ApiError(f"only root can modify '{key}' config for real devices")
        check_guest(call, vmid, pool, ["VM.Config.HWType"])
    elif kind in ("usb", "hostpci") and key != kind:
        device = (USB if kind == "usb" else HOSTPCI).parse(value, key)
        if "mapping" in device:
            family = "usb" if kind == "usb" else "pci"
            call.access.require(f"/mapping/{family}/{device['mapping']}", ["Mapping.Use"])
        elif str(device.get("host", "")).lower() != "spice":
            what = "for real devices" if kind == "usb" else "for non-mapped devices"
            raise ApiError(f"only root can set '{key}' config {what}")
        check_guest(call, vmid, pool, ["VM.Config.HWType"])


def check_drive_sources(
    call: Call, view: StorageView, vmid: int, given: Mapping[str, str], default_storage: str | None = None
) -> None:
    """Refuse drives on storages that cannot hold them, or volumes that the caller may not use."""
    for key, value in given.items():
        if not is_drive(key):
            continue
        drive = parse_drive(key, value)
        if "import-from" in drive:
            _check_import(call, view, vmid, key, drive)
        new, cloudinit = new_disk(drive), new_cloudinit(drive)
        if new is not None or cloudinit is not None:
            storage = (new[0] if new else cloudinit) or default_storage
            if not storage:
                raise ApiError("no storage ID specified (and no default storage)")
            check_allocation(call, storage)
            check_holds_images(view, storage)
        elif drive["file"] == "cdrom":
            call.access.require("/", ["Sys.Console"])
        elif drive["file"] != "none":
            check_volume(call, view, drive["file"], vmid)


def _check_import(call: Call, view: StorageView, vmid: int, key: str, drive: Drive) -> None:
    new = new_disk(drive)
    if new is None or new[1] != 0:
        raise ParamError({key: "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"})
    check_volume(call, view, drive["import-from"], vmid)


def check_holds_images(view: StorageView, storage: str) -> None:
    """Refuse a storage that is not for disks of virtual machines."""
    if "images" not in split_list(view.section(storage).options.get("content", "")):
        raise ParamError({"storage": f"storage '{storage}' does not support vm images"})
