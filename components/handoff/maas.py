"""The machines that MAAS is to know: a list in YAML, each entry with the words of `maas … machines create`.

MAAS switches the machines on and off by the API of their host, with a token whose secret is in no file: whoever feeds
the list puts it in place of `${MAAS_POWER_TOKEN_SECRET}`. It is among the lab's credentials, as `power`.
"""

from __future__ import annotations

from typing import Any

import yaml

from components.handoff.common import guests_in, network
from lab_outputs.models import Guest, Lab

FILE = "maas-machines.yaml"

POWER_USER, POWER_TOKEN = "maas@pve", "power"


def render(lab: Lab) -> str:
    """Each of the lab's nodes."""
    machines = [_machine(lab, guest) for guest in guests_in(lab, "nodes")]
    return yaml.safe_dump({"machines": machines}, sort_keys=False)


def _machine(lab: Lab, guest: Guest) -> dict[str, Any]:
    nics = [guest.nics[slot] for slot in sorted(guest.nics)]
    return {
        "hostname": guest.name,
        "architecture": "amd64/generic",
        "mac_addresses": [nic.mac for nic in nics],
        "power_type": "proxmox",
        "power_parameters": {
            "power_address": _power_address(lab, guest),
            "power_user": POWER_USER,
            "power_token_name": POWER_TOKEN,
            "power_token_secret": f"${{{secret_of(_connection(lab, guest))}}}",
            "power_vm_name": str(guest.vmid),
            "power_verify_ssl": "n",
        },
    }


def secret_of(connection: str | None) -> str:
    """The variable that has the secret: one for each connection of a lab that has several."""
    return "_".join(["MAAS_POWER_TOKEN_SECRET", *([connection.upper().replace("-", "_")] if connection else [])])


def _connection(lab: Lab, guest: Guest) -> str | None:
    return lab.hosts[guest.host].connection


def _power_address(lab: Lab, guest: Guest) -> str | None:
    """A gateway that is a host speaks for its whole cluster; a host of another connection speaks for itself."""
    _, boot = network(lab, "boot")
    own = lab.hosts[guest.host]
    if boot.gateway_host is not None and lab.hosts[boot.gateway_host].connection == own.connection:
        return boot.gateway
    return own.address
