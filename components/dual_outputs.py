"""What a lab of two hosts tells of its hosts and networks."""

from __future__ import annotations

from typing import Any

from components.dual_args import DualHypervisorArgs, Host
from components.dual_args import Network as Wanted
from lab_outputs import Host as HostTold
from lab_outputs import Network

LAN = "lan"
"""The network of the hosts' bridges, without a VLAN."""


def host_output(host: Host) -> HostTold:
    """A host, as others find it."""
    return HostTold(node=host.node, connection=host.connection)


def network_outputs(args: DualHypervisorArgs) -> dict[str, Network]:
    """The tenants' networks by their names, and the one that all other guests are in."""
    bridges = {host.bridge for host in args.hosts.values()}
    lan = Network(bridge=bridges.pop() if len(bridges) == 1 else None, roles=("management",), **_behind(args.lan))
    tenants = {
        tenant.name: Network(bridge=tenant.vnet, vnet=True, vlan=tenant.vlan, roles=("tenant",), **_behind(tenant))
        for tenant in args.tenants
    }
    return {LAN: lan, **tenants}


def _behind(network: Wanted | None) -> dict[str, Any]:
    """What is known of a network behind the router."""
    if network is None:
        return {}
    first, last = network.pool
    return {"cidr": network.subnet, "gateway": network.gateway, "dhcp": (str(first), str(last))}
