"""A firewall in front of each of some guests: what the group's rules let in, and nothing else.

GuestFirewall("students", GuestFirewallArgs(
    rules=[FirewallRule(type="in", action="ACCEPT", macro="SSH")], guests={"web-1": web.vmid}))

The rules are in one security group, so that a change of them is one change. A guest gets its address by DHCP, and can't
send from another MAC address than its own. It takes network cards that say `firewall`, and a cluster whose firewall is
on: see `FirewallBaseline`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from providers.firewall_options import FirewallOptions
from providers.firewall_rules import FirewallRule, FirewallRules
from providers.security_group import SecurityGroup


@dataclass(frozen=True, kw_only=True)
class GuestFirewallArgs:
    """Which guests, and what they let in."""

    rules: Sequence[FirewallRule]
    guests: Mapping[str, pulumi.Input[int]]
    """Name -> VMID."""
    group: str | None = None
    """Name of the security group; that of the component where not set."""
    connection: str | None = None


class GuestFirewall(pulumi.ComponentResource):
    """A security group, and the firewalls of guests that are in it."""

    group: str

    def __init__(self, name: str, args: GuestFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:GuestFirewall", name, None, opts)
        self.group = args.group or name
        own, at = pulumi.ResourceOptions(parent=self), args.connection
        group = SecurityGroup(f"{name}-group", own, group=self.group, rules=list(args.rules), connection=at)
        inserted = [FirewallRule(type="group", action=self.group)]
        for guest, vmid in args.guests.items():
            waits = pulumi.ResourceOptions(parent=self, depends_on=[group])
            rules = FirewallRules(f"{name}-{guest}-rules", waits, vmid=vmid, rules=inserted, connection=at)
            FirewallOptions(
                f"{name}-{guest}-options",
                pulumi.ResourceOptions(parent=self, depends_on=[rules]),
                vmid=vmid,
                enable=True,
                policy_in="DROP",
                policy_out="ACCEPT",
                dhcp=True,
                macfilter=True,
                connection=at,
            )
        self.register_outputs({"group": self.group})
