"""A machine that lets in SSH and web requests, and nothing else."""

import pulumi

from components.guest_firewall import GuestFirewall, GuestFirewallArgs
from components.guest_group import GuestGroup, GuestGroupArgs
from providers.firewall_rules import FirewallRule

web = GuestGroup(
    "web",
    GuestGroupArgs(
        count=1,
        node="pve1",
        template=9001,
        cores=1,
        memory=512,
        disk="8G",
        storage="local-lvm",
        bridge="vmbr0",
        nic={"firewall": True},
    ),
)
fence = GuestFirewall(
    "web",
    GuestFirewallArgs(
        rules=[FirewallRule(type="in", action="ACCEPT", macro=service) for service in ("SSH", "Web")],
        guests={name: machine.vmid for name, machine in web.machines.items()},
    ),
)
pulumi.export("group", fence.group)
