"""A live container: a place with a file tree and network cards of its own, and the door to its inside."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.guests.facts import guest_name
from simulator.guests.inside import Finished
from simulator.guests.lxc_mounts import mounts
from simulator.live import tree
from simulator.live.network import Network
from simulator.live.nic import Nic, nics_of
from simulator.live.place import LiveError, Place, as_root, checked, finished, hold, quoted
from simulator.records import Guest, Node

_LOG = logging.getLogger(__name__)
_ERRORS = {os.strerror(number): number for number in errno.errorcode}
_AT_ONCE = 2.0
_ALWAYS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A container as it is to be; with another `started` it has been started anew."""

    vmid: int
    started: float | None
    hostname: str
    resolver: str
    nics: tuple[Nic, ...]
    ruleset: str
    folders: tuple[str, ...]
    """Where its mount points are."""

    @property
    def hosts(self) -> str:
        """Return the content of `/etc/hosts`."""
        addresses = [address.partition("/")[0] for nic in self.nics for address in nic.addresses]
        own = addresses[0] if addresses else "127.0.1.1"
        return f"{_ALWAYS}{own}\t{self.hostname}\n"


def wanted_of(guest: Guest, node: Node, network: Network, ruleset: str) -> Wanted:
    """Return what a running container is to be."""
    servers = guest.config.get("nameserver", "").replace(",", " ").replace(";", " ").split()
    servers = servers or [value for key, value in node.dns.items() if key.startswith("dns")]
    domain = guest.config.get("searchdomain") or node.dns.get("search", "")
    lines = [f"search {domain}"] if domain else []
    return Wanted(
        vmid=guest.vmid,
        started=guest.started,
        hostname=guest_name(guest),
        resolver="".join(f"{line}\n" for line in [*lines, *(f"nameserver {server}" for server in servers)]),
        nics=nics_of(guest, network),
        ruleset=ruleset,
        folders=tuple(str(mount["mp"]) for key, mount in mounts(guest.config) if key != "rootfs"),
    )


@dataclass(eq=False, slots=True)
class Container:
    """A container that runs."""

    place: Place
    node: Place
    wanted: Wanted
    booting: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, node: Place, wanted: Wanted, base: Path, folder: Path) -> Container:
        """Start a container on a node; one that fails leaves nothing behind but its files."""
        tree.prepare(folder)
        files = {"hostname": f"{wanted.hostname}\n", "hosts": wanted.hosts, "resolv.conf": wanted.resolver}
        setup = [tree.mount_script(base, folder), quoted("hostname", wanted.hostname), "ip link set lo up"]
        setup += [quoted("mkdir", "-p", folder) for folder in wanted.folders]
        setup += [f"{quoted('printf', '%s', text)} >/etc/{name}" for name, text in files.items()]
        container = cls(await hold("\n".join(setup), node), node, wanted)
        try:
            await container._set_up()
        except LiveError:
            await container.end()
            raise
        return container

    async def end(self) -> None:
        """End the container: its processes, its mounts and its cards."""
        await self.place.end()
        await self._on_node([line for nic in self.wanted.nics for line in nic.forget()])

    async def _set_up(self) -> None:
        await self._load_ruleset()
        await self._on_node([line for nic in self.wanted.nics for line in nic.plug(self.place.pid)])
        await self._ask_for_leases(self.wanted.nics)
        self.booting = asyncio.create_task(self._start_services())

    async def _start_services(self) -> None:
        """Start what is enabled; the container is there meanwhile, as one whose init is at work."""
        await self.run(["systemctl", "default"])

    async def _on_node(self, lines: Sequence[str]) -> None:
        if lines:
            await self.node.run(*lines)

    async def _load_ruleset(self) -> None:
        await checked([*self.place.enter("--net"), "nft", "--file", "-"], self.wanted.ruleset.encode())

    async def _ask_for_leases(self, nics: Sequence[Nic]) -> None:
        for nic in nics:
            if nic.dhcp:
                done = await self.run(["dhclient", "-nw", "-q", nic.name])
                if done.code != 0:
                    _LOG.error("container %d asks for no address: %s", self.wanted.vmid, done.error.decode())

    async def become(self, wanted: Wanted) -> None:
        """Change the running container."""
        old, self.wanted = self.wanted, wanted
        if wanted.ruleset != old.ruleset:
            await self._load_ruleset()
        if wanted.hostname != old.hostname:
            await self.run(["hostname", wanted.hostname])
        await self._on_node(list(self._nic_changes(old.nics)))
        await self._ask_for_leases([nic for nic in wanted.nics if nic not in old.nics])

    def _nic_changes(self, old: Sequence[Nic]) -> Iterator[str]:
        new = {nic.port.name: nic for nic in self.wanted.nics}
        for nic in old:
            if nic.port.name not in new:
                yield from nic.unplug()
            elif new[nic.port.name] != nic:
                yield from nic.become(new[nic.port.name], self.place.pid)
        for name in new.keys() - {nic.port.name for nic in old}:
            yield from new[name].plug(self.place.pid)

    async def reconnect(self) -> None:
        """Put the cards into their bridges again, which have been made anew."""
        await self._on_node([line for nic in self.wanted.nics for line in nic.connect()])

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run a program to its end, as root of the container."""
        return await finished([*as_root(self.place), "container=lxc", *argv], stdin)

    def devices(self) -> list[dict[str, Any]] | None:
        """Return what `ip` says of the network devices; it is asked and answers at once."""
        command = [*self.place.enter("--net"), "ip", "-json", "address"]
        done = subprocess.run(command, capture_output=True, timeout=_AT_ONCE, check=False)
        rows: list[dict[str, Any]] | None = json.loads(done.stdout) if done.returncode == 0 else None
        return rows

    async def read(self, path: str) -> bytes:
        """Return a file's content."""
        return _checked(await self.run(["cat", "--", path]), path).out

    async def write(self, path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Write a file."""
        lines = 'tee -- "$1" >/dev/null; chmod "$2" "$1"; chown "$3" "$1"'
        argv = ["sh", "-ec", lines, "sh", path, f"{mode:o}", f"{uid}:{gid}"]
        _checked(await self.run(argv, data), path)


def _checked(done: Finished, path: str) -> Finished:
    """Return what has ended well, or raise the error of the file system that a program has complained of."""
    if done.code == 0:
        return done
    complaint = done.error.decode(errors="replace").strip()
    number = next((number for text, number in _ERRORS.items() if complaint.endswith(text)), errno.EIO)
    raise OSError(number, os.strerror(number), path)
