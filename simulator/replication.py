"""Replication: copying a guest's volumes to another node, again and again, as each job's schedule says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from simulator.errors import ApiError
from simulator.guests.lxc_mounts import is_volume, mounts
from simulator.guests.qemu_drives import drives, is_cdrom
from simulator.guests.storages import StorageView
from simulator.guests.transfer import data_of, seconds_for
from simulator.records import Guest, Replication, Section, Volume
from simulator.schedule import Schedule
from simulator.state import Datacenter, World, volume_key

DEFAULT_SCHEDULE = "*/15"
_RETRY_STEP, _RETRY_LATE, _QUICK_RETRIES = 300, 1800, 3
_ROUND = 60
"""Seconds after which the scheduler looks again; a job that is to go is tried each time."""


def guest_of(datacenter: Datacenter, job: Section) -> Guest | None:
    """Return the guest that a job is about."""
    return datacenter.guests.get(int(job.id.partition("-")[0]))


def replicated(guest: Guest) -> list[str]:
    """Return the volumes of a guest that are to be copied."""
    if guest.type == "lxc":
        found = [mount for _, mount in mounts(guest.config) if is_volume(mount) and mount.get("replicate", "1") != "0"]
        return [mount["volume"] for mount in found]
    chosen = [drive for _, drive in drives(guest.config) if not is_cdrom(drive) and drive.get("replicate", "1") != "0"]
    return [drive["file"] for drive in chosen if ":" in drive["file"]]


def state_of(datacenter: Datacenter, job: Section) -> Replication:
    """Return how a job went."""
    return datacenter.replications.get(job.id) or Replication(id=job.id)


class Replicator:
    """The replication of a datacenter's nodes, as one actor on the simulator's clock."""

    def __init__(self, world: World, datacenter: Datacenter) -> None:
        """Look after the jobs of a datacenter."""
        self._datacenter = datacenter
        self._schedule = Schedule(world.clock)

    def due(self) -> float | None:
        """Return when the next job is to run."""
        return self._schedule.first(self._next(job) for job in self._datacenter.replication_jobs)

    def _next(self, job: Section) -> float | None:
        """Return when a job is to run next; while its guest's node is down nothing does."""
        guest, state, seen = guest_of(self._datacenter, job), state_of(self._datacenter, job), self._schedule.seen(job)
        if guest is None or not self._datacenter.in_majority(guest.node):
            return None
        if job.options.get("disable") == "1" and "remove_job" not in job.options:
            return None
        if "remove_job" in job.options:
            return max(seen, state.last_try + (_ROUND if state.fail_count else 0))
        if state.fail_count:
            late = state.fail_count > _QUICK_RETRIES
            return state.last_try + (_RETRY_LATE if late else _RETRY_STEP * state.fail_count)
        if state.asked or not state.last_try:
            return max(seen, state.last_try)
        return self._schedule.following(job.options.get("schedule", DEFAULT_SCHEDULE), max(seen, state.last_try))

    def act(self, due: float) -> None:
        """Run the jobs that are due."""
        for job in [job for job in self._datacenter.replication_jobs if self._next(job) == due]:
            guest = guest_of(self._datacenter, job)
            if guest is not None:
                _Round(self._datacenter, self._turned(job, guest), guest, due).run()

    def _turned(self, job: Section, guest: Guest) -> Section:
        """Let a job go the other way whose guest HA has taken to the node that it copies to."""
        source = job.options.get("source", guest.node)
        if "remove_job" in job.options or job.options["target"] != guest.node or source == guest.node:
            return job
        turned = replace(job, options={**job.options, "source": guest.node, "target": source})
        self._datacenter.replication_jobs.put(turned)
        return turned


class _Round:
    """One run of a job."""

    def __init__(self, datacenter: Datacenter, job: Section, guest: Guest, now: float) -> None:
        self._datacenter = datacenter
        self._job = job
        self._guest = guest
        self._now = now
        self._seconds = 0.0
        self._log: list[str] = []

    def run(self) -> None:
        """Copy the volumes, or remove the copies of a job that is to go; note how that went."""
        state = state_of(self._datacenter, self._job)
        self._say("start replication job")
        try:
            leaving = self._job.options.get("remove_job")
            if leaving is not None:
                self._leave(leaving)
                return
            self._copy()
        except ApiError as error:
            self._say(f"end replication job with error: {error}")
            failed = replace(state, fail_count=state.fail_count + 1, error=error.message, duration=0.0)
            self._note(failed)
        else:
            self._say("end replication job")
            done = replace(state, last_sync=float(int(self._now)), fail_count=0, error="", duration=self._seconds)
            self._note(done)

    def _say(self, text: str) -> None:
        zone = ZoneInfo(self._datacenter.nodes[self._guest.node].timezone)
        self._log.append(f"{datetime.fromtimestamp(int(self._now), zone):%Y-%m-%d %H:%M:%S} {self._job.id}: {text}")

    def _note(self, state: Replication) -> None:
        noted = replace(state, last_try=float(int(self._now)), asked=False, log=tuple(self._log))
        self._datacenter.replications.put(noted)

    def _target(self) -> str:
        target = self._job.options["target"]
        node = self._datacenter.nodes.get(target)
        if node is None or not node.online:
            raise ApiError(
                f"command '/usr/bin/ssh -e none -o 'BatchMode=yes' root@{node.ip if node else target} -- true' failed:"
                " exit code 255"
            )
        if target == self._guest.node:
            raise ApiError("unable to replicate to local node")
        return target

    def _local_volumes(self) -> list[Volume]:
        view = StorageView(self._datacenter, self._guest.node, int(self._now))
        return [view.require(volid) for volid in replicated(self._guest) if not view.is_shared(volid.partition(":")[0])]

    def _copy(self) -> None:
        guest, datacenter = self._guest, self._datacenter
        self._say(f"guest => {'VM' if guest.type == 'qemu' else 'CT'} {guest.vmid}, running => {guest.pid or 0}")
        volumes, target = self._local_volumes(), self._target()
        self._say(f"volumes => {','.join(volume.volid for volume in volumes)}")
        snapshot = f"__replicate_{self._job.id}_{int(self._now)}__"
        view = StorageView(datacenter, guest.node, int(self._now))
        for volume in volumes:
            self._say(f"create snapshot '{snapshot}' on {volume.volid}")
            known = datacenter.volumes.get(volume_key(target, volume.volid))
            data = data_of(view, volume)
            self._say(f"{'incremental' if known else 'full'} sync '{volume.volid}' ({snapshot})")
            self._seconds += seconds_for(0 if known else data)
            datacenter.volumes.put(replace(volume, node=target, used=data, parent=None))

    def _leave(self, how: str) -> None:
        """Remove the copies (all of them, or none) and then the job."""
        target = self._job.options["target"]
        if how == "full" and target != self._guest.node:
            self._target()
            for volume in self._local_volumes():
                self._datacenter.volumes.delete(volume_key(target, volume.volid))
        self._datacenter.replication_jobs.delete(self._job.id)
        self._datacenter.replications.delete(self._job.id)
