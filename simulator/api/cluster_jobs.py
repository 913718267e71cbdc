"""`/cluster/jobs`: jobs that sync realms, and when a schedule would let a job run."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from simulator.api.access_sync import REMOVE_VANISHED, SCOPE
from simulator.calendar import parse as parse_event
from simulator.errors import ApiError, ParamError
from simulator.realm_sync import SYNCED_TYPES
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.sections import SectionType, given, typed

_AUDIT = ["perm", "/", ["Sys.Audit"]]
_CHANGE = [
    "and",
    ["perm", "/access/realm/{realm}", ["Realm.AllocateUser"]],
    ["perm", "/access/groups", ["User.Modify"]],
]
_EVENT = string(format="pve-calendar-event", max_length=128)
_ID: dict[str, Param] = {"id": string(format="pve-configid")}
_NEW_ID: dict[str, Param] = {"id": string(format="pve-configid", max_length=64)}
_OPTIONS: dict[str, Param] = {
    "comment": string(max_length=512, optional=True),
    "enable-new": boolean(optional=True),
    "enabled": boolean(optional=True),
    "remove-vanished": REMOVE_VANISHED,
    "schedule": _EVENT,
    "scope": SCOPE,
}
_REALM: dict[str, Param] = {"realm": string(format="pve-realm", max_length=32, optional=True)}
_TYPE = SectionType.of("realm schedule scope", "comment enable-new enabled remove-vanished", fixed="realm")


@route("GET", "/cluster/jobs", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/jobs`."""
    return [{"subdir": name} for name in ("schedule-analyze", "realm-sync")]


@route(
    "GET", "/cluster/jobs/schedule-analyze",
    params={
        "iterations": integer(minimum=1, maximum=100, optional=True), "schedule": _EVENT,
        "starttime": integer(optional=True),
    },
    user="all",
)  # fmt: skip
def analyze(call: Call) -> list[dict[str, Any]]:
    """Return the next times at which something would run."""
    event, moment = parse_event(call.text("schedule")), call.integer("starttime", int(call.now))
    found: list[dict[str, Any]] = []
    for _ in range(call.integer("iterations", 10)):
        following = event.after(moment)
        if following is None:
            break
        moment = following
        text = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(moment))
        found.append({"timestamp": moment, "utc": text})
    return found


def _row(job: Section) -> dict[str, Any]:
    return {"type": job.type, "enabled": 1, **typed(job.options, _OPTIONS | _REALM)}


def _existing(call: Call) -> Section | None:
    return call.datacenter.sync_jobs.get(call.text("id"))


def _refuse(name: str, text: str) -> NoReturn:
    """Refuse as a method does that has caught its own refusal on the way."""
    raise ApiError(f"400 Parameter verification failed.\n{name}: {text}")


@route("GET", "/cluster/jobs/realm-sync", check=_AUDIT)
def jobs(call: Call) -> list[dict[str, Any]]:
    """List the jobs, with when each has run and will run."""
    rows = []
    for job in call.datacenter.sync_jobs:
        run = call.datacenter.sync_runs.get(job.id)
        last = int(run.value) if run is not None else None
        following = parse_event(job.options["schedule"]).after(call.now if last is None else last)
        row = {"id": job.id, **_row(job), "last-run": last}
        rows.append(row | ({"next-run": following} if following is not None else {}))
    return rows


@route("GET", "/cluster/jobs/realm-sync/{id}", params=_ID, check=_AUDIT)
def read_job(call: Call) -> dict[str, Any]:
    """Return a job."""
    job = _existing(call)
    if job is None:
        raise ParamError({"id": f"No such job '{call.text('id')}'"})
    return _row(job)


@route("POST", "/cluster/jobs/realm-sync/{id}", params={**_NEW_ID, **_OPTIONS, **_REALM}, check=_CHANGE, protected=True)
def create_job(call: Call) -> None:
    """Add a job for a realm whose users and groups are in a directory."""
    datacenter, name, options = call.datacenter, call.text("id"), given(call, _OPTIONS | _REALM)
    call.cfs_lock("file-jobs_cfg")
    if name in datacenter.sync_jobs or name in datacenter.backup_jobs:
        raise ApiError(f"Job '{name}' already exists")
    _TYPE.check_new(options)
    realm = datacenter.domains.get(options["realm"])
    if realm is None:
        _refuse("realm", f"No such realm '{options['realm']}'")
    if realm.type not in SYNCED_TYPES:
        _refuse("realm", "Only LDAP/AD realms can be synced.")
    datacenter.sync_jobs.put(Section(id=name, type="realm-sync", options=options))


@route(
    "PUT", "/cluster/jobs/realm-sync/{id}",
    params={**_NEW_ID, **_OPTIONS, "delete": string(format="pve-configid-list", max_length=4096, optional=True)},
    check=_CHANGE, protected=True,
)  # fmt: skip
def update_job(call: Call) -> None:
    """Change a job."""
    call.cfs_lock("file-jobs_cfg")
    job = _existing(call)
    if job is None:
        raise ApiError("no such realm-sync job")
    options = _TYPE.changed(job.options, given(call, _OPTIONS), call.listing("delete"))
    call.datacenter.sync_jobs.put(Section(id=job.id, type=job.type, options=options))


@route("DELETE", "/cluster/jobs/realm-sync/{id}", params=_ID, check=["perm", "/", ["Sys.Modify"]], protected=True)
def delete_job(call: Call) -> None:
    """Remove a job, and the memory of when it ran."""
    call.cfs_lock("file-jobs_cfg")
    if _existing(call) is None:
        _refuse("id", f"No such job '{call.text('id')}'")
    call.datacenter.sync_jobs.delete(call.text("id"))
    call.datacenter.sync_runs.delete(call.text("id"))
