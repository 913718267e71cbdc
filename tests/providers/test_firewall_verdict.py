"""The firewall's evaluator: what is peculiar to Proxmox's two firewalls; random rules are in the live comparison."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from providers._firewall.declared import ruleset_of
from providers._firewall.packet import Packet, Place
from providers._firewall.ruleset import Entry, Guest, Interface, Level, Nic, Node, Rule, Ruleset, Unresolved
from providers._firewall.verdict import End, journey, verdict

IN, OUT = Place("node", "pve1", "in"), Place("node", "pve1", "out")
GUEST_IN, GUEST_OUT = Place("guest", "100", "in"), Place("guest", "100", "out")
NODES = {"pve1": Node("192.0.2.11", ["10.9.0.1"]), "pve2": Node("192.0.2.12", ["10.9.0.2"])}
INTERFACES = {
    "pve1": [Interface("vmbr0", "192.0.2.11/24"), Interface("vmbr9", "10.9.0.1/24")],
    "pve2": [Interface("vmbr0", "192.0.2.12/24")],
}
GUESTS = {
    "100": Guest("pve1", {"net0": Nic("vmbr0", firewall=True, mac="BC:24:11:00:00:01", addresses=["192.0.2.100"])}),
    "200": Guest("pve2", {"net0": Nic("lan", firewall=True), "net1": Nic("lan")}),
}


def ruleset(*rules: Rule, options: dict[str, Any] | None = None, **levels: Level) -> Ruleset:
    """A cluster whose firewall is on, with rules; other levels by name (`node_pve1`, `guest_100`)."""
    cluster = replace(levels.pop("cluster", Level()), rules=rules)
    cluster = replace(cluster, options={"enable": 1, **(options or {})})
    named = {name.replace("_", " "): level for name, level in levels.items()}
    return Ruleset({"cluster": cluster, **named}, {}, NODES, INTERFACES, GUESTS)


def tcp(port: int, source: str = "203.0.113.7", dest: str = "192.0.2.11", **more: Any) -> Packet:
    return Packet(ip_address(source), ip_address(dest), "tcp", dport=port, **more)


def on(**options: Any) -> Level:
    return Level({"enable": 1, **options})


# ---------------------------------------------------------------- who decides


def test_a_firewall_that_is_off_lets_everything_in_and_says_so() -> None:
    off = ruleset(Rule("in", "DROP"), options={"enable": 0})

    assert str(verdict(off, tcp(22), IN)) == "ACCEPT into node pve1 by enable of cluster: its firewall is off"
    node_off = ruleset(Rule("in", "DROP"), node_pve1=Level({"enable": 0}))
    assert verdict(node_off, tcp(22), IN).by == "enable of node pve1: its firewall is off"
    assert not verdict(node_off, tcp(22), Place("node", "pve2", "in")).passes


def test_a_rule_is_told_by_its_level_its_position_and_what_it_says() -> None:
    rules = ruleset(Rule("in", "DROP", enable=False), Rule("in", "ACCEPT", macro="SSH", source="203.0.113.0/24"))

    assert verdict(rules, tcp(22), IN).by == "cluster rule 1 (IN ACCEPT SSH from 203.0.113.0/24)"
    assert verdict(rules, tcp(23), IN).by == "policy_in of cluster (DROP)"


def test_a_rule_of_a_group_is_told_with_the_rule_that_names_it() -> None:
    rules = replace(
        ruleset(Rule("group", "web", iface="vmbr0")),
        groups={"web": [Rule("in", "ACCEPT", proto="tcp", dport="80"), Rule("out", "DROP")]},
    )

    assert verdict(rules, tcp(80), IN).by == "cluster rule 0, group web rule 0 (IN ACCEPT tcp 80)"
    assert not verdict(rules, tcp(80, dest="10.9.0.1"), IN).passes, "the group is used on vmbr0 only"


def test_rules_of_the_node_come_before_those_of_the_cluster() -> None:
    rules = ruleset(Rule("in", "DROP"), node_pve1=Level(rules=[Rule("in", "ACCEPT", proto="tcp", dport="22")]))

    assert verdict(rules, tcp(22), IN).by == "node pve1 rule 0 (IN ACCEPT tcp 22)"
    assert verdict(rules, tcp(80), IN).by == "cluster rule 0 (IN DROP)"


@pytest.mark.parametrize("place", [IN, OUT, GUEST_IN, GUEST_OUT])
def test_what_belongs_to_a_connection_passes_and_what_belongs_to_none_does_not(place: Place) -> None:
    rules = ruleset(guest_100=on())

    assert verdict(rules, tcp(80, state="established"), place).by == "built in: established connections"
    assert verdict(rules, tcp(80, state="invalid"), place).action == "DROP"
    lenient = replace(rules, levels={**rules.levels, "node pve1": Level({"nf_conntrack_allow_invalid": 1})})
    assert verdict(lenient, tcp(80, state="invalid"), place).by != "built in: packets of no connection"


def test_what_a_program_declares_can_be_asked_without_a_host() -> None:
    declared = ruleset_of(
        [
            ("pool", {"poolid": "prod"}),
            ("firewall_alias", {"name": "Office", "cidr": "10.1.0.0/24"}),
            ("ip_set", {"name": "admins", "entries": {"office": {}, "10.1.0.9": {"nomatch": True}}}),
            ("security_group", {"group": "web", "rules": [{"type": "in", "action": "ACCEPT", "macro": "HTTPS"}]}),
            ("firewall_options", {"enable": True}),
            (
                "firewall_rules",
                {"node": "pve1", "rules": [
                    {"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "+dc/admins"},
                    {"type": "group", "action": "web"},
                    {"type": "in", "action": "ACCEPT", "enable": False},
                ]},
            ),
        ]
    )  # fmt: skip

    def passes(port: int, source: str) -> bool:
        return verdict(declared, tcp(port, source=source), IN).passes

    assert passes(22, "10.1.0.1")
    assert not passes(23, "10.1.0.1")
    assert passes(443, "203.0.113.7")


# ---------------------------------------------------------------- the two firewalls


def test_with_the_older_firewall_a_rule_shuts_out_management_and_with_the_newer_one_it_can_not() -> None:
    rules = ruleset(Rule("in", "DROP"))
    packet = tcp(8006, source="192.0.2.5")

    assert verdict(rules, packet, IN).by == "cluster rule 0 (IN DROP)"
    newer = ruleset(Rule("in", "DROP"), node_pve1=Level({"nftables": 1}))
    assert verdict(newer, packet, IN).by == "built in: management"


def test_the_nodes_own_network_may_manage_it_and_with_the_newer_firewall_only_if_nothing_else_is_said() -> None:
    packet, named = tcp(22, source="192.0.2.5"), Level(ipsets={"management": [Entry("198.51.100.0/24")]})

    assert verdict(ruleset(cluster=named), packet, IN).passes
    assert verdict(ruleset(node_pve1=Level({"nftables": 1})), packet, IN).passes
    assert not verdict(ruleset(cluster=named, node_pve1=Level({"nftables": 1})), packet, IN).passes


def test_the_smallest_network_of_a_set_decides_and_with_the_newer_firewall_nothing_brings_back_an_exception() -> None:
    entries = [Entry("10.0.0.0/8"), Entry("10.1.0.0/16", nomatch=True), Entry("10.1.2.0/24")]
    cluster = Level(ipsets={"friends": entries})
    rule = Rule("in", "ACCEPT", source="+friends")
    asked = ("10.0.0.1", "10.1.0.1", "10.1.2.1")

    older = [verdict(ruleset(rule, cluster=cluster), tcp(80, source=ip), IN).passes for ip in asked]
    newer_rules = ruleset(rule, cluster=cluster, node_pve1=Level({"nftables": 1}))
    newer = [verdict(newer_rules, tcp(80, source=ip), IN).passes for ip in asked]

    assert older == [True, False, True]
    assert newer == [True, False, False]


def test_the_older_firewall_ignores_a_set_that_holds_everything() -> None:
    cluster = Level(ipsets={"management": [Entry("0.0.0.0/0")]})

    assert not verdict(ruleset(cluster=cluster), tcp(22), IN).passes
    assert verdict(ruleset(cluster=cluster, node_pve1=Level({"nftables": 1})), tcp(22), IN).passes


def test_corosync_passes_between_the_addresses_of_a_link_and_with_the_newer_firewall_from_everywhere() -> None:
    packet = Packet(ip_address("10.9.0.2"), ip_address("10.9.0.1"), "udp", dport=5405)
    stranger = replace(packet, source=ip_address("203.0.113.7"))

    assert verdict(ruleset(), packet, IN).by == "built in: corosync"
    assert not verdict(ruleset(), stranger, IN).passes
    assert verdict(ruleset(node_pve1=Level({"nftables": 1})), stranger, IN).passes


def test_forward_rules_take_the_newer_firewall() -> None:
    rules, place = (Rule("forward", "DROP", proto="tcp", dport="80"),), Place("node", "pve1", "forward")

    assert (
        verdict(ruleset(*rules), tcp(80), place).by == "nftables of node pve1: the older firewall has no forward rules"
    )
    newer = ruleset(*rules, node_pve1=Level({"nftables": 1}))
    assert verdict(newer, tcp(80), place).by == "cluster rule 0 (FORWARD DROP tcp 80)"
    assert verdict(newer, tcp(81), place).by == "policy_forward of cluster (ACCEPT)"


# ---------------------------------------------------------------- names


def test_a_name_is_looked_for_at_the_guest_first_and_where_its_scope_says() -> None:
    cluster = Level(aliases={"office": "10.1.0.0/24"})

    def passes(name: str, source: str) -> bool:
        own = Level({"enable": 1}, [Rule("in", "ACCEPT", source=name)], {"office": "10.2.0.0/24"})
        return verdict(ruleset(cluster=cluster, guest_100=own), tcp(80, source=source), GUEST_IN).passes

    assert [passes("office", ip) for ip in ("10.1.0.1", "10.2.0.1")] == [False, True]
    assert [passes("dc/Office", ip) for ip in ("10.1.0.1", "10.2.0.1")] == [True, False]
    assert [passes("guest/office", ip) for ip in ("10.1.0.1", "10.2.0.1")] == [False, True]


def test_a_group_and_a_set_of_the_cluster_do_not_know_the_names_of_a_guest() -> None:
    cluster = Level(aliases={"office": "10.1.0.0/24"}, ipsets={"friends": [Entry("office")]})
    own = Level(
        {"enable": 1}, [Rule("group", "web"), Rule("in", "ACCEPT", source="+friends")], {"office": "10.2.0.0/24"}
    )
    rules = replace(
        ruleset(cluster=cluster, guest_100=own),
        groups={"web": [Rule("in", "ACCEPT", source="office", proto="tcp", dport="80")]},
    )

    assert verdict(rules, tcp(80, source="10.1.0.1"), GUEST_IN).by.startswith("guest 100 rule 0, group web rule 0")
    assert verdict(rules, tcp(81, source="10.1.0.1"), GUEST_IN).by.startswith("guest 100 rule 1")
    assert not verdict(rules, tcp(80, source="10.2.0.1"), GUEST_IN).passes


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("in", "DROP", source="+nothing"), "the ipset +nothing is not known"),
        (Rule("in", "DROP", source="nobody"), "the alias 'nobody' is not known"),
        (Rule("in", "DROP", source="+sdn/v1-all"), "the ipset +sdn/v1-all is not known"),
        (Rule("in", "DROP", macro="Nothing"), "the macro Nothing is not known"),
        (Rule("group", "none"), "the security group 'none' is not known"),
        (Rule("in", "DROP", proto="tcp", dport="nosuchservice"), "the service 'nosuchservice' is not known here"),
    ],
)
def test_what_is_not_known_is_an_error_that_names_it_and_the_rule(rule: Rule, words: str) -> None:
    with pytest.raises(Unresolved, match="cluster rule 0") as raised:
        verdict(ruleset(rule), tcp(80), IN)

    assert words in str(raised.value)


def test_it_does_not_matter_what_a_set_holds_where_the_rule_is_about_another_port() -> None:
    rules = ruleset(Rule("in", "ACCEPT", source="+nothing", proto="tcp", dport="22"))

    assert not verdict(rules, tcp(80), IN).passes


def test_local_network_is_the_nodes_own_until_somebody_says_otherwise() -> None:
    rule = Rule("in", "ACCEPT", source="local_network", proto="tcp", dport="80")

    assert verdict(ruleset(rule), tcp(80, source="192.0.2.200"), IN).passes
    named = Level(aliases={"local_network": "10.0.0.0/8"})
    assert not verdict(ruleset(rule, cluster=named), tcp(80, source="192.0.2.200"), IN).passes


def test_a_rule_for_an_interface_takes_one_that_is_known() -> None:
    rule = Rule("in", "ACCEPT", iface="vmbr9")

    assert verdict(ruleset(rule), tcp(80, dest="10.9.0.1"), IN).passes
    assert not verdict(ruleset(rule), tcp(80), IN).passes
    assert verdict(ruleset(rule), tcp(80, iface="vmbr9"), IN).passes
    with pytest.raises(Unresolved, match="the packet's interface is not known"):
        verdict(ruleset(rule), tcp(80, dest="192.0.2.99"), IN)


# ---------------------------------------------------------------- guests


def test_a_card_without_firewall_is_open() -> None:
    rules = ruleset(guest_200=on())

    assert verdict(rules, tcp(80), Place("guest", "200", "in", "net1")).by == "firewall of net1 of guest 200: it is off"
    assert verdict(rules, tcp(80), Place("guest", "200", "in")).by == "policy_in of guest 200 (DROP)"


def test_a_rule_for_one_card_is_not_for_the_others() -> None:
    level = Level({"enable": 1}, [Rule("in", "ACCEPT", iface="net1")])

    assert not verdict(ruleset(guest_100=level), tcp(80), GUEST_IN).passes


def test_a_guest_sends_from_its_own_addresses_only_where_that_is_wanted() -> None:
    rules = ruleset(guest_100=on(ipfilter=1))

    assert verdict(rules, tcp(80, source="192.0.2.100"), GUEST_OUT).passes
    assert verdict(rules, tcp(80, source="192.0.2.101"), GUEST_OUT).by == "built in: ipfilter"
    assert verdict(rules, tcp(80, "fe80::be24:11ff:fe00:1", "2001:db8::1"), GUEST_OUT).passes
    assert not verdict(rules, tcp(80, "fe80::1", "2001:db8::1"), GUEST_OUT).passes
    named = Level({"enable": 1}, ipsets={"ipfilter-net0": [Entry("192.0.2.101")]})
    assert verdict(ruleset(guest_100=named), tcp(80, source="192.0.2.101"), GUEST_OUT).passes


def test_a_guest_sends_from_its_own_card_unless_nobody_minds() -> None:
    packet = tcp(80, source="192.0.2.100", mac="BC:24:11:FF:FF:FF")

    assert verdict(ruleset(guest_100=on()), packet, GUEST_OUT).by == "built in: macfilter"
    assert verdict(ruleset(guest_100=on(macfilter=0)), packet, GUEST_OUT).passes
    assert verdict(ruleset(guest_100=on()), replace(packet, mac="bc:24:11:00:00:01"), GUEST_OUT).passes


def test_a_packet_is_followed_from_guest_to_guest_through_their_network() -> None:
    rules = ruleset(
        guest_100=on(),
        guest_200=Level({"enable": 1}, [Rule("in", "ACCEPT", proto="tcp", dport="80")]),
        vnet_lan=Level(
            {"enable": 1, "policy_forward": "DROP"}, [Rule("forward", "ACCEPT", proto="tcp", dport="80:81")]
        ),
    )
    ends = End("guest", "100"), End("guest", "200")
    assert [each.passes for each in journey(rules, tcp(82), *ends)] == [True, False], (
        "the older firewall has none there"
    )
    rules = rules.changed("node pve2", options={"nftables": 1})

    assert [str(each.place) for each in journey(rules, tcp(80), *ends)] == [
        "out of guest 100 net0", "through vnet lan", "into guest 200 net0",
    ]  # fmt: skip
    assert [each.passes for each in journey(rules, tcp(81), *ends)] == [True, True, False]
    assert str(journey(rules, tcp(82), *ends)[-1]) == "DROP through vnet lan by policy_forward of vnet lan (DROP)"
