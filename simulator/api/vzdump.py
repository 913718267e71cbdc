"""`/nodes/{node}/vzdump`: backing guests up now, the defaults for that, and the configuration in a backup."""

from __future__ import annotations

from typing import Any

from simulator.api.backup_options import FLEECING, OPTIONS
from simulator.api.storage import SEE
from simulator.api.storage_nodes import NODE, view_of
from simulator.backup.archives import config_text, require_archive
from simulator.backup.job import DEFAULTS, Job
from simulator.backup.selection import by_place, check_choice, chosen_vmids, completed
from simulator.backup.target import backup_folder, check_holds_backups
from simulator.backup.task import body_of
from simulator.errors import ApiError, ParamError
from simulator.guests.rights import check_volume
from simulator.guests.volume_names import parse_name, split_volid
from simulator.routing import Call, route
from simulator.schema import boolean, string

_OF_JOBS_ONLY = ("comment", "enabled", "repeat-missed", "schedule")
_ROOT_ONLY = ("tmpdir", "dumpdir", "script", "job-id")
_FOR_AUDITORS = ("mailto", "tmpdir", "dumpdir", "script", "ionice")
_LIMITS = ("bwlimit", "ionice", "performance")


@route(
    "POST",
    "/nodes/{node}/vzdump",
    params={
        **{name: param for name, param in OPTIONS.items() if name not in _OF_JOBS_ONLY},
        "job-id": string(pattern=r"\S+", max_length=50, optional=True),
        "stdout": boolean(optional=True),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def vzdump(call: Call) -> str:
    """Back guests up; guests of other nodes are left to those."""
    if call.flag("stdout"):
        raise ParamError({"stdout": "option is only allowed on the command line interface."})
    _check_rights(call)
    _check_options(call)
    options = completed(call.params)
    vmids, elsewhere = by_place(call.datacenter, chosen_vmids(call.datacenter, options), call.node)
    if call.flag("stop"):
        _stop_running(call)
    if not vmids and (call.flag("stop") or not options.get("all")):
        return "OK"
    if "storage" in call:
        call.access.require(f"/storage/{call.text('storage')}", ["Datastore.AllocateSpace"])
    job = Job(call.authid, vmids, elsewhere, options)
    return call.start_task("vzdump", job.task_id, body_of(job))


def _check_rights(call: Call) -> None:
    """Refuse the options that need more than the right to back up."""
    if call.is_root:
        return
    for name in _ROOT_ONLY:
        if name in call:
            raise ParamError({name: "Only root may set this option."})
    if any(name in call for name in _LIMITS):
        call.access.require("/", ["Sys.Modify"])
    fleecing = FLEECING.parse(call.text("fleecing"), "fleecing").get("storage") if "fleecing" in call else None
    if fleecing is not None:
        call.access.require(f"/storage/{fleecing}", ["Datastore.AllocateSpace"])
    if "prune-backups" in call:
        call.access.require(f"/storage/{call.text('storage', 'local')}", ["Datastore.Allocate"])
    if "stop" in call:
        call.access.require(f"/nodes/{call.node}", ["Sys.Modify"])


def _check_options(call: Call) -> None:
    check_choice(call.params)
    if "\n" in call.text("notes-template"):
        raise ParamError({"notes-template": "contains a line feed"})
    if not (call.flag("all") or call.flag("stop") or "pool" in call or "exclude" in call or "vmid" in call):
        raise ParamError({"vmid": "property is missing"})


def _stop_running(call: Call) -> None:
    """Stop the job that runs on the node."""
    for task in call.datacenter.tasks.by("running", value=True):
        if task.node == call.node and task.type == "vzdump":
            call.tasks.stop(task.upid, "interrupted by signal")


@route(
    "GET", "/nodes/{node}/vzdump/defaults",
    params={"node": NODE, "storage": string(format="pve-storage-id", optional=True)}, user="all", proxyto="node",
)  # fmt: skip
def defaults(call: Call) -> dict[str, Any]:
    """Return what holds for options that a job doesn't set."""
    view, storage = view_of(call), call.text("storage", "local")
    call.access.require(f"/storage/{storage}", SEE, any_of=True)
    section = view.section(storage)
    check_holds_backups(view, storage)
    found: dict[str, Any] = {**DEFAULTS, "storage": storage}
    if "prune-backups" in section.options:
        found["prune-backups"] = section.options["prune-backups"]
    if section.type != "pbs":
        found["dumpdir"] = backup_folder(view, storage)
    if call.access.may(f"/nodes/{call.node}", ["Sys.Audit"]):
        return found
    return {name: value for name, value in found.items() if name not in _FOR_AUDITORS}


@route(
    "GET", "/nodes/{node}/vzdump/extractconfig", params={"node": NODE, "volume": string()},
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def extract_config(call: Call) -> str:
    """Return the configuration in a backup, as its file."""
    view, volid = view_of(call), call.text("volume")
    check_volume(call, view, volid)
    storage, name = split_volid(volid)
    owner = parse_name(view.type_of(storage), name).vmid
    if owner is not None:
        call.access.require(f"/vms/{owner}", ["VM.Backup"])
    if not name.startswith("backup/"):
        raise ApiError(f"cannot determine backup guest type for backup archive '{volid}'")
    return config_text(require_archive(view, volid))
