"""Figures of machines themselves, for Prometheus to ask for: load, memory, disks, network (its node exporter)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.place import Place
from components.service import FILE, Daemon, Service, ServiceArgs, ServiceFile

PORT = 9100
NAME = "prometheus-node-exporter"
SETTINGS = 'ARGS=""\n'
"""What Debian's package has there too."""

__all__ = ["PORT", "NodeExporter", "NodeExporterArgs"]


@dataclass(frozen=True, kw_only=True)
class NodeExporterArgs:
    """The machines, by their names."""

    places: Mapping[str, Place]
    after: Sequence[pulumi.Resource] = ()
    """What has to be there, and well, before a machine is touched: its other services."""


class NodeExporter(pulumi.ComponentResource):
    """Machines that give figures of themselves, on port 9100."""

    def __init__(self, name: str, args: NodeExporterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:NodeExporter", name, None, opts)
        daemon = Daemon(
            unit=NAME,
            packages=[NAME],
            config=ServiceFile(path=f"/etc/default/{NAME}", content=SETTINGS),
            check=["sh", "-n", FILE],
        )
        for machine, place in args.places.items():
            Service(
                f"{name}-{machine}",
                ServiceArgs(
                    vmid=place.vmid, node=place.node, connection=place.connection, daemon=daemon, after=args.after
                ),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
