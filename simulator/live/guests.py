"""How the guests of a simulator are: modelled, or live where topology and machine allow it; and their door."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from simulator.guests.inside import Finished, Inside, Programs
from simulator.live.container import Container
from simulator.live.machine import obstacle
from simulator.live.place import LiveError
from simulator.live.world import LiveWorld
from simulator.state import Datacenter, World
from simulator.tasks import Steps, TaskRun

_LOG = logging.getLogger(__name__)


class Guests:
    """Makes the guests of a world live, if they are to be and can be."""

    def __init__(self, home: Path, world: World, *, live: bool) -> None:
        """Begin with guests that are modelled."""
        self.kind = "modelled"
        self._wanted_live = live
        self._folder = home / "live"
        self._world = world
        self._live: LiveWorld | None = None

    async def start(self) -> None:
        """Bring the guests to life, or say why that is not possible."""
        if not self._wanted_live:
            return
        reason = await obstacle(self._folder) or await self._begin()
        if reason:
            self.kind = f"modelled: {reason}"
            self._world.boot = self._excuse
            _LOG.warning("the guests are %s", self.kind)

    async def _begin(self) -> str:
        """Begin a live world; return why it cannot be, empty when it is there."""
        live = LiveWorld(self._folder, self._world)
        try:
            await live.start()
        except (LiveError, OSError) as error:
            return str(error)
        modelled = self._world.inside
        self.kind, self._live = "live", live
        self._world.boot, self._world.devices = live.boot, live.devices
        self._world.inside = lambda world, datacenter, guest: (
            Door(live, datacenter, guest.vmid) if guest.type == "lxc" else modelled(world, datacenter, guest)
        )
        self._world.on_node = lambda datacenter, node: NodeDoor(live, datacenter, node)
        return ""

    async def stop(self) -> None:
        """End what lives."""
        if self._live is not None:
            await self._live.stop()

    def reset(self) -> None:
        """Begin anew."""
        if self._live is not None:
            self._live.drop_trees()

    def _excuse(self, run: TaskRun, vmid: int) -> Steps:
        """Tell in the log of a container's start why it is only modelled."""
        yield f"the guests are {self.kind}"


class Door(Inside):
    """The door to the inside of a live container."""

    def __init__(self, live: LiveWorld, datacenter: Datacenter, vmid: int) -> None:
        """Open nothing yet: a container may be about to start."""
        self._live, self._datacenter, self._vmid = live, datacenter, vmid

    async def _container(self) -> Container:
        await self._live.settled()
        guest = self._datacenter.guests.get(self._vmid)
        found = self._live.find(self._datacenter, guest) if guest is not None else None
        if found is None:
            raise OSError(errno.EHOSTDOWN, os.strerror(errno.EHOSTDOWN))
        return found

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run a program to its end."""
        return await (await self._container()).run(argv, stdin)

    async def read(self, path: str) -> bytes:
        """Return a file's content."""
        return await (await self._container()).read(path)

    async def write(self, path: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Write a file."""
        await (await self._container()).write(path, data, mode, uid, gid)


class NodeDoor(Programs):
    """The door to what runs for real on a live node."""

    def __init__(self, live: LiveWorld, datacenter: Datacenter, node: str) -> None:
        """Open nothing yet: the node may be about to start."""
        self._live, self._datacenter, self._node = live, datacenter, node

    def has(self, path: str) -> bool:
        """Tell whether this machine has it; what it has not is only modelled."""
        return Path(path).exists()

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Finished:
        """Run one to its end, with the files that are on the node."""
        try:
            return await (await self._live.system(self._datacenter, self._node)).run(argv, stdin)
        except LiveError as error:
            return Finished(1, b"", f"{error}\n".encode())
