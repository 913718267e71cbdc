"""Which guests a lab for OpenStack has, where they are, and in which networks with which addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Literal

from components.openstack_args import UNTAGGED, Network, OpenStackLabArgs
from components.openstack_deployers import CONTAINERS, FIRST_NODE, NUMBERS, Machine
from components.placement import Room, Wish, mebibytes, place

NODES, CONTROLLERS = "nodes", "controllers"


@dataclass(frozen=True, kw_only=True)
class Card:
    """A network card of a guest."""

    network: str
    tag: int | None
    address: str | None = None
    """With the prefix length; without one, somebody in the lab gives it one, or it has none."""
    gateway: str | None = None
    """Where what is for others goes, on one card of a guest."""


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A guest as it is to be made."""

    name: str
    type: Literal["qemu", "lxc"]
    size: Machine
    cards: tuple[Card, ...]
    """The first one is `net0`."""
    groups: tuple[str, ...]
    osd_disks: tuple[str, ...] = ()
    """The sizes of further disks."""
    net_boot: bool = False

    @property
    def wish(self) -> Room:
        """What it takes of a host."""
        disks = [self.size.disk, *self.osd_disks]
        return Room(memory=self.size.memory, disk=sum(mebibytes(disk) for disk in disks))

    @property
    def address(self) -> str | None:
        """Where it is reached: its address on the card with the gateway, without the prefix length."""
        found = next((card.address for card in self.cards if card.gateway and card.address), None)
        return found and found.partition("/")[0]


def guests(lab: OpenStackLabArgs) -> dict[str, Guest]:
    """All guests by name: the nodes last, so that one more of them moves nobody."""
    machines = [_controller(lab, name, size) for name, size in lab.kit.controllers.items()]
    machines += [_container(lab, name, size) for name, size in CONTAINERS.items()]
    machines += [_node(lab, name) for name in lab.nodes.names]
    return {guest.name: guest for guest in machines}


def placed(lab: OpenStackLabArgs) -> dict[str, str]:
    """Guest -> host."""
    wishes = [
        Wish(
            name=guest.name,
            takes=guest.wish,
            group=guest.groups[0],
            number=lab.nodes.names.index(guest.name) if NODES in guest.groups else 0,
            host=lab.placement.get(guest.name),
        )
        for guest in guests(lab).values()
    ]
    return place({name: host.room for name, host in lab.hosts.items()}, wishes)


def vips(lab: OpenStackLabArgs) -> dict[str, str]:
    """The addresses that are kept for the deployer's load balancer."""
    subnet = lab.by_role("management").subnet
    return {vip: str(subnet[number]) for vip, number in lab.kit.vips.items()}


def sites(lab: OpenStackLabArgs) -> Mapping[str, str]:
    """What the reverse proxy serves: name in the domain -> URL of who answers."""
    found: dict[str, str] = {}
    if external := vips(lab).get("external"):
        found["dashboard"] = f"http://{external}"
    if maas := guests(lab).get("maas"):
        found["maas"] = f"http://{maas.address}:5240"
    return {**found, **lab.sites}


def numbers(lab: OpenStackLabArgs) -> dict[str, int]:
    """Guest -> its place in the networks that it has a fixed address in."""
    nodes = {} if lab.kit.net_boot else dict(zip(lab.nodes.names, count(FIRST_NODE)))
    usual = {**nodes, **{name: NUMBERS[name] for name in (*lab.kit.controllers, *CONTAINERS)}}
    return {name: lab.numbers.get(name, number) for name, number in usual.items()}


def tag(lab: OpenStackLabArgs, network: Network) -> int | None:
    """The tag of a network; taken literally, one network has none."""
    return None if lab.literal and network.vlan == UNTAGGED else network.vlan


def _node(lab: OpenStackLabArgs, name: str) -> Guest:
    """In all networks. One that is installed over the network gets its addresses from who installs it."""
    return Guest(
        name=name,
        type="qemu",
        size=lab.nodes.size or lab.kit.node,
        cards=_cards(lab, sorted(lab.network_names, key=lambda each: "boot" not in lab.roles(each)), name),
        groups=(NODES, *lab.kit.groups),
        osd_disks=(lab.nodes.osd_size,) * lab.nodes.osd_disks,
        net_boot=lab.kit.net_boot,
    )


def _controller(lab: OpenStackLabArgs, name: str, size: Machine) -> Guest:
    """In the network that machines are installed over, and in that of the management."""
    names = [each for each in lab.network_names if {"boot", "management"} & {*lab.roles(each)}]
    return Guest(
        name=name,
        type="qemu",
        size=lab.machines.get(name, size),
        cards=_cards(lab, names, name),
        groups=(CONTROLLERS, name),
    )


def _container(lab: OpenStackLabArgs, name: str, size: Machine) -> Guest:
    """In the network of the management, and in that over which the nodes are reached."""
    names = [each for each in lab.network_names if {"hosts", "management"} & {*lab.roles(each)}]
    names.sort(key=lambda each: "management" not in lab.roles(each))
    return Guest(
        name=name,
        type="lxc",
        size=lab.machines.get(name, size),
        cards=_cards(lab, names, name),
        groups=(name,),
    )


def _cards(lab: OpenStackLabArgs, names: list[str], guest: str) -> tuple[Card, ...]:
    """One in each network; the way out is over the management."""
    found, number = [], numbers(lab).get(guest)
    for name in names:
        network, roles = lab.networks[name], lab.roles(name)
        fixed = None if number is None or "external" in roles else network.subnet[number]
        found.append(
            Card(
                network=name,
                tag=tag(lab, network),
                address=None if fixed is None else f"{fixed}/{network.subnet.prefixlen}",
                gateway=str(network.subnet[1]) if fixed and "management" in roles else None,
            )
        )
    return tuple(found)
