"""What a shell needs of a file tree, whether it is a node's or that of a guest on it."""

from __future__ import annotations

import builtins
import errno
from dataclasses import dataclass
from typing import Protocol

HOME = "/root"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path."""

    folder: bool
    size: int
    mode: int
    changed: float


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
}


class FileTree(Protocol):
    """A tree of files and folders; refusals are the OSErrors of a real file system."""

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
