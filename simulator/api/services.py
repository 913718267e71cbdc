"""`/nodes/{node}/services`: the daemons of a node, and starting and stopping them."""

from __future__ import annotations

import functools
from typing import Any

from simulator.errors import TaskError
from simulator.nodes import journal
from simulator.nodes.services import UNITS, is_running, set_running
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import Steps, TaskRun

_NODE = {"node": string(format="pve-node")}
_SERVICE = _NODE | {"service": string(enum=tuple(UNITS))}
_AUDIT = ["perm", "/nodes/{node}", ["Sys.Audit"]]
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_ESSENTIAL = ("pveproxy", "pvedaemon", "pve-cluster")
_VERBS = {"start": "starting", "stop": "stopping", "restart": "re-starting", "reload": "reloading"}
_SECONDS = 1.0


def _row(call: Call, name: str) -> dict[str, str]:
    unit, running = UNITS[name], is_running(call.datacenter, call.node, name)
    return {
        "service": name, "name": name, "desc": unit.description, "state": "running" if running else "dead",
        "active-state": "active" if running else "inactive", "unit-state": unit.enablement,
    }  # fmt: skip


@route("GET", "/nodes/{node}/services", params=_NODE, check=_AUDIT, protected=True, proxyto="node")
def services(call: Call) -> list[dict[str, str]]:
    """List the daemons that belong to a node, also those that are not installed."""
    return [_row(call, name) for name in UNITS]


@route("GET", "/nodes/{node}/services/{service}", params=_SERVICE, check=_AUDIT)
def index(_call: Call) -> list[dict[str, str]]:
    """List what can be done with a daemon."""
    return [{"subdir": name} for name in ("state", "start", "stop", "restart", "reload")]


@route("GET", "/nodes/{node}/services/{service}/state", params=_SERVICE, check=_AUDIT, protected=True, proxyto="node")
def state(call: Call) -> dict[str, str]:
    """Tell whether a daemon runs."""
    return _row(call, call.text("service"))


def _command(verb: str, call: Call) -> str:
    """Run `systemctl` in a task."""
    service = call.text("service")

    def body(run: TaskRun) -> Steps:
        journal.log(run.datacenter, run.node, run.now, "pvedaemon", f"{_VERBS[verb]} service {service}: {run.upid}")
        if verb == "stop" and service in _ESSENTIAL:
            raise TaskError(f"invalid service cmd '{service} {verb}': refusing to stop essential service!")
        if not UNITS[service].installed:
            yield f"Failed to {verb} {service}.service: Unit {service}.service not found."
            raise TaskError(f"command 'systemctl {verb} {service}' failed: exit code 5")
        yield _SECONDS
        _switch(run, service, verb)

    return call.start_task(f"srv{verb}", service, body)


def _switch(run: TaskRun, service: str, verb: str) -> None:
    """Let a daemon run or not; a reload does nothing to one that is stopped."""
    unit = f"{service}.service - {UNITS[service].description}"
    running = is_running(run.datacenter, run.node, service)
    if verb in ("stop", "restart") and running:
        journal.log(run.datacenter, run.node, run.now, "systemd", f"Stopped {unit}.")
    if verb == "restart" or (verb == "start" and not running):
        journal.log(run.datacenter, run.node, run.now, "systemd", f"Started {unit}.")
    if verb == "reload" and running:
        journal.log(run.datacenter, run.node, run.now, "systemd", f"Reloaded {unit}.")
    wanted: dict[str, Any] = {"start": True, "restart": True, "stop": False, "reload": running}
    set_running(run.datacenter, run.node, service, running=wanted[verb])


for _verb in _VERBS:
    route(
        "POST", f"/nodes/{{node}}/services/{{service}}/{_verb}", params=_SERVICE, check=_MODIFY, protected=True,
        proxyto="node",
    )(functools.partial(_command, _verb))  # fmt: skip
