"""Backing up a container."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.backup.guest import GuestBackup
from simulator.errors import ApiError
from simulator.guests.features import can
from simulator.guests.lxc_mounts import Mount, is_volume, mounts
from simulator.guests.lxc_power import halted, start_locked
from simulator.guests.volume_names import own_name
from simulator.records import Volume, VolumeSnapshot
from simulator.tasks import Steps

_SNAPSHOT = "vzdump"


@dataclass(slots=True)
class ContainerBackup(GuestBackup):
    """A container on its way into an archive."""

    def display_name(self) -> str:
        """Return the container's name for notes."""
        return self.guest.config.get("hostname", f"CT{self.vmid}")

    def _included(self) -> list[tuple[str, Mount]]:
        found = [(key, mount) for key, mount in mounts(self.guest.config) if is_volume(mount)]
        return [(key, mount) for key, mount in found if key == "rootfs" or mount.get("backup") == "1"]

    def volumes(self) -> dict[str, Volume]:
        """Return the root, and the volumes whose backup is asked for."""
        return {key: self.view.require(mount["volume"]) for key, mount in self._included()}

    def prepare(self) -> Steps:
        """Log which mount points are in the archive; a snapshot needs volumes that can have one."""
        config = self.guest.config
        if "hostname" in config:
            yield f"INFO: CT Name: {config['hostname']}"
        included = dict(self._included())
        for key, mount in mounts(config):
            path = "/" if key == "rootfs" else mount.get("mp", "")
            if key in included:
                yield f"INFO: including mount point {key} ('{path}') in backup"
            else:
                kind = "volume" if is_volume(mount) else "device" if mount["volume"].startswith("/dev/") else "bind"
                reason = "disabled" if kind == "volume" else "not a volume"
                yield f"INFO: excluding {kind} mount point {key} ('{path}') from backup ({reason})"
        volumes = self.volumes().values()
        if self.mode == "snapshot" and not all(can(self.view, volume, "snapshot", "lxc") for volume in volumes):
            raise ApiError("mode failure - some volumes do not support snapshots")

    def hold(self) -> Steps:
        """Stop, suspend or snapshot the container."""
        if self.mode == "stop" and self.was_running:
            yield "INFO: stopping virtual guest"
            self.stopped_at = self.run.now
            yield 2.0
            halted(self.run.datacenter, self.vmid)
        elif self.mode == "suspend":
            yield from self._copy_twice()
        elif self.mode == "snapshot":
            yield from self._snapshot()

    def _copy_twice(self) -> Steps:
        """Copy while the container runs, and once more, what has changed since, while it is suspended."""
        source, place = f"/proc/{self.guest.pid}/root/", f"/var/tmp/vzdumptmp{self.process()}_{self.vmid}"  # noqa: S108 - Proxmox's own folder
        data = sum(volume.used for volume in self.volumes().values())
        yield f"INFO: starting first sync {source} to {place}"
        seconds = yield from self.copying(data)
        yield f"INFO: first sync finished - transferred {data} bytes in {seconds}s"
        yield "INFO: suspending guest"
        self.stopped_at = self.run.now
        yield f"INFO: starting final sync {source} to {place}"
        seconds = yield from self.copying(0)
        yield f"INFO: final sync finished - transferred 0 bytes in {seconds}s"
        yield "INFO: resuming guest"
        yield self.online_again()

    def _snapshot(self) -> Steps:
        volumes = self.volumes()
        if len(volumes) > 1:
            yield "INFO: suspend vm to make snapshot"
            self.stopped_at = self.run.now
        yield f"INFO: create storage snapshot '{_SNAPSHOT}'"
        for volume in volumes.values():
            if self.view.section(volume.storage).type == "lvmthin":
                yield f'INFO:   Logical volume "snap_{own_name(volume.name)}_{_SNAPSHOT}" created.'
            then = VolumeSnapshot(size=volume.size, files=volume.files)
            self.run.datacenter.volumes.put(replace(volume, snapshots={**volume.snapshots, _SNAPSHOT: then}))
        if len(volumes) > 1:
            yield "INFO: resume vm"
            yield self.online_again()

    def write(self, data: int) -> Steps:
        """Pack the files."""
        if self.target.is_server:
            yield f"INFO: Starting backup: ct/{self.vmid}"
            yield f"INFO: Client name: {self.run.node}"
        seconds = yield from self.copying(data)
        if self.target.is_server:
            yield f"INFO: Duration: {seconds:.2f}s"
        else:
            yield f"INFO: Total bytes written: {data} ({data >> 10}KiB, {(data >> 20) // (seconds or 1)}MiB/s)"

    def let_go(self) -> Steps:
        """Remove the snapshot, or start the container again."""
        if self.mode == "snapshot":
            yield f"INFO: cleanup temporary '{_SNAPSHOT}' snapshot"
            self._drop_snapshots()
        elif self.mode == "stop" and self.was_running:
            yield "INFO: restarting vm"
            yield from start_locked(self.run, self.vmid, skiplock=True)
            yield self.online_again()

    def _drop_snapshots(self) -> None:
        for _, mount in self._included():
            volume = self.view.find(mount["volume"])
            if volume is not None:
                left = {name: size for name, size in volume.snapshots.items() if name != _SNAPSHOT}
                self.run.datacenter.volumes.put(replace(volume, snapshots=left))

    def give_back(self) -> None:
        """Remove the snapshot, and let the container run as before."""
        if self.mode == "snapshot":
            self._drop_snapshots()
        self.run_again(30000 + self.vmid)
