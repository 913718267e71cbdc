"""`/cluster/backup` and `/cluster/backup-info`: jobs that back guests up, and which guests none backs up."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from simulator.api.backup_options import DAYS, FLEECING, OPTIONS, PERFORMANCE, START
from simulator.backup.selection import chosen_vmids, completed
from simulator.calendar import parse as parse_event
from simulator.errors import ApiError, ParamError, PermissionDenied
from simulator.guests.facts import guest_name
from simulator.guests.lxc_mounts import is_volume, mounts
from simulator.guests.qemu_drives import drives, is_cdrom
from simulator.propstring import split
from simulator.records import Guest, Section
from simulator.routing import Call, route
from simulator.schema import Param, string
from simulator.sections import given, typed
from simulator.state import Datacenter

_AUDIT = ["perm", "/", ["Sys.Audit"]]
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_ID: dict[str, Param] = {"id": string(pattern=r"\S+", max_length=50)}
_ROOT_ONLY = ("tmpdir", "dumpdir", "script")
_SELECTIONS = ("all", "vmid", "pool")


def _row(call: Call, job: Section, *, listed: bool = False) -> dict[str, Any]:
    row = {"id": job.id, "type": "vzdump", **typed(job.options, OPTIONS)}
    if "prune-backups" in row:
        row["prune-backups"] = split(job.options["prune-backups"], None)
    for name, form in (("fleecing", FLEECING), ("performance", PERFORMANCE)):
        if name in row:
            values = form.parse(job.options[name], name)
            row[name] = {key: int(value) if isinstance(value, bool) else value for key, value in values.items()}
    if listed and row["enabled"]:
        moment = parse_event(job.options["schedule"]).after(call.now)
        row |= {"next-run": moment} if moment is not None else {}
    return row


def _existing(call: Call) -> Section:
    job = call.datacenter.backup_jobs.get(call.text("id"))
    if job is None:
        raise ParamError({"id": f"No such job '{call.text('id')}'"})
    return job


@route("GET", "/cluster/backup", check=_AUDIT)
def jobs(call: Call) -> list[dict[str, Any]]:
    """List the jobs."""
    return [_row(call, job, listed=True) for job in call.datacenter.backup_jobs]


@route("GET", "/cluster/backup/{id}", params=_ID, check=_AUDIT)
def read_job(call: Call) -> dict[str, Any]:
    """Return a job."""
    return _row(call, _existing(call))


def _failed(name: str, text: str) -> ApiError:
    return ApiError(f"400 Parameter verification failed.\n{name}: {text}")


def _schedule(call: Call, *, required: bool) -> dict[str, str]:
    """Return when a job runs; a start time and days of the week are an old way to say it."""
    if "schedule" in call:
        if "starttime" in call:
            raise ParamError({"starttime": "'starttime' and 'schedule' cannot both be set"})
        return {"schedule": call.text("schedule")}
    if "starttime" not in call:
        if required:
            raise ParamError({"schedule": "neither 'starttime' nor 'schedule' were set"})
        return {}
    days = call.listing("dow")
    every = not days or set(days) == set(DAYS)
    event = call.text("starttime") if every else f"{','.join(days)} {call.text('starttime')}"
    try:
        parse_event(event)
    except ValueError as error:
        raise ParamError({"starttime": str(error)}) from None
    return {"schedule": event}


def _check_rights(call: Call, storage: str) -> None:
    """Refuse what only root may set, storages that the caller does not run, and pools that are not there or his."""
    call.root_only(*_ROOT_ONLY)
    fleecing = FLEECING.parse(call.text("fleecing"), "fleecing").get("storage") if "fleecing" in call else None
    if fleecing is not None:
        call.access.require(f"/storage/{fleecing}", ["Datastore.AllocateSpace"])
    if storage:
        call.access.require(f"/storage/{storage}", ["Datastore.Allocate"])
    pool = call.optional("pool")
    if pool is not None:
        if pool not in call.datacenter.pools:
            raise PermissionDenied(f"pool '{pool}' does not exist")
        call.access.require(f"/pool/{pool}", ["VM.Backup"])


def _check_selection(options: dict[str, str]) -> None:
    """Refuse a job that chooses its guests in two ways."""
    chosen = [name for name in _SELECTIONS if options.get(name, "0") != "0"]
    if len(chosen) > 1:
        raise _failed(chosen[0], f"option conflicts with option '{chosen[1]}'")
    if not chosen and "exclude" not in options:
        raise _failed("vmid", "property is missing and it is not optional")


@route(
    "POST", "/cluster/backup",
    params={**OPTIONS, **START, "id": string(format="pve-configid", optional=True)}, check=_MODIFY, protected=True,
)  # fmt: skip
def create_job(call: Call) -> None:
    """Add a job; it is enabled unless it is told otherwise."""
    _check_rights(call, call.text("storage", "local"))
    options = given(call, OPTIONS) | _schedule(call, required=True)
    _check_selection(options)
    name = call.text("id") or f"backup-{str(uuid.uuid4())[:13]}"
    call.cfs_lock("file-jobs_cfg")
    if name in call.datacenter.backup_jobs or name in call.datacenter.sync_jobs:
        raise ApiError(f"Job '{name}' already exists")
    call.datacenter.backup_jobs.put(Section(id=name, type="vzdump", options={"enabled": "1", **options}))


@route(
    "PUT", "/cluster/backup/{id}",
    params={**OPTIONS, **START, **_ID, "delete": string(format="pve-configid-list", optional=True)},
    check=_MODIFY, protected=True,
)  # fmt: skip
def update_job(call: Call) -> None:
    """Change a job; choosing its guests in another way ends the way before."""
    delete = call.listing("delete")
    _check_rights(call, "local" if "storage" in delete else call.text("storage"))
    changes = given(call, OPTIONS) | _schedule(call, required=False)
    if not changes and not delete:
        raise ApiError("no options specified")
    for name in delete:
        if name not in OPTIONS and name not in START:
            raise _failed("delete", f"unknown option '{name}'")
    call.cfs_lock("file-jobs_cfg")
    job = call.datacenter.backup_jobs.get(call.text("id"))
    if job is None:
        raise ApiError("no such vzdump job")
    options = {name: value for name, value in job.options.items() if name not in delete}
    chosen = [name for name in _SELECTIONS if changes.get(name, "0") != "0"]
    for name in _SELECTIONS if chosen else ():
        options.pop(name, None)
    if "vmid" in chosen:
        options.pop("exclude", None)
    options |= changes
    _check_selection(options)
    if "schedule" not in options:
        raise _failed("schedule", "property is missing and it is not optional")
    call.datacenter.backup_jobs.put(Section(id=job.id, type=job.type, options={"enabled": "1", **options}))


@route("DELETE", "/cluster/backup/{id}", params=_ID, check=_MODIFY, protected=True)
def delete_job(call: Call) -> None:
    """Remove a job."""
    call.cfs_lock("file-jobs_cfg")
    call.datacenter.backup_jobs.delete(_existing(call).id)


def included_guests(datacenter: Datacenter, job: Section) -> list[Guest]:
    """Return the guests that a job backs up."""
    options = completed(typed(job.options, OPTIONS))
    found = (datacenter.guests.get(vmid) for vmid in chosen_vmids(datacenter, options))
    return [guest for guest in found if guest is not None and options.get("node", guest.node) == guest.node]


def _volumes(guest: Guest) -> Iterator[dict[str, Any]]:
    """Yield each volume of a guest with whether a backup has it, and why."""
    if guest.type == "qemu":
        for slot, drive in drives(guest.config):
            if not is_cdrom(drive):
                included = drive.get("backup", "1") != "0"
                reason = "backup=yes" if included else "backup=no"
                yield _leaf(guest, slot, str(drive["file"]), reason, included=included)
        return
    for slot, mount in mounts(guest.config):
        volume = is_volume(mount)
        included = slot == "rootfs" or (volume and bool(mount.get("backup")))
        reason = "rootfs" if slot == "rootfs" else "enabled" if included else "disabled" if volume else "not a volume"
        yield _leaf(guest, slot, str(mount["volume"]), reason, included=included)


def _leaf(guest: Guest, slot: str, name: str, reason: str, *, included: bool) -> dict[str, Any]:
    return {"id": f"{guest.vmid}:{slot}", "name": name, "included": int(included), "reason": reason, "leaf": 1}


@route("GET", "/cluster/backup/{id}/included_volumes", params=_ID, check=_AUDIT, protected=True)
def included_volumes(call: Call) -> dict[str, Any]:
    """Return the guests that a job backs up, with their volumes."""
    children = []
    for guest in included_guests(call.datacenter, _existing(call)):
        name = guest.config.get("name" if guest.type == "qemu" else "hostname")
        volumes = list(_volumes(guest))
        children.append({"id": guest.vmid, "type": guest.type, "name": name, "leaf": 0, "children": volumes})
    return {"children": children}


@route("GET", "/cluster/backup-info")
def info_index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/backup-info`."""
    return [{"subdir": "not-backed-up"}]


@route("GET", "/cluster/backup-info/not-backed-up", check=_AUDIT, protected=True)
def not_backed_up(call: Call) -> list[dict[str, Any]]:
    """List the guests that no job backs up."""
    jobs_ = list(call.datacenter.backup_jobs)
    saved = {guest.vmid for job in jobs_ for guest in included_guests(call.datacenter, job)}
    rows = sorted((guest for guest in call.datacenter.guests if guest.vmid not in saved), key=lambda row: row.vmid)
    return [{"vmid": guest.vmid, "type": guest.type, "name": guest_name(guest)} for guest in rows]
