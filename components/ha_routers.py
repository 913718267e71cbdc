"""The router that outlives each host: one member on each of them, of which one has the router's address (VRRP).

On the hosts themselves keepalived speaks for the bridge that the guests are on, and the host that has the address
forwards and masks. As containers they do the same one step further in: each sends what is for others to its own host,
and stays there; HA never moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.ha_args import HAServiceNetworkArgs
from components.ha_plan import Plan
from components.virtual_ip import VirtualIp, VirtualIpArgs, VirtualIpMember
from providers.container import Container

FORWARD = """\
#!/bin/sh
exec sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
"""
"""Run by keepalived whenever a router becomes something, and so after each start. Guests go by the router's address
alone: one that is told of the host behind it would go on sending there when that host is gone."""


@dataclass(frozen=True, kw_only=True)
class MovingRouterArgs:
    """The lab, and where everything is in it."""

    lab: HAServiceNetworkArgs
    plan: Plan


class MovingRouter(pulumi.ComponentResource):
    """One router on each host, and the address that moves between them."""

    guests: dict[str, Container]
    """Where they are containers: by their names."""

    def __init__(self, name: str, args: MovingRouterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:MovingRouter", name, None, opts)
        lab, plan = args.lab, args.plan
        own = pulumi.ResourceOptions(parent=self)
        contained = lab.routers.run_on == "containers"
        self.guests = {f"router-{node}": _container(node, lab, plan, own) for node in lab.hosts} if contained else {}
        number = lab.routers.virtual_router_id
        VirtualIp(
            f"VI_{number}",
            VirtualIpArgs(
                members=self._members(lab, plan),
                address=lab.network.interface(lab.network.vip),
                virtual_router_id=number,
                vrrp_version=lab.routers.vrrp_version,
                notify=FORWARD if contained else None,
            ),
            own,
        )
        self.register_outputs({})

    def _members(self, lab: HAServiceNetworkArgs, plan: Plan) -> Sequence[VirtualIpMember]:
        """In the hosts' order, which is that of their priorities."""
        if self.guests:
            return [
                VirtualIpMember(name=name, vmid=guest.vmid, address=plan.addresses[name], connection=lab.connection)
                for name, guest in self.guests.items()
            ]
        bridge = lab.network.bridge
        return [
            VirtualIpMember(name=node, node=node, address=host.address, interface=bridge, connection=host.connection)
            for node, host in lab.hosts.items()
        ]


def _container(node: str, lab: HAServiceNetworkArgs, plan: Plan, own: pulumi.ResourceOptions) -> Container:
    name, network = f"router-{node}", lab.network
    return Container(
        name,
        own,
        connection=lab.connection,
        node=node,
        hostname=name,
        ostemplate=lab.ostemplate,
        memory=lab.routers.memory,
        rootfs={"storage": lab.storage.pinned, "size": lab.routers.disk},
        net={
            "net0": {
                "name": "eth0",
                "bridge": network.bridge,
                "ip": network.interface(plan.addresses[name]),
                "gw": lab.hosts[node].address,
                "mtu": network.mtu,
            }
        },
        nameserver=[plan.addresses[server] for server in plan.of("dns")],
        searchdomain=network.domain,
        unprivileged=True,
        features={"nesting": True},
        onboot=True,
        startup={"order": 1},
        tags=["router"],
    )
