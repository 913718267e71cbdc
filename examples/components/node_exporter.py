"""A container gives figures of itself, for Prometheus to ask for; so would a node (`Place(node=...)`)."""

import pulumi

from components.node_exporter import PORT, NodeExporter, NodeExporterArgs
from components.place import Place
from providers.container import Container

guest = Container(
    "guest",
    node="pve1",
    hostname="guest",
    ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
    rootfs={"storage": "local-lvm", "size": "4G"},
    net={"net0": {"name": "eth0", "bridge": "vmbr0", "ip": "192.0.2.60/24"}},
    memory=512,
    unprivileged=True,
)
NodeExporter("figures", NodeExporterArgs(places={"guest": Place(vmid=guest.vmid)}))
pulumi.export("targets", [f"192.0.2.60:{PORT}"])
