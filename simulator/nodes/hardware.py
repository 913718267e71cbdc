"""The disks and devices that a node has from the start: what the topology says, or what any server has."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from simulator.nodes.disk_groups import EXTENT
from simulator.nodes.disks import divided_by_zfs
from simulator.nodes.records import Device, Disk, DiskGroup, Partition
from simulator.records import Section
from simulator.state import Datacenter
from simulator.topology import DiskSpec, NodeSpec

SYSTEM_DISK = "sda"
_BOOT, _EFI = Partition(number=1, size=1031168, used="BIOS boot"), Partition(number=2, size=1 << 30, used="EFI")
_NAMES = {
    "0x8086": "Intel Corporation", "0x1a03": "ASPEED Technology, Inc.", "0x1d6b": "Linux Foundation",
    "0x29c0": "82G33/G31/P35/P31 Express DRAM Controller", "0x2000": "ASPEED Graphics Family",
    "0xa352": "Cannon Lake PCH SATA AHCI Controller", "0xa36d": "Cannon Lake PCH USB 3.1 xHCI Host Controller",
    "0x1533": "I210 Gigabit Network Connection",
}  # fmt: skip
_BOARD = (
    ("0000:00:00.0", "0x060000", "0x8086", "0x29c0"), ("0000:00:14.0", "0x0c0330", "0x8086", "0xa36d"),
    ("0000:00:17.0", "0x010601", "0x8086", "0xa352"), ("0000:03:00.0", "0x030000", "0x1a03", "0x2000"),
)  # fmt: skip
_FIRST_CARD = 4
_HUBS = ((1, "0002", "xHCI Host Controller", "480"), (2, "0003", "xHCI Host Controller", "10000"))


def add_hardware(datacenter: Datacenter, spec: NodeSpec, storages: Sequence[Section], sizes: Mapping[str, int]) -> None:
    """Give a node its disks, what its local storages stand on, and its devices."""
    local = [row for row in storages if row.options.get("shared") != "1"]
    on_system = [row for row in local if row.options.get("vgname") == "pve"]
    _add_system_disk(datacenter, spec, sum(sizes[row.id] for row in on_system))
    for disk in spec.disks:
        datacenter.disks.put(_disk(spec.name, disk))
    for row in local:
        if row.type in ("lvm", "lvmthin", "zfspool"):
            _add_group(datacenter, spec.name, row, sizes[row.id])
    cards = [link for link in datacenter.interfaces.by("node", spec.name) if link.type == "eth"]
    for device in _devices(spec, len(cards)):
        datacenter.devices.put(device)


def _disk(node: str, spec: DiskSpec) -> Disk:
    """Return a disk; what the topology leaves out follows from the names, so that it is the same each time."""
    mark = hashlib.sha1(f"{node}/{spec.name}".encode(), usedforsecurity=False).hexdigest()
    kind = spec.type or ("nvme" if spec.name.startswith("nvme") else "ssd")
    return Disk(
        node=node, name=spec.name, size=spec.size, type=kind, health=spec.health,
        model=spec.model or f"Simulated_{kind.upper()}", serial=spec.serial or f"SIM{mark[:10].upper()}",
        wwn=spec.wwn or f"0x5{mark[10:25]}", vendor=spec.vendor or ("unknown" if kind == "nvme" else "ATA     "),
    )  # fmt: skip


def _add_system_disk(datacenter: Datacenter, spec: NodeSpec, thin: int) -> None:
    """Add the disk of the installation: the system and what the volume group `pve` holds beside it."""
    size = _BOOT.size + _EFI.size + spec.disk + thin + thin // 25 + (2 << 30)
    rest = Partition(number=3, size=size - _BOOT.size - _EFI.size, used="LVM")
    disk = _disk(spec.name, DiskSpec(SYSTEM_DISK, size))
    datacenter.disks.put(replace(disk, gpt=True, partitions=(_BOOT, _EFI, rest)))
    datacenter.disk_groups.put(
        DiskGroup(
            node=spec.name, kind="lvm", name="pve", size=rest.size // EXTENT * EXTENT, devices=(f"{SYSTEM_DISK}3",),
            options={"system": str(spec.disk)},
        )
    )  # fmt: skip


def _add_group(datacenter: Datacenter, node: str, storage: Section, size: int) -> None:
    """Add the volume group or pool that a local storage stands on, with a disk of its own unless it is `pve`."""
    options = storage.options
    if storage.type == "zfspool":
        pool = options.get("pool", storage.id).partition("/")[0]
        device = _own_disk(datacenter, node, size, "ZFS")
        made = {"raidlevel": "single", "usable": str(size)}
        datacenter.disk_groups.put(
            DiskGroup(node=node, kind="zfs", name=pool, size=size, devices=(device,), options=made)
        )
        return
    vg = options.get("vgname", storage.id)
    if f"{node}/lvm/{vg}" not in datacenter.disk_groups:
        device = _own_disk(datacenter, node, size + size // 25 + (3 << 30), "LVM")
        group_size = datacenter.disks[f"{node}/{device}"].size // EXTENT * EXTENT
        datacenter.disk_groups.put(DiskGroup(node=node, kind="lvm", name=vg, size=group_size, devices=(device,)))
    if storage.type == "lvmthin":
        group = datacenter.disk_groups[f"{node}/lvm/{vg}"]
        metadata = min(max(size // 100, 1 << 30), 16 << 30)
        datacenter.disk_groups.put(
            DiskGroup(
                node=node, kind="lvmthin", name=f"{vg}/{options.get('thinpool', storage.id)}", size=size,
                devices=group.devices, options={"vg": vg, "metadata": str(metadata)},
            )
        )  # fmt: skip


def _own_disk(datacenter: Datacenter, node: str, size: int, used: str) -> str:
    """Add a disk under the first free name and return that name."""
    name = next(name for name in _letters() if f"{node}/{name}" not in datacenter.disks)
    disk = _disk(node, DiskSpec(name, size))
    datacenter.disks.put(divided_by_zfs(disk) if used == "ZFS" else replace(disk, used=used))
    return name


def _letters() -> Iterator[str]:
    for letter in "abcdefghijklmnopqrstuvwxyz":
        yield f"sd{letter}"


def _devices(spec: NodeSpec, cards: int) -> Iterator[Device]:
    yield from _pci_devices(spec, cards)
    if spec.usb is None:
        for bus, product, name, speed in _HUBS:
            shown: dict[str, str | int] = {
                "busnum": bus, "devnum": 1, "class": 9, "level": 0, "port": 0, "prodid": product, "vendid": "1d6b",
                "speed": speed, "manufacturer": "Linux 6.17.2-1-pve xhci-hcd", "product": name,
                "serial": "0000:00:14.0",
            }  # fmt: skip
            yield Device(node=spec.name, kind="usb", id=f"usb{bus}", shown=shown)
    for number, entry in enumerate(spec.usb or (), 1):
        shown = {
            "busnum": 1, "devnum": number + 1, "class": 0, "level": 1, "port": number - 1, "speed": "480",
            "usbpath": str(number), **entry,
        }  # fmt: skip
        yield Device(node=spec.name, kind="usb", id=f"1-{number}", shown=shown)


def _pci_devices(spec: NodeSpec, cards: int) -> Iterator[Device]:
    if spec.pci is not None:
        for entry in spec.pci:
            own = dict(entry)
            mdev: Mapping[str, Any] = own.pop("mdev", {})
            yield _pci(spec.name, own, mdev)
        return
    network = ((f"0000:{_FIRST_CARD + at:02x}:00.0", "0x020000", "0x8086", "0x1533") for at in range(cards))
    for group, (id_, class_, vendor, device) in enumerate((*_BOARD, *network)):
        entry = {
            "id": id_, "class": class_, "vendor": vendor, "device": device, "vendor_name": _NAMES[vendor],
            "device_name": _NAMES[device], "iommugroup": group,
        }  # fmt: skip
        yield _pci(spec.name, entry, {})


def _pci(node: str, entry: Mapping[str, Any], mdev: Mapping[str, Any]) -> Device:
    defaults: dict[str, str | int] = {"class": "0xff0000", "iommugroup": -1}
    vendor, device = entry.get("vendor", "0x1af4"), entry.get("device", "0x1045")
    subsystem = {"subsystem_vendor": vendor, "subsystem_device": device}
    shown = defaults | {"vendor": vendor, "device": device} | subsystem | dict(entry)
    return Device(node=node, kind="pci", id=str(shown["id"]), shown=shown, mdev=mdev)
