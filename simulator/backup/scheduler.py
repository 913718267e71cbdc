"""Starts backup jobs when their time has come, as each node's scheduler does."""

from __future__ import annotations

from simulator.api.backup_options import OPTIONS
from simulator.backup.job import Job
from simulator.backup.selection import by_place, chosen_vmids, completed
from simulator.backup.task import body_of
from simulator.records import Section, Setting
from simulator.schedule import Schedule
from simulator.sections import typed
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner

_USER = "root@pam"


class BackupScheduler:
    """The schedulers of a datacenter's nodes, as one actor on the simulator's clock."""

    def __init__(self, world: World, datacenter: Datacenter, tasks: TaskRunner) -> None:
        """Look after the jobs of a datacenter."""
        self._datacenter = datacenter
        self._tasks = tasks
        self._schedule = Schedule(world.clock)

    def due(self) -> float | None:
        """Return when the next job is to run."""
        return self._schedule.first(self._next(job) for job in self._datacenter.backup_jobs)

    def _next(self, job: Section) -> float | None:
        """Return when a job is to run next; what was missed while nobody was there is made up for if so wished."""
        seen, run = self._schedule.seen(job), self._datacenter.backup_runs.get(job.id)
        if job.options.get("enabled", "1") != "1":
            return None
        last = float(run.value) if run is not None else seen
        if job.options.get("repeat-missed") != "1":
            last = max(last, seen)
        return self._schedule.following(job.options["schedule"], last)

    def act(self, due: float) -> None:
        """Start the jobs that are due, on every node that has a part in them."""
        for job in [job for job in self._datacenter.backup_jobs if self._next(job) == due]:
            self._datacenter.backup_runs.put(Setting(name=job.id, value=str(int(due))))
            self._start(job)

    def _start(self, job: Section) -> None:
        options = completed({**typed(job.options, OPTIONS), "job-id": job.id})
        for node in self._datacenter.quorate_side():
            if options.get("node", node.name) != node.name:
                continue
            vmids, elsewhere = by_place(self._datacenter, chosen_vmids(self._datacenter, options), node.name)
            if vmids or options.get("all"):
                work = Job(_USER, vmids, elsewhere, options)
                self._tasks.start(
                    self._datacenter, node.name, _USER, kind="vzdump", id_=work.task_id, body=body_of(work)
                )  # fmt: skip
