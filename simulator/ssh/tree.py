"""A node's file tree, as SFTP and the commands see it. Nothing of it is on the disk of this computer.

Below `/etc/pve` are the files that are the state itself; on the folders of storages, files are volumes; everything
else is kept as it was written. Refusals are the OSErrors of a real file system.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from simulator.network.files import PATH as INTERFACES
from simulator.records import File
from simulator.ssh import node_files, pve_files, stored_files
from simulator.ssh.file_tree import HOME, Entry, FileTree, error
from simulator.ssh.kept_files import MAX_SIZE, REMOVED, KeptFiles
from simulator.ssh.layout import DIRECTORIES, LINKS, MODES
from simulator.ssh.text import MalformedFileError
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner

__all__ = ["HOME", "MAX_SIZE", "Entry", "Tree", "error"]
_PVE = pve_files.ROOT
_PVE_MAX_SIZE = 1 << 20
_MAX_LINKS, _MAX_NAME, _MAX_PATH = 40, 255, 4095
_WEB_GROUP = 33


class Tree(FileTree):
    """The file tree of a node."""

    def __init__(self, world: World, host: str, tasks: TaskRunner) -> None:
        """Look at the state from this machine."""
        self.world = world
        self.host = host
        self.tasks = tasks

    @property
    def _files(self) -> KeptFiles:
        """Return the files of the machine itself."""
        return KeptFiles(self.world, self.datacenter, self.node)

    @property
    def now(self) -> float:
        """Return the virtual time."""
        return self.world.clock.now()

    def absolute(self, path: str, folder: str = HOME) -> str:
        """Return the full path of a name, in which links are still links; `..` ends at the root, as everywhere."""
        if "\0" in path:
            raise error(errno.EINVAL, path.replace("\0", ""))
        if len(path) > _MAX_PATH or any(len(part.encode(errors="replace")) > _MAX_NAME for part in path.split("/")):
            raise error(errno.ENAMETOOLONG, path)
        return "/" + posixpath.normpath(posixpath.join(folder, path)).lstrip("/")

    @property
    def datacenter(self) -> Datacenter:
        """Return the datacenter in which the machine is by now."""
        return self.world.place_of(self.host)[0]

    @property
    def node(self) -> str:
        """Return the name that the machine has there."""
        return self.world.place_of(self.host)[1].name

    def resolve(self, path: str, folder: str = HOME) -> str:
        """Return the one true form of a path: all links are followed, and none leads out of this tree."""
        left, found, hops = self.absolute(path, folder).strip("/").split("/"), "/", 0
        while left:
            here = posixpath.join(found, left.pop(0))
            target = self._target(here)
            if target is None:
                found = here
                continue
            hops += 1
            if hops > _MAX_LINKS:
                raise error(errno.ELOOP, path)
            left = [part for part in self.absolute(target, found).strip("/").split("/") if part] + left
            found = "/"
        return posixpath.normpath(found)

    def _place(self, path: str) -> str:
        """Return the path of a link itself, where only what is before its name is followed."""
        full = self.absolute(path)
        return full if full == "/" else posixpath.join(self.resolve(posixpath.dirname(full)), posixpath.basename(full))

    def _target(self, path: str) -> str | None:
        """Return where a link leads, or None for what is none."""
        if path in LINKS:
            return LINKS[path]
        if path.startswith(f"{_PVE}/"):
            return pve_files.links(self.node).get(path)
        return self._files.target(path)

    def stat(self, path: str) -> Entry:
        """Return what is at a path."""
        return self._entry(self.resolve(path))

    def lstat(self, path: str) -> Entry:
        """Return what is at a path: a link itself, not what it leads to."""
        place = self._place(path)
        target = self._target(place)
        if target is None:
            return self._entry(place)
        changed = self._files.changed(place) or self.datacenter.nodes[self.node].started
        return Entry(folder=False, size=len(target), mode=0o777, changed=changed, target=target)

    def _entry(self, path: str) -> Entry:
        in_pve, private = self._in_pve(path), path == f"{_PVE}/priv" or path.startswith(f"{_PVE}/priv/")
        group = _WEB_GROUP if in_pve else 0
        if self._is_folder(path):
            kept = self._files.get(f"{path}/")
            mode = (0o700 if private else 0o755) if in_pve else kept.mode if kept else MODES.get(path, 0o755)
            return self._owned(Entry(folder=True, size=4096, mode=mode, changed=self._changed(path), gid=group), kept)
        volume = self._files.volume(path)
        if volume is not None:
            return Entry(folder=False, size=volume[0], mode=0o644, changed=volume[1])
        data = self._data(path)
        if data is None:
            raise error(errno.ENOTDIR if self._below_a_file(path) else errno.ENOENT, path)
        kept = None if in_pve else self._files.get(path)
        mode = (0o600 if private else 0o640) if in_pve else kept.mode if kept else MODES.get(path, 0o644)
        entry = Entry(folder=False, size=len(data), mode=mode, changed=self._changed(path), gid=group)
        return self._owned(entry, kept)

    @staticmethod
    def _owned(entry: Entry, kept: File | None) -> Entry:
        return entry if kept is None or entry.gid else replace(entry, uid=kept.uid, gid=kept.gid)

    def _changed(self, path: str) -> float:
        known = pve_files.changed(self.datacenter, path) or self._files.changed(path) or self._files.changed(f"{path}/")
        return known or self.datacenter.nodes[self.node].started

    def exists(self, path: str) -> bool:
        """Tell whether there is something at a path."""
        try:
            self.stat(path)
        except OSError:
            return False
        return True

    def present(self, path: str) -> bool:
        """Tell whether there is something at a path, be it a link that leads nowhere."""
        try:
            self.lstat(path)
        except OSError:
            return False
        return True

    def read(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        """Return a part of a file, or all of it. A volume that was not written here is full of zeros."""
        path = self.resolve(path)
        entry = self._entry(path)
        if entry.folder:
            raise error(errno.EISDIR, path)
        end = entry.size if size is None else min(entry.size, offset + size)
        data = self._data(path)
        if data is not None and len(data) == entry.size:
            return data[offset:end]
        if end - offset > MAX_SIZE:
            raise error(errno.EFBIG, path)
        return bytes(max(0, end - offset))

    def known_checksum(self, path: str, algorithm: str) -> str | None:
        """Return the checksum of a volume whose bytes came by the API and were not kept."""
        path = self.resolve(path)
        kept = self._data(path) is not None
        return None if kept else stored_files.known_checksum(self.datacenter, self.node, path, algorithm)

    def list(self, path: str) -> list[str]:
        """Return the names in a folder."""
        path = self.resolve(path)
        if not self._entry(path).folder:
            raise error(errno.ENOTDIR, path)
        prefix = path.rstrip("/") + "/"
        names = {rest.partition("/")[0] for rest in (p[len(prefix) :] for p in self._paths(prefix)) if rest}
        return sorted(names | set(pve_files.guests_in(self.datacenter, path)))

    def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Write a file: what is the state changes it; a file on a storage is a volume."""
        path = self.resolve(path)
        self.check_write(path)
        if len(data) > (_PVE_MAX_SIZE if self._in_pve(path) else MAX_SIZE):
            raise error(errno.EFBIG, path)
        with self._changing(path):
            if pve_files.owns(path):
                pve_files.write(self.datacenter, path, data.decode(), self.now)
            elif not node_files.is_made(path) or path == INTERFACES:
                self._files.put(path, data, mode)
            elif not node_files.write(self.datacenter, self.node, path, data.decode()):
                raise error(errno.EACCES, path)

    @contextmanager
    def _changing(self, path: str) -> Iterator[None]:
        """Change the state in a transaction; afterwards whoever waits for a change has its turn."""
        try:
            with self.world.database.transaction():
                yield
        except (MalformedFileError, UnicodeDecodeError) as refused:
            raise OSError(errno.EINVAL, f"Invalid argument ({refused})", path) from None
        self.tasks.run_due()

    def check_write(self, path: str) -> None:
        """Refuse a path at which no file can be written."""
        path = self.resolve(path)
        self._check_parent(path)
        if self._is_folder(path):
            raise error(errno.EISDIR, path)
        self._check_writable(path)

    def remove(self, path: str) -> None:
        """Remove a file or a link."""
        path = self._place(path)
        if self._target(path) is None and self._entry(path).folder:
            raise error(errno.EISDIR, path)
        self._check_writable(path)
        if path in LINKS or path in pve_files.links(self.node) or node_files.is_made(path):
            raise error(errno.EPERM, path)
        with self._changing(path):
            if pve_files.owns(path):
                pve_files.remove(self.datacenter, path, self.now)
            self._files.remove(path, original=self._original(path) is not None)

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder."""
        path = self._place(path)
        if self.present(path):
            raise error(errno.EEXIST, path)
        self._check_parent(path)
        self._check_writable(path)
        with self._changing(path):
            self._files.put_row(f"{path}/", "", mode & 0o7777)

    def make_link(self, path: str, target: str) -> None:
        """Make a symbolic link; the cluster's file system and storages have none."""
        path = self._place(path)
        if self.present(path):
            raise error(errno.EEXIST, path)
        self._check_parent(path)
        self._check_writable(path)
        if self._in_pve(path) or not target or self._files.is_volume(path):
            raise error(errno.EPERM, path)
        self.absolute(target)
        with self._changing(path):
            self._files.put_row(path, target, stat.S_IFLNK | 0o777)

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""
        path = self._place(path)
        if self._target(path) is not None or not self._entry(path).folder:
            raise error(errno.ENOTDIR, path)
        if self.list(path):
            raise error(errno.ENOTEMPTY, path)
        self._check_writable(path)
        if self._files.get(f"{path}/") is None:
            raise error(errno.EBUSY, path)
        with self._changing(path):
            self._files.forget(f"{path}/")

    def rename(self, source: str, target: str) -> None:
        """Move a file; the file of a guest takes the guest along."""
        source, target = self._place(source), self._place(target)
        entry = self.lstat(source)
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
        if entry.target is not None:
            self.remove(source)
            self.make_link(target, entry.target)
            return
        with self._changing(source):
            if pve_files.move_guest(self.datacenter, source, target) or (
                self._data(source) is None and stored_files.move(self.datacenter, self.node, source, target)
            ):
                return
        self.write(target, self.read(source), entry.mode if not self._in_pve(source) else None)
        if not self._in_pve(target):
            self.chown(target, entry.uid, entry.gid)
        self.remove(source)

    def _move_folder(self, source: str, target: str) -> None:
        unmoved = self._files.get(f"{source}/") is None or target.startswith(f"{source}/") or self._in_pve(source)
        if unmoved or self._in_pve(target) or self.present(target) or self._files.is_shared(source):
            raise error(errno.EINVAL, source)
        with self._changing(source):
            self._files.move(source, target)

    async def changed(self, seconds: float = 1.0) -> None:
        """Wait until a task has moved on, or a while: a task that a power cut ends tells nobody."""
        rate = self.world.clock.rate
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.tasks.changed.wait(), max(0.001, min(1.0, seconds / rate if rate else 1.0)))

    def chmod(self, path: str, mode: int) -> None:
        """Change the permissions of a file; those of the cluster's files are fixed."""
        path = self.resolve(path)
        entry = self._entry(path)
        if self._in_pve(path) and mode & 0o777 != entry.mode:
            raise error(errno.EPERM, path)
        self._set(path, entry, mode=mode & 0o7777)

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        """Give a file to a user and a group; the cluster's files are root's and the web server's."""
        path = self.resolve(path)
        entry = self._entry(path)
        wanted = (entry.uid if uid is None else uid, entry.gid if gid is None else gid)
        if self._in_pve(path) and wanted not in ((0, 0), (0, _WEB_GROUP)):
            raise error(errno.EPERM, path)
        self._set(path, entry, uid=wanted[0], gid=wanted[1])

    def touch(self, path: str, changed: float | None = None) -> None:
        """Set the time of a file, to the present one unless another is said."""
        path = self.resolve(path)
        if not self._files.is_volume(path):
            self._set(path, self._entry(path), changed=self.now if changed is None else changed)

    def _set(self, path: str, entry: Entry, **changes: int | float) -> None:
        """Set what is known of a file beside its content; what was not written here gets a record for that."""
        if self._in_pve(path) or node_files.is_made(path) or self._files.is_volume(path):
            return
        self._check_writable(path)
        with self._changing(path):
            data = b"" if entry.folder else self._data(path) or b""
            self._files.keep(f"{path}/" if entry.folder else path, data, entry, **changes)

    @staticmethod
    def _in_pve(path: str) -> bool:
        return path == _PVE or path.startswith(f"{_PVE}/")

    def _original(self, path: str) -> str | None:
        """Return what the installation came with at a path."""
        with self.world.database.transaction():
            return node_files.text(self.world, self.datacenter, self.node, path)

    def _data(self, path: str) -> bytes | None:
        """Return what is written in a file, or None when nothing is."""
        if pve_files.owns(path):
            text = pve_files.read(self.datacenter, path)
            return None if text is None else text.encode()
        if not node_files.is_made(path) or path == INTERFACES:
            kept = self._files.get(path)
            if kept is not None:
                return None if kept.mode == REMOVED else self._files.data(kept)
        if self._in_pve(path):
            text = pve_files.shown(self.world, self.datacenter, self.node, path)
        else:
            text = self._original(path)
        return None if text is None else text.encode()

    def _is_folder(self, path: str) -> bool:
        if pve_files.owns(path):
            return False
        if path in DIRECTORIES or path in self._given_folders():
            return True
        return self._files.get(f"{path}/") is not None or any(True for _ in self._paths(f"{path}/"))

    def _given_folders(self) -> set[str]:
        given = pve_files.folders(self.datacenter) + stored_files.folders(self.datacenter, self.node)
        return {posixpath.normpath(folder) for folder in given}

    def _paths(self, prefix: str) -> Iterator[str]:
        """Yield the paths below a folder, files, folders and links, except those of guests' files."""
        yield from (f for f in (*DIRECTORIES, *LINKS, *self._given_folders()) if f != "/" and f.startswith(prefix))
        if prefix == "/" or f"{_PVE}/".startswith(prefix) or prefix.startswith(f"{_PVE}/"):
            pve = [*pve_files.paths(self.world, self.datacenter, self.node), *pve_files.links(self.node)]
            yield from (path for path in pve if path.startswith(prefix))
        removed = {row.path for row in self.datacenter.files if row.mode == REMOVED and row.node == self.node}
        made = node_files.paths(self.world, self.datacenter, self.node, prefix)
        yield from (path for path in made if path not in removed)
        yield from self._files.paths(prefix)
        yield from stored_files.paths(self.datacenter, self.node, prefix)

    def _below_a_file(self, path: str) -> bool:
        parent = posixpath.dirname(path)
        return parent != path and not self._is_folder(parent) and self._data(parent) is not None

    def _check_parent(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if not self._is_folder(parent):
            raise error(errno.ENOTDIR if self._data(parent) is not None else errno.ENOENT, path)

    def _check_writable(self, path: str) -> None:
        """Refuse to change the cluster's files without quorum, and what only shows something."""
        if path.startswith(("/proc/", "/sys/", "/dev/")) or path == "/":
            raise error(errno.EPERM, path)
        if self._in_pve(path) and (not self.datacenter.quorate_on(self.node) or pve_files.is_shown(path)):
            raise error(errno.EACCES, path)
