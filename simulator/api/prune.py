"""`/nodes/{node}/storage/{storage}/prunebackups`: which backups the rules keep, and removing the others."""

from __future__ import annotations

from typing import Any

from simulator.api.storage import STORAGE
from simulator.api.storage_nodes import NODE, SEE_CHECK, view_of
from simulator.backup.retention import REMOVE, Entry, decide, rules_of
from simulator.guests.draft import worker
from simulator.guests.qemu_power import view_for
from simulator.guests.storages import StorageView
from simulator.routing import Call, route
from simulator.schema import Param, integer, string
from simulator.tasks import Steps, TaskRun

_PATH = "/nodes/{node}/storage/{storage}/prunebackups"
_PARAMS: dict[str, Param] = {
    "node": NODE,
    "storage": STORAGE,
    "prune-backups": string(format="prune-backups", optional=True),
    "type": string(enum=("qemu", "lxc"), optional=True),
    "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
}


def _decided(call: Call, view: StorageView) -> list[Entry]:
    storage = call.text("storage")
    keep = rules_of(view, storage, call.optional("prune-backups"))
    vmid = call.integer("vmid") if "vmid" in call else None
    return decide(view, storage, keep, vmid, call.optional("type"))


@route("GET", _PATH, params=_PARAMS, check=SEE_CHECK, protected=True, proxyto="node")
def preview(call: Call) -> list[dict[str, Any]]:
    """List the backups with what pruning would do to each."""
    return [entry.row() for entry in _decided(call, view_of(call))]


@route("DELETE", _PATH, params=_PARAMS, user="all", protected=True, proxyto="node")
def prune(call: Call) -> str:
    """Remove the backups that the rules do not keep."""
    storage = call.text("storage")
    if "vmid" in call:
        call.access.require(f"/storage/{storage}", ["Datastore.AllocateSpace"])
        call.access.require(f"/vms/{call.integer('vmid')}", ["VM.Backup"])
    else:
        call.access.require(f"/storage/{storage}", ["Datastore.Allocate"])
    view_of(call).section(storage)

    def body(run: TaskRun) -> Steps:
        view = view_for(run)
        for entry in _decided(call, view):
            if entry.mark == REMOVE:
                yield f"removing backup '{entry.volid}'"
                view.free(entry.volid)
        yield 0.2

    owner = f"{call.integer('vmid')}@{storage}" if "vmid" in call else storage
    return call.start_task("prunebackups", owner, worker(body))
