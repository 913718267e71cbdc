"""`/nodes/{node}/disks/zfs`: ZFS pools on disks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.errors import ApiError
from simulator.nodes import disk_groups, disks
from simulator.nodes.disk_tasks import Plan, check_may_add, check_storage, devices_for, start_making, start_removing
from simulator.nodes.disks import BlockDevice, by_id
from simulator.nodes.records import DiskGroup
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import PropertyString, boolean, integer, string
from simulator.state import Datacenter

_NODE = {"node": string(format="pve-node")}
_NAME = string(format="pve-storage-id")
_FLAG = boolean(optional=True)
_AUDIT = ["perm", "/", ["Sys.Audit"]]
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_DRAID = PropertyString({"data": integer(minimum=1), "spares": integer(minimum=0)})
_LEAST = {
    "single": 1, "mirror": 2, "raid10": 4, "raidz": 3, "raidz2": 4, "raidz3": 5, "draid": 3, "draid2": 4, "draid3": 5,
}  # fmt: skip
_PARITY = {"raidz": 1, "raidz2": 2, "raidz3": 3, "draid": 1, "draid2": 2, "draid3": 3}
_FINE = {"state": "ONLINE", "read": 0, "write": 0, "cksum": 0, "msg": ""}


@route("GET", "/nodes/{node}/disks/zfs", params=_NODE, check=_AUDIT, protected=True, proxyto="node")
def pools(call: Call) -> list[dict[str, Any]]:
    """List the pools."""
    return [_row(call.datacenter, pool) for pool in disk_groups.of_kind(call.datacenter, call.node, "zfs")]


def _row(datacenter: Datacenter, pool: DiskGroup) -> dict[str, Any]:
    used = disk_groups.used_bytes(datacenter, pool)
    return {
        "name": pool.name, "size": pool.size, "alloc": used, "free": pool.size - used, "frag": 0, "dedup": 1,
        "health": "ONLINE",
    }  # fmt: skip


@route(
    "GET",
    "/nodes/{node}/disks/zfs/{name}",
    params=_NODE | {"name": _NAME},
    check=_AUDIT,
    protected=True,
    proxyto="node",
)
def read_pool(call: Call) -> dict[str, Any]:
    """Return a pool with its disks as a tree."""
    name = call.text("name")
    pool = call.datacenter.disk_groups.get(f"{call.node}/zfs/{name}")
    if pool is None:
        raise ApiError(f"command '/sbin/zpool status -P {name}' failed: exit code 1")
    leaves: list[dict[str, Any]] = [
        {"name": _shown(call.datacenter, call.node, device), "leaf": 1, **_FINE} for device in pool.devices
    ]
    root = {"name": name, "leaf": 0, **_FINE, "children": _vdevs(pool.options["raidlevel"], leaves)}
    return {"name": name, "state": "ONLINE", "errors": "No known data errors", "leaf": 0, "children": [root]}


def _shown(datacenter: Datacenter, node: str, name: str) -> str:
    device = disks.find(datacenter, node, f"/dev/{name}")
    return f"{by_id(device.disk)}-part{device.partition.number if device.partition else 1}"


def _vdevs(level: str, leaves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the disks of a pool as they are grouped."""
    if level == "single":
        return leaves
    pairs = level == "raid10"
    groups = [leaves[at : at + 2] for at in range(0, len(leaves), 2)] if pairs else [leaves]
    word = {"raid10": "mirror", "raidz": "raidz1", "draid": "draid1"}.get(level, level)
    return [{"name": f"{word}-{at}", "leaf": 0, **_FINE, "children": group} for at, group in enumerate(groups)]


@route(
    "POST",
    "/nodes/{node}/disks/zfs",
    params=_NODE
    | {
        "add_storage": _FLAG,
        "ashift": integer(minimum=9, maximum=16, optional=True),
        "compression": string(enum=("on", "off", "gzip", "lz4", "lzjb", "zle", "zstd"), optional=True),
        "devices": string(format="string-list"),
        "draid-config": string(format=_DRAID, optional=True),
        "name": _NAME,
        "raidlevel": string(enum=tuple(_LEAST)),
    },
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def create_pool(call: Call) -> str:
    """Make a pool of unused disks."""
    check_may_add(call)
    name, level, node = call.text("name"), call.text("raidlevel"), call.node
    if "draid-config" in call and not level.startswith("draid"):
        raise ApiError("draid-config set without using dRAID level")
    draid = _DRAID.parse(call.text("draid-config")) if "draid-config" in call else {}
    paths = devices_for(call, call.listing("devices"))
    options = {"pool": name, "content": "rootdir,images", "nodes": node}
    storage = Section(id=name, type="zfspool", options=options)
    check_storage(call, storage)
    if f"{node}/zfs/{name}" in call.datacenter.disk_groups:
        raise ApiError(f"pool '{name}' already exists on node '{node}'")
    _check_number(level, len(paths), draid)

    def make(datacenter: Datacenter, found: list[BlockDevice]) -> DiskGroup:
        for device in found:
            _mark(datacenter, device)
        size, usable = _sizes(level, [device.size for device in found], draid)
        options = {"raidlevel": level, "usable": str(usable)}
        devices = tuple(device.name for device in found)
        return DiskGroup(node=node, kind="zfs", name=name, size=size, devices=devices, options=options)

    def says(found: list[BlockDevice]) -> Iterator[str]:
        yield f"# /sbin/zpool create -o ashift={call.integer('ashift', 12)} {name} {_layout(level, found, draid)}"
        yield f"# /sbin/zfs set compression={call.text('compression', 'on')} {name}"
        yield f"# systemctl enable zfs-import@{name}.service"

    return start_making(call, Plan(task="zfscreate", name=name, paths=paths, make=make, says=says, storage=storage))


def _check_number(level: str, number: int, draid: dict[str, Any]) -> None:
    """Refuse too few disks, or too many."""
    if level == "raid10" and number % 2:
        raise ApiError("raid10 needs an even number of disks")
    if level == "single" and number > 1:
        raise ApiError("please give only one disk for single disk mode")
    if number < _LEAST[level]:
        raise ApiError(f"{level} needs at least {_LEAST[level]} disks")
    least = _LEAST[level] - 2 + int(draid.get("data", 0)) + int(draid.get("spares", 0))
    if level.startswith("draid") and number < least:
        raise ApiError(f"At least {least} disks needed for current dRAID config")


def _mark(datacenter: Datacenter, device: BlockDevice) -> None:
    """Divide a disk as ZFS does; a partition is taken as it is."""
    if device.partition is not None:
        disks.use(datacenter, device, "ZFS")
        return
    datacenter.disks.put(disks.divided_by_zfs(device.disk))


def _sizes(level: str, sizes: list[int], draid: dict[str, Any]) -> tuple[int, int]:
    """Return the size of a pool as ZFS counts it, and what of it can hold data."""
    smallest = min(sizes)
    if level in ("single", "mirror"):
        return smallest, smallest
    if level == "raid10":
        pairs = sum(min(sizes[at : at + 2]) for at in range(0, len(sizes), 2))
        return pairs, pairs
    disks_of_data = len(sizes) - int(draid.get("spares", 0))
    return smallest * disks_of_data, smallest * (disks_of_data - _PARITY[level])


def _layout(level: str, found: list[BlockDevice], draid: dict[str, Any]) -> str:
    """Return how the command names the disks."""
    paths = [by_id(device.disk) if device.partition is None else device.path for device in found]
    if level == "single":
        return paths[0]
    if level == "raid10":
        return " ".join(f"mirror {paths[at]} {paths[at + 1]}" for at in range(0, len(paths), 2))
    word = level
    if draid:
        word += f":{draid['data']}d" + (f":{draid['spares']}s" if draid["spares"] else "")
    return " ".join([word, *paths])


@route(
    "DELETE",
    "/nodes/{node}/disks/zfs/{name}",
    params=_NODE | {"name": _NAME, "cleanup-config": _FLAG, "cleanup-disks": _FLAG},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def remove_pool(call: Call) -> str:
    """Destroy a pool with all that is on it."""
    name = call.text("name")
    missing = f"command 'zpool destroy {name}' failed: exit code 1"
    return start_removing(call, "zfsremove", name, f"zfs/{name}", missing)
