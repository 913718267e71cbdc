"""A lab's outputs as a reader takes them, once they hold together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab_outputs import Lab
from tests.engine import Program


def told(outputs: Mapping[str, Any]) -> Lab:
    """What a stack exports, if it is all that a lab may tell, and names nothing that is not in it."""
    assert set(outputs) <= set(Lab.model_fields), "a reader would not see it"
    lab = Lab.model_validate(outputs)
    for name, guest in lab.guests.items():
        assert guest.name == name
        assert guest.host in lab.hosts, name
        assert {nic.network for nic in guest.nics.values()} <= {*lab.networks, None}, name
    for name, vip in lab.vips.items():
        assert {*vip.members} <= {*lab.guests, *lab.hosts}, name
        assert vip.network in {*lab.networks, None}, name
    assert set(lab.templates) <= set(lab.hosts)
    return lab


def told_by(program: Program) -> Lab:
    """What the stack of a program that has been run exports."""
    return told(json.loads(program.pulumi("stack", "output", "--json", "--show-secrets").stdout))
