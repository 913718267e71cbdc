"""`/nodes/{node}/qemu|lxc/{vmid}/snapshot`: the same methods for machines and containers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulator.api.qemu import GUEST
from simulator.guests.draft import snapshot_config, typed, worker
from simulator.guests.lxc_options import EXPANDED as LXC_EXPANDED
from simulator.guests.lxc_power import start as start_container
from simulator.guests.qemu_options import EXPANDED as QEMU_EXPANDED
from simulator.guests.qemu_power import start as start_machine
from simulator.guests.snapshots import check_name, remove, rollback, snapshot_rows, take
from simulator.records import Guest, Snapshot
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tasks import Steps, TaskRun

_NAME = {"snapname": string(format="pve-configid", max_length=40)}
_DESCRIPTION = {"description": string(optional=True)}
_AUDIT = ["perm", "/vms/{vmid}", ["VM.Audit"]]
_SNAPSHOT = ["perm", "/vms/{vmid}", ["VM.Snapshot"]]
_ROLLBACK = ["perm", "/vms/{vmid}", ["VM.Snapshot", "VM.Snapshot.Rollback"], "any", 1]
_SEE = ["perm", "/vms/{vmid}", ["VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit"], "any", 1]
_OPTIONS = {"qemu": QEMU_EXPANDED, "lxc": LXC_EXPANDED}
_TASKS = {"qemu": "qm", "lxc": "vz"}
_START: dict[str, Callable[[TaskRun, int], Steps]] = {"qemu": start_machine, "lxc": start_container}


def _guest(call: Call, kind: str) -> Guest:
    return call.datacenter.guest(call.integer("vmid"), kind, call.node)


def _declare_reading(kind: str) -> None:
    """Declare the methods that show snapshots of one kind of guest, and change their description."""
    base = f"/nodes/{{node}}/{kind}/{{vmid}}/snapshot"

    @route("GET", base, params=GUEST, check=_AUDIT, protected=True, proxyto="node")
    def snapshots(call: Call) -> list[dict[str, Any]]:
        return snapshot_rows(_guest(call, kind))

    @route("GET", f"{base}/{{snapname}}", params={**GUEST, **_NAME}, user="all")
    def index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
        return [{"cmd": "rollback"}, {"cmd": "config"}]

    @route("GET", f"{base}/{{snapname}}/config", params={**GUEST, **_NAME}, check=_SEE, proxyto="node")
    def read(call: Call) -> dict[str, Any]:
        config = snapshot_config(_guest(call, kind), call.text("snapname"))
        return {key: typed(_OPTIONS[kind], key, value) for key, value in config.items()}

    @route(
        "PUT", f"{base}/{{snapname}}/config", params={**GUEST, **_NAME, **_DESCRIPTION},
        check=_SNAPSHOT, protected=True, proxyto="node",
    )  # fmt: skip
    def update(call: Call) -> None:
        _describe(call, _guest(call, kind))


def _declare_changing(kind: str) -> None:
    """Declare the methods that take snapshots of one kind of guest, go back to them and delete them."""
    base = f"/nodes/{{node}}/{kind}/{{vmid}}/snapshot"
    memory = {"vmstate": boolean(optional=True)} if kind == "qemu" else {}

    @route(
        "POST", base, params={**GUEST, **_NAME, **_DESCRIPTION, **memory},
        check=_SNAPSHOT, protected=True, proxyto="node",
    )  # fmt: skip
    def create(call: Call) -> str:
        check_name(kind, call.text("snapname"))
        vmid, name, description = call.integer("vmid"), call.text("snapname"), call.text("description")
        with_memory = call.flag("vmstate")
        body = worker(lambda run: take(run, kind, vmid, name, description, memory=with_memory))
        return call.start_task(f"{_TASKS[kind]}snapshot", str(vmid), body)

    @route(
        "DELETE", f"{base}/{{snapname}}", params={**GUEST, **_NAME, "force": boolean(optional=True)},
        check=_SNAPSHOT, protected=True, proxyto="node",
    )  # fmt: skip
    def delete(call: Call) -> str:
        vmid, name = call.integer("vmid"), call.text("snapname")
        body = worker(lambda run: remove(run, kind, vmid, name))
        return call.start_task(f"{_TASKS[kind]}delsnapshot", str(vmid), body)

    @route(
        "POST", f"{base}/{{snapname}}/rollback", params={**GUEST, **_NAME, "start": boolean(optional=True)},
        check=_ROLLBACK, protected=True, proxyto="node",
    )  # fmt: skip
    def go_back(call: Call) -> str:
        vmid, name = call.integer("vmid"), call.text("snapname")

        def body(run: TaskRun) -> Steps:
            yield from rollback(run, kind, vmid, name)
            if call.flag("start") and run.datacenter.guests[vmid].status == "stopped":
                start = worker(lambda other: _START[kind](other, vmid))
                call.tasks.start(
                    run.datacenter, run.node, run.user, kind=f"{_TASKS[kind]}start", id_=str(vmid), body=start
                )

        return call.start_task(f"{_TASKS[kind]}rollback", str(vmid), worker(body))


def _describe(call: Call, guest: Guest) -> None:
    """Change a snapshot's description."""
    name = call.text("snapname")
    config = snapshot_config(guest, name)
    if "description" in call:
        config["description"] = call.text("description")
    call.datacenter.guests.put(replace(guest, snapshots={**guest.snapshots, name: Snapshot(config=config)}))


for _kind in _TASKS:
    _declare_reading(_kind)
    _declare_changing(_kind)
