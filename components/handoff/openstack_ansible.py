"""The networks and hosts of OpenStack-Ansible (`/etc/openstack_deploy/openstack_user_config.yml`).

On each node, bridges of these names have to be on its cards: `br-mgmt`, `br-storage`, `br-vxlan` and, without an
address, `br-vlan`.
"""

from __future__ import annotations

from typing import Any

import yaml

from components.handoff.common import address, cidr, guests_in, kept, network, vip
from lab_outputs.models import Lab

FILE = "openstack_user_config.yml"

BRIDGES = {"management": "br-mgmt", "storage": "br-storage", "tunnel": "br-vxlan", "external": "br-vlan"}
ADDRESSED = ("management", "storage", "tunnel")
EVERYWHERE = (
    "shared-infra_hosts", "repo-infra_hosts", "load_balancer_hosts", "identity_hosts", "image_hosts",
    "storage-infra_hosts", "compute-infra_hosts", "placement-infra_hosts", "dashboard_hosts", "network-infra_hosts",
    "network-northd_hosts", "network-gateway_hosts", "orchestration_hosts", "compute_hosts", "storage_hosts",
)  # fmt: skip
"""Each node does everything."""


def render(lab: Lab) -> str:
    """What is not in a network's pool is the lab's own, and no container gets it."""
    networks = {role: network(lab, role) for role in ADDRESSED}
    management = networks["management"][0]
    hosts = {node.name: {"ip": address(node, management)} for node in guests_in(lab, "nodes")}
    settings: dict[str, Any] = {
        "cidr_networks": {role: cidr(found) for role, (_, found) in networks.items()},
        "used_ips": [taken for _, found in networks.values() for taken in kept(found)],
        "global_overrides": {
            "internal_lb_vip_address": vip(lab, "internal"),
            "external_lb_vip_address": vip(lab, "external"),
            "management_bridge": BRIDGES["management"],
            "provider_networks": [{"network": each} for each in _provider_networks(lab)],
        },
        **{group: {name: dict(host) for name, host in hosts.items()} for group in EVERYWHERE},
    }
    return yaml.safe_dump(settings, sort_keys=False)


def _provider_networks(lab: Lab) -> list[dict[str, Any]]:
    """How containers and agents are in each network."""
    sizes = {role: network(lab, role)[1].mtu or 1500 for role in BRIDGES}
    common = {
        role: {"container_bridge": bridge, "container_mtu": str(sizes[role]), "container_type": "veth"}
        for role, bridge in BRIDGES.items()
    }
    return [
        {
            **common["management"],
            "container_interface": "eth1",
            "ip_from_q": "management",
            "type": "raw",
            "group_binds": ["all_containers", "hosts"],
            "is_management_address": True,
        },
        {
            **common["storage"],
            "container_interface": "eth2",
            "ip_from_q": "storage",
            "type": "raw",
            "group_binds": ["glance_api", "cinder_api", "cinder_volume", "nova_compute"],
        },
        {
            **common["tunnel"],
            "container_interface": "eth10",
            "ip_from_q": "tunnel",
            "type": "geneve",
            "range": "1:1000",
            "net_name": "geneve",
            "group_binds": ["neutron_ovn_controller"],
        },
        {
            **common["external"],
            "container_interface": "eth11",
            "type": "flat",
            "net_name": "physnet1",
            "group_binds": ["neutron_ovn_gateway"],
        },
    ]
