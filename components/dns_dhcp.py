"""Names and addresses for the guests of one network: dnsmasq, in a container or in several.

Several servers answer for each other's names, and each gives out a part of the range of its own, so that no two guests
are given the same address while one of them is down. What has a fixed address, the router and the servers themselves
are never given out. The router may be an address that moves (`VirtualIp`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi

from components.render import dnsmasq
from components.render.dnsmasq import DnsHost, DnsZone
from components.service import FILE, Daemon, ServiceFile
from components.service_container import ServiceHost, in_turn
from providers.container import Container

__all__ = ["DnsDhcp", "DnsDhcpArgs", "DnsHost", "DnsZone"]


@dataclass(frozen=True, kw_only=True)
class DnsDhcpArgs:
    """The network, and the servers in it by their names."""

    servers: Mapping[str, ServiceHost]
    zone: DnsZone

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError(f"{self.zone.domain} has no server")


class DnsDhcp(pulumi.ComponentResource):
    """The name servers of a network, which give out its addresses too."""

    addresses: pulumi.Output[list[str]]
    """Of the servers."""
    guests: dict[str, Container]
    """The containers."""
    vmids: pulumi.Output[dict[str, int]]
    """Server -> VMID of its container."""
    domain: pulumi.Output[str]

    def __init__(self, name: str, args: DnsDhcpArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:DnsDhcp", name, None, opts)
        ips = [host.ip for host in args.servers.values()]
        own = [DnsHost(name=server, address=host.ip) for server, host in args.servers.items()]
        zone = replace(args.zone, hosts=[*args.zone.hosts, *own])
        daemons = [_daemon(dnsmasq.config(zone, place, "eth0", ips)) for place in range(len(ips))]
        containers = in_turn(self, args.servers, daemons)
        self.addresses = pulumi.Output.from_input(ips)
        self.guests = {host: container.guest for host, container in containers.items()}
        self.vmids = pulumi.Output.all(**{server: container.vmid for server, container in containers.items()})
        self.domain = pulumi.Output.from_input(zone.domain)
        self.register_outputs({"addresses": self.addresses, "vmids": self.vmids, "domain": self.domain})


def _daemon(text: str) -> Daemon:
    return Daemon(
        unit="dnsmasq",
        packages=["dnsmasq"],
        config=ServiceFile(path="/etc/dnsmasq.conf", content=text),
        check=["dnsmasq", "--test", f"--conf-file={FILE}"],
    )
