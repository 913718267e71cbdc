"""A network for guests and one for the cluster itself, on two nodes that are changed one after the other."""

import pulumi

from components.interfaces import Bridge, Vlan
from components.node_networks import NodeLink, NodeNetworks, NodeNetworksArgs

lab = NodeNetworks(
    "lab",
    NodeNetworksArgs(
        networks={
            "black": NodeLink(cidr="10.20.0.0/24", link=Bridge(name="vmbr2", vlan_aware=True)),
            "green": NodeLink(cidr="10.21.0.0/24", link=Vlan(on="vmbr2", tag=21)),
        },
        nodes={
            "pve1": {"green": "10.21.0.11"},  # none in `black`: that one is for the guests alone
            "pve2": {"green": "10.21.0.12"},
        },
    ),
)
pulumi.export("addresses", lab.addresses)
