"""A lab of three hosts for tests: as little as can be declared, and all of it right."""

from __future__ import annotations

from components.golden_template import Image
from components.ha_args import (
    Balancers,
    Cluster,
    ClusterMesh,
    GuestStorage,
    HAServiceNetworkArgs,
    Host,
    MachineTemplate,
    ServiceMesh,
    ServiceNetwork,
)

HOSTS = {
    f"pve{number}": Host(
        connection=f"pve{number}",
        endpoint=f"192.0.2.{number}",
        link=f"10.99.0.{number}",
        address=f"10.0.1.{number + 1}",
        memory="32G",
        disk="1T",
    )
    for number in (1, 2, 3)
}
NETWORK = ServiceNetwork(
    vip="10.0.1.1",
    static=("10.0.1.10", "10.0.1.99"),
    dhcp=("10.0.1.100", "10.0.1.199"),
    domain="example.lab",
    mesh=ServiceMesh(),
)
TEMPLATE = MachineTemplate(image=Image(url="https://images.example.org/debian.qcow2", checksum="ab" * 32))
LAB = HAServiceNetworkArgs(
    hosts=HOSTS,
    cluster=Cluster(name="lab", mesh=ClusterMesh(network="10.99.0.0/24")),
    network=NETWORK,
    storage=GuestStorage(mode="replication", name="local-zfs"),
    ostemplate="local:vztmpl/debian.tar.zst",
    balancers=Balancers(vip="10.0.1.5"),
)
