"""`/nodes/{node}/tasks` and `/cluster/tasks`: what ran, what runs, and its log."""

from __future__ import annotations

import heapq
import re
from typing import Any

from simulator import upid as upids
from simulator.errors import ParamError, PermissionDenied
from simulator.records import Task
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string

NODE = string(format="pve-node")
_UPID = {"node": NODE, "upid": string()}
_TASKS_PER_NODE = 25


def _row(task: Task) -> dict[str, Any]:
    """Return a task as lists show it."""
    row: dict[str, Any] = {
        "upid": task.upid, "node": task.node, "pid": task.pid, "pstart": task.pstart,
        "starttime": task.starttime, "type": task.type, "id": task.id, "user": task.user,
    }  # fmt: skip
    if task.endtime is not None:
        row["endtime"] = task.endtime
    return row


def _state(task: Task) -> str:
    """Return the state by which the list is filtered."""
    if task.exitstatus is None:
        return "unknown"
    if task.exitstatus == "OK":
        return "ok"
    return "warning" if task.exitstatus.startswith("WARNINGS") else "error"


def _wanted(call: Call, task: Task) -> bool:
    """Tell whether the filters of a list let a task pass."""
    state = _state(task)
    statuses = [status.lower() for status in call.listing("statusfilter")]
    return (
        ("since" not in call or task.starttime >= call.integer("since"))
        and ("until" not in call or task.starttime <= call.integer("until"))
        and ("typefilter" not in call or task.type == call.text("typefilter"))
        and ("vmid" not in call or task.id == call.text("vmid"))
        and (call.text("userfilter") in task.user)
        and (not call.flag("errors") or state in ("error", "warning"))
        and (not statuses or state in statuses)
    )


@route(
    "GET",
    "/nodes/{node}/tasks",
    params={
        "node": NODE,
        "errors": boolean(optional=True),
        "limit": integer(minimum=0, optional=True),
        "since": integer(optional=True),
        "source": string(enum=("archive", "active", "all"), optional=True),
        "start": integer(minimum=0, optional=True),
        "statusfilter": string(format="pve-task-status-type-list", optional=True),
        "typefilter": string(optional=True),
        "until": integer(optional=True),
        "userfilter": string(optional=True),
        "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
    },
    user="all",
    proxyto="node",
)
def node_tasks(call: Call) -> list[dict[str, Any]]:
    """List the tasks of a node, newest first."""
    source = call.text("source", "archive")
    audit = call.access.may(f"/nodes/{call.node}", ["Sys.Audit"])
    rows: list[dict[str, Any]] = []
    for task in reversed(call.datacenter.tasks.by("node", call.node)):
        running = task.exitstatus is None
        if running != (source == "active") and source != "all":
            continue
        if not (audit or _own(call, task)) or not _wanted(call, task):
            continue
        row = _row(task) | {"status": "RUNNING" if running else task.exitstatus}
        rows.append(row | {"saved": "0"} if running else row)
    if rows:
        call.extra["total"] = len(rows)
    start = call.integer("start")
    return rows[start : start + call.integer("limit", 50)]


def _own(call: Call, task: Task) -> bool:
    """Tell whether a task is the caller's: a token's task belongs to its user as well."""
    return call.authid == task.user or ("!" not in call.authid and task.user.startswith(f"{call.authid}!"))


def _parse(call: Call) -> upids.Upid:
    """Take the UPID of a call apart; check that the caller may see it."""
    parsed = upids.parse(call.text("upid"))
    if parsed is None:
        raise ParamError({"upid": "unable to parse worker upid"})
    own = call.authid == parsed.user or ("!" not in call.authid and parsed.user.startswith(f"{call.authid}!"))
    if not own and not call.access.may(f"/nodes/{call.node}", ["Sys.Audit"]):
        raise PermissionDenied(f"/nodes/{call.node}, Sys.Audit")
    return parsed


def _task(call: Call) -> Task | None:
    task = call.datacenter.tasks.get(call.text("upid"))
    return task if task is not None and task.node == call.node else None


@route("GET", "/nodes/{node}/tasks/{upid}", params=_UPID, user="all")
def task_index(_call: Call) -> list[dict[str, str]]:
    """List what there is below a task."""
    return [{"name": "log"}, {"name": "status"}]


@route("GET", "/nodes/{node}/tasks/{upid}/status", params=_UPID, user="all", protected=True, proxyto="node")
def task_status(call: Call) -> dict[str, Any]:
    """Tell whether a task runs, and how it ended."""
    _parse(call)
    task = _task(call)
    if task is None:
        raise ParamError({"upid": "no such task"})
    row = _row(task)
    row.pop("endtime", None)
    if re.search("!", task.user):
        user, _, token = task.user.partition("!")
        row |= {"user": user, "tokenid": token}
    if task.exitstatus is None:
        return row | {"status": "running"}
    return row | {"status": "stopped", "exitstatus": task.exitstatus}


@route(
    "GET",
    "/nodes/{node}/tasks/{upid}/log",
    params=_UPID
    | {
        "download": boolean(optional=True),
        "limit": integer(minimum=0, optional=True),
        "start": integer(minimum=0, optional=True),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def task_log(call: Call) -> list[dict[str, Any]]:
    """Return lines of a task's log."""
    _parse(call)
    task = _task(call)
    lines = ("unable to open file - No such file or directory",) if task is None else task.log or ("no content",)
    call.extra["total"] = len(lines)
    start = call.integer("start")
    end = start + (call.integer("limit", 50) or len(lines))
    return [{"n": number + 1, "t": lines[number]} for number in range(start, min(end, len(lines)))]


@route("DELETE", "/nodes/{node}/tasks/{upid}", params=_UPID, user="all", protected=True, proxyto="node")
def stop_task(call: Call) -> None:
    """End a running task."""
    parsed = upids.parse(call.text("upid"))
    if parsed is None:
        raise ParamError({"upid": "unable to parse worker upid"})
    if parsed.user.partition("!")[0] != call.access.userid:
        call.access.require(f"/nodes/{call.node}", ["Sys.Modify"])
    task = _task(call)
    if task is not None and task.exitstatus is None:
        call.tasks.stop(task.upid)


@route("GET", "/cluster/tasks", user="all")
def cluster_tasks(call: Call) -> list[dict[str, Any]]:
    """List the recent tasks of the whole cluster, newest first."""
    audit = call.access.may("/", ["Sys.Audit"])
    recent: list[Task] = []
    for node in call.datacenter.nodes:
        seen = (task for task in call.datacenter.tasks.by("node", node.name) if audit or _own(call, task))
        recent += heapq.nlargest(_TASKS_PER_NODE, seen, key=_recency)
    rows = []
    for task in sorted(recent, key=_recency, reverse=True):
        row = _row(task)
        del row["pid"], row["pstart"]
        running = task.exitstatus is None
        rows.append(row | ({"saved": "0"} if running else {"saved": "1", "status": task.exitstatus}))
    return rows


def _recency(task: Task) -> tuple[bool, int, int]:
    """Order tasks: those that run last, else by their start."""
    return task.exitstatus is None, task.starttime, task.pid
