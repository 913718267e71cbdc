"""`/nodes/{node}/qemu/{vmid}/status`: what a machine does, and making it do something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulator.api.qemu import GUEST
from simulator.errors import ApiError
from simulator.guests.draft import check_lock, is_running, set_lock, worker
from simulator.guests.qemu_options import MACHINE
from simulator.guests.qemu_power import (
    DEFAULT_TIMEOUT,
    halted,
    reboot,
    shutdown,
    start,
    stop,
    view_for,
)
from simulator.guests.qemu_status import current_row
from simulator.ha import requests as ha
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

_POWER = ["perm", "/vms/{vmid}", ["VM.PowerMgmt"]]
_SKIPLOCK = {"skiplock": boolean(optional=True)}
_TIMEOUT = {"timeout": integer(minimum=0, optional=True)}
_MIGRATION = {
    "migratedfrom": string(format="pve-node", optional=True),
    "migration_network": string(format="CIDR", optional=True),
    "migration_type": string(enum=("secure", "insecure"), optional=True),
    "stateuri": string(max_length=128, optional=True),
    "targetstorage": string(format="storage-pair-list", optional=True),
    "with-conntrack-state": boolean(optional=True),
}


@route("GET", "/nodes/{node}/qemu/{vmid}/status", params=GUEST, user="all", proxyto="node")
def status_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List what can be done."""
    names = ("current", "start", "stop", "reset", "shutdown", "suspend", "reboot")
    return [{"subdir": name} for name in names]


@route(
    "GET", "/nodes/{node}/qemu/{vmid}/status/current", params=GUEST,
    check=["perm", "/vms/{vmid}", ["VM.Audit"]], protected=True, proxyto="node",
)  # fmt: skip
def current(call: Call) -> dict[str, Any]:
    """Return what a machine does."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    return current_row(guest, call.now) | {"ha": ha.status_field(call.datacenter, guest)}


def _run(call: Call, type_: str, body: Callable[[TaskRun], Steps]) -> str:
    return call.start_task(type_, call.text("vmid"), worker(body))


def _machine(call: Call) -> Guest:
    """Return the machine, or refuse as power operations do."""
    vmid = call.integer("vmid")
    guest = call.datacenter.guests.get(vmid)
    if guest is None or guest.type != "qemu" or guest.node != call.node:
        raise ApiError(f"unable to find configuration file for VM {vmid} on node '{call.node}'")
    return guest


def _running(call: Call) -> Guest:
    guest = _machine(call)
    if not is_running(guest):
        raise ApiError(f"VM {guest.vmid} not running")
    return guest


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/status/start",
    params={
        **GUEST,
        **_SKIPLOCK,
        **_TIMEOUT,
        **_MIGRATION,
        "force-cpu": string(optional=True),
        "machine": string(format=MACHINE, optional=True),
        "nets-host-mtu": string(pattern=r"net\d+=\d+(,net\d+=\d+)*", optional=True),
    },
    check=_POWER,
    protected=True,
    proxyto="node",
)
def start_machine(call: Call) -> str:
    """Start a machine."""
    call.root_only("skiplock", "stateuri", "migratedfrom", "migration_type", "migration_network", "targetstorage")
    call.need_quorum()
    vmid, skiplock = call.integer("vmid"), call.flag("skiplock")
    return ha.instead(call, "start") or _run(call, "qmstart", lambda run: start(run, vmid, skiplock=skiplock))


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/status/stop",
    params={
        **GUEST,
        **_SKIPLOCK,
        **_TIMEOUT,
        "keepActive": boolean(optional=True),
        "migratedfrom": string(format="pve-node", optional=True),
        "overrule-shutdown": boolean(optional=True),
    },
    check=_POWER,
    protected=True,
    proxyto="node",
)
def stop_machine(call: Call) -> str:
    """Stop a machine at once; a shutdown that still waits can be overruled."""
    call.root_only("skiplock", "keepActive", "migratedfrom")
    vmid, skiplock = call.integer("vmid"), call.flag("skiplock")
    if call.flag("overrule-shutdown"):
        for task in call.datacenter.tasks.by("running", value=True):
            if task.type in ("qmshutdown", "qmreboot") and task.id == str(vmid) and task.node == call.node:
                call.tasks.stop(task.upid)
    return ha.instead(call, "stop") or _run(call, "qmstop", lambda run: stop(run, vmid, skiplock=skiplock))


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/status/shutdown",
    params={
        **GUEST,
        **_SKIPLOCK,
        **_TIMEOUT,
        "forceStop": boolean(optional=True),
        "keepActive": boolean(optional=True),
    },
    check=_POWER,
    protected=True,
    proxyto="node",
)
def shutdown_machine(call: Call) -> str:
    """Ask the system in a machine to power off."""
    call.root_only("skiplock", "keepActive")
    vmid, timeout = call.integer("vmid"), call.integer("timeout", DEFAULT_TIMEOUT)
    force, skiplock = call.flag("forceStop"), call.flag("skiplock")
    request = ha.instead(call, "shutdown")
    if request is not None:
        return request
    guest = call.datacenter.guests.get(vmid)
    if guest is not None and guest.paused:
        if not force:
            raise ApiError("VM is paused - cannot shutdown")
        return _run(call, "qmstop", lambda run: stop(run, vmid, skiplock=skiplock))
    return _run(call, "qmshutdown", lambda run: shutdown(run, vmid, timeout, force=force, skiplock=skiplock))


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/status/reboot", params={**GUEST, **_TIMEOUT},
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def reboot_machine(call: Call) -> str:
    """Shut a machine down and start it again."""
    guest = _running(call)
    if guest.paused:
        raise ApiError("VM is paused - cannot shutdown")
    timeout = call.integer("timeout", DEFAULT_TIMEOUT)
    return _run(call, "qmreboot", lambda run: reboot(run, guest.vmid, timeout))


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/status/reset", params={**GUEST, **_SKIPLOCK},
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def reset_machine(call: Call) -> str:
    """Reset a machine."""
    call.root_only("skiplock")
    vmid = _running(call).vmid

    def body(run: TaskRun) -> Steps:
        yield Lock(guest_lock_path(vmid, "qemu"))
        _check_unlocked(run, call, vmid)
        yield 0.1

    return _run(call, "qmreset", body)


def _check_unlocked(run: TaskRun, call: Call, vmid: int) -> None:
    if not call.flag("skiplock"):
        check_lock(run.datacenter.guest(vmid, "qemu", run.node))


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/status/suspend",
    params={
        **GUEST,
        **_SKIPLOCK,
        "statestorage": string(format="pve-storage-id", optional=True, requires="todisk"),
        "todisk": boolean(optional=True),
    },
    check=_POWER,
    protected=True,
    proxyto="node",
)
def suspend_machine(call: Call) -> str:
    """Pause a machine, or put it to sleep on disk."""
    call.root_only("skiplock")
    vmid = _running(call).vmid

    def body(run: TaskRun) -> Steps:
        yield Lock(guest_lock_path(vmid, "qemu"))
        _check_unlocked(run, call, vmid)
        yield 0.1
        if call.flag("todisk"):
            halted(view_for(run), vmid)
            set_lock(run.datacenter, vmid, "suspended")
        else:
            run.datacenter.guests.put(replace(run.datacenter.guests[vmid], paused=True))

    return _run(call, "qmsuspend" if call.flag("todisk") else "qmpause", body)


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/status/resume",
    params={**GUEST, **_SKIPLOCK, "nocheck": boolean(optional=True)},
    check=_POWER,
    protected=True,
    proxyto="node",
)
def resume_machine(call: Call) -> str:
    """Go on with a paused machine, or wake one that sleeps on disk."""
    call.root_only("skiplock", "nocheck")
    guest = _machine(call)
    if guest.lock == "suspended":
        return _run(call, "qmresume", lambda run: start(run, guest.vmid))
    _running(call)

    def body(run: TaskRun) -> Steps:
        yield Lock(guest_lock_path(guest.vmid, "qemu"))
        _check_unlocked(run, call, guest.vmid)
        yield 0.1
        run.datacenter.guests.put(replace(run.datacenter.guests[guest.vmid], paused=False))

    return _run(call, "qmresume", body)
