"""Backing up a virtual machine."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from simulator.backup.guest import GuestBackup
from simulator.guests.qemu_drives import Drive, drives, is_cdrom
from simulator.guests.qemu_power import agent_answers, agent_enabled, halted, power_down, start_locked
from simulator.records import Volume
from simulator.tasks import Steps

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def rendered(size: float, digits: int = 2) -> str:
    """Write a number of bytes with the unit that suits it."""
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:  # noqa: PLR2004 - the step between two units
        size /= 1024
        unit += 1
    return f"{size:.{digits}f} {_UNITS[unit]}"


@dataclass(slots=True)
class MachineBackup(GuestBackup):
    """A machine on its way into an archive."""

    def display_name(self) -> str:
        """Return the machine's name for notes."""
        return self.guest.config.get("name", f"VM {self.vmid}")

    def _disks(self) -> list[tuple[str, Drive]]:
        return [(slot, drive) for slot, drive in drives(self.guest.config) if not is_cdrom(drive)]

    def volumes(self) -> dict[str, Volume]:
        """Return the disks that are not excluded."""
        included = [(slot, drive) for slot, drive in self._disks() if drive.get("backup", "1") != "0"]
        return {slot: self.view.require(d["file"]) for slot, d in sorted(included) if not d["file"].startswith("/")}

    def prepare(self) -> Steps:
        """Log which disks are in the archive."""
        if "name" in self.guest.config:
            yield f"INFO: VM Name: {self.guest.config['name']}"
        for slot, drive in self._disks():
            if drive.get("backup", "1") == "0":
                yield f"INFO: exclude disk '{slot}' '{drive['file']}' (backup=no)"
            else:
                size = f" {drive['size']}" if "size" in drive else ""
                yield f"INFO: include disk '{slot}' '{drive['file']}'{size}"
        self.volumes()

    def hold(self) -> Steps:
        """Stop or suspend the machine; a snapshot needs neither."""
        if self.mode == "stop" and self.was_running:
            yield "INFO: stopping virtual guest"
            self.stopped_at = self.run.now
            yield from power_down(self.run, self.guest, int(self.job.option("stopwait")) * 60, force=False)
            halted(self.view, self.vmid)
        elif self.mode == "suspend":
            yield "INFO: suspending guest"
            self.stopped_at = self.run.now
            self._set_paused(paused=True)
        yield from self._left_out()

    def _left_out(self) -> Steps:
        """Log what the machine has and the archive not."""
        guest = self.guest
        for key, value in sorted(guest.config.items()):
            if key.startswith("unused"):
                yield f"INFO: skip unused drive '{value}' (not included into backup)"
        if guest.snapshots:
            yield "INFO: snapshots found (not included into backup)"
        if guest.pending or guest.pending_delete:
            yield "INFO: pending configuration changes found (not included into backup)"

    def write(self, data: int) -> Steps:
        """Copy the disks."""
        volumes = self.volumes()
        size = sum(volume.size for volume in volumes.values())
        if not volumes:
            yield "INFO: backup contains no disks"
            yield "INFO: starting diskless backup"
            return
        yield from self._begin()
        if self.target.is_server:
            for slot in volumes:
                yield f"INFO: {slot}: dirty-bitmap status: created new"
        seconds = yield from self.copying(data)
        speed = rendered(size / (seconds or 1), 1)
        yield (
            f"INFO: 100% ({rendered(size, 1)} of {rendered(size, 1)}) in {seconds}s,"
            f" read: {speed}/s, write: {rendered(data / (seconds or 1), 1)}/s"
        )
        empty = size - data
        if empty:
            yield f"INFO: backup is sparse: {rendered(empty)} ({empty * 100 // size}%) total zero data"
            if self.target.is_server:
                yield f"INFO: backup was done incrementally, reused {rendered(empty)} ({empty * 100 // size}%)"
        yield f"INFO: transferred {rendered(size)} in {f'{seconds} seconds ({speed}/s)' if seconds else '<1 seconds'}"
        if not self.was_running:
            yield "INFO: stopping kvm after backup task"

    def _begin(self) -> Steps:
        """Start the copy inside the machine's process; from then on the machine itself may go on."""
        guest, run = self.guest, self.run
        if not self.was_running or self.mode == "stop":
            yield "INFO: starting kvm to execute backup task"
        if self.was_running and self.mode == "stop":
            yield from start_locked(run, self.vmid, skiplock=True)
        elif agent_enabled(guest) and self.was_running and not guest.paused:
            at_once = run.world.clock.mode == "immediate"
            if agent_answers(self.view, guest, run.now, at_once=at_once):
                yield "INFO: issuing guest-agent 'fs-freeze' command"
                yield "INFO: issuing guest-agent 'fs-thaw' command"
            else:
                yield "INFO: skipping guest-agent 'fs-freeze', agent configured but not running?"
        yield f"INFO: started backup task '{uuid.uuid4()}'"
        if self.was_running and self.stopped_at is not None:
            yield f"INFO: resuming VM again after {self.offline_seconds()} seconds"
            self._set_paused(paused=False)
        elif self.was_running and not guest.paused:
            yield "INFO: resuming VM again"

    def let_go(self) -> Steps:
        """Say that the machine goes on; it has done so since the copy began (without disks, only from here on)."""
        if self.mode == "suspend":
            yield "INFO: resume vm"
            self._set_paused(paused=False)
        elif self.was_running and self.guest.status != "running":
            yield "INFO: restarting vm"
            yield from start_locked(self.run, self.vmid, skiplock=True)
            yield self.online_again()

    def _set_paused(self, *, paused: bool) -> None:
        self.run.datacenter.guests.put(replace(self.guest, paused=paused))

    def give_back(self) -> None:
        """Let the machine run as before."""
        if self.mode == "suspend" and self.stopped_at is not None:
            self._set_paused(paused=False)
        self.run_again(20000 + self.vmid)
