"""`/cluster/ha/status`: what the managers and the resources are doing."""

from __future__ import annotations

import math
import time
from typing import Any

from simulator.api.ha import AUDIT, CHANGE
from simulator.ha.records import HaNode
from simulator.ha.state import command, guest_of, requested, value
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import string
from simulator.versions import at_least

_CLUSTER_ROUND = 10
_OLD = 30
_AT_ONCE = {
    ("started", "stopped"): "stopping",
    ("started", "disabled"): "stopping",
    ("stopped", "started"): "starting",
    ("stopped", "disabled"): "disabled",
    ("error", "disabled"): "clearing error flag",
}
"""State and wanted state -> the word that is shown before the manager has done anything about it."""


def _clock_text(timestamp: int) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(timestamp))


def _master(call: Call) -> tuple[str, int] | None:
    """Return the master and when it last did its round."""
    name = value(call.datacenter, "master")
    node = call.datacenter.nodes.get(name)
    if node is None:
        return None
    seen = call.now if call.datacenter.in_majority(name) else node.changed
    return name, math.floor(seen / _CLUSTER_ROUND) * _CLUSTER_ROUND


def _seen(call: Call, row: HaNode) -> int:
    """Return when a node's local manager last did its round."""
    node = call.datacenter.nodes[row.name]
    last = row.seen or (call.now if call.datacenter.in_majority(row.name) else node.changed)
    return math.floor((last - 5) / _CLUSTER_ROUND) * _CLUSTER_ROUND + 5


def _lrm_row(call: Call, row: HaNode) -> dict[str, Any]:
    seen = _seen(call, row)
    doing = {
        "active": "active, watchdog active",
        "maintenance": "maintenance mode, watchdog active",
    }.get(row.lrm, f"{row.lrm}, watchdog standby")
    busy = any(service.node == row.name for service in call.datacenter.ha_services)
    if row.lrm == "wait_for_agent_lock" and not busy:
        doing = "idle, watchdog standby"
    if call.now - seen > _OLD:
        doing = "old timestamp - dead?, watchdog standby"
    return {
        "id": f"lrm:{row.name}", "type": "lrm", "node": row.name, "timestamp": seen,
        "status": f"{row.name} ({doing}, {_clock_text(seen)})",
    }  # fmt: skip


def _shown(call: Call, resource: Section) -> tuple[str, str | None]:
    """Return the state of a resource as users see it, and the manager's own word for it."""
    service, wanted = call.datacenter.ha_services.get(resource.id), requested(resource)
    if wanted == "ignored":
        return "ignored", None
    if service is None:
        return "queued", None
    if service.state == "started" and not service.running:
        return "starting", service.state
    return _AT_ONCE.get((service.state, wanted), service.state), service.state


def _service_row(call: Call, resource: Section) -> dict[str, Any]:
    state, own = _shown(call, resource)
    service, guest = call.datacenter.ha_services.get(resource.id), guest_of(call.datacenter, resource.id)
    node = service.node if service is not None else guest.node if guest is not None else ""
    row: dict[str, Any] = {
        "id": f"service:{resource.id}", "type": "service", "sid": resource.id, "node": node, "state": state,
        "request_state": requested(resource), "status": f"{resource.id} ({node}, {state})",
    }  # fmt: skip
    counts = ("max_restart", "max_relocate")
    names = ("failback", *counts) if at_least(call.this_node.version, "9.0") else counts
    row |= {name: int(resource.options.get(name, "1")) for name in names}
    if "group" in resource.options:
        row["group"] = resource.options["group"]
    if "comment" in resource.options:
        row["comment"] = resource.options["comment"]
    return row | ({"crm_state": own} if own is not None else {})


def _fencing_row(call: Call, *, active: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"id": "fencing", "type": "fencing", "node": call.node}
    disarmed = value(call.datacenter, "disarmed")
    if disarmed:
        return row | {"armed-state": "disarmed", "resource_mode": disarmed, "status": f"disarmed ({disarmed})"}
    if active:
        return row | {"armed-state": "armed", "status": "armed (CRM watchdog active)"}
    return row | {"armed-state": "standby", "status": "standby (CRM watchdog standby)"}


@route("GET", "/cluster/ha/status", user="all")
def index(call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/ha/status`."""
    names = ("current", "manager_status", *(("arm-ha", "disarm-ha") if at_least(call.this_node.version, "9.2") else ()))
    return [{"name": name} for name in names]


@route("GET", "/cluster/ha/status/current", check=AUDIT)
def current(call: Call) -> list[dict[str, Any]]:
    """Return what everything does at the moment."""
    quorate = call.datacenter.quorate_on(call.node)
    status = "OK" if quorate else f"No quorum on node '{call.node}'!"
    rows: list[dict[str, Any]] = [
        {"id": "quorum", "type": "quorum", "node": call.node, "quorate": int(quorate), "status": status}
    ]
    master = _master(call)
    if master is not None:
        name, seen = master
        word = "active" if call.datacenter.in_majority(name) else "old timestamp - dead?"
        text = f"{name} ({word}, {_clock_text(seen)})"
        rows.append({"id": "master", "type": "master", "node": name, "timestamp": seen, "status": text})
    if at_least(call.this_node.version, "9.2"):
        rows.append(_fencing_row(call, active=master is not None))
    nodes = sorted(call.datacenter.ha_nodes, key=lambda row: row.name)
    rows += [_lrm_row(call, row) for row in nodes]
    return rows + [_service_row(call, row) for row in sorted(call.datacenter.ha_resources, key=lambda row: row.id)]


@route("GET", "/cluster/ha/status/manager_status", check=AUDIT)
def manager_status(call: Call) -> dict[str, Any]:
    """Return the managers' own view."""
    datacenter = call.datacenter
    nodes: dict[str, str] = {row.name: row.status for row in datacenter.ha_nodes}
    status: dict[str, Any] = {"node_status": nodes}
    answer: dict[str, Any] = {
        "manager_status": status,
        "quorum": {"node": call.node, "quorate": "1" if datacenter.quorate_on(call.node) else "0"},
    }
    master = _master(call)
    if master is None:
        return answer
    status |= {"master_node": master[0], "timestamp": master[1], "service_status": {}}
    for service in datacenter.ha_services:
        row: dict[str, Any] = {"node": service.node, "state": service.state, "uid": service.uid}
        row |= {"running": 1} if service.running else {}
        status["service_status"][service.sid] = row | ({"target": service.target} if service.target else {})
    answer["lrm_status"] = {
        row.name: {
            "mode": "maintenance" if row.maintenance else "active",
            "state": "active" if row.lrm == "maintenance" else row.lrm,
            "timestamp": _seen(call, row),
            "results": {},
        }
        for row in datacenter.ha_nodes
    }
    return answer


@route(
    "POST", "/cluster/ha/status/disarm-ha", params={"resource-mode": string(enum=("freeze", "ignore"))},
    check=CHANGE, protected=True,
)  # fmt: skip
def disarm(call: Call) -> None:
    """Let the managers keep their hands off, for work on the cluster itself."""
    call.need_quorum()
    command(call.datacenter, call.now, f"disarm {call.text('resource-mode')}")


@route("POST", "/cluster/ha/status/arm-ha", check=CHANGE, protected=True)
def arm(call: Call) -> None:
    """Let the managers do their work again."""
    call.need_quorum()
    command(call.datacenter, call.now, "arm")
