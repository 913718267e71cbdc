"""Backing up one guest: what machines and containers have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime

from simulator.access import Access
from simulator.backup.job import Job
from simulator.backup.names import file_name, parse, snapshot_name, zone_of
from simulator.backup.target import Target, check_room, prune, put_archive
from simulator.errors import ApiError, TaskError
from simulator.firewall.files import guest_path
from simulator.guests.draft import check_lock, check_writable, drop_keys, is_running, set_lock
from simulator.guests.qemu_power import view_for
from simulator.guests.storages import StorageView
from simulator.guests.transfer import data_of, seconds_for
from simulator.guests.volume_names import own_name
from simulator.ha.state import requested, sid_of
from simulator.records import Archive, Guest, SavedVolume, Volume
from simulator.tasks import Step, Steps, TaskRun
from simulator.upid import parse as parse_upid

_NOT_KEPT = ("lock", "parent")
_PERCENT_LEFT = {"zstd": 40, "gzip": 38, "lzo": 50, "1": 50}
_OVERHEAD = 10240
_VARIABLE = re.compile(r"\{\{(\S+?)\}\}")


def log_time(run: TaskRun) -> str:
    """Return the node's time as logs write it."""
    return f"{datetime.fromtimestamp(int(run.now), zone_of(run.datacenter.nodes[run.node])):%Y-%m-%d %H:%M:%S}"


def log_size(size: int) -> str:
    """Write a number of bytes as these logs do: whole KB and MB, hundredths of what is bigger."""
    for unit, exponent in (("KB", 10), ("MB", 20)):
        if size < 1 << (exponent + 10):
            return f"{size >> exponent}{unit}"
    return f"{size / (1 << 30):.2f}GB" if size < 1 << 40 else f"{size / (1 << 40):.2f}TB"


@dataclass(slots=True)
class GuestBackup(ABC):
    """One guest on its way into an archive."""

    run: TaskRun
    job: Job
    target: Target
    vmid: int
    mode: str = "stop"
    was_running: bool = False
    stopped_at: float | None = None

    @property
    def guest(self) -> Guest:
        """Return the guest as it is now."""
        return self.run.datacenter.guests[self.vmid]

    @property
    def view(self) -> StorageView:
        """Return the storages as the node sees them now."""
        return view_for(self.run)

    @abstractmethod
    def display_name(self) -> str:
        """Return the guest's name for notes."""

    @abstractmethod
    def volumes(self) -> dict[str, Volume]:
        """Return the volumes that go into the archive, by slot."""

    @abstractmethod
    def prepare(self) -> Steps:
        """Log what is in the archive, and refuse a mode that the guest's volumes do not allow."""

    @abstractmethod
    def hold(self) -> Steps:
        """Stop, suspend or snapshot the guest."""

    @abstractmethod
    def write(self, data: int) -> Steps:
        """Write the archive; `data` is what the volumes hold."""

    @abstractmethod
    def let_go(self) -> Steps:
        """Let the guest run on as before."""

    @abstractmethod
    def give_back(self) -> None:
        """Do at once what `let_go` has not come to do."""

    def back_up(self) -> Steps:
        """Back the guest up; whatever goes wrong, it is left unlocked and runs as before."""
        run, guest = self.run, self.guest
        self._check_allowed()
        target = self._name()
        yield f"INFO: Starting Backup of VM {self.vmid} ({guest.type})"
        yield f"INFO: Backup started at {log_time(run)}"
        yield f"INFO: status = {'running' if is_running(self.guest) else 'stopped'}"
        check_lock(self.guest)
        check_writable(run.datacenter, self.guest)
        set_lock(run.datacenter, self.vmid, "backup")
        self.was_running = is_running(self.guest)
        try:
            yield from self._choose_mode()
            yield from self.hold()
            yield from self._store(target)
            yield from self.let_go()
        except (ApiError, TaskError):
            if self.vmid in run.datacenter.guests:
                self.give_back()
            self._unlock()
            raise
        self._unlock()

    def run_again(self, pid: int) -> None:
        """Let a guest that was stopped for the backup run at once, without the steps of a start."""
        if self.was_running and not is_running(self.guest):
            self.run.lines.append("INFO: restarting vm")
            config = dict(self.guest.config)
            again = replace(self.guest, status="running", started=self.run.now, running=config, pid=pid)
            self.run.datacenter.guests.put(again)

    def _unlock(self) -> None:
        guest = self.run.datacenter.guests.get(self.vmid)
        if guest is not None and guest.lock == "backup":
            set_lock(self.run.datacenter, self.vmid, None)

    def _check_allowed(self) -> None:
        """Refuse what high availability or the target's limits forbid."""
        datacenter = self.run.datacenter
        managed = datacenter.ha_resources.get(sid_of(self.guest))
        if self.job.option("mode") == "stop" and managed is not None and requested(managed) == "started":
            raise ApiError(
                "Cannot execute a backup with stop mode on a HA managed and enabled Service. Use snapshot mode or"
                " disable the Service."
            )
        protected, access = bool(self.job.option("protected")), Access(datacenter, self.job.authid)
        check_room(self.view, self.target, self.guest.type, self.vmid, protected=protected, access=access)

    def _name(self) -> str:
        """Name the archive by the time; where tasks need no time, no two of a guest's are of the same second."""
        datacenter, moment = self.run.datacenter, int(self.run.now)
        node, compress = datacenter.nodes[self.run.node], str(self.job.option("compress"))
        taken = {parse(volume.name, zone_of(node)).moment for volume in datacenter.volumes.by("vmid", self.vmid)}
        while moment in taken:
            moment += 1
        if self.target.is_server:
            return snapshot_name(self.guest.type, self.vmid, moment)
        return file_name(self.guest.type, self.vmid, moment, node, compress)

    def _choose_mode(self) -> Steps:
        """Log the mode; a snapshot that the volumes do not allow becomes a short suspension."""
        self.mode = str(self.job.option("mode")) if self.was_running else "stop"
        prepared = False
        if self.mode == "snapshot":
            try:
                yield from self.prepare()
                prepared = True
            except ApiError as error:
                if not error.message.startswith("mode failure"):
                    raise
                yield f"INFO: {error}"
                yield "INFO: trying 'suspend' mode instead"
                self.mode = "suspend"
        yield f"INFO: backup mode: {self.mode}"
        if self.job.option("bwlimit"):
            yield f"INFO: bandwidth limit: {self.job.option('bwlimit')} KB/s"
        yield f"INFO: ionice priority: {self.job.option('ionice')}"
        if not prepared:
            yield from self.prepare()

    def _store(self, name: str) -> Steps:
        """Write the archive, describe and protect it, and prune the older ones."""
        archive = self._archive()
        data = sum(saved.data for saved in archive.volumes.values())
        what = "Proxmox Backup Server" if self.target.is_server else "vzdump"
        place = name.removeprefix("backup/") if self.target.is_server else f"{self.target.folder}/{own_name(name)}"
        yield f"INFO: creating {what} archive '{place}'"
        yield from self.write(data)
        compress = "zstd" if self.target.is_server else str(self.job.option("compress"))
        packed = data * _PERCENT_LEFT.get(compress, 100) // 100 + _OVERHEAD
        volume = put_archive(self.view, self.target, name, archive, vmid=self.vmid, packed=packed)
        if not self.target.is_server:
            yield f"INFO: archive file size: {log_size(packed)}"
        yield from self._describe(volume)
        if self.target.remove:
            yield from prune(self.view, self.target, self.guest.type, self.vmid)

    def _archive(self) -> Archive:
        guest, view = self.guest, self.view
        rules = self.run.datacenter.files.get(f":{guest_path(self.vmid)}")
        volumes = {
            slot: SavedVolume(
                storage=volume.storage,
                format=volume.format,
                size=volume.size,
                data=data_of(view, volume),
                files=volume.files,
            )
            for slot, volume in self.volumes().items()
        }
        config = drop_keys(guest.config, _NOT_KEPT)
        return Archive(type=guest.type, config=config, volumes=volumes, firewall=rules.text if rules else "")

    def _describe(self, volume: Volume) -> Steps:
        template = str(self.job.option("notes-template") or "")
        if template and self.target.named:
            yield "INFO: adding notes to backup"
            try:
                volume = replace(volume, notes=self._notes(template))
            except ValueError as error:
                yield f"WARN: unable to add notes - {error}"
        if self.job.option("protected") and self.target.named:
            yield "INFO: marking backup as protected"
            volume = replace(volume, protected=True)
        self.run.datacenter.volumes.put(volume)

    def _notes(self, template: str) -> str:
        """Fill the variables of a template in; raise ValueError for what it must not have."""
        datacenter = self.run.datacenter
        known = {
            "cluster": datacenter.name if datacenter.clustered else "", "guestname": self.display_name(),
            "node": self.run.node, "vmid": str(self.vmid),
        }  # fmt: skip
        text = re.sub(r"\\(.)", _unescape, template)
        unknown = next((name for name in _VARIABLE.findall(text) if name not in known), None)
        if unknown is not None:
            raise ValueError(f"unexpected variable name '{unknown}'")
        return _VARIABLE.sub(lambda match: known[match[1]], text)

    def copying(self, data: int) -> Generator[Step, None, int]:
        """Take the time that copying needs; return the whole seconds that have passed."""
        begun = self.run.now
        yield seconds_for(data, int(self.job.option("bwlimit") or 0))
        return int(self.run.now - begun)

    def offline_seconds(self) -> int:
        """Return for how long the guest has been stopped or suspended."""
        return int(self.run.now - (self.stopped_at or self.run.now))

    def online_again(self) -> str:
        """Return the line that says that the guest is back."""
        seconds = self.offline_seconds()
        return f"INFO: guest is online again after {seconds or '<1'} seconds"

    def process(self) -> int:
        """Return the number of the process that runs the task."""
        upid = parse_upid(self.run.upid)
        return upid.pid if upid is not None else 0


def _unescape(match: re.Match[str]) -> str:
    if match[1] not in ("n", "\\"):
        raise ValueError(f"unexpected escape character '{match[1]}'")
    return "\n" if match[1] == "n" else "\\"
