"""Names of protocols, services and ICMP messages, as numbers."""

from __future__ import annotations

import socket
from functools import lru_cache

from providers._firewall.ruleset import Unresolved

WITH_PORTS = frozenset((6, 17, 33, 132, 136))
"""Protocols that have ports: tcp, udp, dccp, sctp, udplite."""
ICMP, ICMPV6, IGMP = 1, 58, 2
_PROTOCOLS = {
    "icmp": ICMP, "igmp": IGMP, "tcp": 6, "udp": 17, "dccp": 33, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51,
    "icmpv6": ICMPV6, "ipv6-icmp": ICMPV6, "ospf": 89, "ipip": 94, "pim": 103, "vrrp": 112, "l2tp": 115,
    "sctp": 132, "udplite": 136,
}  # fmt: skip
_V4 = """
echo-reply 0, destination-unreachable 3, network-unreachable 3/0, host-unreachable 3/1, protocol-unreachable 3/2,
port-unreachable 3/3, fragmentation-needed 3/4, source-route-failed 3/5, network-unknown 3/6, host-unknown 3/7,
network-prohibited 3/9, host-prohibited 3/10, TOS-network-unreachable 3/11, TOS-host-unreachable 3/12,
communication-prohibited 3/13, host-precedence-violation 3/14, precedence-cutoff 3/15, source-quench 4, redirect 5,
network-redirect 5/0, host-redirect 5/1, TOS-network-redirect 5/2, TOS-host-redirect 5/3, echo-request 8,
router-advertisement 9, router-solicitation 10, time-exceeded 11, ttl-zero-during-transit 11/0,
ttl-zero-during-reassembly 11/1, parameter-problem 12, ip-header-bad 12/0, required-option-missing 12/1,
timestamp-request 13, timestamp-reply 14, address-mask-request 17, address-mask-reply 18
"""
_V6 = """
destination-unreachable 1, no-route 1/0, communication-prohibited 1/1, beyond-scope 1/2, address-unreachable 1/3,
port-unreachable 1/4, failed-policy 1/5, reject-route 1/6, packet-too-big 2, time-exceeded 3,
ttl-zero-during-transit 3/0, ttl-zero-during-reassembly 3/1, parameter-problem 4, bad-header 4/0,
unknown-header-type 4/1, unknown-option 4/2, echo-request 128, echo-reply 129, router-solicitation 133,
router-advertisement 134, neighbor-solicitation 135, neighbour-solicitation 135, neighbor-advertisement 136,
neighbour-advertisement 136, redirect 137
"""


def _types(text: str) -> dict[str, tuple[int, int | None]]:
    found: dict[str, tuple[int, int | None]] = {}
    for item in text.split(","):
        name, _, numbers = item.strip().partition(" ")
        type_, _, code = numbers.partition("/")
        found[name] = (int(type_), int(code) if code else None)
    return found


ICMP_TYPES = {4: _types(_V4), 6: _types(_V6)}
"""By version of IP and name: type and code; a code of None is any."""


@lru_cache
def protocol(name: str) -> int:
    """The number of a protocol."""
    if name.isdecimal():
        return int(name)
    if name in _PROTOCOLS:
        return _PROTOCOLS[name]
    try:
        return socket.getprotobyname(name)
    except OSError:
        raise Unresolved(f"the protocol {name!r} is not known here") from None


@lru_cache(maxsize=4096)
def ports(spec: str, proto: int) -> tuple[range, ...]:
    """What a list of ports, ranges and names of services stands for."""
    ends = (item.partition(":")[::2] for item in spec.split(","))
    return tuple(range(_port(first, proto), _port(last or first, proto) + 1) for first, last in ends)


def _port(name: str, proto: int) -> int:
    """The number of a port, which may be given as the name of a service."""
    if name.isdecimal():
        return int(name)
    try:
        return socket.getservbyname(name, "udp" if proto == _PROTOCOLS["udp"] else "tcp")
    except OSError:
        raise Unresolved(f"the service {name!r} is not known here") from None
