"""Nobody shuts himself out: changes of the firewall are refused in the preview where somebody would be cut off."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.command import Finished
from providers._runtime.errors import ShutsOut
from providers._runtime.ssh import Ssh
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver

ON = {"enable": True}
HERE = "127.0.0.1"
"""Where a simulator sees this machine."""
FROM_HERE = {"type": "in", "action": "ACCEPT", "source": HERE}
OPTIONS, RULES = "/cluster/firewall/options", "/cluster/firewall/rules"
GUEST = {"vmid": 100, "name": "web", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1"}


class Several:
    """Resources of one program: they share what is known of the host."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._first = Driver(simulator, "firewall_options", "shared")

    def __call__(self, kind: str, name: str = "it") -> Driver:
        """One more."""
        made = Driver(self._simulator, kind, name)
        made.client, made.facts = self._first.client, self._first.facts
        return made


@pytest.fixture
def program_of(simulator: Simulator) -> Several:
    """A program on a host that is in no cluster."""
    return Several(simulator)


@pytest.fixture
def program_in(cluster: Simulator) -> Several:
    """A program on a cluster of three nodes."""
    return Several(cluster)


def rules(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": list(given), **more}


# ---------------------------------------------------------------- the connection itself


def test_a_firewall_that_would_cut_off_the_connection_is_not_switched_on(program_of: Several) -> None:
    refused = program_of("firewall_options").problems(ON)["enable"]

    assert "the API of pve1 from here would be shut out: tcp from 127.0.0.1 to 192.0.2.10 port 8006" in refused
    assert "is stopped into node pve1 by policy_in of cluster (DROP)" in refused
    assert "(and 1 more); let this resource depend on the one that lets it in" in refused, "SSH is cut off as well"


def test_rules_that_let_it_in_come_first(program_of: Several) -> None:
    assert program_of("firewall_rules").problems(rules(FROM_HERE)) == {}
    assert program_of("firewall_options", "options").problems(ON) == {}


@pytest.mark.parametrize("missing", ["8006", "22"])
def test_both_the_api_and_ssh_have_to_get_through(program_of: Several, missing: str) -> None:
    other = {"8006": "22", "22": "8006"}[missing]
    program_of("firewall_rules").check(rules({**FROM_HERE, "proto": "tcp", "dport": other}))

    refused = program_of("firewall_options", "options").problems(ON)["enable"]

    assert f"port {missing} is stopped" in refused
    assert "more)" not in refused


def test_the_connection_is_the_one_that_a_node_sees(program_of: Several, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Finished(0, b"198.51.100.7 50000 192.0.2.10 22\n", b"")
    monkeypatch.setattr(Ssh, "run", lambda *_, **__: seen)  # as behind a router that translates addresses
    refused = program_of("firewall_options").problems(ON)["enable"]
    assert "tcp from 198.51.100.7 to 192.0.2.10 port 8006" in refused

    program_of("firewall_rules").check(rules({**FROM_HERE, "source": "198.51.100.7"}))

    assert program_of("firewall_options").problems(ON) == {}


def test_ssh_does_not_count_where_the_connection_has_none(simulator: Simulator) -> None:
    options = Driver(simulator, "firewall_options", ssh=False)

    assert "more)" not in options.problems(ON)["enable"]


def test_what_is_meant_is_done(simulator: Simulator, program_of: Several) -> None:
    program_of("firewall_options").up({**ON, "lockout_allowed": True})

    assert simulator.by_hand("GET", OPTIONS)["enable"] == 1


def test_what_one_resource_is_allowed_to_shut_is_no_reason_to_refuse_another(program_of: Several) -> None:
    program_of("firewall_options").check({**ON, "lockout_allowed": True})

    assert program_of("ip_set").problems({"name": "office", "entries": {"192.0.2.1": {}}}) == {}


def test_what_is_refused_is_refused_once(program_of: Several) -> None:
    assert program_of("firewall_options").problems(ON) != {}

    assert program_of("ip_set").problems({"name": "office", "entries": {"192.0.2.1": {}}}) == {}


def test_a_policy_that_lets_in_shuts_nobody_out(program_of: Several) -> None:
    assert program_of("firewall_options").problems({**ON, "policy_in": "ACCEPT"}) == {}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("security_group", {"group": "admins", "rules": [FROM_HERE]}),
        ("firewall_alias", {"name": "admins", "cidr": "127.0.0.0/8"}),
        ("ip_set", {"name": "admins", "entries": {"127.0.0.0/8": {}}}),
    ],
)
def test_groups_aliases_and_sets_of_the_program_count(program_of: Several, kind: str, more: dict[str, Any]) -> None:
    program_of(kind, "admins").check(more)
    named = {"security_group": {"type": "group", "action": "admins"}, "ip_set": {**FROM_HERE, "source": "+dc/admins"}}
    program_of("firewall_rules").check(rules(named.get(kind, {**FROM_HERE, "source": "dc/admins"})))

    assert program_of("firewall_options", "options").problems(ON) == {}


def test_the_management_set_lets_in_who_is_in_it(simulator: Simulator, program_of: Several) -> None:
    simulator.by_hand("POST", "/cluster/firewall/ipset", {"name": "management"})
    simulator.by_hand("POST", "/cluster/firewall/ipset/management", {"cidr": HERE})

    assert program_of("firewall_options").problems(ON) == {}


# ---------------------------------------------------------------- a firewall that is on


@pytest.fixture
def guarded(simulator: Simulator) -> Simulator:
    """A host with a firewall that lets us in."""
    simulator.by_hand("POST", RULES, {**FROM_HERE, "enable": 1})
    simulator.by_hand("PUT", OPTIONS, {"enable": 1})
    return simulator


@pytest.mark.usefixtures("guarded")
def test_a_rule_above_those_that_let_in_is_refused(program_of: Several) -> None:
    wanted = rules({"type": "in", "action": "DROP", "proto": "tcp", "dport": "8000:9000"}, foreign="keep-below")

    refused = program_of("firewall_rules").problems(wanted)["rules"]

    assert "by cluster rule 0 (IN DROP tcp 8000:9000)" in refused
    assert program_of("firewall_rules").problems({**wanted, "lockout_allowed": True}) == {}


@pytest.mark.usefixtures("guarded")
def test_the_same_rule_below_them_is_none(program_of: Several) -> None:
    wanted = rules({"type": "in", "action": "DROP"}, foreign="keep-above")

    assert program_of("firewall_rules").problems(wanted) == {}


@pytest.mark.usefixtures("guarded")
def test_the_rules_that_let_in_are_not_taken_away(program_of: Several) -> None:
    refused = program_of("firewall_rules").problems(rules({"type": "in", "action": "DROP"}, foreign="remove"))

    assert "would be shut out" in refused["rules"]


def test_they_are_not_removed_with_the_resource_either(simulator: Simulator, program_of: Several) -> None:
    admins = program_of("firewall_rules")
    admins.up(rules(FROM_HERE))
    simulator.by_hand("PUT", OPTIONS, {"enable": 1})

    with pytest.raises(ShutsOut, match="without it the API of pve1 from here would be shut out"):
        admins.delete()

    assert len(simulator.by_hand("GET", RULES)) == 1


def test_a_node_that_has_its_firewall_off_is_let_be(guarded: Simulator, program_of: Several) -> None:
    guarded.by_hand("PUT", "/nodes/pve1/firewall/options", {"enable": 0})

    assert program_of("firewall_rules").problems(rules({"type": "in", "action": "DROP"}, foreign="remove")) == {}


def test_what_is_shut_out_already_is_no_reason(simulator: Simulator, program_of: Several) -> None:
    simulator.by_hand("PUT", OPTIONS, {"enable": 1})

    assert program_of("firewall_rules").problems(rules({"type": "in", "action": "DROP"})) == {}


@pytest.mark.usefixtures("guarded")
def test_rules_of_a_node_count_before_those_of_the_cluster(program_of: Several) -> None:
    wanted = rules({"type": "in", "action": "REJECT", "macro": "SSH"}, node="pve1")

    assert "by node pve1 rule 0 (IN REJECT SSH)" in program_of("firewall_rules").problems(wanted)["rules"]


@pytest.mark.usefixtures("guarded")
def test_an_interface_is_the_one_that_has_the_address(program_of: Several) -> None:
    wanted = rules({"type": "in", "action": "DROP", "iface": "vmbr0"}, node="pve1")
    other = rules({"type": "in", "action": "DROP", "iface": "vmbr1"}, node="pve1")

    assert "rules" in program_of("firewall_rules").problems(wanted)
    assert program_of("firewall_rules").problems(other) == {}


def test_the_newer_firewall_lets_management_in_before_any_rule(simulator: Simulator, program_of: Several) -> None:
    simulator.by_hand("POST", "/cluster/firewall/ipset", {"name": "management"})
    simulator.by_hand("POST", "/cluster/firewall/ipset/management", {"cidr": HERE})
    simulator.by_hand("PUT", OPTIONS, {"enable": 1})
    wanted = rules({"type": "in", "action": "DROP"})
    assert "rules" in program_of("firewall_rules").problems(wanted)

    simulator.by_hand("PUT", "/nodes/pve1/firewall/options", {"nftables": 1})

    assert Several(simulator)("firewall_rules").problems(wanted) == {}


# ---------------------------------------------------------------- nodes and guests


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"type": "in", "proto": "udp", "dport": "5405"}, "corosync from pve2 to pve1"),
        ({"type": "in", "proto": "tcp", "dport": "60000:60050"}, "migration from pve2 to pve1"),
        ({"type": "out", "proto": "tcp", "dport": "8006"}, "the API from pve1 to pve2"),
        ({"type": "out", "macro": "SSH"}, "SSH from pve1 to pve2"),
    ],
)
def test_nodes_reach_each_other(program_in: Several, rule: dict[str, Any], what: str) -> None:
    program_in("firewall_options").check({**ON, "policy_in": "ACCEPT"})

    refused = program_in("firewall_rules").problems(rules({**rule, "action": "DROP"}, node="pve1"))["rules"]

    assert f"{what} would be shut out" in refused


def test_a_cluster_in_one_network_needs_no_rules_for_itself(program_in: Several) -> None:
    program_in("firewall_rules").check(rules(FROM_HERE))

    assert program_in("firewall_options", "options").problems(ON) == {}


def test_a_guest_stays_reachable_at_the_address_that_it_is_managed_by(guarded: Simulator, program_of: Several) -> None:
    guarded.by_hand("POST", "/nodes/pve1/qemu", GUEST)
    options = {**ON, "vmid": 100, "management_address": "192.0.2.77"}

    refused = program_of("firewall_options").problems(options)["enable"]

    assert "guest 100 at 192.0.2.77 would be shut out: tcp from" in refused
    assert "stopped into guest 100 net0 by policy_in of guest 100 (DROP)" in refused
    ssh = rules({"type": "in", "action": "ACCEPT", "macro": "SSH"}, vmid=100)
    assert program_of("firewall_rules", "ssh").problems(ssh) == {}
    assert program_of("firewall_options").problems(options) == {}


# ---------------------------------------------------------------- what is asked for, and what can't be told


def test_a_firewall_that_stays_off_costs_one_request(simulator: Simulator, program_of: Several) -> None:
    alias = program_of("firewall_alias")
    alias.problems({"name": "office", "cidr": "192.0.2.0/24"})
    asked = [row["path"] for row in simulator.requests() if "firewall" in row["path"]]

    assert asked == ["/api2/json/cluster/firewall/options"]


def test_many_resources_ask_the_host_once(guarded: Simulator, program_of: Several) -> None:
    guarded.forget_requests()

    for number in range(20):
        assert program_of("ip_set", f"set{number}").problems({"name": f"set{number}", "entries": {HERE: {}}}) == {}

    paths = [row["path"] for row in guarded.requests()]
    assert len(paths) == len(set(paths))
    assert len([path for path in paths if "firewall" in path]) < 10


def test_what_can_not_be_told_is_said(guarded: Simulator, program_of: Several) -> None:
    guarded.by_hand("POST", RULES, {"type": "group", "action": "nowhere", "enable": 1})
    sets = program_of("ip_set")

    assert sets.problems({"name": "office", "entries": {"192.0.2.1": {}}}) == {}
    assert any("can't be told" in text and "group 'nowhere' is not known" in text for text in sets.warnings)


@pytest.mark.engine
def test_a_program_that_would_lock_its_operator_out_is_refused_in_the_preview(
    simulator: Simulator, program: Program
) -> None:
    options = Resource("providers.firewall_options.FirewallOptions", ON)
    program.declare({"options": options})
    preview = program.preview()
    assert preview.code != 0
    assert "the API of pve1 from here would be shut out" in preview.text

    allowed = Resource("providers.firewall_rules.FirewallRules", rules(FROM_HERE))
    program.declare({"rules": allowed, "options": Resource(options.type, ON, after=("rules",))})
    assert program.up().code == 0
    assert simulator.by_hand("GET", OPTIONS)["enable"] == 1
    assert program.preview("--expect-no-changes").code == 0
    assert program.destroy().code == 0
    assert simulator.by_hand("GET", OPTIONS).get("enable", 0) == 0

    program.declare({"options": Resource(options.type, {**ON, "lockout_allowed": True})})
    assert program.preview().code == 0
