"""A node as the router of networks inside it: it is their gateway, and what leaves them gets its own address.

One rule for each inner network, and none for anything else: between inner networks packets keep their sources, or go
nowhere where these are kept `apart`; then nothing gets in from outside either but answers. The networks are VLANs of a
bridge, of Linux or of Open vSwitch; an inner network's name is that of the node's interface in it: `vlan7i` (any name,
with Open vSwitch), `vmbr1.7`, or the bridge's own for the one without a VLAN.

It is the whole network of its node (`NodeNetwork`): interfaces that belong to the program besides go into `further`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from components.interfaces import Interfaces, known
from components.networks import Network, check
from providers.node_network import NodeNetwork


@dataclass(frozen=True, kw_only=True)
class InnerBridge:
    """The bridge whose networks these are; guests are attached to it."""

    name: str
    type: Literal["bridge", "OVSBridge"] = "bridge"
    ports: Sequence[str] = ()
    """Cards, for networks that go on outside the node; a bridge that is there keeps its own where none are named."""
    mtu: int | None = None
    """That of its largest network where not set."""
    comments: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outside:
    """The interface to everything else; without addresses it keeps those that it has."""

    name: str
    type: Literal["bridge", "bond", "eth", "vlan", "OVSIntPort"]
    cidr: str | None = None
    gateway: str | None = None
    mtu: int | None = None
    tag: int | None = None
    """OVSIntPort: its VLAN."""


@dataclass(frozen=True, kw_only=True)
class RouterArgs:
    """Which networks a node connects with what is outside."""

    node: str
    bridge: InnerBridge
    outside: Outside
    inside: Mapping[str, Network]
    """The node's interface -> the network that it is in."""
    apart: bool = False
    """Whether an inner network's guests reach its gateway and the outside alone, and nobody from there reaches them."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Interface -> the node's own address, where the gateway's wanders among several nodes."""
    further: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Other interfaces of the node, and other settings of these, as `NodeNetwork` takes them."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that a `NodeNetwork` takes, such as `adopt`."""
    after: Sequence[pulumi.Resource] = ()
    """What has to be there before, such as Open vSwitch."""

    def __post_init__(self) -> None:
        check(self.inside)
        for name, network in self.inside.items():
            if problem := self._misnamed(name, network):
                raise ValueError(problem)
        for name in self.addresses:
            if name not in self.inside:
                raise ValueError(f"there is an address for {name}, which is in none of the networks")

    def _misnamed(self, name: str, network: Network) -> str | None:
        """Why the node can't have an interface of that name in a network; None if it can."""
        bridge = self.bridge.name
        if self.bridge.type == "OVSBridge":
            own = "the node's interface in a network of it has a name of its own"
            return f"{name} is an Open vSwitch: {own}" if name == bridge else None
        expected = f"{bridge}.{network.vlan}" if network.vlan else bridge
        return None if name == expected else f"{name} is no interface in {network.cidr}: that is {expected}"


class Router(pulumi.ComponentResource):
    """A node that forwards and masks."""

    gateways: pulumi.Output[dict[str, str]]
    """Inner network -> the gateway of its guests."""

    def __init__(self, name: str, args: RouterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:Router", name, None, opts)
        own = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        network = NodeNetwork(
            f"{name}-network", own, node=args.node, interfaces=interfaces_of(args), ip_forward=True, **args.options
        )
        gateways = {inner.cidr: inner.router for inner in args.inside.values()}
        self.gateways = network.urn.apply(lambda _: gateways)
        self.register_outputs({"gateways": self.gateways})


def interfaces_of(args: RouterArgs) -> Interfaces:
    """The interfaces of the node."""
    found = _bridge(args)
    for name, settings in _outside(args).items():
        found[name] = {**found.get(name, {}), **settings}
    for name, network in args.inside.items():
        own = {
            "cidr": network.interface(args.addresses.get(name, network.router)),
            "mtu": network.mtu,
            "forward_only_to": args.outside.name if args.apart else None,
        }
        if args.bridge.type == "OVSBridge":
            kind = {"type": "OVSIntPort", "ovs_bridge": args.bridge.name, "ovs_tag": network.vlan}
        else:
            kind = {"type": "vlan"} if network.vlan else {}
        found[name] = {**found.get(name, {}), **known({**kind, **own})}
    for name, more in args.further.items():
        found[name] = {**found.get(name, {}), **more}
    return found


def _bridge(args: RouterArgs) -> Interfaces:
    """The bridge with its cards, which as ports of an Open vSwitch are declared too."""
    bridge = args.bridge
    sizes = [network.mtu for network in args.inside.values() if network.mtu]
    mtu = bridge.mtu or max(sizes, default=None)
    common = known({"type": bridge.type, "mtu": mtu, "comments": bridge.comments})
    if bridge.type == "bridge":
        aware = {"bridge_vlan_aware": True} if any(network.vlan for network in args.inside.values()) else {}
        return {bridge.name: {**common, **known({"bridge_ports": list(bridge.ports) or None}), **aware}}
    ports = {port: known({"type": "OVSPort", "ovs_bridge": bridge.name, "mtu": mtu}) for port in bridge.ports}
    return {bridge.name: {**common, "ovs_ports": list(bridge.ports)}, **ports}


def _outside(args: RouterArgs) -> Interfaces:
    """The interface that packets leave by, with one rule an inner network."""
    outside = args.outside
    own = {
        "type": outside.type,
        "ovs_bridge": args.bridge.name if outside.type == "OVSIntPort" else None,
        "ovs_tag": outside.tag,
        "cidr": outside.cidr,
        "gateway": outside.gateway,
        "mtu": outside.mtu,
        "masquerade": [network.cidr for network in args.inside.values()],
    }
    return {outside.name: known(own)}
