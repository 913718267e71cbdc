"""`/nodes/{node}/lxc/{vmid}/migrate`: moving a container to another node."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import check_lock, is_running, set_lock, worker
from simulator.guests.lxc_mounts import is_volume, mounts, parse_mount
from simulator.guests.lxc_power import DEFAULT_TIMEOUT, start_locked, stop_locked
from simulator.guests.migration import (
    MigrationLog,
    StorageMap,
    check_reachable,
    check_storages,
    move_volume,
    other_nodes,
    settle,
    ssh_line,
    storage_map,
    target_node,
    unavailable_storages,
)
from simulator.guests.qemu_power import view_for
from simulator.guests.storages import StorageView
from simulator.ha import requests as ha
from simulator.records import Guest, Volume
from simulator.routing import Call, route
from simulator.schema import boolean, integer, number, string
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

_MIGRATE = ["perm", "/vms/{vmid}", ["VM.Migrate"]]


def _volume_ids(guest: Guest) -> list[str]:
    return [mount["volume"] for _, mount in mounts(guest.config) if is_volume(mount)]


@route(
    "GET",
    "/nodes/{node}/lxc/{vmid}/migrate",
    params={**GUEST, "target": string(format="pve-node", optional=True)},
    check=_MIGRATE,
    protected=True,
    proxyto="node",
)
def preconditions(call: Call) -> dict[str, Any]:
    """Return to which nodes a container can go."""
    call.need_quorum()
    guest, view = call.datacenter.guest(call.integer("vmid"), "lxc", call.node), view_of(call)
    lacking = {name: unavailable_storages(view, _volume_ids(guest), name) for name in other_nodes(call)}
    return {
        "running": int(is_running(guest)),
        "allowed-nodes": [name for name, storages in lacking.items() if not storages],
        "not-allowed-nodes": {
            name: {"unavailable-storages": storages} for name, storages in lacking.items() if storages
        },
    }


@route(
    "POST",
    "/nodes/{node}/lxc/{vmid}/migrate",
    params={
        **GUEST,
        "bwlimit": number(minimum=0, optional=True),
        "online": boolean(optional=True),
        "restart": boolean(optional=True),
        "target": string(format="pve-node"),
        "target-storage": string(format="storage-pair-list", optional=True),
        "timeout": integer(optional=True),
    },
    check=_MIGRATE,
    protected=True,
    proxyto="node",
)
def migrate(call: Call) -> str:
    """Move a container to another node; a running one is shut down and started again there."""
    call.need_quorum()
    target = target_node(call)
    guest, view = call.datacenter.guest(call.integer("vmid"), "lxc", call.node), view_of(call)
    check_lock(guest)
    request = ha.instead(call, "migrate")
    if request is not None:
        return request
    if is_running(guest) and not (call.flag("online") or call.flag("restart")):
        raise ApiError("can't migrate running container without --online or --restart")
    wanted = storage_map(call, "target-storage", target.name)
    check_storages(view, _volume_ids(guest), wanted, target.name)
    return call.start_task("vzmigrate", str(guest.vmid), worker(lambda run: _migrate(run, call, wanted)))


def _migrate(run: TaskRun, call: Call, wanted: StorageMap) -> Steps:
    vmid, target, log = call.integer("vmid"), call.text("target"), MigrationLog(run)
    yield Lock(guest_lock_path(vmid, "lxc"))
    guest = run.datacenter.guest(vmid, "lxc", run.node)
    check_lock(guest)
    was_running = is_running(guest)
    if was_running and not call.flag("restart"):
        raise log.abort("lxc live migration is currently not implemented")
    check_reachable(log, run, target)
    if was_running:
        yield log.line(f"shutdown CT {vmid}")
        yield from stop_locked(run, vmid, min(2.0, float(call.integer("timeout", DEFAULT_TIMEOUT))))
    yield log.line(f"starting migration of CT {vmid} to node '{target}' ({run.datacenter.nodes[target].ip})")
    made = yield from _move_volumes(run, log, wanted, vmid, target)
    yield log.line("start final cleanup")
    yield 1.0
    settle(run, vmid, target, made, running=False)
    if was_running:
        yield log.line("start container on target node")
        yield log.line(ssh_line(run.datacenter.nodes[target], f"pct start {vmid}"))
        there = TaskRun(run.world, run.datacenter, run.upid, target, run.user)
        yield from start_locked(there, vmid)
    yield log.line(f"migration finished successfully {log.duration()}")


def _move_volumes(
    run: TaskRun, log: MigrationLog, wanted: StorageMap, vmid: int, target: str
) -> Generator[Step, None, dict[str, str]]:
    """Take the local volumes along; a failure leaves them where they were."""
    view, made = view_for(run), dict[str, str]()
    guest = run.datacenter.guests[vmid]
    local = yield from _scan(view, log, guest)
    set_lock(run.datacenter, vmid, "migrate")
    try:
        for volume in local:
            moved = yield from move_volume(log, view, volume, target, wanted.target(volume.storage))
            made[volume.volid] = moved.volid
    except (ApiError, TaskError) as error:
        there = StorageView(run.datacenter, target, int(run.now))
        for volid in made.values():
            there.free(volid)
        set_lock(run.datacenter, vmid, None)
        raise log.abort(str(error)) from None
    return made


def _scan(view: StorageView, log: MigrationLog, guest: Guest) -> Generator[Step, None, list[Volume]]:
    found = list[Volume]()
    for key, value in guest.config.items():
        if not key.startswith(("rootfs", "mp", "unused")):
            continue
        mount = parse_mount(key, value)
        if not is_volume(mount):
            if mount.get("shared") != "1":
                raise log.abort(f"cannot migrate local bind mount point '{key}'")
            continue
        volume = view.require(mount["volume"])
        if view.is_shared(volume.storage):
            yield log.line(f"volume '{volume.volid}' is on shared storage '{volume.storage}'")
        else:
            yield log.line(f"found local volume '{volume.volid}' (in current VM config)")
            found.append(volume)
    return found
