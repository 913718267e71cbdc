"""The drives of a virtual machine: their property strings, and making the volumes they ask for."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

from simulator.errors import ApiError, ParamError, TaskError
from simulator.guests.draft import format_size
from simulator.guests.qemu_options import EFIDISK, IDE, SATA, SCSI, TPMSTATE, UNUSED, VIRTIO
from simulator.guests.storage_types import FILE
from simulator.guests.storages import CLOUDINIT_SIZE, StorageView
from simulator.guests.transfer import progress
from simulator.guests.volume_names import parse_name, split_volid
from simulator.ovf import parse as parse_ovf
from simulator.propstring import join
from simulator.records import Guest, Volume
from simulator.schema import PropertyString
from simulator.tasks import Step

Drive = dict[str, str]

_BUSES: tuple[tuple[str, int, PropertyString], ...] = (
    ("ide", 4, IDE), ("scsi", 31, SCSI), ("virtio", 16, VIRTIO), ("sata", 6, SATA),
)  # fmt: skip
BOOTABLE = tuple(f"{bus}{index}" for bus, count, _ in _BUSES for index in range(count))
SLOTS = (*BOOTABLE, "efidisk0", "tpmstate0")
_FORMATS: Mapping[str, PropertyString] = {
    **{f"{bus}{index}": format_ for bus, count, format_ in _BUSES for index in range(count)},
    "efidisk0": EFIDISK,
    "tpmstate0": TPMSTATE,
}
_NEW_DISK = re.compile(r"(?:([^/:\s]+):)?(\d+(?:\.\d+)?)", re.ASCII)
_NEW_CLOUDINIT = re.compile(r"(?:([^/:\s]+):)?cloudinit")
_CLOUDINIT = re.compile(r"[:/]vm-\d+-cloudinit(?:\.\w+)?$")
_EFI_SIZES = {"2m": 128 << 10, "4m": 528 << 10}
_TPM_SIZE = 4 << 20
_GIB_IN_KIB = 1 << 20


def is_drive(key: str) -> bool:
    """Tell whether an option is a drive (unused volumes are none)."""
    return key in _FORMATS


def parse_drive(slot: str, value: str) -> Drive:
    """Take a drive's property string apart; values stay text, booleans become 0 or 1."""
    format_ = UNUSED if slot.startswith("unused") else _FORMATS[slot]
    try:
        parsed = format_.parse(value, slot)
    except ValueError:
        raise ParamError({slot: "unable to parse drive options"}) from None
    return {key: _text(item) for key, item in parsed.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def print_drive(drive: Drive) -> str:
    """Write a drive's property string."""
    return join(drive, "file")


def drives(config: Mapping[str, str], *, unused: bool = False) -> Iterator[tuple[str, Drive]]:
    """Yield the drives of a configuration in the order in which Proxmox works on them."""
    for slot in SLOTS:
        if slot in config:
            yield slot, parse_drive(slot, config[slot])
    if unused:
        for key in config:
            if key.startswith("unused"):
                yield key, parse_drive(key, config[key])


def is_cdrom(drive: Drive) -> bool:
    """Tell whether a drive is a CD drive; a cloud-init drive is one as well."""
    return drive.get("media") == "cdrom" or drive["file"] in ("none", "cdrom") or is_cloudinit(drive)


def is_cloudinit(drive: Drive) -> bool:
    """Tell whether a drive holds, or shall hold, the cloud-init data."""
    return bool(_CLOUDINIT.search(drive["file"]) or _NEW_CLOUDINIT.fullmatch(drive["file"]))


def new_disk(drive: Drive) -> tuple[str | None, float] | None:
    """Return storage and size in GiB when a drive asks for a new volume (`storage:8`), else None."""
    match = _NEW_DISK.fullmatch(drive["file"])
    return (match[1], float(match[2])) if match else None


def new_cloudinit(drive: Drive) -> str | None:
    """Return the storage of a cloud-init drive that is to be made, else None."""
    match = _NEW_CLOUDINIT.fullmatch(drive["file"])
    return (match[1] or "") if match else None


def gib_to_bytes(gib: float) -> int:
    """Return the bytes of a size in GiB, rounded up to whole KiB."""
    return math.ceil(gib * _GIB_IN_KIB) * 1024


def first_drive(config: Mapping[str, str], *, cdrom: bool) -> str | None:
    """Return the first disk, or the first CD drive."""
    for slot in BOOTABLE:
        if slot in config and is_cdrom(parse_drive(slot, config[slot])) == cdrom:
            return slot
    return None


def default_boot(config: Mapping[str, str]) -> str:
    """Return the boot order of a machine for which none was given: first disk, first CD, first NIC."""
    nic = next((f"net{index}" for index in range(32) if f"net{index}" in config), None)
    devices = [first_drive(config, cdrom=False), first_drive(config, cdrom=True), nic]
    return print_boot_order([device for device in devices if device])


def print_boot_order(devices: list[str]) -> str:
    """Write a boot order; an empty one is a blank."""
    return f"order={';'.join(devices)}" if devices else " "


def make_volume(
    view: StorageView, vmid: int, slot: str, drive: Drive, default_storage: str | None
) -> Generator[Step, None, Drive]:
    """Do what a drive asks for: make a volume, import one, or look for the one it names."""
    if drive["file"] in ("none", "cdrom"):
        return drive
    storage = new_cloudinit(drive)
    if storage is not None:
        return (yield from _make_cloudinit(view, vmid, slot, drive, storage or default_storage or ""))
    new = new_disk(drive)
    if new is None:
        return _use_existing(view, drive)
    storage = new[0] or default_storage
    if storage is None:
        raise ApiError("no storage ID specified (and no default storage)")
    if "import-from" in drive:
        return (yield from _import(view, vmid, slot, drive, storage))
    size = gib_to_bytes(new[1])
    if slot == "efidisk0":
        size = _EFI_SIZES[drive.get("efitype", "2m")]
    elif slot == "tpmstate0":
        size = _TPM_SIZE
    data = size if slot in ("efidisk0", "tpmstate0") else 0
    format_ = drive.get("format") or ("raw" if slot == "tpmstate0" else view.default_format(storage))
    volume = view.allocate(storage, vmid, size, format_, data=data)
    yield from view.log_allocation(volume)
    made = _without(drive, "format", "import-from") | {"file": volume.volid, "size": format_size(volume.size)}
    yield f"{slot}: successfully created disk '{print_drive(made)}'"
    return made


def remake_cloudinit(view: StorageView, guest: Guest) -> None:
    """Make the cloud-init drive of a machine that starts where it has none: HA has brought it there without."""
    for _, drive in drives(guest.config):
        if is_cloudinit(drive) and view.find(drive["file"]) is None:
            storage, _, name = drive["file"].partition(":")
            format_ = name.rpartition(".")[2] if "." in name else "raw"
            view.allocate(storage, guest.vmid, CLOUDINIT_SIZE, format_, name=name, data=CLOUDINIT_SIZE)


def _make_cloudinit(
    view: StorageView, vmid: int, slot: str, drive: Drive, storage: str
) -> Generator[Step, None, Drive]:
    in_files = view.type_of(storage).layout == FILE
    format_ = drive.get("format") or ("qcow2" if in_files and "qcow2" in view.type_of(storage).formats else "raw")
    name = view.full_name(storage, vmid, f"vm-{vmid}-cloudinit", format_)
    volume = view.allocate(storage, vmid, CLOUDINIT_SIZE, format_, name=name, data=CLOUDINIT_SIZE)
    yield from view.log_allocation(volume)
    made = _without(drive, "format") | {"file": volume.volid, "media": "cdrom"}
    yield f"{slot}: successfully created disk '{print_drive(made)}'"
    return made


def _import(view: StorageView, vmid: int, slot: str, drive: Drive, storage: str) -> Generator[Step, None, Drive]:
    wanted = drive["import-from"]
    source = import_source(view, wanted)
    format_ = drive.get("format") or view.default_format(storage)
    yield f"create full clone of drive ({wanted})"
    volume = view.allocate(storage, vmid, source.size, format_)
    try:
        yield from view.log_allocation(volume)
        yield f"allocated target volume '{volume.volid}'"
        yield from progress(source.size, source.used)
        volume = view.fill(volume.volid, source.used, source)
    except (ApiError, TaskError):
        view.free(volume.volid)
        raise
    made = _without(drive, "format", "import-from") | {"file": volume.volid, "size": format_size(volume.size)}
    yield f"{slot}: successfully created disk '{print_drive(made)}'"
    return made


def import_source(view: StorageView, wanted: str) -> Volume:
    """Return what a disk is made from: a volume, or a disk inside an appliance, which holds as much as its file."""
    found = view.find(wanted)
    outer, inside, file = wanted.partition(".ova/")
    appliance = view.find(f"{outer}.ova") if found is None and inside else None
    if appliance is not None and appliance.manifest:
        disk = next((disk for disk in parse_ovf(appliance.manifest).disks if disk.file == file), None)
        found = replace(appliance, size=disk.size, used=min(disk.size, appliance.size)) if disk is not None else None
    if found is None:
        raise ApiError(f"failed to stat '{wanted if wanted.startswith('/') else view.path(wanted)}'")
    return found


def _use_existing(view: StorageView, drive: Drive) -> Drive:
    if drive["file"].startswith("/"):
        raise ApiError(f"volume {drive['file']} does not exist")
    volume = view.require(drive["file"])
    known = _without(drive, "format")
    return known if is_cloudinit(drive) else known | {"size": format_size(volume.size)}


def _without(drive: Drive, *keys: str) -> Drive:
    return {key: value for key, value in drive.items() if key not in keys}


def check_names(view: StorageView, drive: Drive) -> None:
    """Refuse a volume id that storages of its type cannot have."""
    if new_disk(drive) or new_cloudinit(drive) is not None or drive["file"] in ("none", "cdrom"):
        return
    if drive["file"].startswith("/"):
        return
    storage, name = split_volid(drive["file"])
    parse_name(view.type_of(storage), name)
