"""`/nodes/{node}/disks/directory`: file systems on disks, mounted below `/mnt/pve`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from simulator.errors import ApiError
from simulator.nodes import disk_groups, disks
from simulator.nodes.disk_tasks import Plan, check_may_add, check_storage, devices_for, start_making, start_removing
from simulator.nodes.disks import BlockDevice
from simulator.nodes.records import DiskGroup, Partition
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.state import Datacenter

_NODE = {"node": string(format="pve-node")}
_NAME = string(format="pve-storage-id")
_FLAG = boolean(optional=True)
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_CONTENT = "rootdir,images,iso,backup,vztmpl,snippets"


def _unit(name: str) -> str:
    """Return the path of the mount unit."""
    return f"/etc/systemd/system/mnt-pve-{name.replace('-', chr(92) + 'x2d')}.mount"


@route(
    "GET",
    "/nodes/{node}/disks/directory",
    params=_NODE,
    check=["perm", "/", ["Sys.Audit"]],
    protected=True,
    proxyto="node",
)
def directories(call: Call) -> list[dict[str, Any]]:
    """List the directories that were made this way."""
    return [
        {
            "unitfile": _unit(group.name), "path": f"/mnt/pve/{group.name}",
            "device": f"/dev/disk/by-uuid/{group.options['uuid']}", "type": group.options["filesystem"],
            "options": "defaults",
        }
        for group in disk_groups.of_kind(call.datacenter, call.node, "directory")
    ]  # fmt: skip


@route(
    "POST",
    "/nodes/{node}/disks/directory",
    params=_NODE
    | {
        "add_storage": _FLAG, "device": string(), "filesystem": string(enum=("ext4", "xfs"), optional=True),
        "name": _NAME,
    },
    check=_MODIFY, protected=True, proxyto="node",
)  # fmt: skip
def create_directory(call: Call) -> str:
    """Put a file system on an unused disk or partition and mount it."""
    check_may_add(call)
    name, filesystem, node = call.text("name"), call.text("filesystem", "ext4"), call.node
    paths = devices_for(call, [call.text("device")])
    path = f"/mnt/pve/{name}"
    storage = Section(
        id=name, type="dir", options={"path": path, "content": _CONTENT, "is_mountpoint": "1", "nodes": node}
    )

    check_storage(call, storage)

    def make(datacenter: Datacenter, found: list[BlockDevice]) -> DiskGroup:
        device = _with_partition(datacenter, found[0])
        disks.use(datacenter, device, filesystem, mounted=True)
        options = {"filesystem": filesystem, "uuid": str(uuid.uuid4())}
        return DiskGroup(
            node=node, kind="directory", name=name, size=device.size, devices=(device.name,), options=options
        )

    def says(found: list[BlockDevice]) -> Iterator[str]:
        part = found[0].path
        if found[0].partition is None:
            yield f"# /sbin/sgdisk -n1 -t1:8300 {part}"
            part = f"/dev/{found[0].disk.partition_name(1)}"
        yield f"# /sbin/mkfs -t {filesystem} {part}"
        yield f"# /sbin/blkid {part} -o export"

    if f"{node}/directory/{name}" in call.datacenter.disk_groups:
        raise ApiError(f"a systemd mount unit already exists: {_unit(name)}")
    return start_making(call, Plan(task="dircreate", name=name, paths=paths, make=make, says=says, storage=storage))


def _with_partition(datacenter: Datacenter, device: BlockDevice) -> BlockDevice:
    """Return the partition that a file system gets: the given one, or the only one of a disk."""
    if device.partition is not None:
        return device
    disks.divide(datacenter, device.disk, Partition(number=1, size=device.disk.size - (1 << 20)))
    name = device.disk.partition_name(1)
    return disks.find(datacenter, device.disk.node, f"/dev/{name}")


@route(
    "DELETE",
    "/nodes/{node}/disks/directory/{name}",
    params=_NODE | {"name": _NAME, "cleanup-config": _FLAG, "cleanup-disks": _FLAG},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def remove_directory(call: Call) -> str:
    """Unmount a directory; its storages and what is on the disk stay, unless they are to go as well."""
    name = call.text("name")
    unit = _unit(name).rpartition("/")[2]
    missing = f"command 'systemctl stop {unit}' failed: exit code 5"
    return start_removing(call, "dirremove", name, f"directory/{name}", missing)
