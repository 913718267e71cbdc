"""Ready-made rules for security groups: what the nodes of Proxmox VE have to hear.

SecurityGroup("management", group="pve-management", rules=pve_management("+dc/management"))
SecurityGroup("cluster", group="pve-cluster", rules=pve_cluster("+dc/nodes"))
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.firewall_rules import FirewallRule


@dataclass(frozen=True)
class Service:
    """Something that nodes listen to."""

    name: str
    proto: str
    dport: str


MANAGEMENT = (
    Service("web interface and API", "tcp", "8006"),
    Service("SSH", "tcp", "22"),
    Service("VNC consoles", "tcp", "5900:5999"),
    Service("SPICE proxy", "tcp", "3128"),
)
CLUSTER = (
    Service("corosync", "udp", "5405:5412"),
    Service("live migration", "tcp", "60000:60050"),
    Service("SSH between nodes", "tcp", "22"),
    Service("API between nodes", "tcp", "8006"),
)


def pve_management(source: str) -> list[FirewallRule]:
    """What people and programs need to manage the nodes, from `source`."""
    return _accepting(MANAGEMENT, source)


def pve_cluster(source: str) -> list[FirewallRule]:
    """What the nodes of a cluster need of each other; `source` is all of them."""
    return _accepting(CLUSTER, source)


def pve_services() -> list[FirewallRule]:
    """What some set-ups need besides: NFS (rpcbind) from anywhere, and mail that the nodes send."""
    return [
        FirewallRule(type="in", action="ACCEPT", proto="udp", dport="111", comment="rpcbind"),
        FirewallRule(type="out", action="ACCEPT", proto="tcp", dport="25", comment="mail"),
    ]


def _accepting(services: tuple[Service, ...], source: str) -> list[FirewallRule]:
    return [
        FirewallRule(
            type="in",
            action="ACCEPT",
            source=source,
            proto=service.proto,
            dport=service.dport,
            comment=service.name,
        )
        for service in services
    ]
