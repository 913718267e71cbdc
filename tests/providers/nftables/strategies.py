"""Random rulesets and packets out of a small world, so that rules and packets often meet."""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from providers._firewall.packet import Packet, Place
from providers._firewall.ruleset import Entry, Guest, Interface, Level, Nic, Node, Rule, Ruleset
from simulator.firewall.macros import MACROS
from tests.providers.nftables.end import CARD
from tests.providers.nftables.frames import ICMP, ICMPV6, TCP, UDP, Sent

HERE = {4: ("10.0.0.1", "10.0.0.2"), 6: ("2001:db8::1", "2001:db8::2")}
"""The addresses of the receiving end."""
_THERE = {
    4: ("10.1.0.1", "10.1.0.9", "10.1.1.5", "10.1.1.200", "10.2.0.77", "203.0.113.4"),
    6: ("2001:db8:1::1", "2001:db8:1::9", "2001:db8:2::5", "2001:db8:3::77"),
}
_NETWORKS = {
    4: ("10.1.0.0/24", "10.1.0.0/16", "10.1.1.128/25", "10.2.0.0/15", "203.0.113.4", "10.1.0.9/32"),
    6: ("2001:db8:1::/48", "2001:db8:1::8/125", "2001:db8::/32", "2001:db8:2::5"),
}
_RANGES = {4: ("10.1.0.1-10.1.0.8", "10.1.0.9-10.2.0.90"), 6: ("2001:db8:1::2-2001:db8:2::5",)}
_ALIASES = {4: ("office", "dc/office", "branch"), 6: ("six", "dc/six")}
_SETS = ("+friends", "+dc/friends", "+foes", "+empty")
_PORTS = (22, 53, 67, 68, 80, 111, 137, 443, 445, 1900, 3128, 5404, 5405, 5412, 5950, 8006, 60000, 60050)
_SPECS = ("22", "80,443", "5000:6000", "8006", "1:1024", "60000:60050", "111,5404:5405")
_SERVICES = ("ssh", "https,http")
_TYPES = {4: (0, 3, 4, 8, 11, 12), 6: (1, 2, 3, 4, 128, 129, 133, 134, 136)}
_TYPE_NAMES = {
    4: ("echo-request", "any", "destination-unreachable", "host-unreachable", "time-exceeded", "source-quench"),
    6: ("echo-request", "packet-too-big", "port-unreachable", "neighbor-advertisement", "time-exceeded"),
}
PLACES = (
    *(Place("node", name, way) for name in ("older", "newer") for way in ("in", "out")),
    *(Place("guest", name, way) for name in ("100", "200") for way in ("in", "out")),
    *(Place("node", "newer", "forward"), Place("vnet", "lan", "forward")),
)
_NODES = {
    "older": Node("10.0.0.1", ["10.0.0.1"]),
    "newer": Node("10.1.1.5", ["10.1.1.5"]),
}
_INTERFACES = {"older": [Interface(CARD, "10.0.0.1/24")], "newer": [Interface(CARD, "10.1.1.5/24")]}
_GUESTS = {
    vmid: Guest(node, {"net0": Nic("lan", firewall=True)}) for vmid, node in (("100", "older"), ("200", "newer"))
}
_CARDS = (None, None, CARD, "vmbr1")
_ACTIONS = st.sampled_from(("ACCEPT", "ACCEPT", "DROP", "REJECT"))


@st.composite
def _ends(draw: st.DrawFn, version: int | None) -> dict[str, str]:
    """Source and destination of a rule."""
    found = {}
    for side, some in (("source", _NETWORKS), ("dest", HERE)):
        if version and draw(st.booleans()):
            texts = [*some[version], ",".join(some[version][:2])]
            texts += [*_RANGES[version], *_ALIASES[version], *_SETS] if side == "source" else []
            found[side] = draw(st.sampled_from(texts))
        elif version is None and side == "source" and draw(st.booleans()):
            found[side] = draw(st.sampled_from(_SETS))
    return found


@st.composite
def _what(draw: st.DrawFn, version: int | None) -> dict[str, str]:
    """What a rule is about: a macro, a protocol, or all."""
    kind = draw(st.sampled_from(("macro", "ports", "ports", "icmp", "all")))
    if kind == "macro":
        return {"macro": draw(st.sampled_from(sorted(MACROS)))}
    if kind == "ports":
        proto = draw(st.sampled_from(("tcp", "udp")))
        spec = st.none() | st.sampled_from((*_SPECS, *(_SERVICES if proto == "tcp" else ())))
        parts = {"proto": proto, "dport": draw(spec), "sport": draw(spec)}
        return {name: value for name, value in parts.items() if value}
    if kind == "icmp" and version:
        return {"proto": "icmp" if version == 4 else "icmpv6", "icmp_type": draw(st.sampled_from(_TYPE_NAMES[version]))}
    return {}


@st.composite
def _rule(draw: st.DrawFn, ways: tuple[str, ...], ifaces: tuple[str | None, ...]) -> Rule:
    way, version = draw(st.sampled_from(ways)), draw(st.sampled_from((None, 4, 4, 4, 6, 6)))
    iface = None if way == "forward" else draw(st.sampled_from(ifaces))
    parts: dict[str, Any] = {**draw(_what(version)), **draw(_ends(version))}
    if not parts:  # a rule about everything hides those behind it
        parts["source"] = draw(st.sampled_from(_SETS))
    return Rule(way, draw(_ACTIONS), iface=iface, enable=draw(st.integers(0, 5)) > 0, **parts)


@st.composite
def _rules(draw: st.DrawFn, ways: tuple[str, ...], ifaces: tuple[str | None, ...] = (None,)) -> list[Rule]:
    """The rules of a level, and the security group that they use."""
    found = draw(st.lists(_rule(ways, ifaces), min_size=1, max_size=4))
    if draw(st.booleans()):
        group = Rule("group", draw(st.sampled_from(("web", "ops"))), iface=draw(st.sampled_from(ifaces)))
        found.insert(draw(st.integers(0, len(found))), group)
    return found


def _options(**choices: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in choices.items()})


@st.composite
def _sets(draw: st.DrawFn) -> dict[str, list[Entry]]:
    """Ipsets; what is taken out is smaller than what is in, where the two firewalls agree."""
    inside = st.sampled_from(("10.1.0.0/24", "10.1.0.0/16", "2001:db8:1::/48", "office", "10.2.0.0/15"))
    outside = st.sampled_from(("10.1.0.9", "10.1.0.0/28", "2001:db8:1::8/125", "10.1.1.128/25"))
    return {
        name: [
            *(Entry(cidr) for cidr in draw(st.sets(inside, min_size=1))),
            *(Entry(cidr, nomatch=True) for cidr in draw(st.sets(outside))),
        ]
        for name in ("friends", "foes", *draw(st.sets(st.sampled_from(("management", "blacklist")))))
    }


@st.composite
def rulesets(draw: st.DrawFn, place: Place) -> Ruleset:
    """A cluster of an older and a newer firewall with a guest on each; drawn is what matters at that place."""
    policy, ways, flags = ("ACCEPT", "DROP", "REJECT"), (place.way,) * 3 + ("in", "out", "forward"), (0, 1)
    at_node = place.kind == "node"
    cluster = Level(
        {**draw(_options(policy_in=policy, policy_out=policy, policy_forward=policy[:2])), "enable": 1},
        draw(_rules(ways, _CARDS)) if at_node else (),
        {"office": "10.1.0.0/24", "branch": "10.1.1.200", "six": "2001:db8:1::/48"},
        {**draw(_sets()), "empty": []},
    )
    own: dict[str, Level] = {
        "node": Level(draw(_options(ndp=flags)), draw(_rules(ways, _CARDS))),
        "vnet": Level({**draw(_options(policy_forward=policy[:2])), "enable": 1}, draw(_rules(("forward",)))),
        "guest": Level(
            {**draw(_options(policy_in=policy, policy_out=policy, dhcp=flags, ndp=flags, radv=flags)), "enable": 1},
            draw(_rules(tuple(way for way in ways if way != "forward"), (None, "net0", "net1"))),
            {"office": "10.2.0.77"},
        ),
    }
    own = {f"{place.kind} {place.name}": own[place.kind]}
    newer = own.get("node newer", Level())
    levels = {**own, "cluster": cluster, "node newer": replace(newer, options={**newer.options, "nftables": 1})}
    groups = {name: draw(st.lists(_rule(ways, (None,)), min_size=2, max_size=5)) for name in ("web", "ops")}
    return Ruleset(levels, groups, _NODES, _INTERFACES, _GUESTS)


def _all_packets() -> Iterator[Packet]:
    """Every packet of the small world that begins a connection, and every ICMP message."""
    for version in (4, 6):
        for source, dest in itertools.product(_THERE[version], HERE[version]):
            ends = ipaddress.ip_address(source), ipaddress.ip_address(dest)
            for proto, sport, dport in itertools.product(("tcp", "udp"), (*_PORTS, 50000), _PORTS):
                yield Packet(*ends, proto, dport=dport, sport=sport, iface=CARD)
            for kind, code in itertools.product(_TYPES[version], (0, 1, 4)):
                proto = "icmp" if version == 4 else "icmpv6"
                yield Packet(*ends, proto, icmp_type=kind, icmp_code=code, iface=CARD)


_PACKETS = list(_all_packets())


def packets() -> st.SearchStrategy[list[Packet]]:
    """A handful of them."""
    return st.integers(0, 1 << 32).map(lambda seed: random.Random(seed).sample(_PACKETS, 400))


def sent(packet: Packet, token: int) -> Sent:
    """How a packet is put on the link."""
    number = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6}[packet.proto]
    ports = (packet.sport or 0, packet.dport or 0)
    return number, str(packet.source), str(packet.dest), token, ports, (packet.icmp_type or 0, packet.icmp_code)
