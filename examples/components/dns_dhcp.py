"""Names and addresses of a network from two servers, each of which does without the other (dnsmasq)."""

import pulumi

from components.dns_dhcp import DnsDhcp, DnsDhcpArgs, DnsHost, DnsZone
from components.service_container import ServiceHost


def server(node: str, address: str) -> ServiceHost:
    """A container on a node of its own."""
    return ServiceHost(
        node=node,
        ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
        storage="local-lvm",
        bridge="vmbr1",
        address=address,
        gateway="10.0.3.1",
    )


names = DnsDhcp(
    "names",
    DnsDhcpArgs(
        servers={"ns1": server("pve1", "10.0.3.2/24"), "ns2": server("pve2", "10.0.3.3/24")},
        zone=DnsZone(
            domain="example.lab",
            network="10.0.3.0/24",
            first="10.0.3.100",
            last="10.0.3.199",
            router="10.0.3.1",
            hosts=[DnsHost(name="db", address="10.0.3.10"), DnsHost(name="tv", address="10.0.3.150")],
            upstream=["192.0.2.53"],
        ),
    ),
)
pulumi.export("addresses", names.addresses)
