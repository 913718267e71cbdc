"""Cloning virtual machines, and making templates of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator
from dataclasses import dataclass

from simulator.errors import ApiError
from simulator.guests.draft import format_size
from simulator.guests.features import can, is_base
from simulator.guests.qemu_drives import Drive, drives, is_cdrom, is_cloudinit, print_drive
from simulator.guests.qemu_options import SMBIOS1
from simulator.guests.qemu_update import with_new_mac
from simulator.guests.storages import StorageView
from simulator.guests.transfer import as_of, copy_volume
from simulator.guests.volume_names import own_name
from simulator.propstring import join
from simulator.records import Guest, Volume
from simulator.state import Datacenter
from simulator.tasks import Step

_NOT_COPIED = re.compile(r"unused\d+|parent|snaptime|vmstate|snapstate|runningmachine|runningcpu|lock|template")


@dataclass(frozen=True, slots=True)
class Wish:
    """How a clone is wanted."""

    newid: int
    full: bool
    storage: str | None
    format: str | None
    snapname: str | None = None


def has_own_volume(drive: Drive) -> bool:
    """Tell whether a clone gets a volume of its own for a drive."""
    return is_cloudinit(drive) or not is_cdrom(drive)


def check_cloneable(view: StorageView, config: dict[str, str], *, full: bool) -> None:
    """Refuse a linked clone of what is no template."""
    for slot, drive in drives(config):
        if has_own_volume(drive) and not full and not is_cloudinit(drive):
            volume = view.require(drive["file"])
            if not can(view, volume, "clone"):
                raise ApiError(f"Linked clone feature is not supported for '{drive['file']}' ({slot})")


def uses_local_storage(view: StorageView, config: dict[str, str]) -> bool:
    """Tell whether some drive of a machine is on a storage that only its node sees."""
    files = [drive["file"] for _, drive in drives(config)]
    return any(":" in file and not view.is_shared(file.partition(":")[0]) for file in files)


def cloned_config(datacenter: Datacenter, config: dict[str, str], source: Guest, name: str | None) -> dict[str, str]:
    """Return a clone's configuration, with an identity of its own; the drives are still those of its source."""
    new = {key: value for key, value in config.items() if not _NOT_COPIED.fullmatch(key)}
    for key, value in list(new.items()):
        if re.fullmatch(r"net\d+", key):
            new[key] = with_new_mac(datacenter, key, value)
    if "vmgenid" in new:
        new["vmgenid"] = str(uuid.uuid4())
    smbios = {key: str(value) for key, value in SMBIOS1.parse(new.get("smbios1", ""), "smbios1").items()}
    new["smbios1"] = join(smbios | {"uuid": str(uuid.uuid4())}, None)
    new["name"] = name or f"Copy-of-VM-{source.config.get('name', source.vmid)}"
    return new


def clone_drives(view: StorageView, config: dict[str, str], wish: Wish, made: list[str]) -> Generator[Step, None, None]:
    """Give a clone its own volumes; `made` collects them for the case of a failure."""
    for slot, drive in list(drives(config)):
        if not has_own_volume(drive):
            continue
        source = as_of(view.require(drive["file"]), wish.snapname)
        if wish.full or is_cloudinit(drive):
            volume = yield from _full(view, slot, source, wish)
        else:
            volume = yield from _linked(view, slot, source, wish.newid)
        made.append(volume.volid)
        config[slot] = print_drive(drive | {"file": volume.volid, "size": format_size(volume.size)})


def _full(view: StorageView, slot: str, source: Volume, wish: Wish) -> Generator[Step, None, Volume]:
    storage = wish.storage or source.storage
    supported = view.type_of(storage).formats
    format_ = wish.format or (source.format if source.format in supported else view.default_format(storage))
    yield f"create full clone of drive {slot} ({source.volid})"
    return (yield from copy_volume(view, source, storage, wish.newid, format_))


def _linked(view: StorageView, slot: str, source: Volume, newid: int) -> Generator[Step, None, Volume]:
    yield f"create linked clone of drive {slot} ({source.volid})"
    volume = link_volume(view, source, newid)
    if view.section(source.storage).type == "lvmthin":
        yield f'  Logical volume "{volume.name}" created.'
    else:
        name = own_name(volume.name)
        yield f"clone {source.name}: images, {name}, {newid} to {name} (base=../{source.name})"
        yield from view.log_allocation(volume)
    yield 0.5
    return volume


def link_volume(view: StorageView, source: Volume, newid: int, content: str = "images") -> Volume:
    """Make a volume that stands on a template's."""
    on_files = "qcow2" in view.type_of(source.storage).formats and source.format != "subvol"
    format_ = "qcow2" if on_files else source.format
    return view.allocate(source.storage, newid, source.size, format_, parent=source, content=content)


def to_base(view: StorageView, config: dict[str, str], only: str | None = None) -> Generator[Step, None, None]:
    """Turn a machine's disks into bases for linked clones."""
    for slot, drive in list(drives(config)):
        if is_cdrom(drive) or only not in (None, slot):
            continue
        volume = view.require(drive["file"])
        if is_base(volume):
            continue
        base = base_volume(view, volume)
        if view.section(volume.storage).type in ("lvmthin", "lvm"):
            group = view.section(volume.storage).options["vgname"]
            yield f'  Renamed "{volume.name}" to "{base.name}" in volume group "{group}"'
            yield f"  Logical volume {group}/{base.name} changed."
        config[slot] = print_drive(drive | {"file": base.volid})


def base_volume(view: StorageView, volume: Volume) -> Volume:
    """Rename a volume to that of a template."""
    name = volume.name.rpartition("/")
    own = re.sub(r"^(vm|subvol)-", lambda match: "base-" if match[1] == "vm" else "basevol-", name[2])
    return view.rename(volume, f"{name[0]}{name[1]}{own}", volume.vmid or 0)
