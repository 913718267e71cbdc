"""The settings of Kolla Ansible (`/etc/kolla/globals.yml`): who is reached where, and what is switched on."""

from __future__ import annotations

import yaml

from components.handoff.common import guests_in, interface, network, vip
from lab_outputs.models import Lab

FILE = "globals.yml"

INTERFACES = {
    "management": ("network_interface", "api_interface", "kolla_external_vip_interface"),
    "storage": ("storage_interface",),
    "migration": ("migration_interface",),
    "tunnel": ("tunnel_interface",),
    "external": ("neutron_external_interface",),
}
"""What a network is for -> the settings that name the nodes' card in it."""
NEEDED = ("management", "external")
"""Without the others, Kolla takes that of the management."""


def render(lab: Lab) -> str:
    """All nodes have their cards in the same order, so one name holds for all."""
    node = guests_in(lab, "nodes")[0]
    settings: dict[str, object] = {
        "kolla_base_distro": "ubuntu",
        "kolla_internal_vip_address": vip(lab, "internal"),
        "kolla_external_vip_address": vip(lab, "external"),
    }
    there = {role: name for name, each in lab.networks.items() for role in each.roles}
    for role, names in INTERFACES.items():
        if role in there or role in NEEDED:
            settings |= dict.fromkeys(names, interface(node, network(lab, role)[0]))
    settings |= {
        "enable_haproxy": "yes",
        "enable_neutron_provider_networks": "yes",
        "nova_compute_virt_type": "kvm",
    }
    return yaml.safe_dump(settings, sort_keys=False)
