"""The cloud that Juju deploys to: MAAS, where the lab has one, and else machines that are given to it by hand."""

from __future__ import annotations

from typing import Any

import yaml

from components.handoff.common import address, guests_in, network
from lab_outputs.models import Lab

FILE = "juju-clouds.yaml"

NAME = "lab"


def render(lab: Lab) -> str:
    """As `juju add-cloud` reads it."""
    return yaml.safe_dump({"clouds": {NAME: _cloud(lab)}}, sort_keys=False)


def _cloud(lab: Lab) -> dict[str, Any]:
    management, _ = network(lab, "management")
    maas = [guest for guest in lab.guests.values() if "maas" in guest.groups]
    if maas:
        return {
            "type": "maas",
            "auth-types": ["oauth1"],
            "endpoint": f"http://{address(maas[0], management)}:5240/MAAS",
        }
    first = guests_in(lab, "nodes")[0]
    user = first.ssh.user if first.ssh else "ubuntu"
    return {"type": "manual", "auth-types": ["empty"], "endpoint": f"{user}@{address(first, management)}"}
