"""`/nodes/{node}/qemu/{vmid}/migrate`: moving a machine to another node, and what stands against it."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import check_lock, is_running, set_lock, worker
from simulator.guests.facts import guest_numbers
from simulator.guests.migration import (
    MigrationLog,
    StorageMap,
    check_reachable,
    check_storages,
    move_volume,
    other_nodes,
    settle,
    storage_map,
    target_node,
    unavailable_storages,
)
from simulator.guests.qemu_drives import Drive, drives, is_cdrom, is_cloudinit
from simulator.guests.qemu_hotplug import bridge_exists
from simulator.guests.qemu_power import nics, view_for
from simulator.guests.storages import StorageView
from simulator.guests.transfer import BYTES_PER_SECOND
from simulator.ha import requests as ha
from simulator.records import Guest, Volume
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

_LOCAL_DEVICES = re.compile(r"(?:usb|hostpci|serial|parallel)\d+|ivshmem|virtiofs\d+")
_SCAN_FAILED = "Problem found while scanning volumes - can't migrate VM - check log"
_MIGRATE = ["perm", "/vms/{vmid}", ["VM.Migrate"]]


def _local_devices(guest: Guest) -> list[str]:
    """Return the devices that tie a machine to its node."""
    return [
        key
        for key, value in guest.config.items()
        if _LOCAL_DEVICES.fullmatch(key) and value != "socket" and "spice" not in value and "mapping=" not in value
    ]


def _volume_ids(guest: Guest) -> list[str]:
    return [drive["file"] for _, drive in drives(guest.config, unused=True) if ":" in drive["file"]]


def _local_drives(view: StorageView, guest: Guest) -> Iterator[tuple[str, Drive, Volume]]:
    """Yield the drives whose volumes only this node sees."""
    for slot, drive in drives(guest.config, unused=True):
        volume = view.find(drive["file"])
        if volume is not None and not view.is_shared(volume.storage):
            yield slot, drive, volume


def _disk_row(slot: str, drive: Drive, volume: Volume) -> dict[str, Any]:
    unused = slot.startswith("unused")
    return {
        "volid": volume.volid, "size": volume.size, "drivename": slot, "shared": 0,
        "cdrom": int(is_cdrom(drive)), "replicate": int(drive.get("replicate", "1")),
        "is_attached": int(not unused), "is_unused": int(unused), "is_vmstate": 0,
        "is_tpmstate": int(slot == "tpmstate0"), "is_cloudinit": int(is_cloudinit(drive)),
    }  # fmt: skip


@route(
    "GET",
    "/nodes/{node}/qemu/{vmid}/migrate",
    params={**GUEST, "target": string(format="pve-node", optional=True)},
    check=_MIGRATE,
    protected=True,
    proxyto="node",
)
def preconditions(call: Call) -> dict[str, Any]:
    """Return to which nodes a machine can go, and what ties it to this one."""
    call.need_quorum()
    guest, view = call.datacenter.guest(call.integer("vmid"), "qemu", call.node), view_of(call)
    lacking = {name: unavailable_storages(view, _volume_ids(guest), name) for name in other_nodes(call)}
    against: dict[str, dict[str, Any]] = {
        name: {"unavailable_storages": storages} if storages else {} for name, storages in lacking.items()
    }
    managed = ha.preconditions(call.datacenter, guest, against)
    return managed | {
        "running": int(is_running(guest)),
        "allowed_nodes": [name for name, reasons in against.items() if not reasons],
        "not_allowed_nodes": against,
        "local_disks": [_disk_row(*found) for found in _local_drives(view, guest)],
        "local_resources": _local_devices(guest),
        "mapped-resources": [],
        "mapped-resource-info": {},
        "has-dbus-vmstate": 1,
    }


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/migrate",
    params={
        **GUEST,
        "bwlimit": integer(minimum=0, optional=True),
        "force": boolean(optional=True),
        "migration_network": string(format="CIDR", optional=True),
        "migration_type": string(enum=("secure", "insecure"), optional=True),
        "online": boolean(optional=True),
        "target": string(format="pve-node"),
        "targetstorage": string(format="storage-pair-list", optional=True),
        "with-conntrack-state": boolean(optional=True),
        "with-local-disks": boolean(optional=True),
    },
    check=_MIGRATE,
    protected=True,
    proxyto="node",
)
def migrate(call: Call) -> str:
    """Move a machine to another node."""
    call.need_quorum()
    target = target_node(call)
    call.root_only("force", "migration_type", "migration_network")
    guest, view = call.datacenter.guest(call.integer("vmid"), "qemu", call.node), view_of(call)
    check_lock(guest)
    request = ha.instead(call, "migrate")
    if request is not None:
        return request
    if is_running(guest) and not call.flag("online"):
        raise ApiError("can't migrate running VM without --online")
    wanted = storage_map(call, "targetstorage", target.name)
    check_storages(view, _volume_ids(guest), wanted, target.name)
    body = worker(lambda run: _migrate(run, call, wanted))
    return call.start_task("qmigrate", str(guest.vmid), body)


def _migrate(run: TaskRun, call: Call, wanted: StorageMap) -> Steps:
    vmid, target, log = call.integer("vmid"), call.text("target"), MigrationLog(run)
    run.datacenter.guest(vmid, "qemu", run.node)
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    check_lock(guest)
    yield from _prepare(run, call, guest, log)
    made = dict[str, str]()
    view = view_for(run)
    yield log.line(f"starting migration of VM {vmid} to node '{target}' ({run.datacenter.nodes[target].ip})")
    volumes = yield from _scan(log, view, call, guest)
    set_lock(run.datacenter, vmid, "migrate")
    try:
        if volumes:
            yield log.line("copying local disk images")
        for volume in volumes:
            moved = yield from move_volume(log, view, volume, target, wanted.target(volume.storage))
            made[volume.volid] = moved.volid
        if is_running(guest):
            yield from _copy_memory(log, guest)
        yield 1.0
    except (ApiError, TaskError) as error:
        there = StorageView(run.datacenter, target, int(run.now))
        for volid in made.values():
            there.free(volid)
        set_lock(run.datacenter, vmid, None)
        yield log.line("aborting phase 1 - cleanup resources")
        raise log.abort(str(error)) from None
    settle(run, vmid, target, made, running=is_running(guest))
    yield log.line(f"migration finished successfully {log.duration()}")


def _prepare(run: TaskRun, call: Call, guest: Guest, log: MigrationLog) -> Steps:
    """Refuse what ties a machine to its node, and a target that is not there or lacks a bridge."""
    devices = _local_devices(guest)
    if devices and (is_running(guest) or not call.flag("force")):
        raise log.abort(f"can't migrate VM which uses local devices: {', '.join(devices)}")
    if devices:
        yield log.line("migrating VM which uses local devices")
    check_reachable(log, run, call.text("target"))
    there = StorageView(run.datacenter, call.text("target"), int(run.now))
    for _, nic in nics(guest) if is_running(guest) else ():
        if "bridge" in nic and not bridge_exists(there, str(nic["bridge"])):
            raise log.abort(f"bridge '{nic['bridge']}' does not exist")
    yield 0.3


def _scan(log: MigrationLog, view: StorageView, call: Call, guest: Guest) -> Generator[Step, None, list[Volume]]:
    """Find the local volumes that go along; abort when one cannot."""
    found, problems = list[Volume](), list[str]()
    for slot, drive, volume in list(_local_drives(view, guest)):
        state = "unused" if slot.startswith("unused") else "attached"
        problem = _problem(view, call, guest, drive, volume)
        if is_cloudinit(drive):
            state = "generated"
        yield log.line(f"found local disk '{volume.volid}' ({state})")
        if problem:
            problems.append(f"can't migrate local disk '{volume.volid}': {problem}")
        found.append(volume)
    for text in problems:
        yield log.line(text)
    if problems:
        yield log.line(f"ERROR: {_SCAN_FAILED}")
        yield log.line("aborting phase 1 - cleanup resources")
        raise log.abort(_SCAN_FAILED)
    return found


def _problem(view: StorageView, call: Call, guest: Guest, drive: Drive, volume: Volume) -> str | None:
    """Return what hinders a local volume from going along."""
    if is_cdrom(drive) and not is_cloudinit(drive):
        return "local cdrom image"
    if is_running(guest) and not is_cloudinit(drive) and not call.flag("with-local-disks"):
        return "can't live migrate attached local disks without with-local-disks option"
    if volume.parent is not None and view.names_base(volume.storage):
        return f"clone of '{volume.parent.partition(':')[2]}'"
    if guest.snapshots and view.section(volume.storage).type in ("lvmthin", "lvm"):
        return "non-migratable snapshot exists"
    return None


def _copy_memory(log: MigrationLog, guest: Guest) -> Steps:
    """Copy a running machine's memory."""
    _, memory = guest_numbers(guest)
    yield log.line(f"start migrate command to unix:/run/qemu-server/{guest.vmid}.migrate")
    yield max(1.0, memory / (4 * BYTES_PER_SECOND))
    yield log.line(f"average migration speed: {4 * BYTES_PER_SECOND >> 20}.0 MiB/s - downtime 42 ms")
    yield log.line("migration status: completed")
