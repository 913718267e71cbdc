"""`POST /nodes/{node}/storage/{storage}/content/{volume}`: copying a volume to another name, storage or node."""

from __future__ import annotations

from dataclasses import replace

from simulator.api.storage_content import VOLUME, asked_volid, parsed_volume
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import worker
from simulator.guests.qemu_power import view_for
from simulator.guests.storages import StorageView
from simulator.guests.transfer import data_of, seconds_for
from simulator.guests.volume_names import split_volid
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import Steps, TaskRun


@route(
    "POST",
    "/nodes/{node}/storage/{storage}/content/{volume}",
    params={**VOLUME, "target": string(), "target_node": string(format="pve-node", optional=True)},
    protected=True,
    proxyto="node",
    rest=True,
)
def copy_volume(call: Call) -> str:
    """Copy a volume; root only, and on no account over another one."""
    view, source = view_of(call), asked_volid(call)
    target = call.text("target") if ":" in call.text("target") else f"{call.optional('storage')}:{call.text('target')}"
    node = call.text("target_node", call.node)
    if node not in call.datacenter.nodes:
        raise ApiError(f"no such cluster node '{node}'")
    for volid in (source, target):
        parsed_volume(view, volid)
    return call.start_task("imgcopy", "", worker(lambda run: _copy(run, source, target, node)))


def _copy(run: TaskRun, source: str, target: str, node: str) -> Steps:
    volume, there = view_for(run).require(source), StorageView(run.datacenter, node, int(run.now))
    storage, name = split_volid(target)
    there.available(storage)
    if there.find(target) is not None:
        raise TaskError(f"volume '{target}' already exists")
    data = data_of(view_for(run), volume)
    there.reserve(storage, data, name)
    yield f"copying '{source}' to '{target}' on node '{node}'"
    yield seconds_for(data)
    parsed = parsed_volume(there, target)
    run.datacenter.volumes.put(
        replace(
            volume, storage=storage, node=there.place(storage), name=name, vmid=parsed.vmid, used=data, parent=None,
            ctime=int(run.now), snapshots={}, protected=False,
        )
    )  # fmt: skip
