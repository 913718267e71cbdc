"""`/nodes/{node}/storage/{storage}/import-metadata`: what a foreign guest would be as a machine here."""

from __future__ import annotations

from collections import Counter
from typing import Any
from xml.etree import ElementTree

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE, view_of
from simulator.errors import ApiError
from simulator.guests.rights import check_volume
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import parse_name
from simulator.records import Volume
from simulator.routing import Call, route
from simulator.schema import string

_CPU, _MEMORY, _NIC, _DISK = "3", "4", "10", "17"
_BUSES = {"5": "ide", "6": "scsi", "20": "sata"}


@route(
    "GET", "/nodes/{node}/storage/{storage}/import-metadata",
    params={"node": NODE, "storage": STORAGE, "volume": string()}, user="all", protected=True, proxyto="node",
)  # fmt: skip
def import_metadata(call: Call) -> dict[str, Any]:
    """Return the parameters with which to make a machine of an appliance, or of a guest of an ESXi host."""
    view, storage, name = view_of(call), call.text("storage"), call.text("volume")
    check_volume(call, view, f"{storage}:{name}")
    parsed = parse_name(view.type_of(storage), name)
    if parsed.content != "import":
        raise ApiError(f"invalid content-type '{parsed.content}'")
    volume = view.require(f"{storage}:{name}")
    if volume.format == "vmx":
        return _of_esxi(view, volume)
    if volume.format in ("ova", "ovf"):
        return _of_appliance(volume)
    raise ApiError(f"invalid format '{volume.format}'")


def _of_esxi(view: StorageView, volume: Volume) -> dict[str, Any]:
    """Describe a guest of an ESXi host by the files that lie beside its configuration."""
    folder, _, file = volume.name.rpartition("/")
    beside = [other for other in view.volumes(volume.storage) if other.name.startswith(f"{folder}/")]
    disks = sorted(other.volid for other in beside if other.format == "vmdk")
    return {
        "type": "vm", "source": "esxi", "create-args": {"name": file.removesuffix(".vmx")},
        "disks": {f"scsi{number}": volid for number, volid in enumerate(disks)}, "net": {}, "warnings": [],
    }  # fmt: skip


def _of_appliance(volume: Volume) -> dict[str, Any]:
    """Describe an appliance by its OVF document."""
    try:
        root = ElementTree.fromstring(volume.manifest)  # noqa: S314 - today's parser bounds the growth of entities itself
    except ElementTree.ParseError as error:
        raise ApiError(f"could not parse the description of '{volume.volid}': {error}") from None
    items = [{_tag(child): (child.text or "").strip() for child in item} for item in _all(root, "Item")]
    arguments: dict[str, Any] = {}
    name = next((found.text for found in _all(root, "Name") if found.text), None)
    if name:
        arguments["name"] = "".join(letter for letter in name if letter.isalnum() or letter in "-.")
    for kind, key in ((_CPU, "cores"), (_MEMORY, "memory")):
        quantity = next((i["VirtualQuantity"] for i in items if i.get("ResourceType") == kind), None)
        arguments |= {key: quantity} if quantity else {}
    nics = [item for item in items if item.get("ResourceType") == _NIC]
    return {
        "type": "vm", "source": volume.name, "create-args": arguments,
        "disks": _disks(root, items, volume),
        "net": {f"net{number}": {"model": _model(nic)} for number, nic in enumerate(nics)},
        "warnings": [{"type": "ova-needs-extracting"}] if volume.format == "ova" else [],
    }  # fmt: skip


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if _tag(element) == tag]


def _attribute(element: ElementTree.Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _model(nic: dict[str, str]) -> str:
    return {"vmxnet3": "vmxnet3", "e1000e": "e1000e"}.get(nic.get("ResourceSubType", "").lower(), "e1000")


def _disks(root: ElementTree.Element, items: list[dict[str, str]], volume: Volume) -> dict[str, dict[str, str]]:
    """Return the disks on the buses of their controllers: item -> disk -> file."""
    controllers = {i.get("InstanceID", ""): _BUSES[i["ResourceType"]] for i in items if i.get("ResourceType") in _BUSES}
    files = {_attribute(file, "id"): _attribute(file, "href") for file in _all(root, "File")}
    of_disk = {_attribute(disk, "diskId"): files.get(_attribute(disk, "fileRef"), "") for disk in _all(root, "Disk")}
    found: dict[str, dict[str, str]] = {}
    used: Counter[str] = Counter()
    for item in items:
        file = of_disk.get(item.get("HostResource", "").rpartition("/")[2], "")
        if item.get("ResourceType") == _DISK and file and "/" not in file:
            bus = controllers.get(item.get("Parent", ""), "scsi")
            inside = f"{volume.volid}/{file}" if volume.format == "ova" else f"{volume.storage}:import/{file}"
            found[f"{bus}{used[bus]}"] = {"volid": inside}
            used[bus] += 1
    return found
