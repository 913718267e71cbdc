"""`/nodes/{node}/lxc/{vmid}/status`: what a container does, and making it do something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.api.qemu import GUEST
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import is_running, worker
from simulator.guests.lxc_power import DEFAULT_TIMEOUT, check_running, reboot, shutdown, start, status_row, stop
from simulator.ha import requests as ha
from simulator.routing import Call, route
from simulator.schema import boolean, integer
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

_POWER = ["perm", "/vms/{vmid}", ["VM.PowerMgmt"]]
_SKIPLOCK = {"skiplock": boolean(optional=True)}
_TIMEOUT = {"timeout": integer(minimum=0, optional=True)}


@route("GET", "/nodes/{node}/lxc/{vmid}/status", params=GUEST, user="all", proxyto="node")
def status_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List what can be done."""
    return [{"subdir": name} for name in ("current", "start", "stop", "shutdown", "migrate")]


@route(
    "GET", "/nodes/{node}/lxc/{vmid}/status/current", params=GUEST,
    check=["perm", "/vms/{vmid}", ["VM.Audit"]], protected=True, proxyto="node",
)  # fmt: skip
def current(call: Call) -> dict[str, Any]:
    """Return what a container does."""
    guest = call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    return status_row(call.datacenter, guest, call.now) | {"ha": ha.status_field(call.datacenter, guest)}


def _run(call: Call, type_: str, body: Callable[[TaskRun], Steps]) -> str:
    return call.start_task(type_, call.text("vmid"), worker(body))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/status/start",
    params={**GUEST, **_SKIPLOCK, "debug": boolean(optional=True)},
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def start_container(call: Call) -> str:
    """Start a container."""
    call.root_only("skiplock")
    call.need_quorum()
    vmid, skiplock = call.integer("vmid"), call.flag("skiplock")
    guest = call.datacenter.guests.get(vmid)
    if guest is not None and (guest.type, guest.node) == ("lxc", call.node) and is_running(guest):
        raise ApiError(f"CT {vmid} already running")
    return ha.instead(call, "start") or _run(call, "vzstart", lambda run: start(run, vmid, skiplock=skiplock))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/status/stop",
    params={**GUEST, **_SKIPLOCK, "overrule-shutdown": boolean(optional=True)},
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def stop_container(call: Call) -> str:
    """Stop a container at once; a shutdown that still waits can be overruled."""
    call.root_only("skiplock")
    vmid = check_running(call.datacenter, call.integer("vmid"), call.node).vmid
    if call.flag("overrule-shutdown"):
        for task in call.datacenter.tasks.by("running", value=True):
            if task.type in ("vzshutdown", "vzreboot") and task.id == str(vmid) and task.node == call.node:
                call.tasks.stop(task.upid)
    skiplock = call.flag("skiplock")
    return ha.instead(call, "stop") or _run(call, "vzstop", lambda run: stop(run, vmid, skiplock=skiplock))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/status/shutdown",
    params={**GUEST, **_TIMEOUT, "forceStop": boolean(optional=True)},
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def shutdown_container(call: Call) -> str:
    """Shut a container down."""
    vmid = check_running(call.datacenter, call.integer("vmid"), call.node).vmid
    timeout, force = call.integer("timeout", DEFAULT_TIMEOUT), call.flag("forceStop")
    request = ha.instead(call, "shutdown")
    if request is not None:
        return request
    return _run(call, "vzshutdown", lambda run: shutdown(run, vmid, timeout, force=force))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/status/reboot", params={**GUEST, **_TIMEOUT},
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def reboot_container(call: Call) -> str:
    """Shut a container down and start it again."""
    vmid = check_running(call.datacenter, call.integer("vmid"), call.node).vmid
    return _run(call, "vzreboot", lambda run: reboot(run, vmid))


def _checkpoint(vmid: int, command: str) -> Steps:
    """Fail as containers do on kernels without checkpoint and restore, which is what Proxmox ships."""
    yield Lock(guest_lock_path(vmid, "lxc"))
    yield 0.2
    raise TaskError(f"command 'lxc-checkpoint -n {vmid} {command} -D /var/lib/vz/dump' failed: exit code 1")


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/status/suspend", params=GUEST,
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def suspend_container(call: Call) -> str:
    """Try to suspend a container."""
    vmid = check_running(call.datacenter, call.integer("vmid"), call.node).vmid
    return _run(call, "vzsuspend", lambda _: _checkpoint(vmid, "-s"))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/status/resume", params=GUEST,
    check=_POWER, protected=True, proxyto="node",
)  # fmt: skip
def resume_container(call: Call) -> str:
    """Try to resume a container."""
    vmid = call.integer("vmid")
    guest = call.datacenter.guests.get(vmid)
    if guest is not None and guest.type == "lxc" and is_running(guest):
        raise ApiError(f"CT {vmid} already running")
    return _run(call, "vzresume", lambda _: _checkpoint(vmid, "-r --foreground"))
