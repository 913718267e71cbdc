"""Rules of high availability: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._ha.contradictions import Rule, contradictions
from providers._runtime.errors import ApiRefused
from providers._runtime.model import canonical
from providers.ha_rule import HaRuleInputs
from simulator.ha.feasibility import problem
from simulator.records import Section
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.runtime.doors import requests_on
from tests.simulator.conftest import started

TOPOLOGY = "three-nodes"
SETUP: list[tuple[str, str, dict[str, Any]]] = [
    (method, path, {**parameters, name: value})
    for vmid in (100, 101, 102)
    for method, path, parameters, name, value in (
        ("POST", "/nodes/pve1/qemu", {"memory": 512}, "vmid", vmid),
        ("POST", "/cluster/ha/resources", {"state": "stopped"}, "sid", f"vm:{vmid}"),
    )
]
EXAMPLE: dict[str, Any] = {
    "rule": "near-the-tape",
    "type": "node-affinity",
    "resources": ["vm:100"],
    "nodes": ["pve1:2", "pve2"],
}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "resources": ["vm:101", "vm:100"], "nodes": ["pve2:1", "pve1:0"], "strict": True},
    {**EXAMPLE, "disable": True, "comment": "off for a while"},
]
DRIFT = [("PUT", "/cluster/ha/rules/near-the-tape", {"type": "node-affinity", "nodes": "pve3", "strict": 1})]
TOGETHER: dict[str, Any] = {
    "rule": "pair",
    "type": "resource-affinity",
    "resources": ["vm:100", "vm:101"],
    "affinity": "positive",
}
APART = {**TOGETHER, "rule": "apart", "affinity": "negative"}
OLD_CLUSTER = """
datacenters:
  lab:
    clustered: true
    version: "8.4"
    nodes:
      pve1: {cpus: 8, memory: 32G, disk: 100G, ip: 192.0.2.11}
      pve2: {cpus: 8, memory: 32G, disk: 100G, ip: 192.0.2.12}
      pve3: {cpus: 8, memory: 32G, disk: 100G, ip: 192.0.2.13}
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso,vztmpl,backup", size: 100G}
"""
GROUP = "/cluster/ha/groups/near-the-tape"


def with_guests(simulator: Simulator) -> Simulator:
    """Make the guests, and put them under HA."""
    for method, path, parameters in SETUP:
        simulator.by_hand(method, path, parameters)
    simulator.forget_requests()
    return simulator


@pytest.fixture
def rule(cluster: Simulator) -> Driver:
    """A rule of a program on a cluster with three guests under HA."""
    return Driver(with_guests(cluster), "ha_rule")


@pytest.fixture(scope="module")
def old_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A cluster that is older than rules."""
    place = tmp_path_factory.mktemp("old")
    with started(place, OLD_CLUSTER) as running:
        yield Simulator(running, place)


@pytest.fixture
def old_rule(old_cluster: Simulator) -> Driver:
    """A rule of a program on such a cluster with three guests under HA."""
    old_cluster.control("POST", "reset")
    return Driver(with_guests(old_cluster), "ha_rule")


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"nodes": None}, "nodes: a rule of type node-affinity needs it"),
        ({"affinity": "positive"}, "affinity: a rule of type node-affinity has no such field"),
        ({"type": "resource-affinity"}, "affinity: a rule of type resource-affinity needs it"),
        ({"resources": ["100"]}, "String should match"),
    ],
)
def test_a_field_of_the_other_type_is_refused(changed: dict[str, Any], refusal: str) -> None:
    _, problems = canonical(HaRuleInputs, {**EXAMPLE, **changed}, frozenset())

    assert refusal in problems[0][1]


def test_guests_apart_from_each_other_are_two_at_least() -> None:
    _, problems = canonical(HaRuleInputs, {**TOGETHER, "resources": ["vm:100", "vm:100"]}, frozenset())

    assert "an affinity is between two guests at least" in problems[0][1]


def test_guests_are_kept_together_and_then_apart(rule: Driver) -> None:
    rule.up(TOGETHER)
    assert rule.drift() == {}
    rule.up({**TOGETHER, "affinity": "negative", "resources": ["vm:100", "vm:102"]})
    assert rule.drift() == {}
    rule.delete()

    assert rule.simulator.by_hand("GET", "/cluster/ha/rules") == []


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"nodes": ["pve1", "pve9:3"]}, "there is no node 'pve9'; there are pve1, pve2, pve3"),
        ({"resources": ["vm:300"]}, "vm:300 is not under HA, and no HaResource of this program puts it there"),
    ],
)
def test_what_is_not_there_is_refused_in_the_preview(changed: dict[str, Any], refusal: str, rule: Driver) -> None:
    assert refusal in rule.problems({**EXAMPLE, **changed}).values()


def test_a_guest_that_the_same_program_puts_under_ha_may_be_named(rule: Driver) -> None:
    rule.simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 300, "memory": 512})
    resource = Driver(rule.simulator, "ha_resource")
    resource.facts = rule.facts
    resource.check({"vmid": 300})

    assert rule.problems({**EXAMPLE, "resources": ["vm:300"]}) == {}


def test_a_rule_that_contradicts_one_on_the_host_is_refused_in_the_preview(rule: Driver) -> None:
    by_hand = {"rule": "old", "type": "resource-affinity", "resources": "vm:100,vm:101", "affinity": "negative"}
    rule.simulator.by_hand("POST", "/cluster/ha/rules", by_hand)

    found = rule.problems(TOGETHER)

    assert found == {"resources": "vm:100, vm:101 are in rule old, which says the opposite of them"}


def test_rules_of_one_program_that_contradict_each_other_are_refused_in_the_preview(rule: Driver) -> None:
    found = []
    for args in (EXAMPLE, {**EXAMPLE, "rule": "far"}, TOGETHER | {"resources": ["vm:101", "vm:102"]}, APART):
        other = Driver(rule.simulator, "ha_rule", args["rule"])
        other.facts = rule.facts
        found.append(other.problems({**args, "resources": args["resources"]}))
    crossing = Driver(rule.simulator, "ha_rule", "crossing")
    crossing.facts = rule.facts
    found.append(crossing.problems({**APART, "rule": "crossing", "resources": ["vm:101", "vm:102"]}))

    assert found == [
        {},
        {"resources": "vm:100 is in another rule of node affinity already"},
        {},
        {},
        {"resources": "another rule of this program says the opposite of vm:101 and vm:102"},
    ]


def test_a_guest_may_change_from_one_rule_of_a_program_to_another(rule: Driver) -> None:
    rule.up(EXAMPLE)
    other = Driver(rule.simulator, "ha_rule", "other")

    assert rule.problems({**EXAMPLE, "resources": ["vm:101"]}) == {}
    assert other.problems({**EXAMPLE, "rule": "other"}) == {}


def test_a_preview_of_many_rules_asks_for_each_thing_once(rule: Driver) -> None:
    for number, sid in enumerate(("vm:100", "vm:101", "vm:102")):
        other = Driver(rule.simulator, "ha_rule", f"rule{number}")
        other.facts = rule.facts
        assert other.problems({**EXAMPLE, "rule": f"rule{number}", "resources": [sid]}) == {}

    asked = [row["path"] for row in rule.simulator.requests()]
    assert len(asked) == len(set(asked)) == 5, asked


# ---------------------------------------------------------------- hosts that have groups instead


def test_on_an_older_host_a_rule_is_kept_as_a_group_of_nodes(old_rule: Driver) -> None:
    host = old_rule.simulator
    old_rule.up({**EXAMPLE, "strict": True, "comment": "tapes"})
    assert old_rule.drift() == {}
    group = host.by_hand("GET", GROUP)
    assert (group["nodes"], group["restricted"]) == ("pve1:2,pve2", 1)
    assert host.by_hand("GET", "/cluster/ha/resources/vm:100")["group"] == "near-the-tape"

    old_rule.up({**EXAMPLE, "resources": ["vm:101", "vm:102"], "nodes": ["pve3"]})
    assert old_rule.drift() == {}
    members = {row["sid"]: row.get("group") for row in host.by_hand("GET", "/cluster/ha/resources")}
    assert members == {"vm:100": None, "vm:101": "near-the-tape", "vm:102": "near-the-tape"}
    host.by_hand("PUT", "/cluster/ha/resources/vm:102", {"delete": "group"})
    assert old_rule.drift() == {"resources": ["vm:101"]}
    old_rule.delete()

    assert host.by_hand("GET", "/cluster/ha/groups") == []
    assert old_rule.drift() == {"gone": True}
    assert requests_on(host, "/cluster/ha/rules") == 0


def test_on_an_older_host_what_a_group_cannot_say_is_refused_in_the_preview(old_rule: Driver) -> None:
    found = old_rule.problems(TOGETHER), old_rule.problems({**EXAMPLE, "rule": "off", "disable": True})
    resource = Driver(old_rule.simulator, "ha_resource")

    assert "resource affinity from 9.0 on; this host is older" in found[0]["type"]
    assert "can switch a rule off from 9.0 on" in found[1]["disable"]
    assert "Proxmox VE has it from 9.0 on" in resource.problems({"vmid": 100, "failback": False})["failback"]
    assert resource.problems({"vmid": 100}) == {}


# ---------------------------------------------------------------- contradictions

SIDS = [f"vm:{number}" for number in range(100, 105)]
NODES = ["pve1", "pve2", "pve3"]


@st.composite
def rule_sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Some rules on three nodes."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["node-affinity", "positive", "negative"]))
        least = 1 if kind == "node-affinity" else 2
        values: dict[str, Any] = {
            "rule": f"rule{number}",
            "resources": draw(st.lists(st.sampled_from(SIDS), min_size=least, max_size=4, unique=True)),
        }
        if kind == "node-affinity":
            names = draw(st.lists(st.sampled_from(NODES), min_size=1, unique=True))
            nodes = [name + draw(st.sampled_from(["", "", ":1"])) for name in names]
            rules.append({**values, "type": kind, "nodes": nodes})
        else:
            rules.append({**values, "type": "resource-affinity", "affinity": kind})
    return rules


def section(values: dict[str, Any]) -> Section:
    """A rule as the simulator keeps it."""
    options: dict[str, str] = {name: ",".join(values[name]) for name in ("resources", "nodes") if name in values}
    options |= {name: values[name] for name in ("affinity",) if name in values}
    return Section(id=values["rule"], type=values["type"], options=options)


@given(rule_sets())
def test_a_preview_refuses_the_rules_that_proxmox_does_and_no_others(rules: list[dict[str, Any]]) -> None:
    *earlier, last = rules
    others: list[dict[str, Any]] = []
    for each in earlier:  # what contradicts is not there, as Proxmox has refused it
        others += [each] if problem(section(each), map(section, others), len(NODES)) is None else []

    found = list(contradictions(Rule.of(last), map(Rule.of, others), len(NODES)))

    assert bool(found) == (problem(section(last), map(section, others), len(NODES)) is not None), found


def test_the_words_of_a_refusal_come_through_when_the_preview_was_skipped(rule: Driver) -> None:
    pinned = {"rule": "old", "type": "node-affinity", "resources": "vm:100", "nodes": "pve1:2,pve2"}
    rule.simulator.by_hand("POST", "/cluster/ha/rules", pinned)

    with pytest.raises(ApiRefused, match="resources are in node affinity rules with multiple priorities"):
        rule.handler.create(rule.api, TOGETHER)
