"""The text of a network, and the order of its requests, for any network and in whatever order it is written."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers._network.interface import LINUX_MODES, OVS_MODES
from providers._network.plan import Declared, steps, target, touched
from providers._network.settings import Network, lines_of, normal, settled
from providers._network.text import difference, printed, read, with_lines
from tests.providers import networks

CARDS: Network = {name: {"type": "eth"} for name in ("eno1", "eno2", "eno3", "ens1f0", "ens1f1")}
INSTALLED: Network = CARDS | {
    "vmbr0": {"type": "bridge", "autostart": True, "bridge_ports": ["eno1"], "cidr": "192.0.2.10/24"}
}

_lines = st.lists(
    st.sampled_from(["post-up true", "pre-up sleep 1", "ovs_extra set bridge x"]), unique=True, max_size=2
)
_any = {
    "autostart": st.booleans(),
    "cidr": st.sampled_from(["192.0.2.7/24", "10.0.0.1/8"]),
    "cidr6": st.sampled_from(["2001:db8::7/64"]),
    "mtu": st.sampled_from([1500, 9000]),
    "comments": st.sampled_from(["a note", "two\nlines"]),
    "options": _lines,
    "masquerade": st.lists(st.sampled_from(["10.1.0.0/24", "2001:db8:1::/64"]), unique=True, max_size=2),
    "forward_only_to": st.sampled_from(["outside", "vmbr9"]),
}
_own: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "bridge": {"bridge_ports": st.just(["eno1", "eno2"]), "bridge_vlan_aware": st.just(value=True)},
    "bond": {
        "slaves": st.just(["eno3"]), "bond_mode": st.sampled_from(LINUX_MODES),
        "bond_xmit_hash_policy": st.just("layer3+4"), "bond_primary": st.just("eno3"),
    },
    "vlan": {},
    "OVSBridge": {"ovs_ports": st.just(["ens1f0"]), "ovs_options": st.just("fail_mode=secure")},
    "OVSIntPort": {
        "ovs_bridge": st.just("vmbr1"), "ovs_tag": st.integers(1, 4094), "ovs_options": st.just("vlan_mode=access"),
    },
    "OVSBond": {
        "ovs_bridge": st.just("vmbr1"), "ovs_bonds": st.just(["ens1f0", "ens1f1"]), "ovs_tag": st.just(5),
        "bond_mode": st.sampled_from(OVS_MODES),
    },
}  # fmt: skip
_named = {
    "eno1": "eth", "vmbr0": "bridge", "bond0": "bond", "vmbr0.7": "vlan", "vmbr1": "OVSBridge", "lan7": "OVSIntPort",
    "bond1": "OVSBond",
}  # fmt: skip


@st.composite
def _networks(draw: st.DrawFn) -> Network:
    network: Network = {}
    for name in draw(st.lists(st.sampled_from(sorted(_named)), unique=True)):
        kind = _named[name]
        given_settings = draw(st.fixed_dictionaries({}, optional={**_any, **_own.get(kind, {})}))
        network[name] = normal(name, {"type": kind, **given_settings})
    return network


@given(_networks())
def test_what_is_printed_reads_back_as_it_was(network: Network) -> None:
    assert read(printed(network)) == network


@given(_networks(), st.sampled_from(sorted(_named)), _lines)
def test_further_lines_change_in_one_interface_and_nothing_else(network: Network, name: str, lines: list[str]) -> None:
    before = lines_of(name, network.get(name, {}))
    changed = read(with_lines(printed(network), name, before, lines))

    assert {other: item for other, item in changed.items() if other != name} == {
        other: item for other, item in network.items() if other != name
    }
    if name in network:
        left = {key: value for key, value in network[name].items() if key != "forward_only_to"}
        assert changed[name] == normal(name, {**left, "options": lines, "masquerade": []})


def test_an_interface_that_has_some_of_its_rules_already_gets_the_others_and_each_once() -> None:
    bridge = normal("vmbr1", {**networks.APART["vmbr1"], "autostart": True, "cidr6": "fd00::1/64"})
    some = [line for line in lines_of("vmbr1", bridge) if "ip6tables" not in line]
    there = {name: item for name, item in bridge.items() if name != "forward_only_to"}
    current = read(printed({**INSTALLED, "vmbr1": {**there, "options": some}}))
    assert current["vmbr1"]["options"] == some

    goal = target(current, {}, networks.APART, networks.APART)

    assert goal["vmbr1"] == bridge
    kept = "post-up ip6tables -t filter -I INPUT -i vmbr1 ! -d fd00::1 ! -p ipv6-icmp -j DROP"
    assert kept.replace("-I", "-C") in "\n".join(lines_of("vmbr1", bridge))
    assert len(set(lines_of("vmbr1", bridge))) == len(lines_of("vmbr1", bridge))


@given(st.sampled_from(["-s '10.1.0.0/24' -o vmbr0", "-s 10.1.0.9/24 -o vmbr0", "-s 10.1.0.0/24 -o other"]))
def test_a_rule_that_somebody_has_written_in_his_own_way_stays_a_line_of_his(rule: str) -> None:
    lines = [
        f"post-{when} iptables -t nat -{how} POSTROUTING {rule} -j MASQUERADE"
        for when, how in (("up", "A"), ("down", "D"))
    ]

    found = read(with_lines(printed(INSTALLED), "vmbr0", [], lines))["vmbr0"]

    assert found == {**INSTALLED["vmbr0"], "options": lines}


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    read(text)


@given(st.sampled_from(sorted(networks.NETWORKS)), st.randoms(use_true_random=False))
def test_the_order_of_the_declaration_means_nothing(name: str, chance: random.Random) -> None:
    declared: Declared = networks.NETWORKS[name]
    names = list(declared)
    chance.shuffle(names)
    shuffled = {each: declared[each] for each in names}
    goal = target(INSTALLED, {}, {}, declared)

    assert target(INSTALLED, {}, {}, shuffled) == goal
    assert steps(INSTALLED, goal, touched(shuffled)) == steps(INSTALLED, goal, touched(declared))


@given(st.sampled_from(sorted(networks.NETWORKS)), st.sampled_from(sorted(networks.NETWORKS)))
def test_from_each_network_to_each_other_nothing_is_needed_before_it_is_there(one: str, other: str) -> None:
    first, second = networks.NETWORKS[one], networks.NETWORKS[other]
    there = target(INSTALLED, INSTALLED, {}, first)
    goal = target(there, INSTALLED, first, second)

    known = set(there)
    for step in steps(there, goal, touched(first) | touched(second)):
        words = [step.parameters.get(key, "") for key in ("bridge_ports", "ovs_ports", "slaves", "ovs_bridge")]
        assert set(" ".join(words).split()) <= known
        known = known - {step.name} if step.method == "DELETE" else known | {step.name}
    assert known == set(goal)


def test_a_network_that_stays_as_it_is_takes_no_request() -> None:
    goal = target(settled(INSTALLED), {}, {}, {"vmbr0": {"type": "bridge", "cidr": "192.0.2.10/24"}})

    assert steps(settled(INSTALLED), goal, ["vmbr0"]) == []
    assert difference(settled(INSTALLED), goal) == ""
