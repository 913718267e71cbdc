"""A question to the firewall in words, as the command line and policies ask it: from where, to where, what."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from providers._firewall.packet import EPHEMERAL, Address, Packet, State
from providers._firewall.protocols import ICMP_TYPES
from providers._firewall.ruleset import Ruleset, Unresolved
from providers._firewall.verdict import End, Verdict, guest_of, journey
from providers._runtime.errors import InvalidValue

_END = re.compile(r"(?P<kind>node|guest):(?P<name>[^/@]+)(/(?P<nic>net\d+))?(@(?P<address>\S+))?")
HOW = "an address, `node:pve1`, `guest:100`, `guest:100/net1`, or `guest:100@192.0.2.7`"


@dataclass(frozen=True)
class Question:
    """What is asked."""

    source: str
    dest: str
    proto: str = "tcp"
    dport: int | None = None
    sport: int = EPHEMERAL
    icmp_type: str | None = None
    iface: str | None = None
    state: State = "new"

    def answer(self, ruleset: Ruleset) -> list[Verdict]:
        """The verdicts on the way; the last one says whether the packet gets through."""
        (source, start), (dest, goal) = _end(ruleset, self.source), _end(ruleset, self.dest)
        if source.version != dest.version:
            raise InvalidValue(f"{source} and {dest} are not of the same version of IP")
        if start is None and goal is None:
            raise InvalidValue(
                "one of the two ends has to be a node or a guest: no firewall of the cluster is asked else"
            )
        type_, code = self._kind(source.version)
        proto = "icmpv6" if self.proto == "icmp" and source.version == 6 else self.proto  # noqa: PLR2004 - of IP
        packet = Packet(
            source,
            dest,
            proto,
            dport=self.dport,
            sport=self.sport,
            icmp_type=type_,
            icmp_code=code,
            iface=self.iface,
            state=self.state,
        )
        return journey(ruleset, packet, start, goal)

    def _kind(self, version: int) -> tuple[int | None, int]:
        """Type and code of an ICMP message, which may be given by its name."""
        if self.icmp_type is None or self.icmp_type.isdecimal():
            return (int(self.icmp_type) if self.icmp_type else None), 0
        if self.icmp_type not in ICMP_TYPES[version]:
            raise InvalidValue(f"there is no ICMP type {self.icmp_type!r} in IPv{version}")
        type_, code = ICMP_TYPES[version][self.icmp_type]
        return type_, code or 0


def _end(ruleset: Ruleset, text: str) -> tuple[Address, End | None]:
    """One end: its address, and what it is if it is none outside of the cluster."""
    found = _END.fullmatch(text)
    try:
        if found is None:
            return ipaddress.ip_address(text), None
        end = End(found["kind"], found["name"], found["nic"] or "net0")
        return ipaddress.ip_address(found["address"] or _address(ruleset, end)), end
    except ValueError:
        raise InvalidValue(f"{text!r} is no end of a way: it is {HOW}") from None


def _address(ruleset: Ruleset, end: End) -> str:
    if end.kind == "node":
        if end.name not in ruleset.nodes:
            raise Unresolved(f"node {end.name} is not known")
        return ruleset.nodes[end.name].address
    guest = guest_of(ruleset, end.name)
    if end.nic not in guest.nics:
        raise Unresolved(f"guest {end.name} has no {end.nic}")
    addresses = guest.nics[end.nic].addresses
    if not addresses:
        raise Unresolved(
            f"the address of {end.nic} of guest {end.name} is not known: say it as guest:{end.name}@192.0.2.7"
        )
    return addresses[0]
