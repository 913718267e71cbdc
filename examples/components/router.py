"""A host as the router of two networks inside it; what leaves them gets the host's own address."""

import pulumi

from components.networks import Network
from components.router import InnerBridge, Outside, Router, RouterArgs

router = Router(
    "router",
    RouterArgs(
        node="pve1",
        bridge=InnerBridge(name="vmbr7"),
        outside=Outside(name="vmbr0", type="bridge"),  # without addresses of its own here, it keeps those that it has
        inside={
            "vmbr7": Network(cidr="10.70.0.0/24"),
            "vmbr7.7": Network(cidr="10.70.7.0/24", vlan=7),
        },
        options={"adopt": "if-exists"},  # the installer's bridge is this program's from here on
    ),
)
pulumi.export("gateways", router.gateways)
