"""Facts about guests and storages that more than one list shows: sizes, names, room."""

from __future__ import annotations

import re

from simulator.formats import split_list
from simulator.propstring import split
from simulator.records import Guest, Section
from simulator.state import Datacenter

MIB = 1024 * 1024
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_UNITS = {"": 1, "K": 1024, "M": MIB, "G": 1024 * MIB, "T": 1024 * 1024 * MIB}
_SHARED_TYPES = ("nfs", "cifs", "rbd", "cephfs", "pbs", "iscsi", "iscsidirect", "zfs", "esxi")
_DISK = re.compile(r"(?:scsi|virtio|sata|ide)\d+")


def parse_size(text: str) -> int:
    """Return the bytes of a size such as `8G` or `512M`."""
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0


def is_shared(storage: Section) -> bool:
    """Tell whether all nodes see the same content on a storage."""
    return storage.options.get("shared") == "1" or storage.type in _SHARED_TYPES


def storage_nodes(storage: Section) -> list[str]:
    """Return the nodes to which a storage is restricted; none means all."""
    return split_list(storage.options.get("nodes", ""))


def storage_visible(storage: Section, node: str) -> bool:
    """Tell whether a node has a storage."""
    return not storage_nodes(storage) or node in storage_nodes(storage)


def storage_usage(datacenter: Datacenter, storage: Section, node: str) -> tuple[int, int]:
    """Return total and used bytes of a storage as a node sees it."""
    place = "" if is_shared(storage) else node
    capacity = datacenter.capacities.get(f"{storage.id}/{place}")
    total = capacity.total if capacity else datacenter.nodes[node].disk
    used = datacenter.volumes.total("place", (storage.id, place)) + (capacity.other if capacity else 0)
    return total, min(used, total)


def boot_disk_size(guest: Guest) -> int:
    """Return the size of the disk that lists show: the first boot disk, or a container's root."""
    config = guest.config
    if guest.type == "lxc":
        return parse_size(split(config.get("rootfs", ""), "volume").get("size", ""))
    order = split(config.get("boot", ""), "legacy").get("order", "").split(";")
    for name in order:
        if _DISK.fullmatch(name) and name in config and "media=cdrom" not in config[name]:
            return parse_size(split(config[name], "file").get("size", ""))
    return 0


def guest_numbers(guest: Guest) -> tuple[int, int]:
    """Return the number of CPUs and the bytes of memory of a guest."""
    config = guest.config
    memory = split(config.get("memory", "512"), "current").get("current", "512")
    cpus = int(config.get("cores", "1")) * int(config.get("sockets", "1"))
    return int(config.get("vcpus", cpus)), int(memory) * MIB


def guest_name(guest: Guest) -> str:
    """Return the name that lists show."""
    default = f"VM {guest.vmid}" if guest.type == "qemu" else f"CT{guest.vmid}"
    return guest.config.get("name" if guest.type == "qemu" else "hostname", default)
