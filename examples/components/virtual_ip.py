"""One address for two load balancers: when the first is gone, the second has it in less than a second (keepalived)."""

import pulumi

from components.load_balancer import Balanced, LoadBalancer, LoadBalancerArgs
from components.service_container import ServiceHost
from components.virtual_ip import TrackScript, VirtualIp, VirtualIpArgs, VirtualIpMember

HOSTS = {
    f"edge{number}": ServiceHost(
        node=f"pve{number}",
        ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
        storage="local-lvm",
        bridge="vmbr1",
        address=f"10.0.4.{number + 1}/24",
        gateway="10.0.4.254",
    )
    for number in (1, 2)
}

edges = LoadBalancer(
    "edges",
    LoadBalancerArgs(hosts=HOSTS, services=[Balanced(name="web", port=80, servers={"web-1": "10.0.4.11:80"})]),
)
address = VirtualIp(
    "edge",
    VirtualIpArgs(
        members=[VirtualIpMember(name=name, vmid=edges.vmids[name], address=host.ip) for name, host in HOSTS.items()],
        address="10.0.4.1/24",
        virtual_router_id=14,
        track=[
            TrackScript(name="haproxy", command="/usr/bin/systemctl is-active --quiet haproxy", interval=1, weight=-60)
        ],
        after=[edges],
    ),
)
pulumi.export("address", address.address)
