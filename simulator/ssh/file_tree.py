"""What a shell needs of a file tree, whether it is a node's or that of a guest on it."""

from __future__ import annotations

import builtins
import errno
import posixpath
import re
import secrets
import string
from dataclasses import dataclass
from typing import Protocol

HOME = "/root"
OWNERS = {"root": 0, "daemon": 1, "mail": 8, "backup": 34, "www-data": 33, "nobody": 65534, "nogroup": 65534}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path; `target` is where a symbolic link leads."""

    folder: bool
    size: int
    mode: int
    changed: float
    uid: int = 0
    gid: int = 0
    target: str | None = None


def error(number: int, path: str) -> OSError:
    """Make the error of a file system call."""
    return OSError(number, _TEXTS[number], path)


_TEXTS = {
    errno.ENOENT: "No such file or directory",
    errno.EISDIR: "Is a directory",
    errno.ENOTDIR: "Not a directory",
    errno.EACCES: "Permission denied",
    errno.EPERM: "Operation not permitted",
    errno.EEXIST: "File exists",
    errno.ENOTEMPTY: "Directory not empty",
    errno.EINVAL: "Invalid argument",
    errno.EFBIG: "File too large",
    errno.EBUSY: "Device or resource busy",
    errno.ELOOP: "Too many levels of symbolic links",
    errno.ENAMETOOLONG: "File name too long",
}


class FileTree(Protocol):
    """A tree of files and folders; refusals are the OSErrors of a real file system.

    A tree without symbolic links and owners inherits what is said of these here.
    """

    def resolve(self, path: str, folder: str = HOME) -> str:
        """Return the one true form of a path."""

    def stat(self, path: str) -> Entry:
        """Return what is at a path."""

    def exists(self, path: str) -> bool:
        """Tell whether there is something at a path."""

    def read(self, path: str, offset: int = 0, size: int | None = None) -> bytes:
        """Return a part of a file, or all of it."""

    def known_checksum(self, path: str, algorithm: str) -> str | None:
        """Return a file's checksum where it is known without its bytes."""
        return None

    def list(self, path: str) -> builtins.list[str]:
        """Return the names in a folder."""

    def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Write a file; without a mode an old one keeps its own."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        """Make a folder."""

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder."""

    def rename(self, source: str, target: str) -> None:
        """Move a file or folder."""

    def chmod(self, path: str, mode: int) -> None:
        """Change the permissions of a file or folder."""

    def absolute(self, path: str, folder: str = HOME) -> str:
        """Return the full path of a name, in which links are still links."""
        return self.resolve(path, folder)

    def lstat(self, path: str) -> Entry:
        """Return what is at a path: a link itself, not what it leads to."""
        return self.stat(path)

    def present(self, path: str) -> bool:
        """Tell whether there is something at a path, be it a link that leads nowhere."""
        return self.exists(path)

    def check_write(self, path: str) -> None:
        """Refuse a path at which no file can be written."""
        parent = posixpath.dirname(path)
        if not self.stat(parent).folder:
            raise error(errno.ENOTDIR, path)
        if self.exists(path) and self.stat(path).folder:
            raise error(errno.EISDIR, path)

    def make_link(self, path: str, target: str) -> None:
        """Make a symbolic link."""
        raise error(errno.EPERM, path)

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        """Give a file to a user and a group; everything is root's and can only be given to root."""
        if uid or gid:
            raise error(errno.EPERM, path)

    def touch(self, path: str, changed: float | None = None) -> None:
        """Set the time of a file, to the present one unless another is said."""
        entry = self.stat(path)
        if not entry.folder and changed is None:
            self.write(path, self.read(path), entry.mode)


def owner_id(name: str) -> int | None:
    """Return the number of a user or group, given by name or number; none is root's."""
    if re.fullmatch("[0-9]{1,9}", name, re.ASCII):
        return int(name)
    return OWNERS.get(name) if name else 0


def owner_name(number: int) -> str:
    """Return the name of a user or group."""
    return next((name for name, known in OWNERS.items() if known == number), str(number))


def unused(tree: FileTree, template: str) -> str:
    """Return a name that is not taken: the `X` at the end of the template become letters."""
    stem = template.rstrip("X")
    while True:
        name = stem + "".join(secrets.choice(string.ascii_letters) for _ in template[len(stem) :])
        if not tree.present(name):
            return name
