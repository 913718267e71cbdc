"""The privileges that a firewall's scope asks for: enough for all of its resources, and told when one is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Simulator
from tests.providers.firewall import accept
from tests.providers.guests import Driver
from tests.providers.test_guest_permits import log_in_with

GUEST = {"vmid": 100}
FORWARD = [{"type": "forward", "action": "DROP"}]


@pytest.fixture
def rules(simulator: Simulator) -> Driver:
    """A list of rules in a program, on a host with a guest and a virtual network."""
    simulator.by_hand("POST", "/nodes/pve1/qemu", {**GUEST, "name": "web"})
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "z1", "type": "simple"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "v1", "zone": "z1"})
    return Driver(simulator, "firewall_rules")


def test_who_may_configure_the_network_of_a_guest_may_have_its_firewall(simulator: Simulator, rules: Driver) -> None:
    log_in_with(rules, {"/vms/100": "VM.Audit,VM.Config.Network"})
    made: list[tuple[str, dict[str, Any]]] = [
        ("firewall_alias", {**GUEST, "name": "desk", "cidr": "192.0.2.7"}),
        ("ip_set", {**GUEST, "name": "staff", "entries": {"guest/desk": {}}}),
        ("firewall_options", {**GUEST, "enable": True}),
    ]

    rules.up({**GUEST, "rules": [accept(80)]})
    for kind, args in made:
        other = Driver(simulator, kind)
        other.client = rules.client
        other.again()
        other.up(args)
        assert other.drift() == {}

    needed = "it needs Sys.Modify on /: pveum acl modify /"
    rules.again()
    assert needed in rules.problems({"rules": [accept(80)]})["connection"]
    assert "it needs Sys.Modify on /nodes/pve1" in rules.problems({"node": "pve1", "rules": [accept(80)]})["connection"]


def test_who_may_allocate_in_a_zone_may_have_the_firewalls_of_its_networks(rules: Driver) -> None:
    wanted = {"vnet": "v1", "rules": FORWARD}
    log_in_with(rules, {"/sdn/zones/z1": "SDN.Audit"})
    refused = rules.problems(wanted)["connection"]
    rules.simulator.by_hand("PUT", "/access/roles/role1", {"privs": "SDN.Audit,SDN.Allocate"})
    rules.again()

    rules.up(wanted)

    assert "it needs SDN.Allocate on /sdn/zones/z1/v1" in refused
    assert "--roles PVESDNAdmin" in refused
    assert rules.drift() == {}
