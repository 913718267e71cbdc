"""SFTP onto the file tree of a simulated node."""

from __future__ import annotations

import errno
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncssh
from asyncssh.constants import FILEXFER_TYPE_DIRECTORY, FILEXFER_TYPE_REGULAR, FILEXFER_TYPE_SYMLINK

from simulator.ssh.file_tree import Entry, error
from simulator.ssh.looking import kind_bits
from simulator.ssh.tree import MAX_SIZE, Tree

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 4096
_WRITES = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND


@dataclass(slots=True)
class _OpenFile:
    """A file that a client has opened. What it writes becomes the file when it closes it."""

    path: str
    size: int
    data: bytearray | None
    """What is in it; None for a file of zeros that is only read."""
    writes: bool
    appends: bool
    mode: int | None = None
    changed: bool = field(default=False)


class SftpFiles(asyncssh.SFTPServer):
    """Serves a node's tree. Whatever is not answered here is refused, and nothing touches this computer's files."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], tree: Tree, online: Callable[[], bool]) -> None:
        """Serve this tree as long as its node is up."""
        super().__init__(channel)
        self._files = tree
        self._online = online

    def map_path(self, path: bytes) -> bytes:
        """Refuse to give a path on this computer: everything that would ask for one is not supported."""
        raise NotImplementedError

    def format_user(self, uid: int | None) -> str:
        """Return the owner's name for long listings."""
        return "root" if uid == 0 else str(uid)

    def format_group(self, gid: int | None) -> str:
        """Return the group's name for long listings."""
        return "root" if gid == 0 else str(gid)

    @staticmethod
    def _text(path: bytes) -> str:
        try:
            return path.decode()
        except UnicodeDecodeError:
            raise error(errno.EINVAL, "") from None

    def _place(self, path: bytes) -> str:
        if not self._online():
            self.connection.abort()
            raise error(errno.ENOENT, "")
        return self._files.absolute(self._text(path))

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file."""
        place = self._place(path)
        there = self._files.exists(place)
        writes = bool(pflags & _WRITES)
        if there and pflags & asyncssh.FXF_EXCL:
            raise error(errno.EEXIST, place)
        if not there and not pflags & asyncssh.FXF_CREAT:
            self._files.stat(place)
        if writes:
            self._files.check_write(place)
        elif self._files.stat(place).folder:
            raise error(errno.EISDIR, place)
        empty = not there or bool(pflags & asyncssh.FXF_TRUNC)
        size = 0 if empty else self._files.stat(place).size
        data = bytearray(b"" if empty else self._files.read(place)) if writes or size <= MAX_SIZE else None
        mode = None if there or attrs.permissions is None else attrs.permissions & 0o7777
        appends = bool(pflags & asyncssh.FXF_APPEND)
        return _OpenFile(place, size, data, writes, appends, mode, changed=writes and empty)

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        """Read a part of an open file."""
        file: _OpenFile = file_obj
        if file.data is not None:
            return bytes(file.data[offset : offset + size])
        return bytes(max(0, min(size, file.size - offset)))

    def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        """Write a part of an open file."""
        file: _OpenFile = file_obj
        if file.data is None or not file.writes:
            raise error(errno.EACCES, file.path)
        place = len(file.data) if file.appends else offset
        if place + len(data) > MAX_SIZE:
            raise error(errno.EFBIG, file.path)
        file.data.extend(bytes(max(0, place - len(file.data))))
        file.data[place : place + len(data)] = data
        file.changed = True
        return len(data)

    def close(self, file_obj: Any) -> None:
        """Close a file: now what was written is there, or is refused. A client that is gone has closed nothing."""
        self.fsync(file_obj)

    def fsync(self, file_obj: Any) -> None:
        """Write what has been written so far."""
        file: _OpenFile = file_obj
        if file.changed and file.data is not None and not self.channel.is_closing():
            file.changed = False
            self._files.write(file.path, bytes(file.data), file.mode)

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return what is at a path."""
        return _attributes(self._files.stat(self._place(path)))

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Return what is at a path: a link itself, not what it leads to."""
        return _attributes(self._files.lstat(self._place(path)))

    def fstat(self, file_obj: Any) -> asyncssh.SFTPAttrs:
        """Return what an open file is at the moment."""
        file: _OpenFile = file_obj
        size = len(file.data) if file.data is not None else file.size
        return _attributes(Entry(folder=False, size=size, mode=file.mode or 0o644, changed=self._files.now))

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Change size, owner, permissions or time."""
        place = self._place(path)
        if attrs.size is not None:
            if attrs.size > MAX_SIZE:
                raise error(errno.EFBIG, place)
            self._files.write(place, self._files.read(place, 0, attrs.size).ljust(attrs.size, b"\0"))
        if attrs.uid is not None or attrs.gid is not None:
            self._files.chown(place, attrs.uid, attrs.gid)
        if attrs.permissions is not None:
            self._files.chmod(place, stat.S_IMODE(attrs.permissions))
        if attrs.mtime is not None:
            self._files.touch(place, float(attrs.mtime))

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Change the same of what is no link: of a link nothing can be changed."""
        if self._files.lstat(self._place(path)).target is None:
            self.setstat(path, attrs)

    def fsetstat(self, file_obj: Any, attrs: asyncssh.SFTPAttrs) -> None:
        """Change permissions or size of an open file."""
        file: _OpenFile = file_obj
        if attrs.permissions is not None:
            file.mode = stat.S_IMODE(attrs.permissions)
        if attrs.size is not None and file.data is not None and file.writes:
            if attrs.size > MAX_SIZE:
                raise error(errno.EFBIG, file.path)
            del file.data[attrs.size :]
            file.data.extend(bytes(attrs.size - len(file.data)))
            file.changed = True

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Yield what is in a folder."""
        place = self._place(path)
        for name in (".", "..", *self._files.list(place)):
            attributes = _attributes(self._files.lstat(f"{place}/{name}"))
            yield asyncssh.SFTPName(name.encode(), attrs=attributes)

    def exit(self) -> None:
        """Tell the client that all went well when it ends the session: OpenSSH's scp asks for it."""
        if not self.channel.is_closing():
            self.channel.exit(0)

    def remove(self, path: bytes) -> None:
        """Remove a file."""
        self._files.remove(self._place(path))

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a folder."""
        mode = 0o755 if attrs.permissions is None else stat.S_IMODE(attrs.permissions)
        self._files.make_folder(self._place(path), mode)

    def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        self._files.remove_folder(self._place(path))

    def realpath(self, path: bytes) -> bytes:
        """Return the one true form of a path; relative ones begin in root's home."""
        return self._files.resolve(self._place(path)).encode()

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Make a link; wherever it leads, it stays in this tree."""
        self._files.make_link(self._place(newpath), self._text(oldpath))

    def readlink(self, path: bytes) -> bytes:
        """Return where a link leads."""
        target = self._files.lstat(self._place(path)).target
        if target is None:
            raise error(errno.EINVAL, "")
        return target.encode()

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Refuse a second name for a file: this file system has none."""
        self._files.lstat(self._place(oldpath))
        raise error(errno.EPERM, self._text(newpath))

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        """Return the room of the file system on which a path is."""
        self._files.stat(self._place(path))
        return self._room()

    def fstatvfs(self, file_obj: Any) -> asyncssh.SFTPVFSAttrs:
        """Return the room of the file system on which an open file is."""
        return self._room()

    def _room(self) -> asyncssh.SFTPVFSAttrs:
        total = self._files.datacenter.nodes[self._files.node].disk // _BLOCK
        return asyncssh.SFTPVFSAttrs(
            bsize=_BLOCK, frsize=_BLOCK, blocks=total, bfree=total - total // 20, bavail=total - total // 20,
            files=total // 4, ffree=total // 5, favail=total // 5, namemax=255,
        )  # fmt: skip

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move a file to a name that is not taken."""
        if self._files.present(self._place(newpath)):
            raise error(errno.EEXIST, newpath.decode())
        self.posix_rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move a file; it replaces one that has the name."""
        self._files.rename(self._place(oldpath), self._place(newpath))


def _attributes(entry: Entry) -> asyncssh.SFTPAttrs:
    kind = FILEXFER_TYPE_DIRECTORY if entry.folder else FILEXFER_TYPE_REGULAR
    kind = FILEXFER_TYPE_SYMLINK if entry.target is not None else kind
    moment = int(entry.changed)
    return asyncssh.SFTPAttrs(
        type=kind, size=entry.size, uid=entry.uid, gid=entry.gid, permissions=kind_bits(entry) | entry.mode,
        atime=moment, mtime=moment,
    )  # fmt: skip
