"""Security groups: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import pytest

from providers._runtime.errors import ApiRefused
from tests.conftest import Simulator
from tests.providers.firewall import calls, rows
from tests.providers.guests import Driver

GROUP = "/cluster/firewall/groups/web"
SSH = {"type": "in", "action": "ACCEPT", "macro": "SSH", "comment": "for the staff"}
WEB = {"type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "80,443", "log": "nolog"}
PING = {"type": "in", "action": "ACCEPT", "proto": "icmp", "icmp_type": "echo-request", "enable": False}
DROP = {"type": "forward", "action": "DROP", "source": "198.51.100.0/24"}
EXAMPLE = {"group": "web", "comment": "what a web server needs", "rules": [SSH, WEB, DROP]}
UPDATES = [
    {"group": "web", "comment": "what a web server needs", "rules": [DROP, PING, {**SSH, "comment": "for all"}, WEB]},
    {"group": "web", "rules": [PING]},
]
DRIFT = [
    ("POST", "/cluster/firewall/groups/web", {"type": "in", "action": "ACCEPT", "comment": "by hand"}),
    ("POST", "/cluster/firewall/groups", {"group": "web", "rename": "web", "comment": "by hand"}),
]


def rules_of(simulator: Simulator) -> list[str]:
    """What the group's rules do, in their order."""
    return [row.get("macro") or row.get("dport") or row["action"] for row in rows(simulator, GROUP)]


@pytest.fixture
def group(simulator: Simulator) -> Driver:
    """A security group in a program."""
    return Driver(simulator, "security_group")


def test_a_group_takes_one_call_more_than_it_has_rules(simulator: Simulator, group: Driver) -> None:
    group.check(EXAMPLE)
    simulator.forget_requests()

    group.up(EXAMPLE)

    assert rules_of(simulator) == ["SSH", "80,443", "DROP"]
    assert calls(simulator)["POST"] == 4


def test_a_rule_that_somebody_puts_in_is_drift_and_is_taken_out_again(simulator: Simulator, group: Driver) -> None:
    group.up(EXAMPLE)
    simulator.by_hand("POST", GROUP, {"type": "in", "action": "ACCEPT"})

    assert len(group.drift()["rules"]) == 4
    group.refresh()
    group.up(EXAMPLE)

    assert rules_of(simulator) == ["SSH", "80,443", "DROP"]


def test_a_group_with_rules_that_nobody_has_seen_is_not_removed(simulator: Simulator, group: Driver) -> None:
    group.up(EXAMPLE)
    simulator.by_hand("POST", GROUP, {"type": "in", "action": "ACCEPT", "enable": 1})

    with pytest.raises(ApiRefused, match="Security group 'web' is not empty"):
        group.delete()

    assert rules_of(simulator) == ["ACCEPT"]


def test_a_group_that_is_made_by_hand_is_taken_over_with_its_rules(simulator: Simulator, group: Driver) -> None:
    simulator.by_hand("POST", "/cluster/firewall/groups", {"group": "web", "comment": "by hand"})
    simulator.by_hand("POST", GROUP, {"type": "in", "action": "ACCEPT", "macro": "SSH", "enable": 1})

    group.up({"group": "web", "rules": [WEB, SSH], "adopt": "if-exists"})

    assert rules_of(simulator) == ["80,443", "SSH"]
    (row,) = simulator.by_hand("GET", "/cluster/firewall/groups")
    assert row["comment"].startswith("by hand [pulumi ")


def test_rules_of_a_group_can_not_name_interfaces_or_other_groups(group: Driver) -> None:
    for rule, problem in (
        ({**SSH, "iface": "vmbr0"}, "rules.0.iface: rules of a VNet or a security group can't name an interface"),
        ({"type": "group", "action": "other"}, "rules.0.type: there are no rules of type group at this level"),
    ):
        assert problem in group.problems({"group": "web", "rules": [rule]})[""]


def test_a_run_that_died_over_the_rules_is_gone_on_with(simulator: Simulator, group: Driver) -> None:
    simulator.fail(action="fail", method="POST", path=f".*{GROUP}", status=500, reason="no room", nth=3)
    with pytest.raises(ApiRefused):
        group.up(EXAMPLE)
    assert rules_of(simulator) == ["80,443", "DROP"]

    group.again()
    group.up(EXAMPLE)

    assert rules_of(simulator) == ["SSH", "80,443", "DROP"]
