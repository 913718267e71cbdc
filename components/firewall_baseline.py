"""The firewall of a cluster's nodes: management from where it is meant, the cluster's own traffic, and nothing else.

What it makes, in the order that shuts nobody out: an alias for each node and network, the sets `management` and
`cluster` of them, the groups of rules on these (`firewall_groups`), the cluster's list that inserts the groups, and in
the end the options that switch the firewall on. It is removed the other way round.

Proxmox itself lets whoever is in the set `management` reach the web interface, consoles and SSH. A change that would
shut out the connection by which it is made is refused in the preview.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.firewall_groups import pve_cluster, pve_management, pve_services
from providers.firewall_alias import FirewallAlias
from providers.firewall_options import FirewallOptions
from providers.firewall_rules import FirewallRule, FirewallRules
from providers.ip_set import IpSet
from providers.security_group import SecurityGroup

MANAGEMENT, CLUSTER = "management", "cluster"
"""The sets; Proxmox knows the first by this very name."""


@dataclass(frozen=True, kw_only=True)
class FirewallBaselineArgs:
    """Who may reach the nodes."""

    management: Mapping[str, str]
    """Name -> address or network of those who manage the nodes."""
    nodes: Mapping[str, Sequence[str]]
    """Node -> its addresses in the networks of the cluster; none for a host that stands alone."""
    services: bool = False
    """Whether the nodes also need NFS and send mail."""
    rules: Sequence[FirewallRule] = ()
    """What else the nodes let through, below the groups."""
    policies: Mapping[str, str] = field(default_factory=lambda: {"policy_in": "DROP", "policy_out": "ACCEPT"})
    """What becomes of packets that no rule fits."""
    foreign: str | None = None
    """What becomes of rules that the cluster has already, as `FirewallRules` takes it: `keep-below`, for example."""
    connection: str | None = None

    def __post_init__(self) -> None:
        if not self.management:
            raise ValueError("management: without anybody who may manage the nodes, all would be shut out")
        for name in set(self.management) & set(_addresses(self.nodes)):
            raise ValueError(f"{name} names a node's address and one of the management's")
        for address in (*self.management.values(), *(each for of in self.nodes.values() for each in of)):
            ipaddress.ip_network(address)


class FirewallBaseline(pulumi.ComponentResource):
    """Aliases, sets, groups, rules and the main switch of a cluster's firewall."""

    groups: pulumi.Output[list[str]]
    """The security groups, for nodes and guests that need them too."""

    def __init__(self, name: str, args: FirewallBaselineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:FirewallBaseline", name, None, opts)
        self._name, self._connection = name, args.connection
        self._made: list[pulumi.Resource] = []
        self._sets(args)
        groups = dict(_groups(args))
        self._stage([
            SecurityGroup(f"{name}-{group}", self._after(), group=group, rules=rules, connection=args.connection)
            for group, rules in groups.items()
        ])  # fmt: skip
        inserted = [FirewallRule(type="group", action=group) for group in groups]
        rules: list[Any] = [*inserted, *args.rules]
        own: dict[str, Any] = {"rules": rules, "foreign": args.foreign, "connection": args.connection}
        self._stage([FirewallRules(f"{name}-rules", self._after(), **own)])
        on: dict[str, Any] = {"enable": True, **args.policies}
        switch = FirewallOptions(f"{name}-options", self._after(), connection=args.connection, **on)
        self.groups = switch.urn.apply(lambda _: list(groups))
        self.register_outputs({"groups": self.groups})

    def _sets(self, args: FirewallBaselineArgs) -> None:
        """The aliases, and the sets that name them."""
        members = {MANAGEMENT: dict(args.management), CLUSTER: _addresses(args.nodes)}
        self._stage([
            FirewallAlias(f"{self._name}-{alias}", self._after(), name=alias, cidr=cidr, connection=args.connection)
            for entries in members.values()
            for alias, cidr in entries.items()
        ])  # fmt: skip
        self._stage([
            IpSet(
                f"{self._name}-{set_name}",
                self._after(),
                name=set_name,
                entries={f"dc/{alias}": {} for alias in entries},
                connection=args.connection,
            )
            for set_name, entries in members.items()
            if entries
        ])  # fmt: skip

    def _after(self) -> pulumi.ResourceOptions:
        """After all that the stage before has made."""
        return pulumi.ResourceOptions(parent=self, depends_on=list(self._made))

    def _stage(self, made: Sequence[pulumi.Resource]) -> None:
        self._made = list(made)


def _addresses(nodes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """An alias for each address of a node: `pve1`, and `pve1-2` for its second one."""
    return {
        node if place == 1 else f"{node}-{place}": address
        for node, addresses in nodes.items()
        for place, address in enumerate(addresses, 1)
    }


def _groups(args: FirewallBaselineArgs) -> Iterator[tuple[str, list[FirewallRule]]]:
    """The groups, by their names."""
    yield "pve-management", pve_management(f"+dc/{MANAGEMENT}")
    if args.nodes:
        yield "pve-cluster", pve_cluster(f"+dc/{CLUSTER}")
    if args.services:
        yield "pve-services", pve_services()
