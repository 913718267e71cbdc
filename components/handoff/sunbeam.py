"""The manifest of Canonical OpenStack (`sunbeam cluster bootstrap --manifest`): what it would ask for otherwise."""

from __future__ import annotations

from typing import Any

import yaml

from components.handoff.common import cidr, guests_in, interface, network, pool
from lab_outputs.models import Lab

FILE = "manifest.yaml"


def render(lab: Lab) -> str:
    """All nodes do everything."""
    (_, management), (outer, external) = network(lab, "management"), network(lab, "external")
    nodes = {f"{node.name}.{management.domain}": node for node in guests_in(lab, "nodes")}
    config: dict[str, Any] = {
        "proxy": {"proxy_required": False},
        "bootstrap": {"management_cidr": cidr(management)},
        "region": "RegionOne",
        "k8s-addons": {"loadbalancer": "-".join(pool(management))},
        "microceph_config": {
            name: {"osd_devices": ",".join(node.data_disks)} for name, node in nodes.items() if node.data_disks
        },
        "user": {"run_demo_setup": False, "remote_access_location": "remote"},
        "external_network": {
            "cidr": cidr(external),
            "gateway": external.gateway,
            "range": "-".join(pool(external)),
            "network_type": "flat",
            "nics": {name: interface(node, outer) for name, node in nodes.items()},
        },
    }
    return yaml.safe_dump({"core": {"config": config}}, sort_keys=False)
