"""`/nodes/{node}/disks`: the disks of a node, their health, and wiping them."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError, TaskError
from simulator.nodes import disk_groups, disks
from simulator.nodes.disks import BlockDevice
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tasks import Lock, Steps, TaskRun

_NODE = {"node": string(format="pve-node")}
_DISK = string(pattern=r"^/dev/[a-zA-Z0-9\/]+$")
_FLAG = boolean(optional=True)
_SECONDS = 2.0
_ATTRIBUTES = (
    (5, "Reallocated_Sector_Ct", "PO--CK", 10, "0"), (9, "Power_On_Hours", "-O--CK", 0, "1000"),
    (12, "Power_Cycle_Count", "-O--CK", 0, "10"), (177, "Wear_Leveling_Count", "PO--C-", 0, "0"),
    (194, "Temperature_Celsius", "-O---K", 0, "30"),
)  # fmt: skip
_NVME_TEXT = """
SMART/Health Information (NVMe Log 0x02)
Critical Warning:                   0x00
Temperature:                        30 Celsius
Available Spare:                    100%
Available Spare Threshold:          10%
Percentage Used:                    0%
Power Cycles:                       10
Power On Hours:                     1,000
"""


@route("GET", "/nodes/{node}/disks", params=_NODE, user="all", proxyto="node")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `disks`."""
    names = ("list", "initgpt", "smart", "lvm", "lvmthin", "directory", "wipedisk", "zfs")
    return [{"name": name} for name in names]


@route(
    "GET",
    "/nodes/{node}/disks/list",
    params=_NODE
    | {
        "include-partitions": _FLAG,
        "skipsmart": _FLAG,
        "type": string(enum=("unused", "journal_disks"), optional=True),
    },
    check=["or", ["perm", "/", ["Sys.Audit"]], ["perm", "/nodes/{node}", ["Sys.Audit"]]],
    protected=True,
    proxyto="node",
)
def list_disks(call: Call) -> list[dict[str, Any]]:
    """List the disks, with their partitions when they are asked for."""
    found = disks.rows(
        call.datacenter, call.node, smart=not call.flag("skipsmart"), partitions=call.flag("include-partitions")
    )
    return [row for row in found if _is_wanted(row, call.optional("type"))]


def _is_wanted(row: dict[str, Any], kind: str | None) -> bool:
    used = row.get("used")
    if kind == "unused":
        return not used
    return kind is None or not used or used == "LVM" or (used == "partitions" and bool(row["gpt"]))


@route(
    "GET",
    "/nodes/{node}/disks/smart",
    params=_NODE | {"disk": _DISK, "healthonly": _FLAG},
    check=["perm", "/", ["Sys.Audit"]],
    protected=True,
    proxyto="node",
)
def smart(call: Call) -> dict[str, Any]:
    """Return what a disk says about its health."""
    disk = disks.find(call.datacenter, call.node, call.text("disk")).disk
    if call.flag("healthonly"):
        return {"health": disk.health}
    if disk.type == "nvme":
        return {"health": disk.health, "type": "text", "text": _NVME_TEXT}
    attributes = [
        {
            "id": f"{number:3}", "name": name, "flags": flags, "value": 100, "normalized": 100, "worst": 100,
            "threshold": threshold, "fail": "-", "raw": raw,
        }
        for number, name, flags, threshold, raw in _ATTRIBUTES
    ]  # fmt: skip
    return {"health": disk.health, "type": "ata", "attributes": attributes}


@route(
    "POST",
    "/nodes/{node}/disks/initgpt",
    params=_NODE | {"disk": _DISK, "uuid": string(pattern=r"[a-fA-F0-9\-]+", max_length=36, optional=True)},
    check=["perm", "/", ["Sys.Modify"]],
    protected=True,
    proxyto="node",
)
def init_gpt(call: Call) -> str:
    """Give an unused disk an empty partition table."""
    device = disks.find(call.datacenter, call.node, call.text("disk"))
    if device.partition is not None:
        raise ApiError(f"{device.path} is a partition")
    if device.used:
        raise ApiError(f"disk {device.path} already in use")

    def body(run: TaskRun) -> Steps:
        yield _SECONDS
        found = disks.find(run.datacenter, run.node, device.path)
        if found.used:
            raise TaskError(f"disk {device.path} is already in use")
        disks.divide(run.datacenter, found.disk)

    return call.start_task("diskinit", device.name, body)


@route(
    "PUT", "/nodes/{node}/disks/wipedisk", params=_NODE | {"disk": _DISK}, protected=True, proxyto="node"
)  # fmt: skip
def wipe_disk(call: Call) -> str:
    """Empty a disk or a partition that is neither mounted nor held."""
    device = disks.find(call.datacenter, call.node, call.text("disk"))
    mounted = disks.mounted_part(device)
    if mounted is not None:
        raise ApiError(f"disk/partition '{mounted}' is mounted")
    held = disks.held_part(device, disk_groups.held_devices(call.datacenter, call.node))
    if held is not None:
        raise ApiError(f"disk/partition '{held}' has a holder")

    def body(run: TaskRun) -> Steps:
        yield Lock(disks.LOCK)
        found = disks.find(run.datacenter, run.node, device.path)
        _check_not_in_pool(run, found)
        yield from disks.wipe(run.datacenter, found)
        yield _SECONDS

    return call.start_task("wipedisk", device.name, body)


def _check_not_in_pool(run: TaskRun, device: BlockDevice) -> None:
    """Fail as `wipefs` does on a disk of an imported ZFS pool."""
    pools = disk_groups.of_kind(run.datacenter, run.node, "zfs")
    if any(device.disk.name in pool.devices or device.name in pool.devices for pool in pools):
        raise TaskError(
            f"error wiping '{device.path}': wipefs: error: {device.path}: probing initialization failed: "
            "Device or resource busy"
        )
