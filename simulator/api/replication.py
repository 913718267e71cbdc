"""`/cluster/replication` and `/nodes/{node}/replication`: jobs that copy a guest's volumes to another node."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from simulator.calendar import parse as parse_event
from simulator.errors import ApiError, ParamError
from simulator.formats import named_format
from simulator.records import Guest, Section
from simulator.replication import DEFAULT_SCHEDULE, guest_of, replicated, state_of
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, number, string
from simulator.sections import SectionType, given, typed
from simulator.state import Datacenter, digest

_JOB_ID = r"[1-9][0-9]{2,8}-\d{1,9}"
_ID: dict[str, Param] = {"id": string(format="pve-replication-job-id", pattern=_JOB_ID)}
_NODE: dict[str, Param] = {"node": string(format="pve-node")}
_OPTIONS: dict[str, Param] = {
    "comment": string(max_length=4096, optional=True),
    "disable": boolean(optional=True),
    "rate": number(minimum=1, optional=True),
    "remove_job": string(enum=("local", "full"), optional=True),
    "schedule": string(format="pve-calendar-event", max_length=128, optional=True),
    "source": string(format="pve-node", optional=True),
}
_TYPE = SectionType.of("target", " ".join(_OPTIONS), "target")
_REPLICATED_TYPES = ("zfspool",)
_ONE = "/nodes/{node}/replication/{id}"


@named_format("pve-replication-job-id")
def _job_id(value: str) -> None:
    if not re.fullmatch(_JOB_ID, value, re.ASCII):
        raise ValueError(f"invalid replication job id '{value}'")


def _guest_id(job_id: str) -> int:
    return int(job_id.partition("-")[0])


def _require(call: Call, job_id: str, privilege: str) -> None:
    call.access.require(f"/vms/{_guest_id(job_id)}", [privilege])


def _digest(call: Call) -> str:
    rows = [(row.id, sorted(row.options.items())) for row in call.datacenter.replication_jobs]
    return digest(rows)


def _existing(call: Call) -> Section:
    job = call.datacenter.replication_jobs.get(call.text("id"))
    if job is None:
        raise ApiError(f"no such job '{call.text('id')}'")
    return job


def _row(job: Section) -> dict[str, Any]:
    guest, _, number_ = job.id.partition("-")
    return {"id": job.id, "type": job.type, "guest": int(guest), "jobnum": int(number_), **typed(job.options, _OPTIONS)}


def _check_volumes(datacenter: Datacenter, guest: Guest) -> None:
    """Refuse a guest that has nothing to copy, or a volume on a storage that cannot."""
    copied = 0
    for volid in replicated(guest):
        storage = datacenter.storages.get(volid.partition(":")[0])
        if storage is None or storage.options.get("shared") == "1":
            continue
        if storage.type not in _REPLICATED_TYPES:
            raise ApiError(f"missing replicate feature on volume '{volid}'")
        copied += 1
    if not copied:
        raise ApiError("No replicatable volumes found")


@route("GET", "/cluster/replication", user="all")
def jobs(call: Call) -> list[dict[str, Any]]:
    """List the jobs of the guests that the caller may see."""
    rows = call.datacenter.replication_jobs
    return [_row(job) for job in rows if call.access.may(f"/vms/{_guest_id(job.id)}", ["VM.Audit"])]


@route("GET", "/cluster/replication/{id}", params=_ID, user="all")
def read_job(call: Call) -> dict[str, Any]:
    """Return a job."""
    _require(call, call.text("id"), "VM.Audit")
    return _row(_existing(call)) | {"digest": _digest(call)}


@route(
    "POST", "/cluster/replication",
    params={**_ID, **_OPTIONS, "target": string(format="pve-node"), "type": string(enum=("local",))},
    user="all", protected=True,
)  # fmt: skip
def create_job(call: Call) -> None:
    """Add a job; it must have something to copy, and somewhere else to copy it to."""
    name, target, datacenter = call.text("id"), call.text("target"), call.datacenter
    _require(call, name, "VM.Replicate")
    guest = datacenter.guests.get(_guest_id(name))
    if guest is None:
        raise ApiError(f"Guest '{_guest_id(name)}' does not exist.")
    if target not in datacenter.nodes:
        raise ApiError(f"Target '{target}' does not exist.")
    if target == guest.node:
        raise ApiError("Source and target must not be identical")
    _check_volumes(datacenter, guest)
    call.cfs_lock("file-replication_cfg")
    if name in datacenter.replication_jobs:
        raise ApiError(f"replication job '{name}' already defined")
    for job in datacenter.replication_jobs:
        if _guest_id(job.id) == guest.vmid and job.options["target"] == target:
            raise ApiError(f"replication job for guest '{guest.vmid}' to target '{target}' already exists")
    options = {"source": guest.node, **given(call, _OPTIONS), "target": target}
    datacenter.replication_jobs.put(Section(id=name, type="local", options=options))


@route(
    "PUT", "/cluster/replication/{id}",
    params={
        **_ID, **_OPTIONS,
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    user="all", protected=True,
)  # fmt: skip
def update_job(call: Call) -> None:
    """Change a job."""
    _require(call, call.text("id"), "VM.Replicate")
    call.cfs_lock("file-replication_cfg")
    job = _existing(call)
    call.check_digest(_digest(call))
    options = _TYPE.changed(job.options, given(call, _OPTIONS), call.listing("delete"))
    call.datacenter.replication_jobs.put(replace(job, options=options))


@route(
    "DELETE", "/cluster/replication/{id}",
    params={**_ID, "force": boolean(optional=True), "keep": boolean(optional=True)},
    user="all", protected=True,
)  # fmt: skip
def delete_job(call: Call) -> None:
    """Remove a job: at once with force, else the next round removes the copies and then the job."""
    _require(call, call.text("id"), "VM.Replicate")
    call.cfs_lock("file-replication_cfg")
    job = _existing(call)
    if call.flag("force"):
        if call.flag("keep"):
            raise ParamError({"keep": "conflicts with parameter 'force'"})
        call.datacenter.replication_jobs.delete(job.id)
        call.datacenter.replications.delete(job.id)
        return
    how = "local" if call.flag("keep") else "full"
    call.datacenter.replication_jobs.put(replace(job, options={**job.options, "remove_job": how}))


def _status(call: Call, job: Section) -> dict[str, Any]:
    state, guest = state_of(call.datacenter, job), guest_of(call.datacenter, job)
    following = parse_event(job.options.get("schedule", DEFAULT_SCHEDULE)).after(max(state.last_try, call.now))
    row = _row(job) | {
        "last_sync": int(state.last_sync), "last_try": int(state.last_try), "fail_count": state.fail_count,
        "next_sync": following or 0,
    }  # fmt: skip
    row |= {"duration": state.duration} if state.last_try else {}
    row |= {"error": state.error} if state.error else {}
    return row | ({"vmtype": guest.type} if guest is not None else {})


def _mine(call: Call) -> Section:
    """Return a job whose guest is on the node that answers."""
    job = _existing(call)
    guest = call.datacenter.guests.get(_guest_id(job.id))
    if guest is None or guest.node != call.node:
        raise ApiError(f"no such replication job '{job.id}'")
    return job


@route(
    "GET", "/nodes/{node}/replication",
    params={**_NODE, "guest": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True)},
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def node_jobs(call: Call) -> list[dict[str, Any]]:
    """List the jobs of the guests on a node, with how they went."""
    rows = []
    for job in call.datacenter.replication_jobs:
        guest = call.datacenter.guests.get(_guest_id(job.id))
        here = guest is not None and guest.node == call.node and call.integer("guest", guest.vmid) == guest.vmid
        if here and job.options.get("disable") != "1" and call.access.may(f"/vms/{_guest_id(job.id)}", ["VM.Audit"]):
            rows.append(_status(call, job))
    return rows


@route("GET", _ONE, params={**_NODE, **_ID}, user="all")
def job_index(_call: Call) -> list[dict[str, str]]:
    """List what there is below a node's job."""
    return [{"name": name} for name in ("schedule_now", "log", "status")]


@route("GET", _ONE + "/status", params={**_NODE, **_ID}, user="all", protected=True, proxyto="node")
def job_status(call: Call) -> dict[str, Any]:
    """Tell how a job went."""
    _require(call, call.text("id"), "VM.Audit")
    return _status(call, _mine(call))


@route(
    "GET", _ONE + "/log",
    params={
        **_NODE, **_ID, "limit": integer(minimum=0, optional=True), "start": integer(minimum=0, optional=True),
    },
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def job_log(call: Call) -> list[dict[str, Any]]:
    """Return what the last run of a job wrote."""
    if not call.access.may(f"/nodes/{call.node}", ["Sys.Audit"]):
        _require(call, call.text("id"), "VM.Audit")
    job = _mine(call)
    lines = state_of(call.datacenter, job).log
    call.extra["total"] = len(lines)
    rows = [{"n": number_, "t": text} for number_, text in enumerate(lines, 1)]
    begin = call.integer("start")
    return rows[begin : begin + call.integer("limit", 50)]


@route("POST", _ONE + "/schedule_now", params={**_NODE, **_ID}, user="all", protected=True, proxyto="node")
def run_now(call: Call) -> None:
    """Run a job as soon as possible."""
    _require(call, call.text("id"), "VM.Replicate")
    state = state_of(call.datacenter, _mine(call))
    call.datacenter.replications.put(replace(state, asked=True, fail_count=0))
