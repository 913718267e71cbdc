"""What can be done with a volume: snapshots, linked clones, templates."""

from __future__ import annotations

from simulator.guests.storages import StorageView
from simulator.guests.volume_names import own_name
from simulator.records import Volume

_SNAPSHOT_TYPES = ("lvmthin", "zfspool", "zfs", "rbd")
_TEMPLATE_TYPES = ("dir", "nfs", "cifs", "btrfs", "lvmthin", "zfspool", "zfs", "rbd")


def is_base(volume: Volume) -> bool:
    """Tell whether a volume is a template's, on which linked clones can stand."""
    return own_name(volume.name).startswith("base")


def can(view: StorageView, volume: Volume, feature: str, kind: str = "qemu") -> bool:
    """Tell whether a storage can do something with a volume of a machine (or a container: `kind` lxc)."""
    section = view.section(volume.storage)
    if feature == "snapshot":
        chained = section.options.get("snapshot-as-volume-chain") == "1" and volume.format == "qcow2"
        on_files = volume.format in ("qcow2", "subvol") and section.type not in (*_SNAPSHOT_TYPES, "lvm")
        return section.type in _SNAPSHOT_TYPES or on_files or chained
    if feature == "clone":
        linkable = view.type_of(volume.storage).linked and is_base(volume)
        return linkable and (kind == "qemu" or section.type in _SNAPSHOT_TYPES or volume.format == "subvol")
    if feature == "template":
        return section.type in _TEMPLATE_TYPES and not is_base(volume)
    return True
