"""A node's file tree, as SFTP and the commands see it. Nothing of it is on the disk of this computer.

Below `/etc/pve` are the files that are the state itself; on the folders of storages, files are volumes; everything
else is kept as it was written. Refusals are the OSErrors of a real file system.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import posixpath
from collections.abc import Iterator
from dataclasses import replace

from simulator.api.node_hosts import PATH as HOSTS
from simulator.api.node_hosts import hosts_text
from simulator.network.files import PATH as INTERFACES
from simulator.network.files import current
from simulator.records import File
from simulator.ssh import pve_files, stored_files
from simulator.ssh.file_tree import HOME, Entry, error
from simulator.ssh.text import MalformedFileError
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner

MAX_SIZE = 64 << 20
_PVE = pve_files.ROOT
_PVE_MAX_SIZE = 1 << 20
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - names in the simulated tree
_FOLDERS = (
    *_TEMPORARY, "/", "/bin", "/boot", "/dev", "/etc", "/etc/apt", "/etc/apt/sources.list.d", "/etc/network",
    "/etc/network/interfaces.d", "/home", "/mnt", "/mnt/pve", "/opt", "/proc", "/root", "/root/.ssh", "/run", "/srv",
    "/sys", "/usr", "/usr/local", "/usr/local/bin", "/var", "/var/lib", "/var/lib/vz", "/var/log",
)  # fmt: skip
_MODES = {"/root": 0o700, "/root/.ssh": 0o700, **dict.fromkeys(_TEMPORARY, 0o1777)}


class Tree:
    """The file tree of a node."""

    def __init__(self, world: World, host: str, tasks: TaskRunner) -> None:
        """Look at the state from this machine."""
        self.world = world
        self.host = host
        self._tasks = tasks

    @property
    def datacenter(self) -> Datacenter:
        """Return the datacenter in which the machine is by now."""
        return self.world.place_of(self.host)[0]

    @property
    def node(self) -> str:
        """Return the name that the machine has there."""
        return self.world.place_of(self.host)[1].name

    def resolve(self, path: str, folder: str = HOME) -> str:
        """Return the one true form of a path; `..` ends at the root, as everywhere."""
        if "\0" in path:
            raise error(errno.EINVAL, path)
        full = "/" + posixpath.normpath(posixpath.join(folder, path)).lstrip("/")
        own = f"{_PVE}/nodes/{self.node}"
        for alias, target in ((f"{_PVE}/local", own), (f"{_PVE}/qemu-server", f"{own}/qemu-server")):
            if full == alias or full.startswith(f"{alias}/"):
                return target + full.removeprefix(alias)
        if full == f"{_PVE}/lxc" or full.startswith(f"{_PVE}/lxc/"):
            return f"{own}/lxc" + full.removeprefix(f"{_PVE}/lxc")
        return full

    def stat(self, path: str) -> Entry:
        """Return what is at a path."""
        path = self.resolve(path)
        if self._is_folder(path):
            kept = self._kept(f"{path}/")
            mode = kept.mode if kept is not None else _MODES.get(path, 0o755)
            return Entry(folder=True, size=4096, mode=mode, changed=self._changed(kept))
        volume = self._volume(path)
        if volume is not None:
            return Entry(folder=False, size=volume[0], mode=0o644, changed=volume[1])
        data = self._data(path)
        if data is None:
            raise error(errno.ENOTDIR if self._below_a_file(path) else errno.ENOENT, path)
        kept = self._kept(path)
        mode = 0o640 if self._in_pve(path) else kept.mode if kept is not None else 0o644
        return Entry(folder=False, size=len(data), mode=mode, changed=self._changed(kept))

    def exists(self, path: str) -> bool:
        """Tell whether there is something at a path."""
        try:
            self.stat(path)
        except OSError:
            return False
        return True

    def read(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        """Return a part of a file, or all of it. A volume that was not written here is full of zeros."""
        path = self.resolve(path)
        entry = self.stat(path)
        if entry.folder:
            raise error(errno.EISDIR, path)
        end = entry.size if size is None else min(entry.size, offset + size)
        data = self._data(path)
        if data is not None and len(data) == entry.size:
            return data[offset:end]
        return bytes(max(0, end - offset))

    def known_checksum(self, path: str, algorithm: str) -> str | None:
        """Return the checksum of a volume whose bytes were uploaded or downloaded, and not kept."""
        path = self.resolve(path)
        place = stored_files.place_of(self.datacenter, self.node, path)
        volume = stored_files.find(self.datacenter, place) if place is not None else None
        return volume.checksums.get(algorithm) if volume is not None and self._data(path) is None else None

    def list(self, path: str) -> list[str]:
        """Return the names in a folder."""
        path = self.resolve(path)
        if not self.stat(path).folder:
            raise error(errno.ENOTDIR, path)
        prefix = path.rstrip("/") + "/"
        names = {rest.partition("/")[0] for rest in (p[len(prefix) :] for p in self._paths(prefix)) if rest}
        return sorted(names | set(pve_files.names_in(self.datacenter, path)))

    def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Write a file, or refuse; what stands for state changes the state."""
        path = self.resolve(path)
        self.check_write(path)
        if len(data) > (_PVE_MAX_SIZE if self._in_pve(path) else MAX_SIZE):
            raise error(errno.EFBIG, path)
        with self.world.database.transaction():
            if pve_files.owns(path):
                self._write_state(path, data)
            else:
                self._keep(path, data, mode)
        self._tasks.run_due()

    def check_write(self, path: str) -> None:
        """Refuse a path at which no file can be written."""
        self._check_parent(path)
        if self._is_folder(path):
            raise error(errno.EISDIR, path)
        self._check_writable(path)

    @property
    def now(self) -> float:
        """Return the virtual time."""
        return self.world.clock.now()

    def _write_state(self, path: str, data: bytes) -> None:
        try:
            pve_files.write(self.datacenter, path, data.decode())
        except (MalformedFileError, UnicodeDecodeError) as refused:
            raise OSError(errno.EINVAL, f"Invalid argument ({refused})", path) from None

    def _keep(self, path: str, data: bytes, mode: int | None) -> None:
        now, old = self.world.clock.now(), self._kept(path)
        try:
            text, binary = data.decode(), False
        except UnicodeDecodeError:
            text, binary = base64.b64encode(data).decode(), True
        if mode is None:
            mode = old.mode if old is not None else 0o644
        place = stored_files.place_of(self.datacenter, self.node, path)
        if place is not None:
            stored_files.put(self.datacenter, place, len(data), now)
        self.datacenter.files.put(
            File(node=self._owner(path), path=path, text=text, changed=now, mode=mode, binary=binary)
        )

    def remove(self, path: str) -> None:
        """Remove a file."""
        path = self.resolve(path)
        if self.stat(path).folder:
            raise error(errno.EISDIR, path)
        self._check_writable(path)
        with self.world.database.transaction():
            if pve_files.owns(path):
                pve_files.remove(self.datacenter, path)
            place = stored_files.place_of(self.datacenter, self.node, path)
            if place is not None:
                stored_files.remove(self.datacenter, place)
            self.datacenter.files.delete(f"{self._owner(path)}:{path}")
        self._tasks.run_due()

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder."""
        path = self.resolve(path)
        if self.exists(path):
            raise error(errno.EEXIST, path)
        self._check_parent(path)
        self._check_writable(path)
        with self.world.database.transaction():
            now = self.world.clock.now()
            self.datacenter.files.put(File(node=self._owner(path), path=f"{path}/", text="", changed=now, mode=mode))

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        path = self.resolve(path)
        if not self.stat(path).folder:
            raise error(errno.ENOTDIR, path)
        if self.list(path):
            raise error(errno.ENOTEMPTY, path)
        self._check_writable(path)
        if self._kept(f"{path}/") is None:
            raise error(errno.EBUSY, path)
        with self.world.database.transaction():
            self.datacenter.files.delete(f"{self._owner(path)}:{path}/")

    def rename(self, source: str, target: str) -> None:
        """Move a file; the file of a guest takes the guest along."""
        source, target = self.resolve(source), self.resolve(target)
        entry = self.stat(source)
        if source == target:
            return
        self._check_parent(target)
        self._check_writable(source)
        self._check_writable(target)
        if self._is_folder(target):
            raise error(errno.EISDIR, target)
        if entry.folder:
            self._move_folder(source, target)
            return
        with self.world.database.transaction():
            if pve_files.move_guest(self.datacenter, source, target) or self._move_volume(source, target):
                return
        self.write(target, self.read(source), entry.mode if not self._in_pve(source) else None)
        self.remove(source)

    def _move_volume(self, source: str, target: str) -> bool:
        """Move a volume whose bytes were never here; its new place has to be one of a volume, too."""
        places = [stored_files.place_of(self.datacenter, self.node, path) for path in (source, target)]
        if None in places or self._data(source) is not None:
            return False
        stored_files.move(self.datacenter, *filter(None, places))
        return True

    def _move_folder(self, source: str, target: str) -> None:
        kept = [row for row in self.datacenter.files if row.node == self._owner(source)]
        moved = [row for row in kept if row.path.startswith(f"{source}/")]
        if self._kept(f"{source}/") is None or target.startswith(f"{source}/") or self._in_pve(source):
            raise error(errno.EINVAL, source)
        with self.world.database.transaction():
            for row in moved:
                self.datacenter.files.delete(f"{row.node}:{row.path}")
                self.datacenter.files.put(replace(row, path=target + row.path.removeprefix(source)))

    async def changed(self) -> None:
        """Wait until a task has moved on, or a while: a task that a power cut ends tells nobody."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._tasks.changed.wait(), 1.0)

    def chmod(self, path: str, mode: int) -> None:
        """Change the permissions of a file; those of the cluster's files are fixed."""
        path = self.resolve(path)
        entry = self.stat(path)
        if self._in_pve(path) and mode & 0o777 != entry.mode:
            raise error(errno.EPERM, path)
        kept = self._kept(f"{path}/" if entry.folder else path)
        if kept is not None:
            with self.world.database.transaction():
                self.datacenter.files.put(replace(kept, mode=mode & 0o7777))

    def _changed(self, kept: File | None) -> float:
        return kept.changed if kept is not None else self.datacenter.nodes[self.node].started

    @staticmethod
    def _in_pve(path: str) -> bool:
        return path == _PVE or path.startswith(f"{_PVE}/")

    def _owner(self, path: str) -> str:
        """Return the node whose file this is: none for what all nodes share."""
        if self._in_pve(path):
            return ""
        place = stored_files.place_of(self.datacenter, self.node, path)
        return place.node if place is not None else self.node

    def _kept(self, path: str) -> File | None:
        return self.datacenter.files.get(f"{self._owner(path)}:{path}")

    def _volume(self, path: str) -> tuple[int, float] | None:
        """Return size and time of the volume at a path; a file of that name which is none is not there."""
        place = stored_files.place_of(self.datacenter, self.node, path)
        volume = stored_files.find(self.datacenter, place) if place is not None else None
        return (volume.size, float(volume.ctime)) if volume is not None else None

    def _data(self, path: str) -> bytes | None:
        """Return what is written in a file, or None when nothing is."""
        if pve_files.owns(path):
            text = pve_files.read(self.datacenter, path)
            return None if text is None else text.encode()
        if path == INTERFACES:
            return current(self.datacenter, self.node).text.encode()
        if path == HOSTS:
            with self.world.database.transaction():
                return hosts_text(self.datacenter, self.node).encode()
        if path == "/etc/hostname":
            return f"{self.node}\n".encode()
        kept, place = self._kept(path), stored_files.place_of(self.datacenter, self.node, path)
        if kept is None or (place is not None and self._is_stale(kept, place)):
            return None
        return base64.b64decode(kept.text) if kept.binary else kept.text.encode()

    def _is_stale(self, kept: File, place: stored_files.Place) -> bool:
        """Tell whether the volume of this name is no longer, or another one than, the file that was written."""
        volume = stored_files.find(self.datacenter, place)
        return volume is None or volume.ctime != int(kept.changed)

    def _is_folder(self, path: str) -> bool:
        if pve_files.owns(path):
            return False
        if path in _FOLDERS or path in self._given_folders():
            return True
        return self._kept(f"{path}/") is not None or any(True for _ in self._paths(f"{path}/"))

    def _given_folders(self) -> set[str]:
        given = pve_files.folders(self.datacenter) + stored_files.folders(self.datacenter, self.node)
        return {posixpath.normpath(folder) for folder in given}

    def _paths(self, prefix: str) -> Iterator[str]:
        """Yield the paths below a folder, files and folders, except those that are the state."""
        yield from (f for f in (*_FOLDERS, *self._given_folders()) if f != "/" and f.startswith(prefix))
        yield from (f for f in (INTERFACES, HOSTS, "/etc/hostname") if f.startswith(prefix))
        for row in self.datacenter.files:
            if row.path.startswith(prefix) and row.node in ("", self.node):
                place = stored_files.place_of(self.datacenter, self.node, row.path)
                if place is None or not self._is_stale(row, place):
                    yield row.path
        yield from stored_files.paths(self.datacenter, self.node, prefix)

    def _below_a_file(self, path: str) -> bool:
        parent = posixpath.dirname(path)
        return parent != path and not self._is_folder(parent) and self._data(parent) is not None

    def _check_parent(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if not self._is_folder(parent):
            raise error(errno.ENOTDIR if self._data(parent) is not None else errno.ENOENT, path)

    def _check_writable(self, path: str) -> None:
        """Refuse to change the cluster's files without quorum, and what a kernel shows."""
        if path.startswith(("/proc/", "/sys/", "/dev/")) or path == "/":
            raise error(errno.EPERM, path)
        if self._in_pve(path) and not self.datacenter.quorate_on(self.node):
            raise error(errno.EACCES, path)
