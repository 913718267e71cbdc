"""Two web servers behind one address, which are asked whether they are well (haproxy)."""

import pulumi

from components.load_balancer import Balanced, LoadBalancer, LoadBalancerArgs
from components.service_container import ServiceHost

balancer = LoadBalancer(
    "balancers",
    LoadBalancerArgs(
        hosts={
            "lb1": ServiceHost(
                node="pve1",
                ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
                storage="local-lvm",
                bridge="vmbr0",
                address="192.0.2.70/24",
                gateway="192.0.2.1",
            )
        },
        services=[
            Balanced(
                name="web",
                port=80,
                servers={"web-1": "192.0.2.71:8080", "web-2": "192.0.2.72:8080"},
                check_path="/health",
            )
        ],
    ),
)
pulumi.export("metrics", balancer.metrics)
