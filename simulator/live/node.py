"""A live node: a place with a switch, the ends of its cables and its addresses, around its containers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from simulator.live import iptables
from simulator.live.container import Container
from simulator.live.network import Network
from simulator.live.place import LiveError, Place, hold, quoted
from simulator.live.switch import START, Bridge, Port, answering, shape
from simulator.live.system import System

_CABLE_MTU = 9216
_SETTINGS = "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.default.arp_ignore=1"
"""A node forwards. A device that a program makes answers for addresses of its own only: as the port of a bridge, where
the kernel sees the frames too, it has none, and is silent."""
_TRANSLATION = (
    "table ip sdn", "delete table ip sdn",
    "table ip sdn { chain postrouting { type nat hook postrouting priority srcnat",
)  # fmt: skip


@dataclass(eq=False, slots=True)
class Cables:
    """What connects the nodes: a switch for each name of a card, into which all cards of that name are plugged."""

    place: Place
    _plugged: dict[tuple[Node, str], str] = field(default_factory=dict)
    _shape: tuple[Bridge, ...] = ()
    _number: int = 0
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def lay(cls) -> Cables:
        """Make the switches, still without a card."""
        return cls(await hold(START))

    async def plug(self, node: Node, card: str) -> None:
        """Give a node a card, and plug it in."""
        async with self._busy:
            self._number += 1
            name = f"card{self._number}"
            ends = ("peer", "name", card, "mtu", _CABLE_MTU, "netns", node.place.network)
            await self.place.run(
                quoted("ip", "link", "add", name, "mtu", _CABLE_MTU, "type", "veth", *ends),
                quoted("ip", "link", "set", name, "up"),
            )
            self._plugged[node, card] = name
            await self._reshape()

    async def forget(self, node: Node) -> None:
        """Unplug a node that is gone."""
        async with self._busy:
            self._plugged = {key: name for key, name in self._plugged.items() if key[0] is not node}
            await self._reshape()

    async def _reshape(self) -> None:
        cards = sorted({card for _, card in self._plugged})
        bridges = tuple(
            Bridge(card, tuple(Port(name=name) for key, name in self._plugged.items() if key[1] == card), _CABLE_MTU)
            for card in cards
        )
        await shape(self.place, self._shape, bridges)
        self._shape = bridges


@dataclass(eq=False, slots=True)
class Node:
    """A node that is up; with another `started` it has been started anew."""

    name: str
    started: float
    place: Place
    cables: Cables
    network: Network = field(default_factory=Network)
    containers: dict[int, Container] = field(default_factory=dict)
    booting: asyncio.Task[None] | None = None
    _system: System | None = None
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def boot(cls, cables: Cables, name: str, started: float) -> Node:
        """Start a node that has no network yet."""
        setup = f"{quoted('hostname', name)}\n{START}\n{_SETTINGS}"
        return cls(name, started, await hold(setup, cables.place), cables)

    async def end(self) -> None:
        """Cut the node's power: its containers go with it."""
        self.containers.clear()
        await self.place.end()
        await self.cables.forget(self)

    @property
    def has_system(self) -> bool:
        """Tell whether programs of packages have run here."""
        return self._system is not None

    async def system(self, base: Path, folder: Path) -> System:
        """Return what runs the programs of the node's packages, with its files in a folder."""
        async with self._busy:
            if self._system is None:
                self._system = await System.start(self.place, base, folder)
            return self._system

    async def become(self, network: Network) -> None:
        """Change the node's network; its containers stay plugged in."""
        old, self.network = self.network, network
        known = {card for card, _ in old.cards}
        for card, _ in network.cards:
            if card not in known:
                await self.cables.plug(self, card)
        addressed = {device for device, _ in network.addresses}
        await self.place.run(
            *(line for card, mtu in network.cards for line in _card(card, mtu, itself=card in addressed))
        )
        await shape(self.place, old.bridges, network.bridges)
        await self.place.run(*_addressing(old, network))
        if old.bridges != network.bridges:
            await asyncio.gather(*(container.reconnect() for container in self.containers.values()))

    async def reaches(self, address: str) -> bool:
        """Tell whether an address answers this node."""
        try:
            await self.place.run(quoted("ping", "-c", 1, "-W", 1, address))
        except LiveError:
            return False
        return True


def _card(card: str, mtu: int, *, itself: bool) -> Iterator[str]:
    yield quoted("ethtool", "-K", card, "tx", "off")
    yield answering(card, itself=itself)
    yield quoted("ip", "link", "set", card, "mtu", mtu, "up")


def _addressing(old: Network, new: Network) -> Iterator[str]:
    """Yield what changes the addresses, default routes and address translation of a node."""
    for device, address in old.addresses:
        if (device, address) not in new.addresses:
            yield f"{quoted('ip', 'address', 'delete', address, 'dev', device)} 2>/dev/null || true"
    for device, address in new.addresses:
        yield quoted("ip", "address", "replace", address, "dev", device)
    for device, gateway in new.gateways:
        yield quoted("ip", "route", "replace", "default", "via", gateway, "dev", device, "onlink")
    yield f"nft {quoted(iptables.script(new.commands))}"
    rules = [f"ip saddr {subnet} ip daddr != {subnet} masquerade" for subnet in new.masqueraded]
    yield f"nft {quoted('; '.join([*_TRANSLATION, *rules]) + '; }; }')}"
