"""What the description of an appliance (OVF) says of the machine in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

_CPU, _MEMORY, _NIC, _DISK = "3", "4", "10", "17"
_BUSES = {"5": "ide", "6": "scsi", "20": "sata"}
_SHIFTS = {"byte": 0, "byte * 2^10": 10, "byte * 2^20": 20, "byte * 2^30": 30, "byte * 2^40": 40}
_MODELS = {"vmxnet3": "vmxnet3", "e1000e": "e1000e"}


@dataclass(frozen=True, slots=True)
class OvfDisk:
    """A disk: the slot it is to have, its file beside the description, and its size in bytes."""

    slot: str
    file: str
    size: int


@dataclass(slots=True)
class OvfMachine:
    """A machine; what the description leaves out is empty."""

    name: str = ""
    cores: str = ""
    memory: str = ""
    disks: list[OvfDisk] = field(default_factory=list)
    nics: list[str] = field(default_factory=list)


def parse(text: str) -> OvfMachine:
    """Read a description; raise ValueError when it is none."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - today's parser bounds the growth of entities itself
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    items = [{_tag(child): (child.text or "").strip() for child in item} for item in _all(root, "Item")]
    name = next((element.text for element in _all(root, "Name") if element.text), "")
    return OvfMachine(
        name="".join(letter for letter in name if letter.isascii() and (letter.isalnum() or letter in "-.")),
        cores=_quantity(items, _CPU),
        memory=_quantity(items, _MEMORY),
        disks=list(_disks(root, items)),
        nics=[_model(item) for item in items if item.get("ResourceType") == _NIC],
    )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if _tag(element) == tag]


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    return {key.rpartition("}")[2]: value for key, value in element.attrib.items()}


def _quantity(items: list[dict[str, str]], kind: str) -> str:
    return next((item.get("VirtualQuantity", "") for item in items if item.get("ResourceType") == kind), "")


def _model(nic: dict[str, str]) -> str:
    return _MODELS.get(nic.get("ResourceSubType", "").lower(), "e1000")


def _disks(root: ElementTree.Element, items: list[dict[str, str]]) -> Iterator[OvfDisk]:
    """Yield the disks on the buses of their controllers: from the item over the disk to the file."""
    controllers = {i.get("InstanceID", ""): _BUSES[i["ResourceType"]] for i in items if i.get("ResourceType") in _BUSES}
    files = {found.get("id", ""): found.get("href", "") for found in map(_attributes, _all(root, "File"))}
    disks = {found.get("diskId", ""): found for found in map(_attributes, _all(root, "Disk"))}
    used: Counter[str] = Counter()
    for item in items:
        disk = disks.get(item.get("HostResource", "").rpartition("/")[2])
        file = files.get(disk.get("fileRef", ""), "") if disk is not None else ""
        if item.get("ResourceType") == _DISK and disk is not None and file and "/" not in file:
            bus = controllers.get(item.get("Parent", ""), "scsi")
            yield OvfDisk(f"{bus}{used[bus]}", file, _size(disk))
            used[bus] += 1


def _size(disk: dict[str, str]) -> int:
    capacity, unit = disk.get("capacity", "0"), disk.get("capacityAllocationUnits", "byte")
    return int(capacity) << _SHIFTS.get(unit, 0) if capacity.isdecimal() else 0
