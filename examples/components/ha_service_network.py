"""Services that go on when one of three hosts dies: names, addresses, balancers, and a router that moves."""

import pulumi

from components.ha_args import Balancers, GuestStorage, HAServiceNetworkArgs, Host, Routers, ServiceNetwork
from components.ha_outputs import exports
from components.ha_service_network import HAServiceNetwork

args = HAServiceNetworkArgs(
    hosts={
        f"pve{number}": Host(connection="lab", endpoint=f"192.0.2.1{number}", address=f"10.0.1.{number + 1}")
        for number in (1, 2, 3)
    },
    network=ServiceNetwork(
        vip="10.0.1.1",
        static=("10.0.1.10", "10.0.1.99"),
        dhcp=("10.0.1.100", "10.0.1.199"),
        domain="example.lab",
        bridge="vmbr1",
        ports=("eno2",),  # a network between the hosts; without one, `mesh` makes it over the Internet
    ),
    routers=Routers(run_on="containers"),
    storage=GuestStorage(mode="shared", name="nfs1"),
    ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
    balancers=Balancers(vip="10.0.1.5"),
)
lab = HAServiceNetwork("lab", args)
for name, value in exports(lab, args).of("ha-services").items():
    pulumi.export(name, value)
