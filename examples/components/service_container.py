"""A container with a service that has no component of its own: a cache (redis)."""

import pulumi

from components.service import Daemon, ServiceFile
from components.service_container import ServiceContainer, ServiceContainerArgs, ServiceHost

redis = Daemon(
    unit="redis-server",
    packages=["redis-server"],
    config=ServiceFile(path="/etc/redis/redis.conf", content="bind 0.0.0.0\nmaxmemory 128mb\n", mode="0644"),
    check=["grep", "-q", "^bind ", "{file}"],  # the daemon's own checker, where it has one
)
cache = ServiceContainer(
    "cache",
    ServiceContainerArgs(
        host=ServiceHost(
            node="pve1",
            ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
            storage="local-lvm",
            bridge="vmbr0",
            address="192.0.2.50/24",
            gateway="192.0.2.1",
        ),
        daemon=redis,
    ),
)
pulumi.export("address", cache.address)
