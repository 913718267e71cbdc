"""What a node's network is to be, read from the state: the bridges of its switch, its addresses and routes.

A bridge of Linux, of Open vSwitch and of a virtual network are all a bridge of the node's switch. A VLAN device that is
a port of a bridge becomes a cable between two bridges that carries this VLAN only; one with an address becomes a port
of its parent's bridge.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.live.switch import Bridge, Port
from simulator.network.kinds import ovs_options
from simulator.records import Interface
from simulator.sdn.config import node_zones, subnet_cidr, vnet_on_node, zone_vnets
from simulator.sdn.records import SdnObject
from simulator.state import Datacenter

_DEFAULT_MTU, _TUNNEL_MTU = 1500, 1450
_NAME_LENGTH = 15
_BRIDGES = ("bridge", "OVSBridge")
_PORTS = {"bridge": "bridge_ports", "OVSBridge": "ovs_ports"}
_MEMBERS = {"bond": "slaves", "OVSBond": "ovs_bonds"}
_ALL_VLANS = "2-4094"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network of a node; `cards` have their MTU, `addresses` and `gateways` the device that they are on."""

    cards: tuple[tuple[str, int], ...] = ()
    bridges: tuple[Bridge, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    gateways: tuple[tuple[str, str], ...] = ()
    masqueraded: tuple[str, ...] = ()
    """Subnets that leave the node under its own address."""
    commands: tuple[str, ...] = ()
    """What is run as its interfaces are set up."""

    def mtu(self, bridge: str) -> int:
        """Return the MTU of a bridge."""
        return next((found.mtu for found in self.bridges if found.name == bridge), _DEFAULT_MTU)


def network_of(datacenter: Datacenter, node: str) -> Network:
    """Return what the network of a node is to be."""
    planner = _Planner(datacenter, node)
    planner.add_links()
    planner.add_virtual_networks()
    return planner.network()


class _Planner:
    """Puts the bridges of a node together."""

    def __init__(self, datacenter: Datacenter, node: str) -> None:
        self._datacenter, self._node = datacenter, node
        self._links = {link.iface: link for link in datacenter.interfaces.by("node", node)}
        self._ports: dict[str, list[Port]] = {}
        self._mtus: dict[str, int] = {}
        self._addresses: list[tuple[str, str]] = []
        self._masqueraded: list[str] = []
        self._master = {
            port: link.iface
            for link in self._links.values()
            if link.type in _BRIDGES
            for port in link.options.get(_PORTS[link.type], "").split()
        }

    def network(self) -> Network:
        links = self._links.values()
        own = [(link.iface, link.options[key]) for link in links for key in ("cidr", "cidr6") if key in link.options]
        routes = [
            (link.iface, link.options[key]) for link in links for key in ("gateway", "gateway6") if key in link.options
        ]
        return Network(
            cards=tuple((link.iface, _mtu(link)) for link in links if link.type in ("eth", "OVSPort")),
            bridges=tuple(Bridge(name, tuple(ports), self._mtus[name]) for name, ports in self._ports.items()),
            addresses=(*own, *self._addresses),
            gateways=tuple(routes),
            masqueraded=tuple(self._masqueraded),
            commands=tuple(line for link in links for line in _commands(link)),
        )

    def _bridge(self, name: str, mtu: int) -> list[Port]:
        self._mtus.setdefault(name, mtu)
        return self._ports.setdefault(name, [])

    def add_links(self) -> None:
        bridges = [link for link in self._links.values() if link.type in _BRIDGES]
        for link in bridges:
            self._bridge(link.iface, _mtu(link))
        for link in bridges:
            for name in link.options.get(_PORTS[link.type], "").split():
                self._plug(link, name)
        for link in self._links.values():
            if link.type == "vlan" and link.iface not in self._master:
                self._add_vlan_device(link)
            elif link.type == "bond" and link.iface not in self._master:
                self._carrier(link.iface)

    def _plug(self, bridge: Interface, name: str) -> None:
        """Plug a card, bond, VLAN or internal port into a bridge."""
        link = self._links.get(name)
        if link is None:
            return
        if link.type == "vlan":
            self._join(self._carrier(_parent(link)), bridge.iface, tag=_vlan_id(link))
            return
        ports = self._ports[bridge.iface]
        if link.type in _MEMBERS:
            ports.append(_bond(link, link.iface))
        elif link.type in ("OVSPort", "OVSIntPort"):
            kind = "internal" if link.type == "OVSIntPort" else ""
            mtu = _mtu(link) if kind and "mtu" in link.options else None
            ports.append(Port(name=name, type=kind, tag=_ovs_tag(link), trunks=_ovs_trunks(link), mtu=mtu))
        else:
            ports.append(Port(name=name, trunks=_carried(bridge)))

    def _carrier(self, device: str) -> str:
        """Return the bridge that a card, bond or bridge is on; one that is on none gets its own."""
        if device in self._ports:
            return device
        if device in self._master:
            return self._master[device]
        link = self._links.get(device)
        if link is not None and link.type in _MEMBERS:
            self._bridge(device, _mtu(link)).append(_bond(link, f"{device}-m"))
            return device
        name = f"on-{device}"[:_NAME_LENGTH]
        if name not in self._ports and link is not None:
            self._bridge(name, _mtu(link)).append(Port(name=device))
        return name

    def _add_vlan_device(self, link: Interface) -> None:
        carrier = self._carrier(_parent(link))
        if carrier in self._ports:
            self._ports[carrier].append(Port(name=link.iface, type="internal", tag=_vlan_id(link)))

    def _join(self, lower: str, upper: str, *, tag: int | None, mode: str = "") -> None:
        """Lay a cable from a bridge, where it carries one VLAN or all, to another, where that VLAN has no tag."""
        if lower not in self._ports or upper not in self._ports:
            return
        number = sum(port.type == "patch" for ports in self._ports.values() for port in ports)
        ends = (f"patch{number}", f"patch{number + 1}")
        self._ports[lower].append(Port(name=ends[0], type="patch", tag=tag, mode=mode, options=(("peer", ends[1]),)))
        self._ports[upper].append(Port(name=ends[1], type="patch", options=(("peer", ends[0]),)))

    def add_virtual_networks(self) -> None:
        for zone in node_zones(self._datacenter, self._node):
            for vnet in zone_vnets(self._datacenter, zone.id):
                if vnet_on_node(self._datacenter, self._node, vnet.id):
                    self._add_vnet(zone, vnet)

    def _add_vnet(self, zone: SdnObject, vnet: SdnObject) -> None:
        tunnel = zone.type in ("vxlan", "evpn")
        mtu = int(zone.options.get("mtu", _TUNNEL_MTU if tunnel else _DEFAULT_MTU))
        ports, tag = self._bridge(vnet.id, mtu), vnet.options.get("tag")
        if zone.type == "vlan":
            self._join(zone.options["bridge"], vnet.id, tag=int(tag or 0) or None)
        elif zone.type == "qinq":
            outer = f"z_{zone.id}"
            if outer not in self._ports:
                self._bridge(outer, mtu)
                self._join(zone.options["bridge"], outer, tag=int(zone.options["tag"]), mode="dot1q-tunnel")
            self._join(outer, vnet.id, tag=int(tag or 0) or None)
        elif tunnel:
            ports += self._tunnels(zone, str(tag))
        for subnet in self._datacenter.sdn_running.by("kind", "subnets"):
            if subnet.options["vnet"] == vnet.id and "gateway" in subnet.options:
                self._add_gateway(subnet)

    def _tunnels(self, zone: SdnObject, key: str) -> Iterator[Port]:
        """Yield the tunnels to the other nodes of a zone."""
        nodes = self._datacenter.nodes
        own = nodes[self._node].ip
        peers = zone.options.get("peers", "").replace(",", " ").split() or [node.ip for node in nodes]
        for number, peer in enumerate(peers):
            if peer != own:
                options = (("remote_ip", peer), ("local_ip", own), ("key", key))
                yield Port(name=f"vx{key}-{number}"[:_NAME_LENGTH], type="vxlan", options=options)

    def _add_gateway(self, subnet: SdnObject) -> None:
        prefix = subnet_cidr(subnet.id).partition("/")[2]
        self._addresses.append((subnet.options["vnet"], f"{subnet.options['gateway']}/{prefix}"))
        if subnet.options.get("snat") == "1" and ipaddress.ip_network(subnet_cidr(subnet.id)).version == 4:  # noqa: PLR2004 - of IP
            self._masqueraded.append(subnet_cidr(subnet.id))


def _commands(link: Interface) -> list[str]:
    return re.sub(r"\$(\{IFACE\}|IFACE\b)", link.iface, link.options.get("post-up", "")).splitlines()


def _mtu(link: Interface) -> int:
    return int(link.options.get("mtu", _DEFAULT_MTU))


def _parent(link: Interface) -> str:
    return link.options.get("vlan-raw-device") or link.iface.rpartition(".")[0]


def _vlan_id(link: Interface) -> int:
    return int(link.options.get("vlan-id") or link.iface.rpartition(".")[2].removeprefix("vlan"))


def _bond(link: Interface, name: str) -> Port:
    """Return the port of a bond; a switch that is not configured for it is on the other side, whatever the mode."""
    members = tuple(link.options.get(_MEMBERS[link.type], "").split())
    if len(members) == 1:
        return Port(name=members[0], tag=_ovs_tag(link))
    mode = "active-backup" if link.options.get("bond_mode") == "active-backup" else "balance-slb"
    return Port(name=name, members=members, bond_mode=mode, tag=_ovs_tag(link), trunks=_ovs_trunks(link))


def _ovs_tag(link: Interface) -> int | None:
    tag = link.options.get("ovs_tag") or ovs_options(link.options.get("ovs_options")).get("tag")
    return int(tag) if tag else None


def _ovs_trunks(link: Interface) -> tuple[int, ...]:
    return vlans(ovs_options(link.options.get("ovs_options")).get("trunks", "").replace(",", " "))


def _carried(bridge: Interface) -> tuple[int, ...]:
    """Return the VLANs that a bridge lets through its ports, besides frames without a tag; empty for all."""
    vids = bridge.options.get("bridge_vids", _ALL_VLANS)
    if bridge.options.get("bridge_vlan_aware") not in ("1", "yes") or vids == _ALL_VLANS:
        return ()
    return (0, *vlans(vids))


def vlans(text: str) -> tuple[int, ...]:
    """Return the numbers of a list of VLANs and ranges of them: `2 4-6`."""
    ranges = [part.partition("-") for part in text.replace(";", " ").replace(",", " ").split()]
    return tuple(number for first, _, last in ranges for number in range(int(first), int(last or first) + 1))
