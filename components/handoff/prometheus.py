"""Prometheus: guests and hosts as the targets of their node exporters, for `file_sd_configs`.

Whoever scrapes something else than the node exporter takes the same file and puts another port on by relabelling.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from components.handoff import NothingForItError
from lab_outputs.models import Lab

FILE = "prometheus-targets.json"
PORT = 9100
"""Where a node exporter listens."""


def render(lab: Lab) -> str:
    """One target for each guest with a fixed address, and for each host whose address is known."""
    found = [*_guests(lab), *_hosts(lab)]
    if not found:
        raise NothingForItError("none of its guests has a fixed address, and no host's address is known")
    return json.dumps(found, indent=2) + "\n"


def _guests(lab: Lab) -> Iterator[dict[str, Any]]:
    for name, guest in lab.guests.items():
        if guest.address is not None:
            labels = {"name": name, "type": guest.type, "vmid": str(guest.vmid), "host": guest.host, "lab": lab.kind}
            yield _target(guest.address, {**labels, "groups": _listed(guest.groups)})


def _hosts(lab: Lab) -> Iterator[dict[str, Any]]:
    for name, host in lab.hosts.items():
        if host.address is not None:
            yield _target(host.address, {"name": name, "type": "node", "host": name, "lab": lab.kind})


def _target(address: str, labels: dict[str, str]) -> dict[str, Any]:
    at = f"[{address}]" if ":" in address else address
    return {"targets": [f"{at}:{PORT}"], "labels": {name: value for name, value in labels.items() if value}}


def _listed(groups: tuple[str, ...]) -> str:
    """With a comma at both ends, so that one group is found by `.*,web,.*`, as Prometheus does it itself."""
    return f",{','.join(groups)}," if groups else ""
