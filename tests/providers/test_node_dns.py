"""A node's name servers: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from tests.conftest import Simulator
from tests.providers.guests import Driver

EXAMPLE = {"node": "pve1", "search": "lab.example.org", "dns1": "192.0.2.53", "dns2": "2001:DB8::53"}
UPDATES = [
    {"node": "pve1", "search": "lab.example.org", "dns1": "192.0.2.54"},
    {"node": "pve1", "search": "example.org", "dns1": "192.0.2.54", "dns3": "192.0.2.55"},
]
DRIFT = [("PUT", "/nodes/pve1/dns", {"search": "elsewhere.example.org", "dns1": "192.0.2.99"})]
EXCLUSIVE = False


def test_what_is_not_declared_stays_and_what_is_given_up_is_again_as_it_was(simulator: Simulator) -> None:
    dns = Driver(simulator, "node_dns")
    dns.up({"node": "pve1", "dns1": "192.0.2.53", "dns2": "192.0.2.54"})
    assert simulator.by_hand("GET", "/nodes/pve1/dns") == {
        "search": "example.test", "dns1": "192.0.2.53", "dns2": "192.0.2.54",
    }  # fmt: skip

    dns.up({"node": "pve1", "dns2": "192.0.2.54"})

    assert simulator.by_hand("GET", "/nodes/pve1/dns")["dns1"] == "192.0.2.1"


def test_two_resources_for_one_node_are_refused(simulator: Simulator) -> None:
    one, other = Driver(simulator, "node_dns", "one"), Driver(simulator, "node_dns", "other")
    other.facts = one.facts
    one.up(EXAMPLE)

    assert other.problems(EXAMPLE) == {"node": "another resource of this program has the dns of pve1"}


def test_a_node_that_does_not_exist_is_named(simulator: Simulator) -> None:
    assert Driver(simulator, "node_dns").problems({**EXAMPLE, "node": "pve7"}) == {
        "node": "there is no node 'pve7'; there are pve1"
    }
