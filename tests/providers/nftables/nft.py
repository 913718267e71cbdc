"""A ruleset as text for nftables, for one place: chains as Proxmox's own firewalls make them.

What a single rule says comes from the simulator's translation, which shares nothing with the evaluator. Every chain is
hung up where packets come in, also those of guests and of what is forwarded: there they can be watched. A packet that
is rejected is one that does not pass.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from providers._firewall.packet import Place
from providers._firewall.ruleset import Entry, Level, Rule, Ruleset
from simulator.live.matches import Addresses, conditions, networks_of

_VERDICTS = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "drop"}
_NOISE = """
udp dport { 135, 137-139, 445 } drop
udp sport 137 udp dport 1024-65535 drop
tcp dport { 135, 139, 445 } drop
udp dport 1900 drop
udp sport 53 drop
"""
_CRITICAL = """
icmp type { destination-unreachable, source-quench, time-exceeded } accept
icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
"""
_BEFORE_DROPPED = """
icmp type destination-unreachable icmp code 4 accept
icmp type time-exceeded accept
icmpv6 type { destination-unreachable, time-exceeded, packet-too-big } accept
"""
_DHCP = {
    "in": ("udp sport 67 udp dport 68", "udp sport 547 udp dport 546"),
    "out": ("udp sport 68 udp dport 67", "udp sport 546 udp dport 547"),
}
_NDP = "nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert"


def render(ruleset: Ruleset, place: Place) -> str:
    """The text that nftables reads."""
    return _Text(ruleset, place).whole()


def rule_of(rule: Rule, version: int | None) -> dict[str, Any]:
    """A rule in the simulator's notation."""
    parts = {name.replace("_", "-"): value for name, value in vars(rule).items() if value is not None}
    return {**parts, "enable": int(rule.enable), **({"ipversion": version} if version else {})}


def version_of(ruleset: Ruleset, own: Level, rule: Rule) -> int | None:
    """The version of IP that a rule's addresses and protocol are of; ipsets may have both."""
    if rule.proto in ("icmp", "icmpv6"):
        return 4 if rule.proto == "icmp" else 6
    for text in filter(None, (rule.source, rule.dest)):
        if not text.startswith("+"):
            return 6 if ":" in str(_Text(ruleset, Place("node", "", "in"), own).addresses(text)) else 4
    return None


@dataclass
class _Text:
    ruleset: Ruleset
    place: Place
    own: Level | None = None

    def whole(self) -> str:
        chains = {"start": ["type filter hook input priority filter", "meta l4proto 253 accept", *self._order()]}
        self.own = None  # a group is the cluster's: it knows no names of a guest
        for name, rules in self.ruleset.groups.items():
            chains[f"group-{name}"] = [line for rule in rules for line in self._line(rule)]
        text = "".join(
            f"  chain {name} {{\n{''.join(f'    {line}{chr(10)}' for line in lines)}  }}\n"
            for name, lines in reversed(chains.items())
        )
        return f"table inet firewall {{\n{text}}}\n"

    @property
    def _nftables(self) -> bool:
        node = self.ruleset.guests[self.place.name].node if self.place.kind == "guest" else self.place.name
        return self.place.kind == "vnet" or self.ruleset.is_nftables(node)

    def _order(self) -> Iterator[str]:
        ruleset, place = self.ruleset, self.place
        level = ruleset.level(place.kind, place.name)
        if place.kind == "guest":
            self.own = level
            yield from self._guest_options(level)
        elif place.kind == "node" and place.way != "forward":
            yield from self._host_nftables(level) if self._nftables else self._host_iptables(level)
        for rule in level.rules:
            yield from self._line(rule)
        if place.kind == "node":
            for rule in ruleset.cluster.rules:
                yield from self._line(rule)
            if not self._nftables and place.way != "forward":
                yield from self._host_defaults()
        policies = ruleset.cluster if place.kind == "node" else level
        default = "DROP" if place.way == "in" else "ACCEPT"
        policy = str(policies.options.get(f"policy_{place.way}", default))
        if policy != "ACCEPT" and not self._nftables:
            yield from _lines(_BEFORE_DROPPED)
        yield _VERDICTS[policy]

    def _host_nftables(self, level: Level) -> Iterator[str]:
        yield from _lines(_CRITICAL)
        if self.place.way == "in":
            yield "meta l4proto igmp accept"
            yield from self._from_management("tcp dport { 8006, 5900-5999, 3128, 22 } accept")
            yield "udp dport 5405-5412 accept"
            yield from _lines(_NOISE)
        types = _NDP if self.place.way == "out" else f"{_NDP}, nd-router-advert, nd-redirect"
        yield f"icmpv6 type {{ {types} }} {'accept' if int(level.options.get('ndp', 1)) else 'drop'}"

    def _host_iptables(self, level: Level) -> Iterator[str]:
        if int(level.options.get("ndp", 1)):
            types = _NDP if self.place.way == "out" else f"{_NDP}, nd-router-advert"
            yield f"icmpv6 type {{ {types} }} accept"
        if self.place.way == "in":
            yield from self._blacklist()
        yield "meta l4proto igmp accept"

    def _blacklist(self) -> Iterator[str]:
        if "blacklist" in self.ruleset.cluster.ipsets:
            yield from self._line(Rule(self.place.way, "DROP", source="+dc/blacklist"))

    def _from_management(self, what: str) -> Iterator[str]:
        for version in (4, 6):
            match = self._management().match(version, "saddr")
            if match:
                yield f"{match} {what}"

    def _management(self) -> Addresses:
        local = networks_of(self._local_network)
        configured = self.ruleset.cluster.ipsets.get("management")
        found = self._set(configured or ())
        if configured is not None and self._nftables:
            return found
        return Addresses((*found.networks, *local), found.excluded)

    @property
    def _local_network(self) -> str:
        """The network of the one address that a node has here."""
        return str(ipaddress.ip_interface(self.ruleset.interfaces[self.place.name][0].cidr).network)

    def _host_defaults(self) -> Iterator[str]:
        own = self.ruleset.nodes[self.place.name]
        if self.place.way == "in":
            yield from self._from_management("tcp dport { 8006, 5900-5999, 3128, 22, 60000-60050 } accept")
        else:
            yield f"ip daddr {self._local_network} tcp dport {{ 8006, 22, 5900-5999, 3128 }} accept"
        sides = ("saddr", "daddr") if self.place.way == "in" else ("daddr", "saddr")
        for name, node in self.ruleset.nodes.items():
            for there, here in zip(node.links, own.links, strict=True):
                if name != self.place.name:
                    yield f"ip {sides[0]} {there} ip {sides[1]} {here} udp dport 5405-5412 accept"

    def _guest_options(self, level: Level) -> Iterator[str]:
        way, options = self.place.way, level.options
        if self._nftables:
            yield from _lines(_CRITICAL)
        elif way == "in":
            yield from self._blacklist()
        if self._nftables or int(options.get("dhcp", 1)):
            for dhcp in _DHCP[way]:
                yield f"{dhcp} {'accept' if int(options.get('dhcp', 1)) else 'drop'}"
        if way == "out" and not int(options.get("radv", 0)):
            yield f"icmpv6 type {{ nd-router-advert{', nd-redirect' if self._nftables else ''} }} drop"
        if self._nftables or int(options.get("ndp", 1)):
            advertised = ", nd-router-advert" if way == "in" or int(options.get("radv", 0)) else ""
            yield f"icmpv6 type {{ {_NDP}{advertised} }} {'accept' if int(options.get('ndp', 1)) else 'drop'}"

    def _line(self, rule: Rule) -> Iterator[str]:
        """The lines of a rule; none if it is for another direction, or switched off."""
        if not rule.enable or rule.type not in ("group", self.place.way):
            return
        if self.place.way == "forward":
            if rule.iface:  # Proxmox knows no interface of what is forwarded
                return
            where = ""
        elif self.place.kind == "guest":
            if rule.iface not in (None, self.place.nic):
                return
            where = ""
        else:
            where = f'iifname "{rule.iface}" ' if rule.iface else ""
        if rule.type == "group":
            yield f"{where}jump group-{rule.action}"
            return
        version = version_of(self.ruleset, self.own or Level(), rule)
        for condition in conditions(rule_of(rule, version), self.addresses):
            yield f"{where}{condition} {_VERDICTS[rule.action]}".strip()

    def addresses(self, text: str) -> Addresses:
        """What a source or destination stands for."""
        if text[0].isdigit() or ":" in text:
            return Addresses(networks_of(text))
        plain = text.removeprefix("+")
        name = plain.removeprefix("dc/").removeprefix("guest/")
        levels = [self.ruleset.cluster] if plain.startswith("dc/") else [self.own or Level(), self.ruleset.cluster]
        if text.startswith("+"):
            level = next(level for level in levels if name in level.ipsets)
            return _Text(self.ruleset, self.place, None if level is levels[-1] else level)._set(level.ipsets[name])
        return Addresses(networks_of(next(level.aliases[name] for level in levels if name in level.aliases)))

    def _set(self, entries: Sequence[Entry]) -> Addresses:
        inside = [net for entry in entries if not entry.nomatch for net in self.addresses(entry.cidr).networks]
        outside = [net for entry in entries if entry.nomatch for net in self.addresses(entry.cidr).networks]
        return Addresses(tuple(inside), tuple(outside))


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()
