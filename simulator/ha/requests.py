"""What a user's call becomes when the guest is managed: a request to the managers instead of the deed itself."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError, TaskError
from simulator.ha.rules import affine, forget
from simulator.ha.state import command, requested, set_requested, shown_state, sid_of, wake
from simulator.records import Guest
from simulator.routing import Call
from simulator.state import Datacenter
from simulator.tasks import Steps, TaskRun

_REQUESTS = {"start": "start", "stop": "stop", "shutdown": "stop", "migrate": "migration"}


def is_managed(datacenter: Datacenter, guest: Guest | None) -> bool:
    """Tell whether the managers look after a guest."""
    resource = datacenter.ha_resources.get(sid_of(guest)) if guest is not None else None
    return resource is not None and requested(resource) != "ignored"


def instead(call: Call, what: str) -> str | None:
    """Start the task that asks the managers to do something with a guest; None when they do not manage it."""
    guest = call.datacenter.guests.get(call.integer("vmid"))
    if guest is None or call.client.get("type") == "ha" or not is_managed(call.datacenter, guest):
        return None
    label = f"{'VM' if guest.type == 'qemu' else 'CT'} {guest.vmid}"
    sid, target, timeout = sid_of(guest), call.text("target"), call.integer("timeout", 60 if what == "shutdown" else 0)

    def body(run: TaskRun) -> Steps:
        yield f"Requesting HA {_REQUESTS[what]} for {label}" + (f" to node {target}" if target else "")
        yield 0.3
        if what == "start":
            set_requested(run.datacenter, run.now, sid, "started")
        elif what == "migrate":
            yield from _ask_for_migration(run, sid, target)
        else:
            command(run.datacenter, run.now, f"stop {sid} {timeout}")

    return call.start_task(f"ha{what}", str(guest.vmid), body)


def blocking(datacenter: Datacenter, sid: str, node: str) -> list[str]:
    """Return the resources on a node that another one must not be with."""
    found = (datacenter.ha_services.get(other) for other in affine(datacenter, sid, "negative"))
    return [service.sid for service in found if service is not None and service.node == node]


def _ask_for_migration(run: TaskRun, sid: str, target: str) -> Steps:
    in_the_way = blocking(run.datacenter, sid, target)
    if in_the_way:
        yield f"cannot migrate resource '{sid}' to node '{target}':"
        yield ""
        for other in in_the_way:
            yield f"- resource '{other}' on target node '{target}' in negative affinity with resource '{sid}'"
        raise TaskError(f"command 'ha-manager migrate {sid} {target}' failed: exit code 2")
    command(run.datacenter, run.now, f"migrate {sid} {target}")


def preconditions(datacenter: Datacenter, guest: Guest, nodes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what management adds to the preconditions of a migration, given what stands against each node."""
    if not is_managed(datacenter, guest):
        return {}
    sid = sid_of(guest)
    for name, reasons in nodes.items():
        found = [{"sid": other, "cause": "resource-affinity"} for other in blocking(datacenter, sid, name)]
        if found:
            reasons["blocking-ha-resources"] = found
    return {"dependent-ha-resources": affine(datacenter, sid, "positive")}


def status_field(datacenter: Datacenter, guest: Guest) -> dict[str, Any]:
    """Return the field `ha` of a guest's status."""
    sid = sid_of(guest)
    return {"managed": 1, "state": shown_state(datacenter, sid)} if sid in datacenter.ha_resources else {"managed": 0}


def check_may_destroy(call: Call, guest: Guest) -> None:
    """Refuse to destroy a managed guest unless it is to be purged; then it is no longer managed."""
    sid = sid_of(guest)
    if sid not in call.datacenter.ha_resources:
        return
    if not call.flag("purge"):
        label = "VM" if guest.type == "qemu" else "CT"
        raise ApiError(f"unable to remove {label} {guest.vmid} - used in HA resources and purge parameter not set.")
    call.datacenter.ha_resources.delete(sid)
    forget(call.datacenter, sid)
    wake(call.datacenter, call.now)
