"""The live world: follows the state, so that every container that runs in it runs here, on a node that is up.

A change of the state wakes it; it then compares what is to be with what is there, and does what is missing: ends,
boots, changes, starts. What fails is said once and tried again when its configuration or its start has changed.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulator.errors import TaskError
from simulator.guests.draft import is_running
from simulator.guests.lxc_power import halted
from simulator.live.container import Container, Wanted, wanted_of
from simulator.live.network import Network, network_of
from simulator.live.nftables import ruleset_of
from simulator.live.node import Cables, Node
from simulator.live.place import LiveError
from simulator.live.system import System, enabled_units, files_of
from simulator.live.tree import make_base
from simulator.nodes import journal
from simulator.records import Guest
from simulator.state import Datacenter, World
from simulator.store import Changes
from simulator.tasks import Steps, TaskRun

_LOG = logging.getLogger(__name__)
_FOLLOWED = frozenset(("guests", "nodes", "interfaces", "files", "sdn/running", "sdn/versions", "sdn/ips"))
NodeKey = tuple[str, str]
GuestKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _NodeWanted:
    """A node as it is to be."""

    name: str
    started: float
    network: Network
    containers: dict[int, Wanted]


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Leave out what cannot be read, and say so."""
    try:
        yield
    except (KeyError, ValueError) as error:
        _LOG.error("%s says nothing that can be brought to life: %r", what, error)


async def _end(what: Node | Container) -> None:
    try:
        await what.end()
    except LiveError as error:
        _LOG.error("what has ended could not be cleared away: %s", error)


class LiveWorld:
    """All live nodes and containers of a simulator."""

    def __init__(self, folder: Path, world: World) -> None:
        """Keep the containers' files in a folder; nothing runs before `start`."""
        self._folder, self._world = folder, world
        self._nodes: dict[NodeKey, Node] = {}
        self._failed: dict[GuestKey, tuple[Wanted, str]] = {}
        self._destroyed: set[GuestKey] = set()
        self._outdated: set[NodeKey] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._cables: Cables | None = None
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make what all containers share, and begin to follow the state."""
        await asyncio.to_thread(make_base, self._folder / "base")
        self._cables = await Cables.lay()
        known = {(dc.name, guest.vmid) for dc in self._world.datacenters.values() for guest in dc.guests}
        self._destroyed = set(self._trees()) - known
        self._world.database.listeners.append(self._notice)
        self._wake.set()
        self._following = asyncio.create_task(self._follow(self._cables))

    async def stop(self) -> None:
        """End everything that is there; the containers' files stay."""
        self._world.database.listeners.remove(self._notice)
        for node in self._nodes.values():
            node.containers.clear()
        if self._following is not None:
            self._following.cancel()
        if self._cables is not None:
            await self._cables.place.end()

    def _trees(self) -> Iterable[GuestKey]:
        return [(path.parent.name, int(path.name)) for path in self._folder.glob("guests/*/*")]

    def _tree(self, key: GuestKey) -> Path:
        return self._folder / "guests" / key[0] / str(key[1])

    def drop_trees(self) -> None:
        """Forget what containers and nodes have written: the world begins anew."""
        self._destroyed |= set(self._trees())
        self._outdated = {key for key, node in self._nodes.items() if node.has_system}
        self._wake.set()

    def _notice(self, changes: Changes) -> None:
        """Wake up when something has changed that matters here."""
        for table, key in changes:
            datacenter, _, name = table.name.partition("/")
            if name == "guests" and key not in table:
                self._destroyed.add((datacenter, key))
            if name in _FOLLOWED:
                self._wake.set()

    async def _follow(self, cables: Cables) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await self._settle(cables)
            except Exception:  # noqa: BLE001 - a bug in here must not end the simulator
                _LOG.exception("the live guests failed inside the simulator")
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    async def _settle(self, cables: Cables) -> None:
        """Bring everything to where the state of this moment wants it."""
        wanted = self._wanted()
        destroyed, self._destroyed = self._destroyed, set()
        await self._end_what_is_lost(wanted)
        for key in destroyed:
            await asyncio.to_thread(shutil.rmtree, self._tree(key), ignore_errors=True)
        await asyncio.gather(*(self._settle_node(cables, key, node) for key, node in wanted.items()))

    def _wanted(self) -> dict[NodeKey, _NodeWanted]:
        """Return what is to be: every node that is up, with its network and the containers that run on it."""
        result = {}
        for datacenter in self._world.datacenters.values():
            for node in datacenter.nodes:
                if node.online:
                    with _logged(f"the network of {node.name}"):
                        network = network_of(datacenter, node.name)
                        found = _NodeWanted(node.name, node.started, network, {})
                        result[datacenter.name, node.name] = found
            for guest in datacenter.guests:
                place = result.get((datacenter.name, guest.node))
                if guest.type == "lxc" and is_running(guest) and place is not None:
                    with _logged(f"the configuration of container {guest.vmid}"):
                        place.containers[guest.vmid] = self._wanted_container(datacenter, guest, place.network)
        return result

    def _wanted_container(self, datacenter: Datacenter, guest: Guest, network: Network) -> Wanted:
        ruleset = ruleset_of(datacenter, guest, self._world.clock.now())
        return wanted_of(guest, datacenter.nodes[guest.node], network, ruleset)

    async def _end_what_is_lost(self, wanted: dict[NodeKey, _NodeWanted]) -> None:
        endings: list[Node | Container] = []
        for key, node in list(self._nodes.items()):
            if key not in wanted or wanted[key].started != node.started or key in self._outdated:
                endings.append(self._nodes.pop(key))
                continue
            for vmid, container in list(node.containers.items()):
                kept = wanted[key].containers.get(vmid)
                if kept is None or kept.started != container.wanted.started:
                    endings.append(node.containers.pop(vmid))
        self._outdated = set()
        await asyncio.gather(*map(_end, endings))

    async def _settle_node(self, cables: Cables, key: NodeKey, wanted: _NodeWanted) -> None:
        try:
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = await Node.boot(cables, wanted.name, wanted.started)
                node.booting = asyncio.create_task(self._start_enabled(node, key))
            if node.network != wanted.network:
                await node.become(wanted.network)
        except LiveError as error:
            self._report(key, "networking", error)
        if node is not None:
            containers = wanted.containers.values()
            await asyncio.gather(*(self._settle_container(node, key[0], container) for container in containers))

    async def _start_enabled(self, node: Node, key: NodeKey) -> None:
        """Start what packages have put on a node, as a boot does, when its network is there."""
        datacenter = self._world.datacenters[key[0]]
        units = enabled_units(datacenter, key[1])
        if not units:
            return
        await self.settled()
        try:
            system = await self._system_of(node, datacenter)
            await system.start_enabled(units)
        except LiveError as error:
            self._report(key, "systemd", error)

    async def _system_of(self, node: Node, datacenter: Datacenter) -> System:
        system = await node.system(self._folder / "base", self._folder / "nodes" / datacenter.name / node.name)
        await system.see(files_of(self._world, datacenter, node.name))
        return system

    async def system(self, datacenter: Datacenter, name: str) -> System:
        """Return what runs the programs of a node's packages, with the files that are there now."""
        await self.settled()
        node = self._nodes.get((datacenter.name, name))
        if node is None:
            raise LiveError(f"node {name} is down")
        if node.booting is not None:
            await asyncio.wait({node.booting})
        return await self._system_of(node, datacenter)

    async def _settle_container(self, node: Node, datacenter: str, wanted: Wanted) -> None:
        key = (datacenter, wanted.vmid)
        container = node.containers.get(wanted.vmid)
        if (container is not None and container.wanted == wanted) or self._failed.get(key, (None,))[0] == wanted:
            return
        self._failed.pop(key, None)
        try:
            if container is not None:
                await container.become(wanted)
            else:
                tree = self._tree(key)
                container = await Container.start(node.place, wanted, self._folder / "base", tree)
                node.containers[wanted.vmid] = container
                self._watch(node, key, container)
        except LiveError as error:
            self._report((datacenter, node.name), f"pve-container@{wanted.vmid}", error)
            self._failed[key] = (wanted, str(error))

    def _report(self, place: NodeKey, identifier: str, error: LiveError) -> None:
        """Say in the journal of a node, and in the simulator's log, what could not be brought about."""
        _LOG.error("node %s: %s: %s", place[1], identifier, error)
        with self._world.database.transaction():
            journal.log(self._world.datacenters[place[0]], place[1], self._world.clock.now(), identifier, str(error))

    def _watch(self, node: Node, key: GuestKey, container: Container) -> None:
        """Note in the state when a container ends that nobody has stopped."""

        def ended(_: asyncio.Future[int]) -> None:
            if node.containers.get(key[1]) is container:
                self._halt(key, container.wanted.started)

        asyncio.ensure_future(container.place.process.wait()).add_done_callback(ended)

    def _halt(self, key: GuestKey, started: float | None) -> None:
        datacenter = self._world.datacenters[key[0]]
        guest = datacenter.guests.get(key[1])
        if guest is not None and is_running(guest) and guest.started == started:
            with self._world.database.transaction():
                halted(datacenter, key[1])

    def settled(self) -> asyncio.Future[None]:
        """Return what is done when the state of this moment has been brought about."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake.set()
        return future

    def find(self, datacenter: Datacenter, guest: Guest) -> Container | None:
        """Return a container that is there now."""
        node = self._nodes.get((datacenter.name, guest.node))
        return node.containers.get(guest.vmid) if node is not None else None

    def devices(self, datacenter: Datacenter, guest: Guest) -> list[dict[str, Any]] | None:
        """Return what a container says of its network devices and their addresses; None when it is not there yet."""
        container = self.find(datacenter, guest)
        return container.devices() if container is not None else None

    def boot(self, run: TaskRun, vmid: int) -> Steps:
        """Wait in a container's start task until it is there; when it cannot be, the task says why and fails."""
        yield self.settled()
        guest = run.datacenter.guests[vmid]
        container = self.find(run.datacenter, guest)
        if container is not None:
            run.datacenter.guests.put(replace(guest, pid=container.place.pid))
            return
        if is_running(guest):
            halted(run.datacenter, vmid)
        yield self._failed.get((run.datacenter.name, vmid), (None, f"node {guest.node} is down"))[1]
        raise TaskError(f"startup for container '{vmid}' failed")
