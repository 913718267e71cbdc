"""The file tree of a guest: what its system came with, and over it what was written on its volumes.

A file belongs to the volume that is mounted where it lies, so it goes where the volume goes: into snapshots and
clones, to another node or storage, and away with it. Below `/run` a file lives until the guest is stopped.
"""

from __future__ import annotations

import base64
import errno
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from simulator.errors import ApiError
from simulator.guests.lxc_mounts import is_volume, mounts
from simulator.guests.qemu_drives import BOOTABLE, drives, is_cdrom
from simulator.guests.storages import StorageView
from simulator.inside.system import FOLDERS, MODES
from simulator.records import Guest, GuestFile, Volume
from simulator.ssh.file_tree import HOME, Entry, FileTree, error
from simulator.state import Datacenter, volume_key

MAX_SIZE = 64 << 20
_MERGED = ("/bin", "/sbin", "/lib")
_VOLATILE = "/run/"
_PROGRAMS = ("/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")


def mounted(datacenter: Datacenter, guest: Guest) -> dict[str, Volume]:
    """Return the volumes of a guest that its system has mounted, by their places."""
    view = StorageView(datacenter, guest.node, 0)
    if guest.type == "lxc":
        wanted = [("/" if key == "rootfs" else m["mp"], m["volume"]) for key, m in mounts(guest.config) if is_volume(m)]
    else:
        disks = [drive["file"] for slot, drive in drives(guest.config) if slot in BOOTABLE and not is_cdrom(drive)]
        wanted = [("/", file) for file in disks[:1]]
    found = {posixpath.normpath(place): view.find(volid) for place, volid in wanted}
    return {place: volume for place, volume in found.items() if volume is not None}


class GuestTree(FileTree):
    """The file tree of a guest, to be used inside a transaction."""

    def __init__(self, datacenter: Datacenter, guest: Guest, base: Mapping[str, bytes], now: float) -> None:
        """Lay the guest's volumes over the files that its system came with."""
        self._datacenter = datacenter
        self._started = guest.started or 0.0
        self._now = now
        self._base = base
        places = mounted(datacenter, guest)
        if "/" not in places:
            raise ApiError(f"guest {guest.vmid} has no disk with a system on it")
        self._keys = {place: volume_key(volume.node, volume.volid) for place, volume in places.items()}
        self._places = sorted(places, key=len, reverse=True)
        self._folders = {parent for path in (*FOLDERS, *base) for parent in _parents(path)} | {*FOLDERS, *places}

    def resolve(self, path: str, folder: str = HOME) -> str:
        """Return the one true form of a path."""
        if "\0" in path:
            raise error(errno.EINVAL, path)
        full = "/" + posixpath.normpath(posixpath.join(folder, path)).lstrip("/")
        merged = next((old for old in _MERGED if full == old or full.startswith(f"{old}/")), None)
        return full if merged is None else f"/usr{full}"

    def stat(self, path: str) -> Entry:
        """Return what is at a path."""
        path = self.resolve(path)
        if self._is_folder(path):
            kept = self._kept(f"{path}/")
            mode = kept.mode if kept is not None else MODES.get(path, 0o755)
            changed, uid, gid = (kept.changed, kept.uid, kept.gid) if kept is not None else (self._started, 0, 0)
            return Entry(folder=True, size=4096, mode=mode, changed=changed, uid=uid, gid=gid)
        kept, data = self._kept(path), self._data(path)
        if data is None:
            raise error(errno.ENOTDIR if self._below_a_file(path) else errno.ENOENT, path)
        default = MODES.get(path, 0o755 if path.startswith(_PROGRAMS) else 0o644)
        mode, changed = (kept.mode, kept.changed) if kept is not None else (default, self._started)
        uid, gid = (kept.uid, kept.gid) if kept is not None else (0, 0)
        return Entry(folder=False, size=len(data), mode=mode, changed=changed, uid=uid, gid=gid)

    def exists(self, path: str) -> bool:
        """Tell whether there is something at a path."""
        try:
            self.stat(path)
        except OSError:
            return False
        return True

    def read(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        """Return a part of a file, or all of it."""
        path = self.resolve(path)
        if self.stat(path).folder:
            raise error(errno.EISDIR, path)
        data = self._data(path) or b""
        return data[offset : len(data) if size is None else offset + size]

    def list(self, path: str) -> list[str]:
        """Return the names in a folder."""
        path = self.resolve(path)
        if not self.stat(path).folder:
            raise error(errno.ENOTDIR, path)
        prefix = path.rstrip("/") + "/"
        below = (name[len(prefix) :] for name in self._all() if name.startswith(prefix))
        return sorted({name.partition("/")[0] for name in below if name})

    def write(self, path: str, data: bytes, mode: int | None = None, owner: tuple[int, int] | None = None) -> None:
        """Write a file; without mode and owner an old one keeps its own."""
        path = self.resolve(path)
        self._check_parent(path)
        if self._is_folder(path):
            raise error(errno.EISDIR, path)
        if path.startswith(("/proc/", "/sys/", "/dev/")):
            raise error(errno.EPERM, path)
        if len(data) > MAX_SIZE:
            raise error(errno.EFBIG, path)
        try:
            text, binary = data.decode(), False
        except UnicodeDecodeError:
            text, binary = base64.b64encode(data).decode(), True
        mode = mode if mode is not None else self.stat(path).mode if self.exists(path) else 0o644
        kept = self._kept(path)
        uid, gid = owner or ((kept.uid, kept.gid) if kept is not None else (0, 0))
        self._put(path, GuestFile(text=text, binary=binary, changed=self._now, mode=mode, uid=uid, gid=gid))

    def remove(self, path: str) -> None:
        """Remove a file."""
        path = self.resolve(path)
        if self.stat(path).folder:
            raise error(errno.EISDIR, path)
        self._put(path, GuestFile(text="", changed=self._now, gone=True) if path in self._base else None)

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder."""
        path = self.resolve(path)
        if self.exists(path):
            raise error(errno.EEXIST, path)
        self._check_parent(path)
        self._put(f"{path}/", GuestFile(text="", changed=self._now, mode=mode))

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder; those that the system came with stay."""
        path = self.resolve(path)
        if self.list(path):
            raise error(errno.ENOTEMPTY, path)
        if path in self._folders:
            raise error(errno.EBUSY, path)
        self._put(f"{path}/", None)

    def rename(self, source: str, target: str) -> None:
        """Move a file or folder."""
        source, target = self.resolve(source), self.resolve(target)
        entry = self.stat(source)
        if target == source or target.startswith(f"{source}/"):
            raise error(errno.EINVAL, target)
        if not entry.folder:
            kept = self._kept(source)
            self.write(target, self.read(source), entry.mode, (kept.uid, kept.gid) if kept is not None else None)
            self.remove(source)
            return
        self.make_folder(target, entry.mode)
        for name in self.list(source):
            self.rename(f"{source}/{name}", f"{target}/{name}")
        self.remove_folder(source)

    def chmod(self, path: str, mode: int) -> None:
        """Change the permissions of a file or folder."""
        kept = self._own(path)
        self._put(kept[0], replace(kept[1], mode=mode & 0o7777))

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        """Give a file or folder to a user and a group; None leaves the old one."""
        name, kept = self._own(path)
        uid, gid = kept.uid if uid is None else uid, kept.gid if gid is None else gid
        self._put(name, replace(kept, uid=uid, gid=gid))

    def _own(self, path: str) -> tuple[str, GuestFile]:
        """Return the guest's own record of a file or folder, made from the system's where there is none yet."""
        path = self.resolve(path)
        entry = self.stat(path)
        name = f"{path}/" if entry.folder else path
        text = "" if entry.folder else (self._data(path) or b"").decode(errors="replace")
        return name, self._kept(name) or GuestFile(text=text, changed=entry.changed, mode=entry.mode)

    def _place(self, path: str) -> tuple[str, str]:
        """Return the key of the volume on which a path lies, and its path there."""
        place = next(p for p in self._places if p in ("/", path) or path.startswith(f"{p}/"))
        return self._keys[place], path if place == "/" else path[len(place) :]

    def _kept(self, path: str) -> GuestFile | None:
        key, inner = self._place(path)
        kept = self._datacenter.volumes[key].files.get(inner)
        return None if kept is None or kept.gone or self._is_past(path, kept) else kept

    def _is_past(self, path: str, kept: GuestFile) -> bool:
        """Tell whether a file is from before the guest was started, and was not to outlive that."""
        return path.startswith(_VOLATILE) and kept.changed < self._started

    def _put(self, path: str, kept: GuestFile | None) -> None:
        key, inner = self._place(path)
        volume = self._datacenter.volumes[key]
        files = {name: file for name, file in volume.files.items() if name != inner}
        self._datacenter.volumes.put(replace(volume, files=files if kept is None else files | {inner: kept}))

    def _data(self, path: str) -> bytes | None:
        kept = self._kept(path)
        if kept is not None:
            return base64.b64decode(kept.text) if kept.binary else kept.text.encode()
        key, inner = self._place(path)
        return None if inner in self._datacenter.volumes[key].files else self._base.get(path)

    def _all(self) -> Iterator[str]:
        """Yield all paths there are."""
        yield from self._folders
        yield from (path for path in self._base if self._data(path) is not None)
        for place in self._places:
            prefix = "" if place == "/" else place
            for inner in self._datacenter.volumes[self._keys[place]].files:
                path = prefix + inner
                if self._kept(path) is not None:
                    yield path

    def _is_folder(self, path: str) -> bool:
        return path in self._folders or self._kept(f"{path}/") is not None

    def _below_a_file(self, path: str) -> bool:
        parent = posixpath.dirname(path)
        return parent != path and not self._is_folder(parent) and self._data(parent) is not None

    def _check_parent(self, path: str) -> None:
        if not self._is_folder(posixpath.dirname(path)):
            raise error(errno.ENOTDIR if self._below_a_file(path) else errno.ENOENT, path)


def _parents(path: str) -> Iterator[str]:
    """Yield the folders above a path."""
    while path != "/":
        path = posixpath.dirname(path)
        yield path
