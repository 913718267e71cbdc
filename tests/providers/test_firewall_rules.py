"""Lists of firewall rules: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers._firewall import rule_list
from providers._firewall.edits import plan
from providers._runtime.errors import AlreadyThere, ApiRefused
from providers._runtime.model import canonical
from providers.firewall_rules import FirewallRulesInputs
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.firewall import accept, by_hand, calls, ports, rows, write_file
from tests.providers.guests import Driver
from tests.providers.inside import ALSO_CONTAINER, CONTAINER
from tests.simulator.oracles import recordings

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/cluster/firewall/aliases", {"name": "office", "cidr": "192.0.2.0/24"}),
    ("POST", "/cluster/firewall/groups", {"group": "base"}),
]
SSH = {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "office", "comment": "from the office"}
WEB = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": 8006, "iface": "vmbr0", "log": "info"}
BASE = {"type": "group", "action": "base"}
PING = {"type": "in", "action": "ACCEPT", "proto": "icmp", "icmp_type": "echo-request", "enable": False}
DROP = {"type": "in", "action": "DROP"}
EXAMPLE = {"rules": [SSH, WEB, DROP]}
UPDATES = [
    {"rules": [BASE, WEB, PING, SSH, DROP], "foreign": "keep-above"},
    {"rules": [PING, {**SSH, "source": "192.0.2.7", "comment": "from one desk"}]},
]
DRIFT = [
    ("PUT", "/cluster/firewall/rules/0", {"enable": 1}),
    ("PUT", "/cluster/firewall/rules/1", {"comment": "by hand"}),
    ("PUT", "/cluster/firewall/rules/1", {"moveto": 0}),
]

RULES = "/cluster/firewall/rules"
GUEST: dict[str, Any] = {"vmid": 100, "name": "web", "net0": "virtio,bridge=vmbr0,firewall=1"}


def declared(*numbers: int, **more: Any) -> dict[str, Any]:
    """A list of rules that are told apart by their ports."""
    return {"rules": [accept(number) for number in numbers], **more}


@pytest.fixture
def rules(simulator: Simulator) -> Driver:
    """The rules of the cluster in a program."""
    return Driver(simulator, "firewall_rules")


# ---------------------------------------------------------------- how many calls it takes


def test_a_new_list_takes_one_call_for_each_rule(simulator: Simulator, rules: Driver) -> None:
    wanted = declared(*range(1, 21))
    inputs, _ = rules.check(wanted)
    simulator.forget_requests()

    rules.up(wanted)

    assert ports(simulator) == list(range(1, 21))
    assert calls(simulator)["POST"] == 20
    assert set(calls(simulator)) == {"GET", "POST"}
    assert inputs["rules"] == rules.outputs["rules"]


def test_five_hundred_rules_are_put_in_another_order_by_the_fewest_calls(simulator: Simulator, rules: Driver) -> None:
    order = list(range(1, 501))
    lines = [f"IN ACCEPT -p tcp -dport {number} # {rules.owner.mark}" for number in order]
    write_file(simulator, "[RULES]\n" + "\n".join(lines))
    random.Random(9).shuffle(order)
    inputs, problems = rules.check(declared(*order))
    assert problems == []
    simulator.forget_requests()

    rules.up(declared(*order))

    assert calls(simulator)["PUT"] == 500 - longest_rise(order)
    assert set(calls(simulator)) == {"GET", "PUT"}
    assert ports(simulator) == order
    assert rules.outputs["rules"] == inputs["rules"]
    simulator.forget_requests()
    assert rules.drift() == {}
    assert [row["path"] for row in simulator.requests()] == [f"/api2/json{RULES}"], "a refresh reads the list once"


def longest_rise(numbers: list[int]) -> int:
    """How many of the numbers are in their order already, at the most: the others have to move."""
    best: list[int] = []
    for place, number in enumerate(numbers):
        best.append(1 + max((best[before] for before in range(place) if numbers[before] < number), default=0))
    return max(best)


numbers = st.lists(st.integers(1, 12), min_size=1, max_size=8)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(before=numbers, after=numbers, others=numbers, foreign=st.sampled_from(["keep-above", "keep-below"]))
def test_whatever_was_there_becomes_what_is_declared(
    simulator: Simulator, before: list[int], after: list[int], others: list[int], foreign: str
) -> None:
    simulator.control("POST", "reset")
    rules = Driver(simulator, "firewall_rules")
    others = [100 + number for number in others]
    by_hand(simulator, *others)
    rules.up(declared(*before, foreign=foreign))
    now = ports(simulator)
    wanted = others + after if foreign == "keep-above" else after + others
    simulator.forget_requests()

    rules.up(declared(*after, foreign=foreign))

    assert ports(simulator) == wanted
    written = {method: count for method, count in calls(simulator).items() if method != "GET"}
    assert sum(written.values()) == len(plan(now, wanted).edits)


# ---------------------------------------------------------------- neighbours


def test_a_rule_that_comes_in_between_two_calls_is_taken_into_account(simulator: Simulator, rules: Driver) -> None:
    rules.up(declared(1, 2, 3, 4, foreign="keep-above"))
    put = rules.client.request
    interfered: list[str] = []

    def meddling(method: str, path: str, *args: Any, **more: Any) -> Any:
        answer = put(method, path, *args, **more)
        if method == "PUT" and not interfered:
            interfered.append(path)
            by_hand(simulator, 99)
        return answer

    rules.client.request = meddling  # type: ignore[method-assign]  # somebody else's call right after ours
    rules.up(declared(4, 3, 2, 1, foreign="keep-above"))

    assert ports(simulator) == [99, 4, 3, 2, 1]


def test_a_list_that_another_one_keeps_changing_is_given_up(simulator: Simulator, rules: Driver) -> None:
    rules.up(declared(1, 2, 3))
    changed = "detected modified configuration - file changed by other user? Try again."
    simulator.fail(action="fail", method="PUT", path=f".*{RULES}/.*", status=500, reason=changed, count=99)

    with pytest.raises(ApiRefused, match="detected modified configuration"):
        rules.up(declared(3, 2, 1))


# ---------------------------------------------------------------- rules of others


def test_rules_of_others_are_a_reason_to_do_nothing(simulator: Simulator, rules: Driver) -> None:
    by_hand(simulator, 99)

    problem = rules.problems(declared(1, 2))["foreign"]

    assert "the cluster has 1 rules already defined that are not this resource's" in problem
    assert "'in ACCEPT proto tcp dport 99'" in problem
    with pytest.raises(AlreadyThere):
        rules.handler.create(rules.api, declared(1, 2))
    assert ports(simulator) == [99]


@pytest.mark.parametrize(
    ("foreign", "order"),
    [("keep-above", [98, 99, 1, 2]), ("keep-below", [1, 2, 98, 99]), ("remove", [1, 2])],
)
def test_rules_of_others_stay_above_or_below_or_go(
    simulator: Simulator, rules: Driver, foreign: str, order: list[int]
) -> None:
    by_hand(simulator, 98, 99)

    rules.up(declared(1, 2, foreign=foreign))

    assert ports(simulator) == order
    assert rules.drift() == {}
    rules.delete()
    assert ports(simulator) == [number for number in order if number > 2]


def test_a_rule_of_others_at_the_wrong_end_is_drift(simulator: Simulator, rules: Driver) -> None:
    rules.up(declared(1, 2, foreign="keep-below"))
    by_hand(simulator, 99)

    assert rules.drift() == {"foreign": "in the way: in ACCEPT proto tcp dport 99"}

    rules.refresh()
    rules.up(declared(1, 2, foreign="keep-below"))
    assert ports(simulator) == [1, 2, 99]
    assert rules.drift() == {}


def test_two_stacks_can_share_a_list(simulator: Simulator, rules: Driver) -> None:
    other = Driver(simulator, "firewall_rules", stack="other")

    rules.up(declared(1, 2, foreign="keep-below"))
    other.up(declared(1, 3, foreign="keep-above"))

    assert ports(simulator) == [1, 2, 1, 3]
    assert (rules.drift(), other.drift()) == ({}, {})
    other.delete()
    assert ports(simulator) == [1, 2]


def test_rules_that_were_made_by_hand_as_declared_are_taken_over(simulator: Simulator, rules: Driver) -> None:
    by_hand(simulator, 1, 2)

    rules.up(declared(1, 2, 3))

    assert ports(simulator) == [1, 2, 3]
    assert all("[pulumi " in row["comment"] for row in rows(simulator))


def test_a_rule_whose_comment_was_written_anew_is_still_known(simulator: Simulator, rules: Driver) -> None:
    rules.up(declared(1, 2))
    simulator.by_hand("PUT", f"{RULES}/1", {"comment": "mine"})

    assert rules.drift()["rules"][1]["comment"] == "mine"
    rules.refresh()
    rules.up(declared(1, 2))
    assert ports(simulator) == [1, 2]
    assert rules.drift() == {}


def test_a_scope_has_one_list_in_a_program(simulator: Simulator, rules: Driver) -> None:
    second = Driver(simulator, "firewall_rules", "second")
    second.facts = rules.facts
    rules.check(declared(1))

    problem = second.problems(declared(2, foreign="keep-above"))

    assert problem == {"rules": "another resource of this program has the rules of the cluster"}


# ---------------------------------------------------------------- what a preview refuses


@pytest.mark.parametrize(
    ("scope", "rule", "problem"),
    [
        ({"vmid": 100}, {"type": "forward", "action": "DROP"}, "no rules of type forward at this level"),
        ({"vnet": "v1"}, {"type": "in", "action": "DROP"}, "no rules of type in at this level"),
        ({"vmid": 100}, {"type": "in", "action": "DROP", "iface": "vmbr0"}, "'vmbr0' is no NIC of a guest"),
        ({"vnet": "v1"}, {"type": "forward", "action": "DROP", "iface": "v1"}, "can't name an interface"),
        ({}, {"type": "in", "action": "DENY"}, "'DENY' is none of ACCEPT, DROP, REJECT"),
        ({}, {"type": "group", "action": "base", "dport": "22"}, "a rule of type group has none"),
        ({}, {"type": "in", "action": "DROP", "dport": "22"}, "it takes a proto that has ports"),
        ({}, {"type": "in", "action": "DROP", "proto": "tcp", "dport": "90:80"}, "no port or range of ports"),
        ({}, {"type": "in", "action": "DROP", "icmp_type": "echo-request"}, "it takes a proto of icmp"),
        ({}, {"type": "in", "action": "DROP", "source": "192.0.2.7/24"}, "has host bits set"),
        ({}, {"type": "in", "action": "DROP", "source": "192.0.2.1,2001:db8::1"}, "can't stand in one list"),
        ({}, {"type": "in", "action": "DROP", "source": "192.0.2.9-192.0.2.1"}, "its first address is behind its last"),
        ({}, {"type": "in", "action": "DROP", "comment": "two\nlines"}, "it is one line"),
        ({"vmid": 100, "node": "pve1"}, {"type": "in", "action": "DROP"}, "there is one scope"),
    ],
)
def test_a_rule_that_proxmox_has_not_is_refused(scope: dict[str, Any], rule: dict[str, Any], problem: str) -> None:
    _, problems = canonical(FirewallRulesInputs, {**scope, "rules": [rule]}, frozenset())

    assert any(problem in text for _, text in problems), problems


@pytest.mark.parametrize("text", ["192.0.2.0/24,198.51.100.7", "192.0.2.1-192.0.2.9", "2001:db8::/32", "+dc/blocked"])
def test_sources_that_proxmox_takes_are_taken(text: str) -> None:
    rule = {"type": "in", "action": "DROP", "source": text}

    assert canonical(FirewallRulesInputs, {"rules": [rule]}, frozenset())[1] == []


def test_names_that_nobody_has_are_refused(rules: Driver) -> None:
    named = [
        {**accept(1), "source": "nowhere"},
        {**accept(2), "dest": "+dc/nothing"},
        {"type": "group", "action": "nobody"},
        {"type": "in", "action": "ACCEPT", "macro": "ssh"},
    ]

    assert rules.problems({"rules": named}) == {
        "rules.0.source": "there is no alias 'nowhere', and this program makes none",
        "rules.1.dest": "there is no IP set '+dc/nothing', and this program makes none",
        "rules.2.action": "there is no security group 'nobody', and this program makes none",
        "rules.3.macro": "there is no macro 'ssh'; Proxmox writes it SSH",
    }


def test_names_that_this_program_makes_may_be_used_before_they_are_there(simulator: Simulator, rules: Driver) -> None:
    made: list[tuple[str, dict[str, Any]]] = [
        ("firewall_alias", {"name": "Office", "cidr": "192.0.2.0/24"}),
        ("ip_set", {"name": "blocked", "entries": {"office": {}}}),
        ("security_group", {"group": "base", "rules": [{**accept(1), "source": "+blocked"}]}),
    ]
    for kind, args in made:
        other = Driver(simulator, kind)
        other.facts = rules.facts
        assert other.check(args)[1] == []

    used = [{**accept(1), "source": "dc/office", "dest": "+blocked"}, {"type": "group", "action": "base"}]
    assert rules.problems({"rules": used}) == {}


def test_nothing_is_said_of_rules_whose_scope_is_not_known_yet(simulator: Simulator, rules: Driver) -> None:
    by_hand(simulator, 99)
    other = Driver(simulator, "firewall_rules", "other")
    other.facts = rules.facts
    rules.check(declared(1, foreign="remove"))

    assert other.check({"rules": [{**accept(1), "iface": "net0"}]}, frozenset({"vmid"}))[1] == []


def test_places_that_are_not_there_are_refused(rules: Driver) -> None:
    forward = [{"type": "forward", "action": "DROP"}]

    assert "there is no node 'pve9'" in rules.problems({"node": "pve9", **declared(1)})["node"]
    assert "there is no guest 4711" in rules.problems({"vmid": 4711, **declared(1)})["vmid"]
    assert "there is no VNet 'v9'" in rules.problems({"vnet": "v9", "rules": forward})["vnet"]


# ---------------------------------------------------------------- what a preview tells


def test_rules_without_effect_are_said(simulator: Simulator, rules: Driver) -> None:
    simulator.by_hand("POST", "/nodes/pve1/qemu", {**GUEST, "net1": "virtio,bridge=vmbr0"})

    rules.check({"vmid": 100, **declared(1)})
    rules.again()
    rules.check({"rules": [{"type": "forward", "action": "DROP"}]})

    off = "is off, and rules have no effect there until it is switched on"
    assert rules.warnings[-2:] == [
        f"the firewall of the cluster {off}",
        "rules of type forward take the newer firewall: `nftables` is off on pve1",
    ]
    rules.again()
    rules.check({"vmid": 100, **declared(1)})
    assert f"the firewall of guest 100 {off}" in rules.warnings
    assert any("guest 100 has no `firewall=1` on net1" in text for text in rules.warnings)


def test_options_of_the_same_program_that_switch_it_on_are_known(simulator: Simulator, rules: Driver) -> None:
    options = Driver(simulator, "firewall_options")
    options.facts = rules.facts
    options.check({"enable": True})

    rules.check(declared(1))

    assert rules.warnings == []


def test_the_preview_tells_the_edits(rules: Driver) -> None:
    rules.up(declared(1, 2, 3, 4))

    inputs, _ = rules.check(declared(8, 9, 4, 2, 3))

    assert inputs["impact"] == "rules: insert 1 at 0, change 1, move 3 to 2 live"


# ---------------------------------------------------------------- other scopes


@pytest.mark.engine
def test_a_guest_keeps_its_rules_when_it_migrates_and_another_scope_is_another_list(
    cluster: Simulator, program_on: Any
) -> None:
    cluster.by_hand("POST", "/nodes/pve1/qemu", GUEST)
    program: Program = program_on(cluster)
    rules = "providers.firewall_rules.FirewallRules"
    program.declare({"it": Resource(rules, {"vmid": 100, "rules": [{**accept(80), "iface": "net0"}]})})
    assert program.up().code == 0
    assert program.state()["it"]["id"] == "vms/100/firewall/rules"

    cluster.by_hand("POST", "/nodes/pve1/qemu/100/migrate", {"target": "pve2"})
    refresh = program.refresh()
    assert (refresh.code, refresh.changes) == (0, {}), refresh.text
    program.declare({"it": Resource(rules, {"node": "pve2", "rules": [accept(80)]})})
    preview = program.preview()
    assert "vmid: replace" in preview.inputs("it")["impact"]
    assert program.up().code == 0

    assert ports(cluster, "/nodes/pve2/qemu/100/firewall/rules") == []
    assert ports(cluster, "/nodes/pve2/firewall/rules") == [80]


def test_a_container_has_rules_as_a_virtual_machine_has(simulator: Simulator, rules: Driver) -> None:
    method, path, container = ALSO_CONTAINER[0]
    simulator.by_hand(method, path, {**container, "net0": "name=eth0,bridge=vmbr0"})

    rules.up({"vmid": CONTAINER, "rules": [{**accept(80), "iface": "net0"}]})

    assert ports(simulator, f"/nodes/pve1/lxc/{CONTAINER}/firewall/rules") == [80]
    assert any(f"guest {CONTAINER} has no `firewall=1` on net0" in text for text in rules.warnings)
    assert rules.drift() == {}


def test_a_virtual_network_has_rules_for_what_passes_through(simulator: Simulator, rules: Driver) -> None:
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "z1", "type": "simple"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "v1", "zone": "z1"})
    path = "/cluster/sdn/vnets/v1/firewall/rules"

    rules.up({"vnet": "v1", "rules": [{**accept(80), "type": "forward"}, {"type": "forward", "action": "DROP"}]})

    assert [row["action"] for row in rows(simulator, path)] == ["ACCEPT", "DROP"]
    assert rules.drift() == {}
    simulator.by_hand("DELETE", "/cluster/sdn/vnets/v1")
    assert rules.drift() == {"gone": True}
    rules.delete()


def test_the_digest_is_the_one_that_proxmox_gives() -> None:
    compared = 0
    for recording in recordings("pve-9.2.jsonl"):
        listed = (recording.get("response") or {}).get("data") if recording["path"].endswith("/rules") else None
        if recording["method"] == "GET" and listed and "pos" in listed[0]:
            own = [{key: row[key] for key in row if key not in ("pos", "digest")} for row in listed]
            assert rule_list.digest_of(own) == listed[0]["digest"], recording["id"]
            compared += 1

    assert compared > 10


@pytest.mark.engine
def test_a_whole_firewall_comes_up_with_its_guest_in_one_run_and_goes_again(
    program: Program, simulator: Simulator
) -> None:
    before = simulator.state()
    guest = {"node": "pve1", "vmid": 100, "name": "web", "memory": 512, "started": False}
    nic = {"net0": {"model": "virtio", "bridge": "vmbr0", "firewall": True}}
    group = {"group": "base", "rules": [{**SSH, "source": "+dc/staff"}]}
    own = [{**BASE, "iface": "net0"}, {**accept(80), "dest": "guest/self"}]
    here = [{**accept(port), "source": "127.0.0.1"} for port in (8006, 22)]
    switched_on = ("own", "all", "group")
    program.declare(
        {
            "vm": Resource("providers.vm.VirtualMachine", {**guest, "net": nic}),
            "office": Resource("providers.firewall_alias.FirewallAlias", {"name": "office", "cidr": "192.0.2.0/24"}),
            "self": Resource(
                "providers.firewall_alias.FirewallAlias", {"vmid": 100, "name": "self", "cidr": "198.51.100.5"}, ("vm",)
            ),
            "staff": Resource("providers.ip_set.IpSet", {"name": "staff", "entries": {"dc/office": {}}}, ("office",)),
            "group": Resource("providers.security_group.SecurityGroup", group, ("staff",)),
            "own": Resource("providers.firewall_rules.FirewallRules", {"vmid": 100, "rules": own}, ("self", "group")),
            "all": Resource("providers.firewall_rules.FirewallRules", {"rules": [BASE, *here, DROP]}, ("group",)),
            "on": Resource("providers.firewall_options.FirewallOptions", {"enable": True}, switched_on),
            "vm-on": Resource("providers.firewall_options.FirewallOptions", {"vmid": 100, "enable": True}, ("on",)),
        }
    )

    preview = program.preview()
    assert (preview.code, preview.changes) == (0, {"create": 9}), preview.text
    up = program.up()
    assert (up.code, up.changes) == (0, {"create": 9}), up.text
    again = program.up()
    assert (again.code, again.changes) == (0, {}), again.text
    refresh = program.refresh()
    assert (refresh.code, refresh.changes) == (0, {}), refresh.text
    assert "has no `firewall=1`" not in preview.text

    destroy = program.destroy()
    assert destroy.code == 0, destroy.text
    assert simulator.state() == before
