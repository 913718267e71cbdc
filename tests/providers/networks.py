"""The networks of the environments that this project is for, as a program declares them for one node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator import daemon
from tests.conftest import Simulator
from tests.simulator.test_ssh import Remote, connected

HOST = """
datacenters:
  lab:
    clustered: false
    nodes:
      pve1: {ip: 192.0.2.10, nics: [eno1, eno2, eno3, eno4, ens1f0, ens1f1]}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso"}
"""
"""A host as its installer leaves it: the first card in a bridge with the address, five more cards."""
INTERFACES = "/etc/network/interfaces"
WAY_IN = {"cidr": "192.0.2.10/24", "gateway": "192.0.2.1"}

VLANS = (6, 7, 8, 10, 18)
OPENSTACK_LAB: dict[str, Any] = {
    "vmbr0": {"type": "OVSBridge", "ovs_ports": ["ens1f0"], "mtu": 9000, "comments": "Web Management"},
    "ens1f0": {"type": "OVSPort", "ovs_bridge": "vmbr0", "mtu": 9000},
    **{
        f"vlan{tag}i": {
            "type": "OVSIntPort", "ovs_bridge": "vmbr0", "ovs_tag": tag, "cidr": f"10.{tag}.0.1/24", "mtu": 9000,
        }
        for tag in VLANS
    },
    "outside": {
        "type": "OVSIntPort", "ovs_bridge": "vmbr0", "mtu": 1500, **WAY_IN,
        "masquerade": [f"10.{tag}.0.0/24" for tag in VLANS],
    },
}  # fmt: skip
OPENSTACK_LAB["vlan6i"]["options"] = ["ovs_extra set interface ${IFACE} external-ids:iface-id=pve1-${IFACE}-vif"]
BRIDGE = {"vmbr0": {"type": "bridge", "bridge_ports": ["eno1"], "autostart": True, **WAY_IN}}
BOND = {
    "bond0": {
        "type": "bond", "slaves": ["eno1", "eno2"], "bond_mode": "active-backup", "bond_primary": "eno1",
    },
    "vmbr0": {"type": "bridge", "bridge_ports": ["bond0"], "autostart": True, **WAY_IN},
}  # fmt: skip
VLAN_BRIDGE = {
    "vmbr0": {"type": "bridge", "bridge_ports": ["eno1"], "bridge_vlan_aware": True, "autostart": True, **WAY_IN},
    "vmbr0.10": {"type": "vlan", "cidr": "10.0.10.1/24", "comments": "management"},
    "vmbr0.20": {"type": "vlan", "cidr": "10.0.20.1/24", "comments": "applications"},
    "vmbr0.30": {"type": "vlan", "cidr": "10.0.30.1/24", "mtu": 1400, "comments": "storage"},
}
ROLES = {
    "bond0": {"type": "bond", "slaves": ["ens1f0", "ens1f1"], "bond_mode": "802.3ad", "mtu": 9000},
    "vmbr1": {"type": "bridge", "bridge_ports": ["bond0"], "cidr": "10.1.0.10/24", "mtu": 9000, "comments": "cluster"},
    "bond0.50": {"type": "vlan", "cidr": "10.50.0.10/24", "mtu": 9000, "comments": "Ceph, public"},
    "bond0.51": {"type": "vlan", "cidr": "10.51.0.10/24", "mtu": 9000, "comments": "Ceph, cluster"},
}
SERVICES = {"vmbr1": {"type": "bridge", "cidr": "10.0.1.11/24", "mtu": 1400, "comments": "services"}}
APART = {"vmbr1": {"type": "bridge", "cidr": "10.0.1.12/24", "forward_only_to": "vmbr0"}}
NETWORKS = {
    "the OpenStack lab": OPENSTACK_LAB,
    "a bridge": BRIDGE,
    "a bond under a bridge": BOND,
    "VLANs on a bridge": VLAN_BRIDGE,
    "roles on a bond": ROLES,
    "a bridge for services": SERVICES,
    "a bridge that leads outside alone": APART,
}
"""What it is -> interfaces."""
TAKES_OVER = {"adopt": "if-exists"}
"""The installer's bridge is the program's from here on."""


@contextmanager
def lab(place: Path, hosts: str = HOST) -> Iterator[Simulator]:
    """A simulator of such a host, or of others."""
    topology = place / "lab.yaml"
    topology.write_text(hosts, encoding="utf-8")
    try:
        yield Simulator(daemon.ensure(place / "lab", str(topology)), place)
    finally:
        daemon.stop(place / "lab")


def file_of(simulator: Simulator, node: str = "pve1", path: str = INTERFACES) -> str:
    """A file as somebody sees it who is logged in on the node."""
    with connected(simulator.running, node) as client:
        return Remote(client).ok(f"cat {path}")


def on_node(simulator: Simulator, command: str, node: str = "pve1") -> str:
    """What a command on the node prints."""
    with connected(simulator.running, node) as client:
        return Remote(client).run(command).out
