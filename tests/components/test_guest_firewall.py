"""Guests with a firewall each: one group of rules, which every guest inserts before its firewall goes on."""

from __future__ import annotations

import pulumi

from components.guest_firewall import GuestFirewall, GuestFirewallArgs
from providers.firewall_rules import FirewallRule
from tests.components.asked import inputs_of

SSH = FirewallRule(type="in", action="ACCEPT", macro="SSH")


def test_every_guest_lets_in_what_the_group_says_and_nothing_else() -> None:
    args = GuestFirewallArgs(rules=[SSH], guests={"web": 101, "db": 102}, group="students")

    found = inputs_of(lambda: pulumi.Output.from_input(GuestFirewall("lab", args).group))

    assert next(iter(found)) == "lab-group"
    assert [rule["macro"] for rule in found["lab-group"]["rules"]] == ["SSH"]
    for name, vmid in args.guests.items():
        rules, options = found[f"lab-{name}-rules"], found[f"lab-{name}-options"]
        assert rules["vmid"] == options["vmid"] == vmid
        assert [(rule["type"], rule["action"]) for rule in rules["rules"]] == [("group", "students")]
        assert (options["enable"], options["policy_in"], options["dhcp"]) == (True, "DROP", True)
        assert list(found).index(f"lab-{name}-rules") < list(found).index(f"lab-{name}-options")
