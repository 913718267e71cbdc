"""A backup job as it runs: the task `vzdump` on one node, guest after guest."""

from __future__ import annotations

from collections.abc import Generator

from simulator.access import Access
from simulator.backup.container import ContainerBackup
from simulator.backup.guest import GuestBackup, log_time
from simulator.backup.job import Job, command_line
from simulator.backup.machine import MachineBackup
from simulator.backup.target import Target, open_target
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import worker
from simulator.tasks import Body, Lock, Step, Steps, TaskRun

_LOCK_FILE = "/var/run/vzdump.lock"


def body_of(job: Job) -> Body:
    """Return the body of the task that does a job."""
    return worker(lambda run: _run_job(run, job))


def turn(run: TaskRun, minutes: int) -> Lock:
    """Return the lock that lets one job at a time run on a node."""
    return Lock(
        f"{_LOCK_FILE} of {run.datacenter.name}/{run.node}", minutes * 60.0,
        waiting="INFO: trying to get global lock - waiting...", taken="INFO: got global lock",
        failure=f"can't acquire lock '{_LOCK_FILE}' " + ("- got timeout" if minutes else "(wait = 0)"),
    )  # fmt: skip


def _run_job(run: TaskRun, job: Job) -> Steps:
    """Back up one guest after another; the task fails when any of them does."""
    target = open_target(run, job.options)
    yield turn(run, int(job.option("lockwait")))
    yield f"INFO: starting new backup job: {command_line(job.options)}"
    if job.skipped:
        yield f"INFO: skip external VMs: {', '.join(str(vmid) for vmid in job.skipped)}"
    failed = 0
    for vmid in _permitted(run, job):
        succeeded = yield from _back_up(run, job, target, vmid)
        failed += not succeeded
    if failed:
        yield "INFO: Backup job finished with errors"
        raise TaskError("job errors")
    yield "INFO: Backup job finished successfully"


def _permitted(run: TaskRun, job: Job) -> list[int]:
    """Return the guests that the caller may back up; only when all are meant the others are left out silently."""
    access, permitted = Access(run.datacenter, job.authid), []
    for vmid in job.vmids:
        if vmid in run.datacenter.guests and not access.may(f"/vms/{vmid}", ["VM.Backup"]):
            if not job.option("all"):
                access.require(f"/vms/{vmid}", ["VM.Backup"])
            continue
        permitted.append(vmid)
    return permitted


def _back_up(run: TaskRun, job: Job, target: Target, vmid: int) -> Generator[Step, None, bool]:
    """Back up one guest; tell whether it succeeded."""
    begun = int(run.now)
    try:
        guest = run.datacenter.guests.get(vmid)
        if guest is None or guest.node != run.node:
            raise ApiError(f"unable to find VM '{vmid}'")  # noqa: TRY301 - a refusal like those from below
        kind: type[GuestBackup] = MachineBackup if guest.type == "qemu" else ContainerBackup
        yield from kind(run, job, target, vmid).back_up()
    except (ApiError, TaskError) as error:
        run.lines += [f"ERROR: Backup of VM {vmid} failed - {error}", f"INFO: Failed at {log_time(run)}"]
        return False
    minutes, seconds = divmod(int(run.now) - begun, 60)
    yield f"INFO: Finished Backup of VM {vmid} ({minutes // 60:02}:{minutes % 60:02}:{seconds:02})"
    yield f"INFO: Backup finished at {log_time(run)}"
    return True
