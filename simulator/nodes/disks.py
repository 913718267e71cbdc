"""The disks of a node: how they are found, what stands on them, and how they are emptied."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from simulator.errors import ApiError
from simulator.nodes.records import Disk, Partition
from simulator.state import Datacenter

LOCK = "/run/lock/pve-diskmanage.lck"
_RESERVED = 8 << 20
_RPM = {"hdd": 7200}
_NO_OSD: dict[str, Any] = {"osdid": -1, "osdid-list": None}


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A whole disk, or a partition of one."""

    disk: Disk
    partition: Partition | None = None

    @property
    def name(self) -> str:
        """Return the name below `/dev`."""
        return self.disk.name if self.partition is None else self.disk.partition_name(self.partition.number)

    @property
    def path(self) -> str:
        """Return the path of the device."""
        return f"/dev/{self.name}"

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.disk.size if self.partition is None else self.partition.size

    @property
    def used(self) -> str:
        """Return what the device is used for, or an empty text."""
        if self.partition is not None:
            return self.partition.used
        return "partitions" if self.disk.partitions else self.disk.used


def by_id(disk: Disk) -> str:
    """Return the path of a disk that stays the same wherever it is plugged in."""
    if disk.type == "nvme":
        return f"/dev/disk/by-id/nvme-{disk.model.replace(' ', '_')}_{disk.serial}"
    return f"/dev/disk/by-id/ata-{disk.model.replace(' ', '_')}_{disk.serial}"


def devices(datacenter: Datacenter, node: str) -> Iterator[BlockDevice]:
    """Yield the disks of a node, each with its partitions after it."""
    for disk in sorted(datacenter.disks.by("node", node), key=lambda disk: disk.name):
        yield BlockDevice(disk)
        for partition in disk.partitions:
            yield BlockDevice(disk, partition)


def find(datacenter: Datacenter, node: str, path: str) -> BlockDevice:
    """Return the device at a path, or refuse."""
    if not path.startswith("/dev/"):
        raise ApiError(f"got unusual device path '{path}'")
    for device in devices(datacenter, node):
        if path == device.path or (device.partition is None and path == by_id(device.disk)):
            return device
    raise ApiError("not a valid block device")


def check_unused(device: BlockDevice) -> None:
    """Refuse a device that is in use."""
    if device.used:
        raise ApiError(f"device '{device.path}' is already in use")


def use(datacenter: Datacenter, device: BlockDevice, used: str, *, mounted: bool = False) -> None:
    """Write down what a device is used for from now on."""
    if device.partition is None:
        datacenter.disks.put(replace(device.disk, used=used))
        return
    changed = replace(device.partition, used=used, mounted=mounted)
    parts = tuple(changed if part.number == changed.number else part for part in device.disk.partitions)
    datacenter.disks.put(replace(device.disk, partitions=parts))


def divide(datacenter: Datacenter, disk: Disk, *parts: Partition) -> None:
    """Give a disk a partition table."""
    datacenter.disks.put(replace(disk, gpt=True, used="", partitions=parts))


def divided_by_zfs(disk: Disk) -> Disk:
    """Return a disk as ZFS divides it: nearly all is for data, a little at the end is reserved."""
    data = Partition(number=1, size=disk.size - _RESERVED, used="ZFS")
    return replace(disk, gpt=True, used="", partitions=(data, Partition(number=9, size=_RESERVED, used="ZFS reserved")))


def wipe(datacenter: Datacenter, device: BlockDevice) -> Iterator[str]:
    """Empty a device, and yield what is said meanwhile."""
    if device.partition is None and device.disk.partitions:
        names = (f"/dev/{device.disk.partition_name(part.number)}" for part in device.disk.partitions)
        yield f"found child partitions to wipe: {', '.join(names)}"
    yield f"wiping block device {device.path}"
    if device.partition is None:
        datacenter.disks.put(replace(device.disk, gpt=False, used="", partitions=()))
    else:
        use(datacenter, device, "")


def mounted_part(device: BlockDevice) -> str | None:
    """Return the path of what is mounted of a device."""
    parts = [device.partition] if device.partition is not None else device.disk.partitions
    return next((f"/dev/{device.disk.partition_name(part.number)}" for part in parts if part.mounted), None)


def held_part(device: BlockDevice, held: Collection[str]) -> str | None:
    """Return the path of that part of a device which is among the names of what the kernel holds."""
    own = [device]
    if device.partition is None:
        own += [BlockDevice(device.disk, partition) for partition in device.disk.partitions]
    return next((part.path for part in own if part.name in held), None)


def rows(datacenter: Datacenter, node: str, *, smart: bool, partitions: bool) -> Iterator[dict[str, Any]]:
    """Yield the disks as lists show them."""
    for device in devices(datacenter, node):
        if device.partition is None:
            yield _disk_row(device.disk, smart=smart, partitions=partitions)
        elif partitions:
            yield _partition_row(device, device.partition)


def _disk_row(disk: Disk, *, smart: bool, partitions: bool) -> dict[str, Any]:
    solid = disk.type in ("ssd", "nvme")
    used = disk.used
    if disk.partitions and partitions:
        used = "partitions"
    elif disk.partitions:
        used = next((part.used for part in disk.partitions if part.used), "partitions")
    row: dict[str, Any] = {
        "devpath": disk.devpath, "model": disk.model, "vendor": disk.vendor, "serial": disk.serial, "wwn": disk.wwn,
        "size": disk.size, "type": disk.type, "gpt": int(disk.gpt), "rpm": _RPM.get(disk.type, 0),
        "health": disk.health if smart else "UNKNOWN", "wearout": 100 if solid and smart else "N/A",
        "by_id_link": by_id(disk), **_NO_OSD,
    }  # fmt: skip
    return row | ({"used": used} if used else {})


def _partition_row(device: BlockDevice, partition: Partition) -> dict[str, Any]:
    row: dict[str, Any] = {
        "devpath": device.path, "parent": device.disk.devpath, "type": "partition", "size": partition.size,
        "gpt": int(device.disk.gpt), **_NO_OSD,
    }  # fmt: skip
    row |= {"used": partition.used} if partition.used else {}
    return row | ({"mounted": 1} if partition.mounted else {})
