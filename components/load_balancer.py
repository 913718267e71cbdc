"""Services that several servers answer together, and go on answering when one of them is gone (haproxy).

Several balancers of the same services, each in a container of its own, make nothing that is the only one of its kind:
`VirtualIp` gives them one address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.render import haproxy
from components.render.haproxy import Balanced
from components.service import FILE, Daemon, ServiceFile
from components.service_container import ServiceHost, in_turn
from providers.container import Container

__all__ = ["Balanced", "LoadBalancer", "LoadBalancerArgs"]


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """The balancers by their names, and what they balance."""

    hosts: Mapping[str, ServiceHost]
    services: Sequence[Balanced]
    metrics_port: int | None = 8405
    """Where Prometheus can ask for figures, at `/metrics`."""


class LoadBalancer(pulumi.ComponentResource):
    """Balancers of the same services."""

    guests: dict[str, Container]
    """The containers."""
    vmids: pulumi.Output[dict[str, int]]
    """Balancer -> VMID of its container."""
    addresses: pulumi.Output[list[str]]
    """Of the balancers."""
    metrics: pulumi.Output[list[str]]
    """Address and port of each, as Prometheus takes them."""

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:LoadBalancer", name, None, opts)
        daemon = Daemon(
            unit="haproxy",
            packages=["haproxy"],
            config=ServiceFile(
                path="/etc/haproxy/haproxy.cfg", content=haproxy.config(args.services, args.metrics_port)
            ),
            check=["haproxy", "-c", "-f", FILE],
        )
        containers = in_turn(self, args.hosts, [daemon] * len(args.hosts))
        ips = [host.ip for host in args.hosts.values()]
        self.guests = {host: container.guest for host, container in containers.items()}
        self.vmids = pulumi.Output.all(**{host: container.vmid for host, container in containers.items()})
        self.addresses = pulumi.Output.from_input(ips)
        self.metrics = pulumi.Output.from_input([f"{ip}:{args.metrics_port}" for ip in ips if args.metrics_port])
        self.register_outputs({"vmids": self.vmids, "addresses": self.addresses, "metrics": self.metrics})
