"""The conditions of a firewall rule, in the language of nftables."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.firewall.macros import rules_of
from simulator.firewall.names import PROTOCOLS
from simulator.firewall.rules import Rule

Net = ipaddress.IPv4Network | ipaddress.IPv6Network
Sets = Callable[[str], "Addresses"]
"""Finds what an alias (`name`, `dc/name`) or an ipset (`+name`, `+guest/name`) stands for."""

_IP = {4: "ip", 6: "ip6"}
_ICMP = {"icmp": 4, "1": 4, "icmpv6": 6, "ipv6-icmp": 6, "58": 6}
_ICMP_TYPES = """
echo-reply=0 destination-unreachable=3 network-unreachable=3.0 host-unreachable=3.1 protocol-unreachable=3.2
port-unreachable=3.3 fragmentation-needed=3.4 source-route-failed=3.5 network-unknown=3.6 host-unknown=3.7
network-prohibited=3.9 host-prohibited=3.10 TOS-network-unreachable=3.11 TOS-host-unreachable=3.12
communication-prohibited=3.13 host-precedence-violation=3.14 precedence-cutoff=3.15 source-quench=4 redirect=5
network-redirect=5.0 host-redirect=5.1 TOS-network-redirect=5.2 TOS-host-redirect=5.3 echo-request=8
router-advertisement=9 router-solicitation=10 time-exceeded=11 ttl-zero-during-transit=11.0
ttl-zero-during-reassembly=11.1 parameter-problem=12 ip-header-bad=12.0 required-option-missing=12.1
timestamp-request=13 timestamp-reply=14 address-mask-request=17 address-mask-reply=18
"""
_ICMPV6_TYPES = """
destination-unreachable=1 no-route=1.0 communication-prohibited=1.1 beyond-scope=1.2 address-unreachable=1.3
port-unreachable=1.4 failed-policy=1.5 reject-route=1.6 packet-too-big=2 time-exceeded=3 ttl-zero-during-transit=3.0
ttl-zero-during-reassembly=3.1 parameter-problem=4 bad-header=4.0 unknown-header-type=4.1 unknown-option=4.2
echo-request=128 echo-reply=129 router-solicitation=133 router-advertisement=134 neighbor-solicitation=135
neighbour-solicitation=135 neighbor-advertisement=136 neighbour-advertisement=136 redirect=137
"""
_TYPES = {
    4: dict(pair.split("=") for pair in _ICMP_TYPES.split()),
    6: dict(pair.split("=") for pair in _ICMPV6_TYPES.split()),
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """A set of networks, and those that are taken out of it again."""

    networks: tuple[Net, ...]
    excluded: tuple[Net, ...] = ()

    def match(self, version: int, side: str) -> str | None:
        """Return the condition that an address of this IP version is in the set; None when none can be."""
        inside, outside = _elements(self.networks, version), _elements(self.excluded, version)
        if not inside:
            return None
        without = f" {_IP[version]} {side} != {{ {outside} }}" if outside else ""
        return f"{_IP[version]} {side} {{ {inside} }}{without}"

    def others(self, version: int, side: str) -> str:
        """Return the condition that an address of this IP version is not in the set."""
        inside = _elements(self.networks, version)
        return f"{_IP[version]} {side} != {{ {inside} }}" if inside else f"meta nfproto ipv{version}"


def _elements(networks: Iterable[Net], version: int) -> str:
    """Write networks without overlaps, as nftables wants them."""
    if version == 4:  # noqa: PLR2004 - of IP
        kept: Iterable[Net] = ipaddress.collapse_addresses(
            net for net in networks if isinstance(net, ipaddress.IPv4Network)
        )
    else:
        kept = ipaddress.collapse_addresses(net for net in networks if isinstance(net, ipaddress.IPv6Network))
    return ", ".join(str(net) for net in kept)


def networks_of(text: str) -> tuple[Net, ...]:
    """Return the networks of a list of addresses and networks, or of a range."""
    if "-" in text:
        first, _, last = text.partition("-")
        ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
        return tuple(ipaddress.summarize_address_range(*ends))
    return tuple(ipaddress.ip_network(item, strict=False) for item in text.split(","))


def addresses_of(text: str, sets: Sets) -> Addresses:
    """Return what the source or destination of a rule stands for."""
    if text[0].isdigit() or ":" in text:
        return Addresses(networks_of(text))
    return sets(text)


def conditions(rule: Rule, sets: Sets) -> Iterator[str]:
    """Yield the conditions under which a rule applies, one for each form of packet; none if it never does."""
    version = rule.get("ipversion")
    templates = rules_of(rule["macro"], version) if rule.get("macro") else ({},)
    for template in templates:
        for each in [version] if version else _versions(rule, template):
            found = _condition({**rule, **template}, each, sets)
            if found is not None:
                yield found


def _versions(rule: Rule, template: Mapping[str, Any]) -> list[int | None]:
    """Return the IP versions that need a condition of their own; one of None is for both."""
    protocol = template.get("proto") or rule.get("proto")
    if protocol in _ICMP:
        return [_ICMP[protocol]]
    return [4, 6] if rule.get("source") or rule.get("dest") else [None]


def _condition(rule: Mapping[str, Any], version: int | None, sets: Sets) -> str | None:
    parts = []
    for side, word in (("source", "saddr"), ("dest", "daddr")):
        if rule.get(side):
            match = addresses_of(rule[side], sets).match(version or 4, word)
            if match is None:
                return None
            parts.append(match)
    try:
        protocol = _protocol(rule)
    except OSError:
        return None  # a service that this machine has no number for
    if version and not parts and not protocol:
        parts.append(f"meta nfproto ipv{version}")
    return " ".join([*parts, *protocol])


def _protocol(rule: Mapping[str, Any]) -> list[str]:
    """Return the conditions on protocol, ports and type of message."""
    name = str(rule.get("proto") or "")
    if not name:
        return []
    if name in _ICMP:
        return [_icmp(name, str(rule.get("icmp-type") or rule.get("dport") or "any"))]
    ports = [f"th {side} {{ {_ports(rule[side], name)} }}" for side in ("dport", "sport") if rule.get(side)]
    return [f"meta l4proto {PROTOCOLS.get(name, name)}", *ports]


def _icmp(name: str, kind: str) -> str:
    version = _ICMP[name]
    word = "icmp" if version == 4 else "icmpv6"  # noqa: PLR2004 - of IP
    if kind == "any":
        return f"meta l4proto {word}"
    type_, _, code = _TYPES[version][kind].partition(".")
    return f"{word} type {type_}" + (f" {word} code {code}" if code else "")


def _ports(text: str, protocol: str) -> str:
    return ", ".join(_port(item, protocol) for item in text.split(","))


def _port(item: str, protocol: str) -> str:
    return item.replace(":", "-") if item[0].isdigit() else str(socket.getservbyname(item, protocol))
