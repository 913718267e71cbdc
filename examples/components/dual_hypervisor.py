"""Two hosts that are in no cluster, in one program: a tenant with a guest on each of them, and OPNsense in front."""

import pulumi

from components.dual_args import DualHypervisorArgs, Guest, Host, Opnsense, Tenant
from components.dual_hypervisor import DualHypervisor
from components.golden_template import Template

lab = DualHypervisor(
    "lab",
    DualHypervisorArgs(
        hosts={name: Host(connection=name, node=name, memory="32G", disk="1T") for name in ("alpha", "beta")},
        template=Template(name="debian-golden", disk="8G", guest="debian-13-template"),
        opnsense=Opnsense(device="igb1"),
        tenants=(Tenant(name="blue", vlan=110, subnet="10.110.0.0/24", dhcp_pool="10.110.0.100-10.110.0.199"),),
        guests=(
            Guest(name="blue-web-1", workload="tenant", tenant="blue", host="alpha", memory=1024, disk="8G"),
            Guest(name="blue-web-2", workload="tenant", tenant="blue", host="beta", memory=1024, disk="8G"),
        ),
    ),
)
for name, value in lab.exports.of("dual-hypervisor").items():
    pulumi.export(name, value)
