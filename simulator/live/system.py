"""The system of a live node: what packages have put there runs for real, in the node's own network.

Its programs and services have a file tree of their own over this machine's, as a container has, in which lies what was
written on the node. It is made when it is first needed, and ends with the node; when the node is up again, what is
enabled is started again.
"""

from __future__ import annotations

import asyncio
import io
import posixpath
import shutil
import stat
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.api.node_hosts import PATH as HOSTS
from simulator.guests.inside import Finished
from simulator.live import tree
from simulator.live.place import INSIDE, LiveError, Place, as_root, finished, hold
from simulator.records import File
from simulator.ssh import node_files
from simulator.ssh.apt import UNITS, unit_file
from simulator.ssh.kept_files import REMOVED, KeptFiles
from simulator.state import Datacenter, World

_TUNNELS = "mkdir -p /dev/net\nmknod -m 666 /dev/net/tun c 10 200"
_SWITCH = "/run/openvswitch"
_GIVEN = (HOSTS, "/etc/hostname", node_files.RESOLV)
_NOT_SEEN = (
    "/dev/", "/etc/apt/", "/etc/network/", "/etc/pve/", "/mnt/", "/proc/", "/run/", "/sys/", "/usr/bin/",
    "/usr/lib/", "/usr/sbin/", "/var/lib/dpkg/", "/var/lib/vz/",
)  # fmt: skip
"""Folders whose files are of no use to a program: the machine has its own, or they only follow from the state."""


@dataclass(eq=False, slots=True)
class System:
    """The programs of a node that is up, and the files that they see."""

    place: Place
    _written: dict[str, File] = field(default_factory=dict)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def start(cls, node: Place, base: Path, folder: Path) -> System:
        """Make it in a node's place, with the network of that."""
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        tree.prepare(folder)
        setup = "\n".join([tree.mount_script(base, folder, shared=(_SWITCH,)), _TUNNELS])
        return cls(await hold(setup, node, INSIDE))

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run a program to its end, as root."""
        return await finished([*as_root(self.place), *argv], stdin)

    async def see(self, files: Mapping[str, File]) -> None:
        """Let the programs see these files, and of those that they have seen before no others."""
        async with self._busy:
            gone = [path.rstrip("/") for path in self._written if path not in files]
            new = [row for path, row in files.items() if self._written.get(path) != row]
            if gone:
                await self._do(["rm", "-rf", "--", *gone])
            if new:
                await self._do(["tar", "--extract", "--directory=/", "--file=-"], _archive(new))
            self._written = dict(files)

    async def _do(self, argv: Sequence[str], stdin: bytes = b"") -> None:
        done = await self.run(argv, stdin)
        if done.code != 0:
            raise LiveError(done.error.decode(errors="replace").strip())

    async def start_enabled(self, units: Iterable[str]) -> None:
        """Start what is enabled, as a boot does."""
        for unit in units:
            await self.run(["systemctl", "enable", "--now", unit])


def files_of(world: World, datacenter: Datacenter, node: str) -> dict[str, File]:
    """Return the files of a node that its programs are to see."""
    given = {
        path: File(node=node, path=path, text=node_files.text(world, datacenter, node, path) or "", changed=0.0)
        for path in _GIVEN
    }
    kept = {row.path: row for row in datacenter.files if row.node == node and row.mode != REMOVED}
    return given | {path: row for path, row in kept.items() if not path.startswith(_NOT_SEEN)}


def enabled_units(datacenter: Datacenter, node: str) -> list[str]:
    """Return the services of packages that start with a node."""
    rows = [row for row in datacenter.units.by("node", node) if row.enabled == "enabled" and row.due is None]
    return [row.name for row in rows if f"{node}:{UNITS}/{unit_file(row.name)}" in datacenter.files]


def _archive(rows: Iterable[File]) -> bytes:
    """Return an archive of files and folders, with their owners and rights."""
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            for row in sorted(rows, key=lambda row: row.path):
                entry = tarfile.TarInfo(posixpath.normpath(row.path.strip("/")))
                entry.uid, entry.gid, entry.mtime, entry.mode = row.uid, row.gid, row.changed, row.mode & 0o7777
                data = b""
                if row.path.endswith("/"):
                    entry.type = tarfile.DIRTYPE
                elif stat.S_ISLNK(row.mode):
                    entry.type, entry.linkname = tarfile.SYMTYPE, row.text
                else:
                    data = KeptFiles.data(row)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return out.getvalue()
