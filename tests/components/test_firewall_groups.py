"""The ready-made security groups: they are as Proxmox takes them."""

from __future__ import annotations

from components.firewall_groups import pve_cluster, pve_management, pve_services
from tests.conftest import Simulator
from tests.providers.guests import Driver

NODES = {"name": "nodes", "cidr": "192.0.2.0/24"}


def ports(simulator: Simulator, group: str) -> set[tuple[str, str, str]]:
    """What a group lets through, as Proxmox lists it."""
    rows = simulator.by_hand("GET", f"/cluster/firewall/groups/{group}")
    return {(row["type"], row["proto"], row["dport"]) for row in rows if row["enable"]}


def test_the_ready_made_groups_are_as_proxmox_takes_them(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/cluster/firewall/aliases", NODES)
    groups = {"pve-management": pve_management("nodes"), "pve-cluster": pve_cluster("dc/nodes")}
    groups["pve-services"] = pve_services()
    for name, rules in groups.items():
        Driver(simulator, "security_group", name).up({"group": name, "rules": [rule.as_dict() for rule in rules]})

    assert ports(simulator, "pve-management") >= {("in", "tcp", "8006"), ("in", "tcp", "22")}
    assert ports(simulator, "pve-cluster") >= {("in", "udp", "5405:5412"), ("in", "tcp", "60000:60050")}
    assert ports(simulator, "pve-services") == {("in", "udp", "111"), ("out", "tcp", "25")}
