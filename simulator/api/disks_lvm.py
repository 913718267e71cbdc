"""`/nodes/{node}/disks/lvm` and `lvmthin`: volume groups and thin pools on disks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulator.nodes import disk_groups, disks
from simulator.nodes.disk_groups import EXTENT
from simulator.nodes.disk_tasks import (
    Make,
    Plan,
    check_may_add,
    check_storage,
    devices_for,
    start_making,
    start_removing,
)
from simulator.nodes.disks import BlockDevice
from simulator.nodes.records import DiskGroup
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.state import Datacenter

_NODE = {"node": string(format="pve-node")}
_NAME = string(format="pve-storage-id")
_FLAG = boolean(optional=True)
_AUDIT = ["perm", "/", ["Sys.Audit"]]
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_NEW = _NODE | {"add_storage": _FLAG, "device": string(), "name": _NAME}
_REMOVE = _NODE | {"name": _NAME, "cleanup-config": _FLAG, "cleanup-disks": _FLAG}
_GIB = 1 << 30
_SPARE = 128 << 20


@route("GET", "/nodes/{node}/disks/lvm", params=_NODE, check=_AUDIT, protected=True, proxyto="node")
def volume_groups(call: Call) -> dict[str, Any]:
    """Return the volume groups as a tree, with their disks below them."""
    groups = disk_groups.of_kind(call.datacenter, call.node, "lvm")
    return {"leaf": 0, "children": [_tree(call.datacenter, group) for group in groups]}


def _tree(datacenter: Datacenter, group: DiskGroup) -> dict[str, Any]:
    free = group.size - disk_groups.allocated_bytes(datacenter, group)
    sizes = [(name, disks.find(datacenter, group.node, f"/dev/{name}").size) for name in group.devices]
    children = [
        {"leaf": 1, "name": f"/dev/{name}", "size": _extents(size), "free": free if len(sizes) == 1 else 0}
        for name, size in sizes
    ]
    return {"leaf": 0, "name": group.name, "size": group.size, "free": free, "children": children}


def _extents(size: int) -> int:
    """Return what a volume group makes of a device: whole extents, without the first megabyte."""
    return (size - (1 << 20)) // EXTENT * EXTENT


@route("POST", "/nodes/{node}/disks/lvm", params=_NEW, check=_MODIFY, protected=True, proxyto="node")
def create_volume_group(call: Call) -> str:
    """Make a volume group on an unused disk or partition."""
    name = call.text("name")
    options = {"vgname": name, "content": "rootdir,images", "shared": "0", "nodes": call.node}
    storage = Section(id=name, type="lvm", options=options)

    def make(datacenter: Datacenter, found: list[BlockDevice]) -> DiskGroup:
        return _make_volume_group(datacenter, found[0], name)

    return _start(call, "lvmcreate", storage, make, _created)


def _start(
    call: Call, task: str, storage: Section, make: Make, says: Callable[[BlockDevice, str], Iterator[str]]
) -> str:
    check_may_add(call)
    name, node = call.text("name"), call.node
    paths = devices_for(call, [call.text("device")])
    check_storage(call, storage)

    def taken(datacenter: Datacenter) -> str | None:
        if disk_groups.volume_group(datacenter, node, name) is None:
            return None
        return f"volume group with name '{name}' already exists on node '{node}'"

    plan = Plan(
        task=task, name=name, paths=paths, make=make, says=lambda found: says(found[0], name), storage=storage,
        taken=taken,
    )  # fmt: skip
    return start_making(call, plan)


def _created(device: BlockDevice, name: str) -> Iterator[str]:
    yield f'  Physical volume "{device.path}" successfully created.'
    yield f'  Volume group "{name}" successfully created'


def _make_volume_group(datacenter: Datacenter, device: BlockDevice, name: str) -> DiskGroup:
    disks.use(datacenter, device, "LVM")
    group = DiskGroup(
        node=device.disk.node, kind="lvm", name=name, size=_extents(device.size), devices=(device.name,)
    )  # fmt: skip
    return datacenter.disk_groups.put(group)


@route("DELETE", "/nodes/{node}/disks/lvm/{name}", params=_REMOVE, check=_MODIFY, protected=True, proxyto="node")
def remove_volume_group(call: Call) -> str:
    """Remove a volume group with all that is on it."""
    name = call.text("name")
    return start_removing(call, "lvmremove", name, f"lvm/{name}", f"no such volume group '{name}'")


@route("GET", "/nodes/{node}/disks/lvmthin", params=_NODE, check=_AUDIT, protected=True, proxyto="node")
def thin_pools(call: Call) -> list[dict[str, Any]]:
    """List the thin pools."""
    rows = []
    for pool in disk_groups.of_kind(call.datacenter, call.node, "lvmthin"):
        used, metadata = disk_groups.used_bytes(call.datacenter, pool), int(pool.options["metadata"])
        rows.append(
            {
                "lv": pool.name.partition("/")[2], "vg": pool.options["vg"], "lv_size": pool.size, "used": used,
                "metadata_size": metadata, "metadata_used": metadata * used // pool.size,
            }
        )  # fmt: skip
    return rows


@route("POST", "/nodes/{node}/disks/lvmthin", params=_NEW, check=_MODIFY, protected=True, proxyto="node")
def create_thin_pool(call: Call) -> str:
    """Make a volume group on an unused disk or partition, and a thin pool that fills it."""
    name = call.text("name")
    options = {"vgname": name, "thinpool": name, "content": "rootdir,images", "nodes": call.node}
    storage = Section(id=name, type="lvmthin", options=options)

    def make(datacenter: Datacenter, found: list[BlockDevice]) -> DiskGroup:
        group = _make_volume_group(datacenter, found[0], name)
        metadata = thin_metadata(group.size)
        size = (group.size - _SPARE - 2 * metadata) // EXTENT * EXTENT
        options = {"vg": name, "metadata": str(metadata)}
        return DiskGroup(node=group.node, kind="lvmthin", name=f"{name}/{name}", size=size,
                         devices=group.devices, options=options)  # fmt: skip

    def says(device: BlockDevice, name: str) -> Iterator[str]:
        yield from _created(device, name)
        yield f'  Logical volume "{name}" created.'

    return _start(call, "lvmthincreate", storage, make, says)


def thin_metadata(size: int) -> int:
    """Return the size of a thin pool's metadata: a hundredth, at least one and at most sixteen GiB."""
    return min(max((size - _SPARE) // 100, _GIB), 16 * _GIB) // EXTENT * EXTENT


@route(
    "DELETE",
    "/nodes/{node}/disks/lvmthin/{name}",
    params=_REMOVE | {"volume-group": _NAME},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def remove_thin_pool(call: Call) -> str:
    """Remove a thin pool with all that is on it; its volume group goes when the disks are to be wiped."""
    vg, name = call.text("volume-group"), call.text("name")
    key = f"{vg}/{name}"
    return start_removing(call, "lvmthinremove", f"{vg}-{name}", f"lvmthin/{key}", f"no such thin pool {key}")
