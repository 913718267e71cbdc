"""Making something of disks and taking it away again: the part that is the same for all kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator.errors import ApiError, TaskError
from simulator.nodes import disk_groups, disks
from simulator.nodes.disks import BlockDevice
from simulator.nodes.records import DiskGroup
from simulator.records import Section
from simulator.routing import Call
from simulator.state import Datacenter
from simulator.tasks import Lock, Steps, TaskRun

_SECONDS = 3.0
Make = Callable[[Datacenter, list[BlockDevice]], DiskGroup]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be made: the task's type and id, the devices, what it says, and the storage that goes with it."""

    task: str
    name: str
    paths: tuple[str, ...]
    make: Make
    says: Callable[[list[BlockDevice]], Iterator[str]]
    storage: Section
    taken: Callable[[Datacenter], str | None] = lambda _datacenter: None
    """Returns the refusal when there is something of this name already."""


def devices_for(call: Call, paths: list[str]) -> tuple[str, ...]:
    """Return the paths of unused devices, or refuse."""
    found = [disks.find(call.datacenter, call.node, path) for path in paths]
    for device in found:
        disks.check_unused(device)
    return tuple(device.path for device in found)


def check_may_add(call: Call) -> None:
    """Refuse to add a storage for somebody who may not do so."""
    if call.flag("add_storage"):
        call.access.require("/storage", ["Datastore.Allocate"])


def check_storage(call: Call, storage: Section) -> None:
    """Refuse a storage that cannot be added."""
    if call.flag("add_storage"):
        disk_groups.check_can_add(call.datacenter, call.node, storage)


def start_making(call: Call, plan: Plan) -> str:
    """Make it in a task."""
    wanted = call.flag("add_storage")

    def body(run: TaskRun) -> Steps:
        yield Lock(disks.LOCK)
        datacenter = run.datacenter
        try:
            found = [disks.find(datacenter, run.node, path) for path in plan.paths]
            for device in found:
                disks.check_unused(device)
        except ApiError as error:
            raise TaskError(error.message) from None
        refusal = plan.taken(datacenter)
        if refusal is not None:
            raise TaskError(refusal)
        yield from plan.says(found)
        yield _SECONDS
        group = datacenter.disk_groups.put(plan.make(datacenter, found))
        if wanted:
            yield from disk_groups.add_storage(datacenter, run.node, plan.storage)
        disk_groups.set_capacities(datacenter, group)

    return call.start_task(plan.task, plan.name, body)


def start_removing(call: Call, task: str, id_: str, key: str, missing: str) -> str:
    """Take away in a task what stands under a key; `missing` is the refusal when there is nothing."""
    config, wipe = call.flag("cleanup-config"), call.flag("cleanup-disks")

    def body(run: TaskRun) -> Steps:
        yield Lock(disks.LOCK)
        datacenter = run.datacenter
        group = datacenter.disk_groups.get(f"{run.node}/{key}")
        if group is None:
            raise TaskError(missing)
        yield _SECONDS
        yield from _remove(datacenter, group, wipe=wipe)
        if config and not datacenter.quorate_on(run.node):
            raise TaskError(
                "config cleanup failed - update storage failed: cfs-lock 'file-storage_cfg' error: no quorum!"
            )
        if config:
            disk_groups.take_storages_away(datacenter, group)

    return call.start_task(task, id_, body)


def _remove(datacenter: Datacenter, group: DiskGroup, *, wipe: bool) -> Iterator[str]:
    """Take a group away; its devices keep their marks unless they are wiped."""
    _check_free(datacenter, group, wipe=wipe)
    if wipe or group.kind != "directory":
        disk_groups.empty_storages(datacenter, group)
    datacenter.disk_groups.delete(f"{group.node}/{group.kind}/{group.name}")
    if group.kind == "lvmthin" and wipe:
        datacenter.disk_groups.delete(f"{group.node}/lvm/{group.options['vg']}")
    for pool in disk_groups.pools_of(datacenter, group) if group.kind == "lvm" else []:
        disk_groups.empty_storages(datacenter, pool)
        datacenter.disk_groups.delete(f"{pool.node}/{pool.kind}/{pool.name}")
    for name in group.devices:
        device = disks.find(datacenter, group.node, f"/dev/{name}")
        if group.kind == "directory":
            disks.use(datacenter, device, device.used, mounted=False)
        if wipe:
            yield from disks.wipe(datacenter, _whole(disks.find(datacenter, group.node, f"/dev/{name}"), group))


def _whole(device: BlockDevice, group: DiskGroup) -> BlockDevice:
    """Return the disk of a partition that was made with the group, so that the disk is empty afterwards."""
    alone = device.partition is not None and len(device.disk.partitions) == 1
    return BlockDevice(device.disk) if alone and group.kind == "directory" else device


def _check_free(datacenter: Datacenter, group: DiskGroup, *, wipe: bool) -> None:
    """Refuse what the node itself runs from, and a volume group with other volumes beside a thin pool."""
    if group.options.get("system"):
        raise TaskError(f"command '/sbin/vgremove -y {group.name}' failed: exit code 5")
    if group.kind == "lvmthin" and wipe:
        vg = datacenter.disk_groups[f"{group.node}/lvm/{group.options['vg']}"]
        own = group.size + 2 * int(group.options["metadata"])
        if disk_groups.allocated_bytes(datacenter, vg) > own:
            raise TaskError(f"volume group '{vg.name}' still in use")
