"""`/nodes/{node}/storage/{storage}/content`: volumes and files on a storage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE, SEE_CHECK, view_of
from simulator.backup.names import parse as parse_backup
from simulator.backup.names import zone_of
from simulator.backup.target import check_may_protect
from simulator.errors import ApiError, PermissionDenied
from simulator.guests.draft import worker
from simulator.guests.rights import check_volume
from simulator.guests.storage_types import FILE, TYPES
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import VolumeName, own_name, parse_name, split_volid
from simulator.records import Volume
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Steps, TaskRun

_VMID = integer(format="pve-vmid", minimum=100, maximum=999999999)
VOLUME = {"node": NODE, "storage": string(format="pve-storage-id", optional=True), "volume": string()}
_UNITS = {"": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def content_row(call: Call, view: StorageView, volume: Volume) -> dict[str, Any]:
    """Return the row of a volume in a content list."""
    row: dict[str, Any] = {
        "volid": volume.volid, "content": _listed_content(call, volume), "ctime": volume.ctime,
        "format": volume.format, "size": volume.size,
    }  # fmt: skip
    if volume.content == "backup":
        row |= _of_backup(call, volume)
    if volume.vmid is not None:
        row["vmid"] = volume.vmid
    if row["content"] in ("images", "rootdir"):
        kind = view.section(volume.storage).type
        if view.type_of(volume.storage).layout == FILE:
            row["used"] = volume.used
        if kind != "lvmthin":
            row["parent"] = _shown_parent(view, volume)
    if volume.notes is not None:
        row["notes"] = volume.notes
    if volume.protected:
        row["protected"] = 1
    return row


def _of_backup(call: Call, volume: Volume) -> dict[str, Any]:
    """Return what the name of a backup tells: the type of the guest, and when it was made."""
    name = parse_backup(volume.name, zone_of(call.this_node))
    row: dict[str, Any] = {} if name.type is None else {"subtype": name.type}
    row |= {} if name.vmid is None else {"vmid": name.vmid}
    return row if name.moment is None else row | {"ctime": name.moment}


def _listed_content(call: Call, volume: Volume) -> str:
    """Return what a volume holds; whose disk it is decides between a machine's and a container's."""
    if volume.content not in ("images", "rootdir"):
        return volume.content
    owner = call.datacenter.guests.get(volume.vmid or 0)
    return "rootdir" if owner is not None and owner.type == "lxc" else "images"


def _shown_parent(view: StorageView, volume: Volume) -> str | None:
    if volume.parent is None:
        return None
    name = volume.parent.partition(":")[2]
    return f"../{name}" if view.type_of(volume.storage).layout == FILE else name


@route(
    "GET",
    "/nodes/{node}/storage/{storage}/content",
    params={
        "node": NODE,
        "storage": STORAGE,
        "content": string(format="pve-storage-content", optional=True),
        "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
    },
    check=SEE_CHECK,
    protected=True,
    proxyto="node",
)
def content(call: Call) -> list[dict[str, Any]]:
    """List the volumes of a storage that the caller may see."""
    view, storage = view_of(call), call.text("storage")
    view.available(storage)
    held, vmid = view.contents(storage), call.integer("vmid") if "vmid" in call else None
    rows = []
    for volume in view.volumes(storage):
        row = content_row(call, view, volume)
        if row["content"] not in held or call.optional("content") not in (None, row["content"]):
            continue
        if vmid in (None, row.get("vmid")) and _may_see(call, view, volume):
            rows.append(row)
    return rows


def _may_see(call: Call, view: StorageView, volume: Volume) -> bool:
    try:
        check_volume(call, view, volume.volid)
    except ApiError:
        return False
    return True


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/content",
    params={
        "node": NODE,
        "storage": STORAGE,
        "filename": string(),
        "format": string(enum=("raw", "qcow2", "subvol", "vmdk"), requires="size", optional=True),
        "size": string(pattern=r"\d+[MG]?"),
        "vmid": _VMID,
    },
    check=["perm", "/storage/{storage}", ["Datastore.AllocateSpace"]],
    protected=True,
    proxyto="node",
)
def allocate(call: Call) -> str:
    """Make a disk image; without a name it gets the next one that is free."""
    view, storage, name = view_of(call), call.text("storage"), call.text("filename")
    section, text = view.available(storage), call.text("size")
    size = int(text.rstrip("MG")) * _UNITS[text.lstrip("0123456789")]
    format_ = call.optional("format") or _format_of(name)
    if not name:
        return view.allocate(storage, call.integer("vmid"), size, format_).volid
    if TYPES[section.type].layout == FILE:
        name = f"{call.integer('vmid')}/{name}"
        if not name.endswith(f".{format_}"):
            raise ApiError(f"illegal name '{own_name(name)}' - should be '*.{format_}'")
    parse_name(TYPES[section.type], name)
    return view.allocate(storage, call.integer("vmid"), size, format_, name=name).volid


def _format_of(name: str) -> str:
    ending = name.rpartition(".")[2]
    return ending if ending in ("raw", "qcow2", "vmdk", "subvol") else "raw"


def asked_volid(call: Call) -> str:
    """Return the volume that a path names, with or without its storage."""
    text, storage = call.text("volume"), call.optional("storage")
    volid = text if ":" in text else f"{storage}:{text}"
    if storage is not None and split_volid(volid)[0] != storage:
        raise ApiError(f"storage ID missmatch ({storage} != {split_volid(volid)[0]})")
    return volid


def parsed_volume(view: StorageView, volid: str) -> VolumeName:
    """Return what the name of a volume says, or refuse one that its storage cannot have."""
    storage, name = split_volid(volid)
    return parse_name(view.type_of(storage), name)


@route(
    "GET", "/nodes/{node}/storage/{storage}/content/{volume}", params=VOLUME,
    user="all", protected=True, proxyto="node", rest=True,
)  # fmt: skip
def read_volume(call: Call) -> dict[str, Any]:
    """Return path, size and format of a volume."""
    view, volid = view_of(call), asked_volid(call)
    check_volume(call, view, volid)
    view.available(split_volid(volid)[0])
    volume = view.find(volid)
    if volume is None:
        raise ApiError(f"volume_size_info on '{volid}' failed - no format")
    row: dict[str, Any] = {
        "path": view.path(volid), "size": volume.size, "used": volume.used, "format": volume.format,
    }  # fmt: skip
    if volume.content == "backup":
        row |= {"notes": volume.notes or "", "protected": int(volume.protected)}
    return row


@route(
    "PUT",
    "/nodes/{node}/storage/{storage}/content/{volume}",
    params={**VOLUME, "notes": string(optional=True), "protected": boolean(optional=True)},
    user="all",
    protected=True,
    proxyto="node",
    rest=True,
)
def update_volume(call: Call) -> None:
    """Change a backup's notes or its protection."""
    view, volid = view_of(call), asked_volid(call)
    check_volume(call, view, volid)
    volume, is_backup = view.require(volid), parsed_volume(view, volid).content == "backup"
    if "notes" in call:
        if not is_backup:
            raise ApiError("only backups can have notes")
        volume = replace(volume, notes=call.text("notes"))
    if "protected" in call:
        if not is_backup:
            raise ApiError("only backups support attribute 'protected'")
        if call.flag("protected") and not volume.protected:
            check_may_protect(view, volume.storage, volume.vmid, call.access)
        volume = replace(volume, protected=call.flag("protected"))
    call.datacenter.volumes.put(volume)


@route(
    "DELETE", "/nodes/{node}/storage/{storage}/content/{volume}",
    params={**VOLUME, "delay": integer(minimum=1, maximum=30, optional=True)},
    user="all", protected=True, proxyto="node", rest=True,
)  # fmt: skip
def delete_volume(call: Call) -> str:
    """Delete a volume, whoever uses it."""
    view, volid = view_of(call), asked_volid(call)
    storage = split_volid(volid)[0]
    parsed = parsed_volume(view, volid)
    _check_delete(call, storage, parsed)
    view.available(storage)

    def body(_: TaskRun) -> Steps:
        volume = view.find(volid)
        if volume is None:
            yield f"disk image '{view.path(volid)}' does not exist"
        elif volume.protected:
            raise ApiError(f"cannot remove protected volume '{volume.name}' on '{storage}'")
        yield 0.2
        view.free(volid)
        yield f"Removed volume '{volid}'"

    owner = f"{parsed.vmid}@{storage}" if parsed.vmid is not None else storage
    return call.start_task("imgdel", owner, worker(body))


def _check_delete(call: Call, storage: str, parsed: VolumeName) -> None:
    """Backups may be deleted with less than other volumes."""
    path = f"/storage/{storage}"
    if parsed.content == "backup" and parsed.vmid is not None and not call.access.may(path, ["Datastore.Allocate"]):
        call.access.require(path, ["Datastore.AllocateSpace"])
        call.access.require(f"/vms/{parsed.vmid}", ["VM.Backup"])
    elif not call.access.may(path, ["Datastore.Allocate"]):
        raise PermissionDenied(f"{path}, Datastore.Allocate")
