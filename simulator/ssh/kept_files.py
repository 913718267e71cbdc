"""The files of a node that are kept as they were written, those on storages among them."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from simulator.records import File
from simulator.ssh import stored_files
from simulator.ssh.file_tree import Entry
from simulator.state import Datacenter, World

MAX_SIZE = 64 << 20
REMOVED = -1
"""The mode of what says that a file of the installation is no longer there."""


class KeptFiles:
    """The records of what was written, for a node: its own, and those that all nodes share."""

    def __init__(self, world: World, datacenter: Datacenter, node: str) -> None:
        """Look at the records from this node."""
        self._world = world
        self._datacenter = datacenter
        self._node = node

    def _owner(self, path: str) -> str:
        """Return the node whose file this is: none for what all nodes share."""
        if path.startswith("/etc/pve/"):
            return ""
        place = stored_files.place_of(self._datacenter, self._node, path)
        return place.node if place is not None else self._node

    def is_shared(self, path: str) -> bool:
        """Tell whether all nodes see the same at a path."""
        return self._owner(path) != self._node

    def is_volume(self, path: str) -> bool:
        """Tell whether a file at a path would be a volume."""
        return stored_files.place_of(self._datacenter, self._node, path) is not None

    def get(self, path: str) -> File | None:
        """Return the record of a file, or of a folder whose path ends with a slash; not that of a volume long gone."""
        found = self._datacenter.files.get(f"{self._owner(path)}:{path}")
        return None if found is None or self._is_stale(found) else found

    def target(self, path: str) -> str | None:
        """Return where a link leads, or None for what is none."""
        found = self._datacenter.files.get(f"{self._node}:{path}")
        return found.text if found is not None and found.mode >= 0 and stat.S_ISLNK(found.mode) else None

    def changed(self, path: str) -> float | None:
        """Return when a file was written."""
        found = self.get(path)
        return found.changed if found is not None else None

    def volume(self, path: str) -> tuple[int, float] | None:
        """Return size and time of the volume at a path; a file of that name which is none is not there."""
        place = stored_files.place_of(self._datacenter, self._node, path)
        volume = stored_files.find(self._datacenter, place) if place is not None else None
        return (volume.size, float(volume.ctime)) if volume is not None else None

    @staticmethod
    def data(kept: File) -> bytes:
        """Return what is in a file."""
        return base64.b64decode(kept.text) if kept.binary else kept.text.encode()

    def put(self, path: str, data: bytes, mode: int | None) -> None:
        """Write a file; an old one keeps its owner, and its permissions when none are said."""
        old = self.get(path)
        if mode is None:
            mode = old.mode if old is not None and old.mode != REMOVED else 0o644
        place = stored_files.place_of(self._datacenter, self._node, path)
        now = self._world.clock.now()  # once: a volume and its file that differ in the second are not the same
        if place is not None:
            stored_files.put(self._datacenter, place, len(data), now)
        text, binary = _text(data)
        owner = {"uid": old.uid, "gid": old.gid} if old is not None else {}
        self.put_row(path, text, mode, binary=binary, changed=now, **owner)

    def put_row(self, path: str, text: str, mode: int, **more: Any) -> None:
        """Write a record."""
        now = self._world.clock.now()
        self._datacenter.files.put(
            File(node=self._owner(path), path=path, text=text, mode=mode, **{"changed": now, **more})
        )

    def keep(self, path: str, data: bytes, entry: Entry, **changes: Any) -> None:
        """Keep what is known of a file, with changes."""
        text, binary = _text(data)
        known = {"uid": entry.uid, "gid": entry.gid, "changed": entry.changed, "mode": entry.mode, **changes}
        self.put_row(path, text, known.pop("mode"), binary=binary, **known)

    def forget(self, path: str) -> None:
        """Remove a record."""
        self._datacenter.files.delete(f"{self._owner(path)}:{path}")

    def remove(self, path: str, *, original: bool) -> None:
        """Remove a file; of one that the installation came with, the record says that it is gone."""
        place = stored_files.place_of(self._datacenter, self._node, path)
        if place is not None:
            stored_files.remove(self._datacenter, place)
        self.forget(path)
        if original:
            self.put_row(path, "", REMOVED)

    def move(self, source: str, target: str) -> None:
        """Move a folder with all that is in it."""
        for row in self._datacenter.files:
            if row.node == self._node and row.path.startswith(f"{source}/"):
                self._datacenter.files.delete(f"{row.node}:{row.path}")
                self._datacenter.files.put(replace(row, path=target + row.path.removeprefix(source)))

    def paths(self, prefix: str) -> Iterator[str]:
        """Yield the paths below a folder."""
        for row in self._datacenter.files:
            here = row.path.startswith(prefix) and row.node in ("", self._node) and row.mode != REMOVED
            if here and not self._is_stale(row):
                yield row.path

    def _is_stale(self, kept: File) -> bool:
        """Tell whether the volume of this name is no longer, or another one than, the file that was written."""
        place = stored_files.place_of(self._datacenter, self._node, kept.path)
        if place is None:
            return False
        volume = stored_files.find(self._datacenter, place)
        return volume is None or volume.ctime != int(kept.changed)


def _text(data: bytes) -> tuple[str, bool]:
    """Return what a record holds for some data, and whether that is base64."""
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), True
