"""Would this packet pass, and by which rule: the firewall of Proxmox VE, asked without a host.

`verdict` asks the firewall at one place; `journey` follows a packet from end to end; `Firewalls` does both for many
packets. What there is of rules is in the `Ruleset`. Not looked at are limits of rate, and what the kernel drops before
any firewall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from providers._firewall import builtin
from providers._firewall.builtin import Link
from providers._firewall.matching import Names, all_true, may_speak_of, speaks_of
from providers._firewall.packet import Packet, Place
from providers._firewall.ruleset import Guest, Level, Nic, Rule, Ruleset, Unresolved

_POLICIES = {"in": "DROP", "out": "ACCEPT", "forward": "ACCEPT"}


@dataclass(frozen=True)
class Verdict:
    """What becomes of a packet at a place."""

    place: Place
    action: str
    """ACCEPT, DROP or REJECT."""
    by: str
    """The rule that has decided: `cluster rule 3 (IN ACCEPT SSH from +management)`, `policy_in`, `built in: …`."""

    @property
    def passes(self) -> bool:
        """Whether it goes on."""
        return self.action == "ACCEPT"

    def __str__(self) -> str:
        return f"{self.action} {self.place} by {self.by}"


@dataclass(frozen=True)
class End:
    """Where a packet comes from or goes to, where that is a node or a card of a guest."""

    kind: str
    name: str
    nic: str = "net0"


@dataclass
class Firewalls:
    """All firewalls of a cluster: what they have found out for one packet, the next one need not ask for."""

    ruleset: Ruleset
    _known: dict[Place, _Firewall] = field(default_factory=dict)

    def verdict(self, packet: Packet, place: Place) -> Verdict:
        """What becomes of the packet at a place; raises `Unresolved` where that depends on what is not known."""
        if place not in self._known:
            self._known[place] = _Firewall(self.ruleset, place)
        return Verdict(place, *self._known[place].decide(packet))

    def journey(self, packet: Packet, source: End | None, dest: End | None) -> list[Verdict]:
        """The verdicts at all places on the way, up to the first that ends it; an end of None is outside."""
        verdicts = []
        for place in _places(self.ruleset, source, dest):
            verdicts.append(self.verdict(packet, place))
            if not verdicts[-1].passes:
                break
        return verdicts


def verdict(ruleset: Ruleset, packet: Packet, place: Place) -> Verdict:
    """What becomes of one packet at one place."""
    return Firewalls(ruleset).verdict(packet, place)


def journey(ruleset: Ruleset, packet: Packet, source: End | None, dest: End | None) -> list[Verdict]:
    """What becomes of one packet on its way."""
    return Firewalls(ruleset).journey(packet, source, dest)


def _places(ruleset: Ruleset, source: End | None, dest: End | None) -> Iterator[Place]:
    """Where firewalls look on the way; only the newer one looks at what passes through a virtual network."""
    vnets: dict[str, None] = {}
    for end in (source, dest):
        guest = guest_of(ruleset, end.name) if end and end.kind == "guest" else None
        if end and guest and ruleset.is_nftables(guest.node):
            vnets[guest.nics.get(end.nic, Nic()).bridge] = None
    if source:
        yield Place("guest" if source.kind == "guest" else "node", source.name, "out", source.nic)
    yield from (Place("vnet", vnet, "forward") for vnet in vnets if f"vnet {vnet}" in ruleset.levels)
    if dest:
        yield Place("guest" if dest.kind == "guest" else "node", dest.name, "in", dest.nic)


def guest_of(ruleset: Ruleset, name: str) -> Guest:
    """What is known of a guest."""
    if name not in ruleset.guests:
        raise Unresolved(f"guest {name} is not known")
    return ruleset.guests[name]


@dataclass
class _Firewall:
    """The firewall at one place."""

    ruleset: Ruleset
    place: Place
    _by_kind: dict[object, list[Link]] = field(default_factory=dict)

    def decide(self, packet: Packet) -> tuple[str, str]:
        """The action, and the rule that it is taken by."""
        by = self._switched_off() or self._without_rules(packet)
        if by:
            return by
        for link in self._about(packet):
            if self._applies(link, packet):
                return link.rule.action, link.name
        raise AssertionError("a chain ends with its policy")

    def _about(self, packet: Packet) -> list[Link]:
        """The rules that can be about such a packet, whoever sends it."""
        kind = (packet.version, packet.proto, packet.dport, packet.sport, packet.icmp_type, packet.icmp_code)
        if kind not in self._by_kind:
            self._by_kind[kind] = [link for link in self._chain if may_speak_of(link.rule, packet)]
        return self._by_kind[kind]

    @cached_property
    def _guest(self) -> Guest:
        return guest_of(self.ruleset, self.place.name)

    @cached_property
    def _node(self) -> str:
        return self._guest.node if self.place.kind == "guest" else self.place.name

    @cached_property
    def _own(self) -> Level:
        return self.ruleset.level(self.place.kind, self.place.name)

    @cached_property
    def _nftables(self) -> bool:
        return self.place.kind == "vnet" or self.ruleset.is_nftables(self._node)

    @cached_property
    def _names(self) -> Names:
        if self.place.kind != "guest":
            return Names(self.ruleset, self.place.name)
        return Names(self.ruleset, self._node, builtin.own_addresses(self._own, self._guest, self.place.nic))

    def _switched_off(self) -> tuple[str, str] | None:
        """Why no firewall looks at the packet, if none does."""
        kind, name = self.place.kind, self.place.name
        what = "cluster" if not self.ruleset.cluster.flag("enable", default=False) else f"{kind} {name}"
        if what == "cluster" or not self._own.flag("enable", default=kind == "node"):
            return "ACCEPT", f"enable of {what}: its firewall is off"
        if kind == "guest" and not self._guest.nics.get(self.place.nic, Nic()).firewall:
            return "ACCEPT", f"firewall of {self.place.nic} of {what}: it is off"
        if kind == "node" and self.place.way == "forward" and not self._nftables:
            return "ACCEPT", f"nftables of {what}: the older firewall has no forward rules"
        return None

    def _without_rules(self, packet: Packet) -> tuple[str, str] | None:
        """What is decided before any rule is asked."""
        if packet.iface == "lo":
            return "ACCEPT", "built in: loopback"
        if packet.state == "established":
            return "ACCEPT", "built in: established connections"
        invalid = packet.state == "invalid"
        if invalid and not self.ruleset.level("node", self._node).flag("nf_conntrack_allow_invalid", default=False):
            return "DROP", "built in: packets of no connection"
        if self.place.kind == "guest" and self.place.way == "out" and packet.mac:
            own = self._guest.nics.get(self.place.nic, Nic()).mac or packet.mac
            if own.lower() != packet.mac.lower() and self._own.flag("macfilter", default=True):
                return "DROP", "built in: macfilter"
        return None

    @cached_property
    def _chain(self) -> list[Link]:
        """The rules for this direction in the order in which they are asked, with those of groups in their places."""
        return [link for link in self._asked() if link.rule.type in ("", "group", self.place.way)]

    def _asked(self) -> Iterator[Link]:
        """All rules; the last one, the policy, speaks of every packet."""
        place, where = self.place, f"{self.place.kind} {self.place.name}"
        if place.kind == "guest":
            yield from builtin.guest_before(self.ruleset, place, self._guest)
        elif place.kind == "node" and place.way != "forward":
            yield from builtin.node_before(self.ruleset, place)
        yield from self._configured(where, self._own.rules)
        if place.kind == "node":
            yield from self._configured("cluster", self.ruleset.cluster.rules)
            yield from builtin.node_after(self.ruleset, place)
        whose, level = ("cluster", self.ruleset.cluster) if place.kind == "node" else (where, self._own)
        action = str(level.options.get(f"policy_{place.way}") or _POLICIES[place.way])
        if action != "ACCEPT" and not self._nftables:
            yield from builtin.critical(nftables=False)
        yield Link(f"policy_{place.way} of {whose} ({action})", Rule(type=place.way, action=action))

    def _configured(self, where: str, rules: Sequence[Rule]) -> Iterator[Link]:
        """The rules of a level that are switched on; a security group that nobody knows stays a rule of its own."""
        for position, rule in enumerate(rules):
            if not rule.enable:
                continue
            if rule.type != "group" or rule.action not in self.ruleset.groups:
                yield Link(where, rule, position)
                continue
            for number, inner in enumerate(self.ruleset.groups[rule.action]):
                if inner.enable:
                    yield Link(f"{where} rule {position}, group {rule.action}", inner, number, rule)

    def _applies(self, link: Link, packet: Packet) -> bool:
        """Whether a rule is about the packet; one of a group only where that is used, and with the cluster's names."""
        rule, group = link.rule, link.group
        names = replace(self._names, own=None) if group else self._names

        def tests() -> Iterator[Callable[[], bool]]:
            yield lambda: rule.type == "group" or speaks_of(rule, packet, names)
            for limited in filter(None, (rule, group)):
                yield lambda limited=limited: self._is_here(limited, packet)  # type: ignore[misc]

        try:
            applies = all_true(tests())
        except Unresolved as problem:
            raise Unresolved(f"{link.name}: {problem}") from None
        if applies and rule.type == "group":
            raise Unresolved(f"{link.name}: the security group {rule.action!r} is not known")
        return applies

    def _is_here(self, rule: Rule, packet: Packet) -> bool:
        """Whether the packet goes through the interface that a rule is limited to; forwarded ones through none."""
        if not rule.iface or self.place.way == "forward":
            return not rule.iface
        if self.place.kind == "guest":
            return rule.iface == self.place.nic
        address = packet.dest if self.place.way == "in" else packet.source
        known = packet.iface is not None
        card = None if known else self.ruleset.interface(self.place.name, str(address))
        if not known and card is None:
            raise Unresolved(f"it is about {rule.iface}, and the packet's interface is not known")
        return rule.iface == (card.name if card else packet.iface)
