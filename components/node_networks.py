"""The networks of a cluster's nodes, by what they are for: guests, management, and both halves of Ceph.

NodeNetworks("nodes", NodeNetworksArgs(
    networks={"black": NodeLink(cidr="192.0.2.0/24", link=Bridge(name="vmbr0", over="eno1"), gateway="192.0.2.1"),
              "green": NodeLink(cidr="10.1.0.0/24", link=Bond(slaves=["ens1f0", "ens1f1"]), mtu=9000)},
    nodes={"pve1": {"black": "192.0.2.11", "green": "10.1.0.11"}, "pve2": {...}}))

A network may have several roles: where nothing else is said, management and Ceph are on `green`, guests on `black`.
Each node's interfaces are one transaction (`NodeNetwork`), and one node comes after the other, so that a mistake stops
at the first of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from components.interfaces import Interfaces, Link, known
from components.networks import Network, clashes
from providers.node_network import NodeNetwork

Role = Literal["guests", "management", "ceph-public", "ceph-cluster"]
USUAL: Mapping[Role, str] = {
    "guests": "black",
    "management": "green",
    "ceph-public": "green",
    "ceph-cluster": "green",
}


@dataclass(frozen=True, kw_only=True)
class NodeLink:
    """A network, and how each node is in it."""

    cidr: str
    link: Link
    gateway: str | None = None
    """Of the one network by which the nodes reach all others."""
    mtu: int | None = None
    comments: str | None = None


@dataclass(frozen=True, kw_only=True)
class NodeNetworksArgs:
    """The networks, what they are for, and the nodes' addresses in them."""

    networks: Mapping[str, NodeLink]
    nodes: Mapping[str, Mapping[str, str]]
    """Node -> network -> its address there; where it has none, guests have the network for themselves."""
    roles: Mapping[Role, str] = field(default_factory=lambda: USUAL)
    """Role -> the network that has it."""
    further: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Node -> other interfaces of it, as `NodeNetwork` takes them."""
    connections: Mapping[str, str | None] = field(default_factory=dict)
    """Node -> name of its connection, where the stack has several."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that a `NodeNetwork` takes, such as `adopt`."""

    def __post_init__(self) -> None:
        for problem in problems(self):
            raise ValueError(problem)


class NodeNetworks(pulumi.ComponentResource):
    """The networks of several nodes."""

    addresses: pulumi.Output[dict[str, dict[str, str]]]
    """Role -> node -> the node's address."""
    cidrs: pulumi.Output[dict[str, str]]
    """Role -> network."""

    def __init__(self, name: str, args: NodeNetworksArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:NodeNetworks", name, None, opts)
        made: list[pulumi.Resource] = []
        for node in args.nodes:
            after = pulumi.ResourceOptions(parent=self, depends_on=made[-1:])
            interfaces = {**interfaces_of(node, args), **args.further.get(node, {})}
            options = {"connection": args.connections.get(node), **args.options}
            made.append(NodeNetwork(f"{name}-{node}", after, node=node, interfaces=interfaces, **options))
        ready = pulumi.Output.all(*(network.urn for network in made))
        cidrs = {str(role): args.networks[network].cidr for role, network in args.roles.items()}
        addresses = {
            str(role): {node: places[network] for node, places in args.nodes.items() if network in places}
            for role, network in args.roles.items()
        }
        self.addresses = ready.apply(lambda _: addresses)
        self.cidrs = ready.apply(lambda _: cidrs)
        self.register_outputs({"addresses": self.addresses, "cidrs": self.cidrs})


def interfaces_of(node: str, args: NodeNetworksArgs) -> Interfaces:
    """The interfaces of one node."""
    found: Interfaces = {}
    for name, network in args.networks.items():
        address = args.nodes[node].get(name)
        own = known({
            "cidr": Network(cidr=network.cidr).interface(address) if address else None,
            "gateway": network.gateway if address else None,
            "mtu": network.mtu,
            "comments": network.comments or ", ".join(role for role, of in args.roles.items() if of == name) or None,
        })  # fmt: skip
        found.update(network.link.interfaces(own))
    return found


def problems(args: NodeNetworksArgs) -> Iterator[str]:
    """What can't be."""
    yield from clashes({name: Network(cidr=each.cidr, gateway=each.gateway) for name, each in args.networks.items()})
    routed = [name for name, network in args.networks.items() if network.gateway]
    if len(routed) > 1:
        yield f"{routed[0]} and {routed[1]} have a gateway each, and a node has one"
    for one, other in itertools.combinations(args.networks, 2):
        if args.networks[one].link.name == args.networks[other].link.name:
            yield f"{one} and {other} are both on {args.networks[one].link.name}"
    for role, name in args.roles.items():
        if name not in args.networks:
            yield f"{role} is on {name!r}, and there are the networks {', '.join(args.networks)}"
        elif role != "guests" and (without := [node for node, places in args.nodes.items() if name not in places]):
            yield f"{without[0]} has no address in {name}, which is for {role}"
    yield from _wrong_addresses(args)


def _wrong_addresses(args: NodeNetworksArgs) -> Iterator[str]:
    """Addresses in no network, or of two nodes."""
    holders: dict[str, str] = {}
    for node, places in args.nodes.items():
        for name, address in places.items():
            if name not in args.networks:
                yield f"{node} has an address in {name!r}, and there are the networks {', '.join(args.networks)}"
            elif (other := holders.setdefault(address, node)) != node:
                yield f"{other} and {node} have the same address {address}"
            elif address == args.networks[name].gateway:
                yield f"{node} has the address {address}, which is the gateway's"
