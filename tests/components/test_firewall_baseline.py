"""The firewall that nodes should have: what it asks for, and that the engine switches it on without shutting us out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.firewall_baseline import FirewallBaseline, FirewallBaselineArgs
from providers.firewall_rules import FirewallRule
from tests.components.asked import asked
from tests.conftest import Simulator, as_json
from tests.engine import Program

LAB = FirewallBaselineArgs(
    management={"office": "198.51.100.0/24"},
    nodes={"pve1": ["10.1.0.11", "10.2.0.11"], "pve2": ["10.1.0.12"]},
)


def asked_for(args: FirewallBaselineArgs) -> dict[str, dict[str, Any]]:
    """What is asked for, in order."""
    return asked(lambda: {"groups": FirewallBaseline("lab", args).groups}).inputs


def test_names_come_before_what_uses_them_and_the_switch_comes_last() -> None:
    names = list(asked_for(LAB))

    assert set(names[:4]) == {"lab-office", "lab-pve1", "lab-pve1-2", "lab-pve2"}
    assert set(names[4:6]) == {"lab-management", "lab-cluster"}
    assert set(names[6:8]) == {"lab-pve-management", "lab-pve-cluster"}
    assert names[8:] == ["lab-rules", "lab-options"]


def test_the_sets_name_each_address_once() -> None:
    found = asked_for(LAB)

    assert found["lab-pve1-2"] == {"name": "pve1-2", "cidr": "10.2.0.11"}
    assert found["lab-management"]["entries"] == {"dc/office": {}}
    assert found["lab-cluster"]["entries"] == {"dc/pve1": {}, "dc/pve1-2": {}, "dc/pve2": {}}


def test_further_rules_are_below_the_groups_and_services_are_a_group_on_request() -> None:
    ping = FirewallRule(type="in", action="ACCEPT", macro="Ping")

    found = asked_for(replace(LAB, services=True, rules=[ping], foreign="keep-below"))["lab-rules"]

    assert found["foreign"] == "keep-below"
    assert [row["action"] for row in found["rules"]] == ["pve-management", "pve-cluster", "pve-services", "ACCEPT"]


def test_a_host_by_itself_has_no_cluster_to_let_in() -> None:
    assert not {"lab-cluster", "lab-pve-cluster"} & set(asked_for(replace(LAB, nodes={})))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"management": {}}, "all would be shut out"),
        ({"management": {"pve1-2": "198.51.100.7"}}, "pve1-2 names a node's address and one of the management's"),
        ({"nodes": {"pve1": ["10.1.0"]}}, "does not appear to be"),
    ],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(LAB, **wrong)


MAIN = """\
import pulumi

from components.firewall_baseline import FirewallBaseline, FirewallBaselineArgs

baseline = FirewallBaseline("lab", FirewallBaselineArgs(
    management={"here": "%s"},
    nodes={"pve1": ["192.0.2.11"], "pve2": ["192.0.2.12"], "pve3": ["192.0.2.13"]}))
pulumi.export("groups", baseline.groups)
"""


@pytest.mark.engine
def test_the_firewall_goes_on_only_with_us_among_those_who_manage(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program, before = program_on(cluster), as_json(cluster.state())
    (program.folder / "__main__.py").write_text(MAIN % "198.51.100.0/24")
    refused = program.preview()
    assert refused.code != 0
    assert "lockout_allowed" in refused.text, refused.text

    (program.folder / "__main__.py").write_text(MAIN % "127.0.0.0/8")
    first = program.up()

    assert first.changes == {"create": 11}, first.text
    assert cluster.by_hand("GET", "/cluster/firewall/options")["policy_in"] == "DROP"
    again = program.up()
    assert not again.changes, again.text
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert as_json(cluster.state()) == before
