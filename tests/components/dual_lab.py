"""A lab of two hosts for tests: as little as can be declared, and all of it right."""

from __future__ import annotations

from components.dual_args import DualHypervisorArgs, Guest, Host, Network, Opnsense, Tenant
from components.golden_template import Image, Template

HOSTS = {
    "alpha": Host(connection="a", node="pve", memory="16G", disk="500G"),
    "beta": Host(connection="b", node="pve", memory="16G", disk="500G", bridge="vmbr1", storage="tank"),
}
TENANTS = (
    Tenant(name="blue", vlan=110, subnet="10.110.0.0/24", dhcp_pool="10.110.0.100-10.110.0.199"),
    Tenant(name="green", vlan=120, subnet="10.120.0.0/24", dhcp_pool="10.120.0.100-10.120.0.199"),
)
GUESTS = (
    Guest(name="ci", workload="infrastructure", memory=1024, disk="10G", host="alpha"),
    Guest(
        name="web",
        workload="tenant",
        tenant="blue",
        memory=1024,
        disk="10G",
        count=2,
        addresses=("10.110.0.11", "10.110.0.12"),
    ),
)
LAB = DualHypervisorArgs(
    hosts=HOSTS,
    template=Template(
        name="fedora", disk="8G", image=Image(url="https://images.example.org/f.qcow2", checksum="ab" * 32)
    ),
    opnsense=Opnsense(device="igb1"),
    guests=GUESTS,
    tenants=TENANTS,
    lan=Network(subnet="192.0.2.0/24", dhcp_pool="192.0.2.100-192.0.2.199"),
)
