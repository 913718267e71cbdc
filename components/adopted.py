"""A running environment that a program has taken over: what is in it, for others to refer to, and to be told.

lab = AdoptedLab()
lab.pools["web"] = Pool("web", poolid="web", adopt="required")
lab.guests["web-1"] = VirtualMachine("web-1", vmid=101, node="pve1", pool=lab.pools["web"].poolid, adopt="required")
lab.exports("office")

Whatever refers to another comes after it, and is removed before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.adopted_outputs import guest_facts, hosts_of, networks_of
from components.outputs import Exports, guest_output, told_late
from providers.container import Container
from providers.firewall_alias import FirewallAlias
from providers.firewall_rules import FirewallRules
from providers.group import Group
from providers.ha_resource import HaResource
from providers.hardware_mapping import HardwareMapping
from providers.ip_set import IpSet
from providers.node_network import NodeNetwork
from providers.pool import Pool
from providers.realm import Realm
from providers.role import Role
from providers.sdn_controller import SdnController
from providers.sdn_dns import SdnDns
from providers.sdn_fabric import SdnFabric
from providers.sdn_ipam import SdnIpam
from providers.sdn_zone import SdnZone
from providers.security_group import SecurityGroup
from providers.storage import Storage
from providers.user import User
from providers.vm import VirtualMachine

Machine = VirtualMachine | Container
OF_A_GUEST = ("connection", "node", "net", "ipconfig", "ciuser", "pool", "tags")
OF_A_NODE = ("connection", "node", "interfaces")
OF_A_ZONE = ("connection", "type", "mtu", "dnszone", "vnets")


@dataclass(frozen=True)
class AdoptedLab:
    """What is in it, each by its name in the program."""

    realms: dict[str, Realm] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    mappings: dict[str, HardwareMapping] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)
    networks: dict[str, NodeNetwork] = field(default_factory=dict)
    ipams: dict[str, SdnIpam] = field(default_factory=dict)
    dns: dict[str, SdnDns] = field(default_factory=dict)
    fabrics: dict[str, SdnFabric] = field(default_factory=dict)
    controllers: dict[str, SdnController] = field(default_factory=dict)
    zones: dict[str, SdnZone] = field(default_factory=dict)
    templates: dict[str, Machine] = field(default_factory=dict)
    """Guests that nobody can start; they are told to nobody."""
    guests: dict[str, Machine] = field(default_factory=dict)
    aliases: dict[str, FirewallAlias] = field(default_factory=dict)
    ip_sets: dict[str, IpSet] = field(default_factory=dict)
    security_groups: dict[str, SecurityGroup] = field(default_factory=dict)
    rules: dict[str, FirewallRules] = field(default_factory=dict)
    ha_resources: dict[str, HaResource] = field(default_factory=dict)

    def exports(self, kind: str) -> dict[str, Any]:
        """What the stack tells of it: by what its resources say, so that a change of one of them shows."""
        guests = [_said(guest, OF_A_GUEST) for guest in self.guests.values()]
        nodes = [_said(network, OF_A_NODE) for network in self.networks.values()]
        zones = [_said(zone, OF_A_ZONE) for zone in self.zones.values()]
        hosts = pulumi.Output.all(guests=guests, nodes=nodes).apply(lambda said: hosts_of(**said))
        networks = pulumi.Output.all(guests=guests, nodes=nodes, zones=zones).apply(lambda said: networks_of(**said))
        told = Exports(guests={name: _guest(guest) for name, guest in self.guests.items()}).of(kind)
        return {**told, "hosts": told_late("hosts", hosts), "networks": told_late("networks", networks)}


def after(*others: pulumi.Resource) -> pulumi.ResourceOptions:
    """For a resource that comes after others, without a value of theirs."""
    return pulumi.ResourceOptions(depends_on=list(others))


def _guest(machine: Machine) -> pulumi.Output[dict[str, Any]]:
    return _said(machine, OF_A_GUEST).apply(lambda said: guest_output(machine, **guest_facts(said)))


def _said(resource: pulumi.Resource, names: tuple[str, ...]) -> pulumi.Output[dict[str, Any]]:
    """Some of a resource's fields; None for one that is not declared, which the resource has no attribute for."""
    return pulumi.Output.all(**{name: getattr(resource, name, None) for name in names})
