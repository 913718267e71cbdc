"""The network of one tenant: a VLAN with its addresses, and a fence around it.

It is a VNet in a zone (`SdnZone`), which Proxmox gives addresses, DHCP and a firewall of its own; or a VLAN of a
bridge, by the tag that a guest's NIC gives, and then whoever is the gateway does the rest. A host that is in the
network itself has a port of its own there: that belongs to the node's network, see `Router`.

In a zone with `dhcp` the nodes give out addresses and have the gateway's; in a zone of VLANs another gateway does, and
Proxmox only writes down what is meant. The fence of a VNet (`apart_from`) takes the newer firewall (`nftables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.networks import Network
from providers.firewall_options import FirewallOptions
from providers.firewall_rules import FirewallRule, FirewallRules
from providers.sdn_subnet import SdnSubnet
from providers.sdn_vnet import SdnVnet


@dataclass(frozen=True, kw_only=True)
class InZone:
    """As a VNet."""

    zone: pulumi.Input[str]
    vnet: str
    """Its name, of eight characters at most."""
    snat: bool = False
    """Whether what leaves it gets the node's own address; in a zone that routes."""
    dns_server: str | None = None
    """What DHCP tells of name servers."""


@dataclass(frozen=True, kw_only=True)
class OnBridge:
    """As a VLAN of a bridge that knows VLANs, or of an Open vSwitch."""

    bridge: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class TenantNetworkArgs:
    """A network, where it is, and from whom it is kept apart."""

    network: Network
    at: InZone | OnBridge
    apart_from: Sequence[str] = ()
    """Networks with which nothing is exchanged, such as those of the other tenants."""
    guests_apart: bool = False
    """Whether its guests can't reach each other either, only the gateway."""
    connection: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.at, OnBridge) and (self.apart_from or self.guests_apart):
            raise ValueError(
                "a VLAN of a bridge has no fence: give the tenant a VNet, or let the gateway keep it apart"
            )


class TenantNetwork(pulumi.ComponentResource):
    """A network of a tenant."""

    nic: pulumi.Output[dict[str, Any]]
    """What a guest's NIC says to be in it: bridge, and tag and MTU where it takes them."""
    cidr: pulumi.Output[str]
    gateway: pulumi.Output[str]

    def __init__(self, name: str, args: TenantNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:TenantNetwork", name, None, opts)
        self._own = pulumi.ResourceOptions(parent=self)
        network = args.network
        wire = self._vnet(name, args.at, args) if isinstance(args.at, InZone) else self._tag(args.at, network)
        size = {} if network.mtu is None else {"mtu": network.mtu}
        self.nic = pulumi.Output.all(**wire, **size)
        self.cidr = pulumi.Output.from_input(network.cidr)
        self.gateway = pulumi.Output.from_input(network.router)
        self.register_outputs({"nic": self.nic, "cidr": self.cidr, "gateway": self.gateway})

    @staticmethod
    def _tag(at: OnBridge, network: Network) -> dict[str, pulumi.Input[Any]]:
        return {"bridge": at.bridge} if network.vlan is None else {"bridge": at.bridge, "tag": network.vlan}

    def _vnet(self, name: str, at: InZone, args: TenantNetworkArgs) -> dict[str, pulumi.Input[Any]]:
        """The VNet, which guests can use once it has its addresses and its fence."""
        network, connection = args.network, args.connection
        vnet = SdnVnet(
            f"{name}-vnet",
            self._own,
            vnet=at.vnet,
            zone=at.zone,
            tag=network.vlan,
            isolate_ports=args.guests_apart or None,
            connection=connection,
        )
        subnet = SdnSubnet(
            f"{name}-subnet",
            self._own,
            zone=at.zone,
            vnet=vnet.vnet,
            subnet=network.cidr,
            gateway=network.router,
            snat=at.snat or None,
            dhcp_range=[{"start-address": network.dhcp[0], "end-address": network.dhcp[1]}] if network.dhcp else None,
            dhcp_dns_server=at.dns_server,
            connection=connection,
        )
        ready: list[pulumi.Resource] = [subnet]
        if args.apart_from:
            fenced = fence(args.apart_from)
            rules = FirewallRules(f"{name}-fence", self._own, vnet=vnet.vnet, rules=fenced, connection=connection)
            after = pulumi.ResourceOptions(parent=self, depends_on=[rules])
            ready.append(FirewallOptions(f"{name}-firewall", after, vnet=vnet.vnet, enable=True, connection=connection))
        return {"bridge": pulumi.Output.all(vnet.vnet, *(each.urn for each in ready)).apply(lambda known: known[0])}


def fence(others: Sequence[str]) -> list[FirewallRule]:
    """Rules that let nothing through to other networks, and nothing from there."""
    return [
        FirewallRule(type="forward", action="DROP", comment="another tenant's", **{end: other})
        for other in others
        for end in ("source", "dest")
    ]
