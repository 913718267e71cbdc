"""Whether a rule speaks of a packet: addresses with the names that stand for them, protocols, ports, interfaces."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from providers._firewall.macros import forms_of
from providers._firewall.packet import Address, Packet
from providers._firewall.protocols import ICMP, ICMP_TYPES, ICMPV6, WITH_PORTS, ports, protocol
from providers._firewall.ruleset import Entry, Level, Rule, Ruleset, Unresolved

Net = ipaddress.IPv4Network | ipaddress.IPv6Network
_VERSIONS = {ICMP: 4, ICMPV6: 6}
_SCOPES = ("dc/", "guest/", "sdn/")


@lru_cache(maxsize=4096)
def networks(text: str) -> tuple[Net, ...]:
    """The networks of a list of addresses and networks, or of a range."""
    if "-" in text:
        first, last = map(ipaddress.ip_address, text.split("-"))
        if isinstance(first, ipaddress.IPv4Address) and isinstance(last, ipaddress.IPv4Address):
            return tuple(ipaddress.summarize_address_range(first, last))
        if isinstance(first, ipaddress.IPv6Address) and isinstance(last, ipaddress.IPv6Address):
            return tuple(ipaddress.summarize_address_range(first, last))
    return tuple(ipaddress.ip_network(item.strip(), strict=False) for item in text.split(","))


@dataclass(frozen=True)
class Names:
    """What aliases and ipsets stand for, as a rule at one place sees them."""

    ruleset: Ruleset
    node: str
    """The node whose firewall it is; its own network is what `local_network` is by itself."""
    own: Level | None = None
    """The guest's configuration, at a guest."""

    @property
    def nftables(self) -> bool:
        """Whether the node has the newer firewall."""
        return self.ruleset.is_nftables(self.node)

    def has(self, address: Address, text: str) -> bool:
        """Whether an address is one of those that a rule names as source or destination; `!` in front: none of them."""
        if text.startswith("!"):
            return not self.has(address, text.removeprefix("!"))
        if text.startswith("+"):
            return self._in_set(address, text.removeprefix("+"))
        literal = text[0].isdigit() or ":" in text
        return any(address in net for net in (networks(text) if literal else networks(self._alias(text))))

    def _places(self, text: str) -> tuple[str, list[Level]]:
        """The name without its scope, and where it may be configured."""
        scope = next((scope for scope in _SCOPES if text.startswith(scope)), "")
        cluster, own = [self.ruleset.cluster], [self.own] if self.own else []
        return text.removeprefix(scope), {"dc/": cluster, "guest/": own}.get(scope, own + cluster)

    def _alias(self, text: str) -> str:
        name, places = self._places(text)
        found = next((place.aliases[name.lower()] for place in places if name.lower() in place.aliases), None)
        if found is None and name.lower() == "local_network" and not text.startswith("guest/"):
            found = self.ruleset.local_network(self.node)
        if found is None:
            raise Unresolved(f"the alias {text!r} is not known")
        return found

    def _in_set(self, address: Address, text: str) -> bool:
        name, places = self._places(text)
        if text.startswith("sdn/"):
            level, entries = None, self.ruleset.sdn.get(name)
        else:
            level = next((place for place in places if name in place.ipsets), None)
            entries = level.ipsets[name] if level else None
            if name == "management" and self.ruleset.cluster in places and (level is None or level is not self.own):
                entries = self._management(entries)
        if entries is None:
            raise Unresolved(f"the ipset +{text} is not known")
        there = self if level is self.own else replace(self, own=None)  # a set knows the names of its own level
        return there._covers(entries, address)

    def _management(self, configured: Sequence[Entry] | None) -> Sequence[Entry]:
        """The set that may manage nodes; the node's own network is in it, with nftables only where none is set."""
        if configured is not None and self.nftables:
            return configured
        return (*(configured or ()), Entry("local_network"))

    def _covers(self, entries: Sequence[Entry], address: Address) -> bool:
        """Kernel ipsets let the smallest network decide; with nftables nothing brings back what is taken out."""
        found = [
            (net.prefixlen, not entry.nomatch)
            for entry in entries
            for net in self._entry(entry.cidr)
            if address in net and (net.prefixlen or self.nftables)
        ]
        if self.nftables:
            return bool(found) and all(matches for _, matches in found)
        return bool(found) and max(found)[1]

    def _entry(self, cidr: str) -> tuple[Net, ...]:
        return networks(cidr if cidr[0].isdigit() or ":" in cidr else self._alias(cidr))


def may_speak_of(rule: Rule, packet: Packet) -> bool:
    """Whether a rule can be about the packet, by its protocol and ports alone."""
    try:
        return any(not form.proto or _has_protocol(form, packet) for form in _forms(rule, packet.version))
    except Unresolved:
        return True


def speaks_of(rule: Rule, packet: Packet, names: Names) -> bool:
    """Whether a rule (no group) is about the packet, whatever it does with it."""
    return any(_fits(form, packet, names) for form in _forms(rule, packet.version))


def all_true(tests: Iterator[Callable[[], bool]]) -> bool:
    """Whether all tests hold; what is not known matters only where none of the others fails."""
    unknown: Unresolved | None = None
    for test in tests:
        try:
            if not test():
                return False
        except Unresolved as problem:
            unknown = unknown or problem
    if unknown:
        raise unknown
    return True


def _forms(rule: Rule, version: int) -> Iterator[Rule]:
    """The rule without macro: one for each form of packet that the macro stands for."""
    if rule.macro is None:
        yield rule
        return
    forms = forms_of(rule.macro, version)
    if forms is None:
        raise Unresolved(f"the macro {rule.macro} is not known")
    for form in forms:
        yield replace(
            rule,
            macro=None,
            proto=form.proto,
            dport=form.dport or rule.dport,
            sport=form.sport or rule.sport,
        )


def _fits(rule: Rule, packet: Packet, names: Names) -> bool:
    def tests() -> Iterator[Callable[[], bool]]:
        if rule.proto:
            yield lambda: _has_protocol(rule, packet)
        for spec, address in ((rule.source, packet.source), (rule.dest, packet.dest)):
            if spec:
                yield lambda spec=spec, address=address: names.has(address, spec)  # type: ignore[misc]

    return all_true(tests())


def _has_protocol(rule: Rule, packet: Packet) -> bool:
    number = protocol(rule.proto or "")
    if number == 0:
        return True  # `ip`: any
    if number != protocol(packet.proto):
        return False
    if number in _VERSIONS:
        return packet.version == _VERSIONS[number] and _has_type(rule.icmp_type or rule.dport, packet)
    given = ((rule.dport, packet.dport, "destination"), (rule.sport, packet.sport, "source"))
    return number not in WITH_PORTS or all(_has_port(spec, value, what, number) for spec, value, what in given if spec)


def _has_type(name: str | None, packet: Packet) -> bool:
    if name in (None, "any"):
        return True
    if packet.icmp_type is None:
        raise Unresolved(f"the rule is about ICMP messages of type {name}, and the packet's type is not known")
    found = ICMP_TYPES[packet.version].get(str(name))
    if found is None:
        raise Unresolved(f"the ICMP type {name!r} is not known")
    type_, code = found
    return packet.icmp_type == type_ and code in (None, packet.icmp_code)


def _has_port(spec: str, value: int | None, what: str, proto: int) -> bool:
    if value is None:
        raise Unresolved(f"the rule is about {what} port {spec}, and the packet's is not known")
    return any(value in some for some in ports(spec, proto))
