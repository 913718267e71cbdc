"""The evaluator says what real nftables does: random rulesets, and random packets that are really sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from providers._firewall.packet import Packet, Place
from providers._firewall.ruleset import Level, Ruleset
from providers._firewall.verdict import verdict
from simulator.firewall.rules import verify
from tests.providers.nftables.nft import render, rule_of
from tests.providers.nftables.strategies import HERE, PLACES, packets, rulesets, sent
from tests.providers.nftables.wire import Wire, wire


@pytest.fixture(scope="module")
def link() -> Iterator[Wire]:
    """Two networks; the firewall is at the end that receives."""
    with wire([*HERE[4], *HERE[6]]) as made:
        yield made


@given(st.data(), st.sampled_from(PLACES), packets())
@settings(max_examples=100, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_packet_passes_exactly_where_nftables_lets_it_in(
    link: Wire, data: st.DataObject, place: Place, flow: list[Packet]
) -> None:
    ruleset = data.draw(rulesets(place))
    _proxmox_takes(ruleset, place)
    link.load(render(ruleset, place))

    arrived = link.passed([sent(packet, token) for token, packet in enumerate(flow, 1)])

    verdicts = {token: verdict(ruleset, packet, place) for token, packet in enumerate(flow, 1)}
    passing = {token for token, found in verdicts.items() if found.passes}
    wrong = passing ^ (arrived & set(verdicts))
    assert not wrong, [f"{flow[token - 1]}: {verdicts[token]}" for token in wrong]


def _proxmox_takes(ruleset: Ruleset, place: Place) -> None:
    """Random rules are worth something only where they are rules: the simulator refuses others as Proxmox does."""
    own, cluster = ruleset.level(place.kind, place.name), ruleset.cluster

    def find(levels: list[Level], kind: str, name: str) -> Mapping[str, object] | None:
        if kind == "ipset":
            return {"name": name} if name in cluster.ipsets else None
        return next(({"ipversion": 6 if ":" in at.aliases[name] else 4} for at in levels if name in at.aliases), None)

    environments = {"node": "host", "guest": "vm", "vnet": "vnet"}
    for environment, rules, levels in (
        ("cluster", cluster.rules, [cluster]),
        (environments[place.kind], own.rules, [own, cluster]),
        *(("group", rules, [cluster]) for rules in ruleset.groups.values()),
    ):
        for rule in rules:
            lookup = {"": levels, "dc/": [cluster]}
            verify(rule_of(rule, None), environment, lambda kind, scope, name, at=lookup: find(at[scope], kind, name))  # type: ignore[misc]
