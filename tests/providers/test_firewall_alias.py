"""Aliases of the firewall: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.model import canonical
from providers.firewall_alias import FirewallAliasInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver

GUEST: dict[str, Any] = {"vmid": 100, "name": "web", "net0": "virtio,bridge=vmbr0,firewall=1"}
EXAMPLE = {"name": "office", "cidr": "192.0.2.0/24", "comment": "where people sit"}
UPDATES = [
    {"name": "office", "cidr": "192.0.2.0/25", "comment": "where people sit"},
    {"name": "office", "cidr": "2001:db8::/64"},
]
DRIFT = [("PUT", "/cluster/firewall/aliases/office", {"cidr": "198.51.100.7"})]


@pytest.fixture
def alias(simulator: Simulator) -> Driver:
    """An alias in a program."""
    return Driver(simulator, "firewall_alias")


@pytest.mark.parametrize("cidr", ["192.0.2.300", "192.0.2.0/33", "office", ""])
def test_what_is_no_address_is_refused(cidr: str) -> None:
    assert [field for field, _ in canonical(FirewallAliasInputs, {"name": "office", "cidr": cidr}, frozenset())[1]]


def test_a_network_of_one_address_is_that_address(simulator: Simulator, alias: Driver) -> None:
    alias.up({"name": "desk", "cidr": "192.0.2.7/32"})

    assert simulator.by_hand("GET", "/cluster/firewall/aliases/desk")["cidr"] == "192.0.2.7"
    assert alias.drift() == {}


def test_a_comment_by_hand_is_kept_where_none_is_declared(simulator: Simulator, alias: Driver) -> None:
    alias.up({"name": "desk", "cidr": "192.0.2.7"})
    (mark,) = (row["comment"] for row in simulator.by_hand("GET", "/cluster/firewall/aliases"))
    text = {"cidr": "192.0.2.7", "comment": f"by the window {mark}"}
    simulator.by_hand("PUT", "/cluster/firewall/aliases/desk", text)

    alias.up({"name": "desk", "cidr": "192.0.2.8"})

    assert simulator.by_hand("GET", "/cluster/firewall/aliases/desk")["comment"] == f"by the window {mark}"


def test_a_guest_has_aliases_of_its_own(simulator: Simulator, alias: Driver) -> None:
    assert "there is no guest 100" in alias.problems({**EXAMPLE, "vmid": 100})["vmid"]
    simulator.by_hand("POST", "/nodes/pve1/qemu", GUEST)
    alias.again()

    alias.up({**EXAMPLE, "vmid": 100})

    assert alias.id == "vms/100/firewall/aliases/office"
    assert simulator.by_hand("GET", "/cluster/firewall/aliases") == []
    simulator.by_hand("DELETE", "/nodes/pve1/qemu/100")
    assert alias.drift() == {"gone": True}
    alias.delete()
