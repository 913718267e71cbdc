"""Files on the machine that runs the program: their checksums, and how they are read on their way to a host."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from providers._runtime.errors import InvalidValue

CHUNK = 1 << 20


def existing(path: str) -> str:
    """A path that can be read; a relative one is below the program's folder."""
    if not Path(path).is_file():
        raise InvalidValue(f"there is no file {path!r}")
    return path


def checksum(path: str, algorithm: str) -> str:
    """The checksum of a file, calculated once for as long as the file stays as it is."""
    state = Path(path).stat()
    return _checksum(path, algorithm, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _checksum(path: str, algorithm: str, _size: int, _changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def checksum_of(data: bytes, algorithm: str) -> str:
    """The checksum of what is at hand."""
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


class Outgoing(io.RawIOBase):
    """A file on its way, under the name that it gets there; tells how much of it has gone."""

    def __init__(self, source: BinaryIO, name: str, tell: Callable[[int], Any]) -> None:
        super().__init__()
        self.name = name
        self._source, self._tell = source, tell
        self._size = source.seek(0, io.SEEK_END)
        source.seek(0)

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """It is read again where a request is repeated."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        """The place where it is."""
        return self._source.tell()

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; says the percentage that has gone when there is more to come."""
        data = self._source.read(-1 if size is None else size)
        if self._size:
            self._tell(100 * self._source.tell() // self._size)
        return data

    def __len__(self) -> int:
        return self._size
