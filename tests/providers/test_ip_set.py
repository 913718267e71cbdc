"""IP sets: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import ApiRefused
from tests.conftest import Simulator
from tests.providers.firewall import calls
from tests.providers.guests import Driver

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/cluster/firewall/aliases", {"name": "office", "cidr": "192.0.2.0/24"}),
    ("POST", "/nodes/pve1/qemu", {"vmid": 100, "name": "web", "net0": "virtio,bridge=vmbr0,firewall=1"}),
]
EXAMPLE: dict[str, Any] = {
    "name": "blocked",
    "vmid": 100,
    "comment": "who is not to come in",
    "entries": {"198.51.100.0/24": {"comment": "noise"}, "198.51.100.7/32": {"nomatch": True}, "dc/office": {}},
}
UPDATES = [
    {**EXAMPLE, "entries": {"198.51.100.0/24": {"comment": "louder"}, "2001:db8::/32": {}}},
    {"name": "blocked", "vmid": 100, "entries": {"198.51.100.0/24": {"comment": "louder"}, "203.0.113.9": {}}},
]
DRIFT = [
    ("POST", "/nodes/pve1/qemu/100/firewall/ipset/blocked", {"cidr": "10.0.0.0/8"}),
    ("DELETE", "/nodes/pve1/qemu/100/firewall/ipset/blocked/203.0.113.9", {}),
]

SET = "/cluster/firewall/ipset/blocked"


def entries_of(simulator: Simulator) -> dict[str, tuple[bool, str]]:
    """What is in the set: whether each one is an exception, and its comment."""
    found = simulator.by_hand("GET", SET)
    return {row["cidr"]: (bool(row.get("nomatch")), row.get("comment", "")) for row in found}


@pytest.fixture
def blocked(simulator: Simulator) -> Driver:
    """A set of the cluster in a program."""
    return Driver(simulator, "ip_set")


def test_only_the_entries_that_differ_are_touched(simulator: Simulator, blocked: Driver) -> None:
    many = {f"192.0.2.{number}": {"comment": str(number)} for number in range(1, 31)}
    blocked.up({"name": "blocked", "entries": many})
    wanted = {**many, "192.0.2.1": {"nomatch": True}, "198.51.100.0/24": {}}
    del wanted["192.0.2.2"]
    blocked.again()
    simulator.forget_requests()

    blocked.up({"name": "blocked", "entries": wanted})

    counted = calls(simulator)
    assert (counted["PUT"], counted["POST"], counted["DELETE"]) == (1, 1, 1)
    found = entries_of(simulator)
    assert found.keys() == wanted.keys()
    assert found["192.0.2.1"] == (True, "")


def test_entries_are_written_as_proxmox_keeps_them(simulator: Simulator, blocked: Driver) -> None:
    blocked.up({"name": "blocked", "entries": {"192.0.2.77/24": {}, "192.0.2.9/32": {}, "2001:DB8::1": {}}})

    assert set(entries_of(simulator)) == {"192.0.2.0/24", "192.0.2.9", "2001:DB8::1"}
    assert blocked.drift() == {}


@pytest.mark.parametrize(
    ("entry", "problem"), [("0.0.0.0/0", "a zero prefix"), ("192.0.2.0/33", "no IP address or network")]
)
def test_an_entry_that_proxmox_refuses_is_refused_in_preview(blocked: Driver, entry: str, problem: str) -> None:
    ((_, text),) = blocked.check({"name": "blocked", "entries": {entry: {}}})[1]

    assert problem in text


def test_an_alias_that_nobody_has_is_refused(blocked: Driver) -> None:
    problems = blocked.problems({"name": "blocked", "entries": {"dc/office": {}}})

    assert problems == {"entries.dc/office": "there is no alias 'dc/office', and this program makes none"}


def test_a_set_with_entries_that_nobody_has_seen_is_not_removed(simulator: Simulator, blocked: Driver) -> None:
    blocked.up({"name": "blocked", "entries": {"192.0.2.1": {}, "192.0.2.2": {}}})
    simulator.by_hand("POST", SET, {"cidr": "203.0.113.7"})

    with pytest.raises(ApiRefused, match="IPSet 'blocked' is not empty"):
        blocked.delete()

    assert set(entries_of(simulator)) == {"203.0.113.7"}


def test_a_set_with_our_entries_is_removed_by_one_call(simulator: Simulator, blocked: Driver) -> None:
    blocked.up({"name": "blocked", "entries": {f"192.0.2.{number}": {} for number in range(1, 20)}})
    simulator.forget_requests()

    blocked.delete()

    assert calls(simulator)["DELETE"] == 1
    assert simulator.by_hand("GET", "/cluster/firewall/ipset") == []
