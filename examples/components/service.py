"""A service in a container that is there already, or that is made otherwise: a name server (unbound)."""

import pulumi

from components.service import Daemon, Service, ServiceArgs, ServiceFile
from providers.container import Container

container = Container(
    "resolver",
    hostname="resolver",
    node="pve1",
    ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
    memory=256,
    rootfs={"storage": "local-lvm", "size": "4G"},
    net={"net0": {"name": "eth0", "bridge": "vmbr0", "ip": "192.0.2.51/24", "gw": "192.0.2.1"}},
    unprivileged=True,
    features={"nesting": True},
)
unbound = Daemon(
    unit="unbound",
    packages=["unbound"],
    config=ServiceFile(
        path="/etc/unbound/unbound.conf.d/lab.conf",
        content="server:\n  interface: 0.0.0.0\n  access-control: 192.0.2.0/24 allow\n",
    ),
    check=["grep", "-q", "^server:", "{file}"],
)
service = Service("unbound", ServiceArgs(vmid=container.vmid, daemon=unbound))
pulumi.export("digest", service.digest)  # another one, whenever it is restarted for new content
