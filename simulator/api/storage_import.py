"""`/nodes/{node}/storage/{storage}/import-metadata`: what a foreign guest would be as a machine here."""

from __future__ import annotations

from typing import Any

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE, view_of
from simulator.errors import ApiError
from simulator.guests.rights import check_volume
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import parse_name
from simulator.ovf import parse as parse_ovf
from simulator.records import Volume
from simulator.routing import Call, route
from simulator.schema import string


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
        machine = parse_ovf(volume.manifest)
    except ValueError as error:
        raise ApiError(f"could not parse the description of '{volume.volid}': {error}") from None
    given = {"name": machine.name, "cores": machine.cores, "memory": machine.memory}
    folder = f"{volume.volid}/" if volume.format == "ova" else f"{volume.storage}:import/"
    return {
        "type": "vm", "source": volume.name, "create-args": {key: value for key, value in given.items() if value},
        "disks": {disk.slot: {"volid": f"{folder}{disk.file}", "size": disk.size} for disk in machine.disks},
        "net": {f"net{number}": {"model": model} for number, model in enumerate(machine.nics)},
        "warnings": [{"type": "ova-needs-extracting"}] if volume.format == "ova" else [],
    }  # fmt: skip
