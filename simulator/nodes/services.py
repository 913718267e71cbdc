"""The daemons of a node, as systemd would show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.nodes.records import ServiceState
from simulator.state import Datacenter


@dataclass(frozen=True, slots=True)
class Unit:
    """A daemon: its description, whether it starts by itself, and whether its package is there at all."""

    description: str
    enablement: str = "enabled"

    @property
    def installed(self) -> bool:
        """Tell whether there is such a unit."""
        return self.enablement != "not-found"


UNITS: dict[str, Unit] = {
    "chrony": Unit("chrony, an NTP client/server"),
    "corosync": Unit("Corosync Cluster Engine"),
    "cron": Unit("Regular background program processing daemon"),
    "ksmtuned": Unit("Kernel Samepage Merging (KSM) Tuning Daemon"),
    "lxcfs": Unit("FUSE filesystem for LXC"),
    "postfix": Unit("Postfix Mail Transport Agent (instance -)"),
    "proxmox-firewall": Unit("Proxmox nftables firewall"),
    "pve-cluster": Unit("The Proxmox VE cluster filesystem"),
    "pve-firewall": Unit("Proxmox VE firewall"),
    "pve-ha-crm": Unit("PVE Cluster HA Resource Manager Daemon"),
    "pve-ha-lrm": Unit("PVE Local HA Resource Manager Daemon"),
    "pve-lxc-syscalld": Unit("Proxmox VE LXC Syscall Daemon"),
    "pvedaemon": Unit("PVE API Daemon"),
    "pvefw-logger": Unit("Proxmox VE firewall logger", "static"),
    "pveproxy": Unit("PVE API Proxy Server"),
    "pvescheduler": Unit("Proxmox VE scheduler"),
    "pvestatd": Unit("PVE Status Daemon"),
    "qmeventd": Unit("PVE Qemu Event Daemon"),
    "spiceproxy": Unit("PVE SPICE Proxy Server"),
    "sshd": Unit("OpenBSD Secure Shell server"),
    "syslog": Unit("syslog.service", "not-found"),
    "systemd-journald": Unit("Journal Service", "static"),
    "systemd-timesyncd": Unit("systemd-timesyncd.service", "not-found"),
}


def starts_at_boot(datacenter: Datacenter, service: str) -> bool:
    """Tell whether a daemon runs after a start of its node; corosync does so in a cluster only."""
    return UNITS[service].installed and (service != "corosync" or datacenter.clustered)


def is_running(datacenter: Datacenter, node: str, service: str) -> bool:
    """Tell whether a daemon runs."""
    changed = datacenter.services.get(f"{node}/{service}")
    return changed.running if changed is not None else starts_at_boot(datacenter, service)


def set_running(datacenter: Datacenter, node: str, service: str, *, running: bool) -> None:
    """Start or stop a daemon."""
    datacenter.services.put(ServiceState(node=node, service=service, running=running))


def start_all(datacenter: Datacenter, node: str) -> None:
    """Let all daemons be as after a start of the node."""
    for state in [state for state in datacenter.services if state.node == node]:
        datacenter.services.delete(f"{node}/{state.service}")


def boot_messages(datacenter: Datacenter) -> Iterator[str]:
    """Yield what systemd says while it starts the daemons."""
    for name, unit in UNITS.items():
        if starts_at_boot(datacenter, name):
            yield f"Started {name}.service - {unit.description}."
