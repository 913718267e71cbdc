"""A network card of a live container: a pair of devices, one end inside, the other a port of a bridge of its node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.guests.lxc_power import nics
from simulator.live.network import Network, vlans
from simulator.live.place import quoted
from simulator.live.switch import Port, answering
from simulator.records import Guest

_NO_ADDRESS = ("manual", "dhcp", "auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """A card as it is to be."""

    name: str
    hwaddr: str
    mtu: int
    bridge: str
    port: Port
    connected: bool
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    dhcp: bool

    @property
    def device(self) -> tuple[str, str, str]:
        """Return what cannot be changed without making another device. Another MTU comes with the next start."""
        return self.name, self.hwaddr, self.port.name

    def plug(self, pid: int) -> Iterator[str]:
        """Yield what a node does to give the container whose first process is `pid` this card."""
        outside, mtu = self.port.name, ("mtu", self.mtu)
        inside = ("peer", "name", self.name, "address", self.hwaddr, *mtu, "netns", f"/proc/{pid}/ns/net")
        yield quoted("ip", "link", "add", outside, *mtu, "type", "veth", *inside)
        yield answering(outside, itself=False)
        yield _within(pid, "ethtool", "-K", self.name, "tx", "off")
        yield _within(pid, "ip", "link", "set", self.name, "up")
        yield from self.connect()
        yield from self._configure(pid)

    def connect(self) -> Iterator[str]:
        """Yield what a node does to have the card in its bridge, or, with the link down, cut off."""
        yield quoted("ovs-vsctl", *self.port.commands(self.bridge))
        yield quoted("ip", "link", "set", self.port.name, "up" if self.connected else "down")

    def _configure(self, pid: int) -> Iterator[str]:
        for address in self.addresses:
            yield _within(pid, "ip", "address", "replace", address, "dev", self.name)
        for gateway in self.gateways:
            yield _within(pid, "ip", "route", "replace", "default", "via", gateway, "dev", self.name, "onlink")

    def unplug(self) -> Iterator[str]:
        """Yield what a node does to take the card away."""
        yield quoted("ovs-vsctl", "--if-exists", "del-port", self.port.name)
        yield quoted("ip", "link", "delete", self.port.name)

    def forget(self) -> Iterator[str]:
        """Yield what a node does when the container is gone, and with it, sooner or later, the card."""
        unplug, delete = self.unplug()
        yield unplug
        yield f"{delete} 2>/dev/null || true"

    def become(self, new: Nic, pid: int) -> Iterator[str]:
        """Yield what a node does to change the card into this other form of it."""
        if new.device != self.device:
            yield from self.unplug()
            yield from new.plug(pid)
            return
        if new.bridge != self.bridge:
            yield quoted("ovs-vsctl", "--if-exists", "del-port", self.port.name)
        yield from new.connect()
        for address in self.addresses:
            if address not in new.addresses:
                yield _within(pid, "ip", "address", "delete", address, "dev", self.name)
        yield from new._configure(pid)


def _within(pid: int, *words: object) -> str:
    return quoted("nsenter", f"--target={pid}", "--net", *words)


def nics_of(guest: Guest, network: Network) -> tuple[Nic, ...]:
    """Return the cards that a container is to have on a node with this network."""
    return tuple(_nic(guest, index, nic, network) for index, nic in nics(guest) if "bridge" in nic)


def _nic(guest: Guest, index: int, nic: dict[str, Any], network: Network) -> Nic:
    bridge, trunks, tag = str(nic["bridge"]), vlans(str(nic.get("trunks", ""))), nic.get("tag")
    untagged = () if tag or not trunks else (0,)
    addresses = [str(nic[key]) for key in ("ip", "ip6") if nic.get(key, "manual") not in _NO_ADDRESS]
    return Nic(
        name=str(nic["name"]),
        hwaddr=str(nic.get("hwaddr") or _mac(guest.vmid, index)).lower(),
        mtu=int(nic.get("mtu") or network.mtu(bridge)),
        bridge=bridge,
        port=Port(name=f"veth{guest.vmid}i{index}", tag=tag, trunks=untagged + trunks),
        connected=not nic.get("link_down"),
        addresses=tuple(addresses),
        gateways=tuple(str(nic[key]) for key in ("gw", "gw6") if key in nic),
        dhcp=nic.get("ip") == "dhcp",
    )


def _mac(vmid: int, index: int) -> str:
    """Return the address of a card whose configuration has none, as a topology's guests may be."""
    return f"bc:24:11:{vmid >> 8 & 255:02x}:{vmid & 255:02x}:{index:02x}"
