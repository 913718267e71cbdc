"""`no-public-ssh`: which rules let strangers in."""

from __future__ import annotations

from typing import Any

import pytest

from policies.public_ssh import SHUT
from tests.policies.judging import NOT_KNOWN_YET, Described, described, said


def rules(*items: dict[str, Any], kind: str = "FirewallRules") -> Described:
    return described(kind, "rules", rules=[{"type": "in", "action": "ACCEPT", **item} for item in items])


@pytest.mark.parametrize(
    "rule",
    [
        {"macro": "SSH"},
        {"proto": "tcp", "dport": "22"},
        {"proto": "tcp", "dport": "80,20:30"},
        {"proto": "tcp", "dport": "ssh"},
        {"proto": "tcp"},
        {},
        {"macro": "SSH", "source": "0.0.0.0/0"},
        {"macro": "SSH", "source": "10.0.0.0/8,::/0"},
        {"macro": "SSH", "source": "198.51.100.0/22"},
        {"macro": "SSH", "source": "198.51.100.0-198.51.107.255"},
        {"macro": "SSH", "source": "+dc/world"},
        {"macro": "SSH", "source": "Anywhere"},
    ],
)
def test_a_rule_that_lets_strangers_in_is_told(rule: dict[str, Any]) -> None:
    world = described("IpSet", "set", name="world", entries={"1.0.0.0/8": {}})
    anywhere = described("FirewallAlias", "alias", name="anywhere", cidr="2000::/3")

    [text] = said(SHUT, rules(rule), world, anywhere)

    assert text.startswith("FirewallRules rules: rule 0 accepts ")
    assert "Set its `source`" in text


@pytest.mark.parametrize(
    "rule",
    [
        {"macro": "SSH", "source": "10.1.0.0/16"},
        {"macro": "SSH", "source": "203.0.113.7"},
        {"macro": "SSH", "source": "203.0.113.0-203.0.113.15,fd00::/8"},
        {"macro": "SSH", "source": "+management"},
        {"macro": "SSH", "source": "+known"},
        {"macro": "SSH", "source": "office"},
        {"macro": "SSH", "source": NOT_KNOWN_YET},
        {"macro": "SSH", "enable": False},
        {"macro": "Web"},
        {"proto": "udp"},
        {"proto": "tcp", "dport": "2222"},
        {"type": "out"},
        {"type": "group", "action": "admin"},
    ],
)
def test_a_rule_for_known_people_or_another_service_is_fine(rule: dict[str, Any]) -> None:
    known = described("IpSet", "set", name="known", entries={"192.0.2.0/28": {}, "0.0.0.0/0": {"nomatch": True}})

    assert said(SHUT, rules(rule), known) == []


def test_the_rules_of_a_group_count_too() -> None:
    [text] = said(SHUT, rules({"macro": "SSH"}, kind="SecurityGroup"))

    assert text.startswith("SecurityGroup rules: rule 0 accepts SSH from anywhere.")


def test_the_first_rule_that_fits_decides() -> None:
    accept, shut = {"macro": "SSH"}, {"action": "DROP", "proto": "tcp", "dport": "22"}

    assert said(SHUT, rules(shut, accept)) == []
    assert len(said(SHUT, rules(accept, shut))) == 1
    assert len(said(SHUT, rules({**shut, "source": "10.0.0.0/8"}, accept))) == 1
    assert said(SHUT, rules({**shut, "source": NOT_KNOWN_YET}, accept)) == []


def test_letting_in_what_no_rule_fits_lets_ssh_in() -> None:
    def policy(**values: Any) -> list[str]:
        return said(SHUT, described("FirewallOptions", "options", **values))

    assert len(policy(enable=True, policy_in="ACCEPT")) == 1
    assert policy(enable=True, policy_in="DROP") == policy(enable=True) == policy(policy_in="ACCEPT") == []


def test_ports_and_exceptions_are_the_stacks_to_set() -> None:
    other = rules({"proto": "tcp", "dport": "2222"})

    assert len(said(SHUT, other, ports=[22, 2222])) == 1
    assert said(SHUT, other, ports=[22, 2222], allowed=["rules"]) == []
