"""What the firewall does by itself, around the rules that are configured.

A node has one of two firewalls: the older one (iptables), and the newer one (nftables, an option of the node). They
differ in what comes first: with the older one a rule can shut out what is let in by itself, with the newer one it
can't. Facts of pve-firewall and proxmox-firewall as of Proxmox VE 9.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from providers._firewall.packet import Place
from providers._firewall.ruleset import Entry, Guest, Level, Nic, Rule, Ruleset


class Link(NamedTuple):
    """A rule in the order in which a firewall asks, and where it stands."""

    where: str
    rule: Rule
    position: int | None = None
    """In its list; None where the rule has no list."""
    group: Rule | None = None
    """The rule that names the security group which it is in."""

    @property
    def name(self) -> str:
        """How it is called."""
        return self.where if self.position is None else f"{self.where} rule {self.position} ({self.rule})"


MANAGEMENT = "8006,5900:5999,3128,22"
MIGRATION = "60000:60050"
COROSYNC = "5405:5412"
_MULTICAST = "224.0.0.0/4"
_NDP = ("router-solicitation", "neighbor-solicitation", "neighbor-advertisement")
_ADVERTISED = "router-advertisement"
_DHCP = {"in": (("67", "68"), ("547", "546")), "out": (("68", "67"), ("546", "547"))}
_CRITICAL = {
    False: {"icmp": ("fragmentation-needed", "time-exceeded"),
            "icmpv6": ("destination-unreachable", "packet-too-big", "time-exceeded")},
    True: {"icmp": ("destination-unreachable", "source-quench", "time-exceeded"),
           "icmpv6": ("destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem")},
}  # fmt: skip
_NOISE = (
    *(
        ("DROP", "udp", "135,137:139,445", None),
        ("DROP", "udp", "1024:65535", "137"),
        ("DROP", "tcp", "135,139,445", None),
    ),
    *(("DROP", "udp", "1900", None), ("DROP", "udp", None, "53")),
)


def _link(what: str, action: str, **parts: str | None) -> Link:
    return Link(f"built in: {what}", Rule(type="", action=action, **parts))  # type: ignore[arg-type]  # texts only


def critical(*, nftables: bool) -> Iterator[Link]:
    """ICMP messages without which connections break."""
    for proto, types in _CRITICAL[nftables].items():
        for name in types:
            yield _link(f"{proto} {name}", "ACCEPT", proto=proto, icmp_type=name)


def ndp(action: str, types: Sequence[str]) -> Iterator[Link]:
    """Neighbours find each other with IPv6."""
    for name in types:
        yield _link(f"neighbor discovery, {name}", action, proto="icmpv6", icmp_type=name)


def node_before(ruleset: Ruleset, place: Place) -> Iterator[Link]:
    """What is asked before the rules of node and cluster."""
    options, inwards = ruleset.level("node", place.name), place.way == "in"
    nftables = ruleset.is_nftables(place.name)
    if nftables:
        yield from critical(nftables=True)
    if inwards or not nftables:
        yield _link("igmp", "ACCEPT", proto="igmp")
    if inwards and nftables:
        yield _link("management", "ACCEPT", proto="tcp", dport=MANAGEMENT, source="+dc/management")
        yield _link("corosync", "ACCEPT", proto="udp", dport=COROSYNC)
        for action, proto, dport, sport in _NOISE:
            yield _link("noise of other systems", action, proto=proto, dport=dport, sport=sport)
    is_open = options.flag("ndp", default=True)
    if is_open or nftables:
        types = (*_NDP, _ADVERTISED, *(["redirect"] if nftables else [])) if inwards else _NDP
        yield from ndp("ACCEPT" if is_open else "DROP", types)
    if inwards:
        yield from _bad_senders(ruleset, options, nftables=nftables)


def _bad_senders(ruleset: Ruleset, options: Level, *, nftables: bool) -> Iterator[Link]:
    """Who is dropped whatever he sends."""
    if "blacklist" in ruleset.cluster.ipsets and not nftables:
        yield _link("the ipset blacklist", "DROP", source="+dc/blacklist")
    if options.flag("nosmurfs", default=True):
        yield _link("smurfs", "DROP", source=_MULTICAST)


def node_after(ruleset: Ruleset, place: Place) -> Iterator[Link]:
    """What is asked after the rules, before the policy: only the older firewall has that."""
    if ruleset.is_nftables(place.name) or place.way == "forward":
        return
    if place.way == "in":
        yield _link("management", "ACCEPT", proto="tcp", dport=f"{MANAGEMENT},{MIGRATION}", source="+dc/management")
    else:
        yield _link("local network", "ACCEPT", proto="tcp", dport=MANAGEMENT, dest="local_network")
    own = ruleset.nodes.get(place.name)
    for name, other in ruleset.nodes.items():
        for here, there in zip(own.links if own else (), other.links, strict=False):
            if name != place.name:
                source, dest = (there, here) if place.way == "in" else (here, there)
                yield _link("corosync", "ACCEPT", proto="udp", dport=COROSYNC, source=source, dest=dest)


def guest_before(ruleset: Ruleset, place: Place, guest: Guest) -> Iterator[Link]:
    """What is asked before a guest's rules."""
    options, nftables = ruleset.level("guest", place.name), ruleset.is_nftables(guest.node)
    own_addresses = _own_addresses_only(ruleset, place)
    if nftables:
        yield from (*critical(nftables=True), *own_addresses)
    elif place.way == "in":
        yield from _bad_senders(ruleset, ruleset.level("node", guest.node), nftables=False)
    is_open = options.flag("dhcp", default=True)
    if is_open or nftables:
        for sport, dport in _DHCP[place.way]:
            yield _link("dhcp", "ACCEPT" if is_open else "DROP", proto="udp", sport=sport, dport=dport)
    if not nftables:
        yield from own_addresses
    if place.way == "out" and not options.flag("radv", default=False):
        yield from ndp("DROP", (_ADVERTISED, *(["redirect"] if nftables else [])))
    is_open = options.flag("ndp", default=True)
    if is_open or nftables:
        advertised = place.way == "in" or options.flag("radv", default=False)
        yield from ndp("ACCEPT" if is_open else "DROP", (*_NDP, *([_ADVERTISED] if advertised else [])))


def _own_addresses_only(ruleset: Ruleset, place: Place) -> list[Link]:
    """A guest sends from addresses of its own; those of a card are an ipset, see `own_addresses`."""
    options, name = ruleset.level("guest", place.name), f"ipfilter-{place.nic}"
    if place.way == "in" or not (options.flag("ipfilter", default=False) or name in options.ipsets):
        return []
    return [_link("ipfilter", "DROP", source=f"!+guest/{name}")]


def own_addresses(level: Level, guest: Guest, nic: str) -> Level:
    """A guest's configuration in which the ipset of a card's own addresses has also what Proxmox puts into it."""
    card, name = guest.nics.get(nic, Nic()), f"ipfilter-{nic}"
    implied = [Entry(address) for address in card.addresses]
    if card.mac:
        implied += [Entry(_link_local(card.mac)), Entry("fe80::/10", nomatch=True)]
    entries = (*level.ipsets.get(name, ()), *implied)
    return replace(level, ipsets=ChainMap({name: entries}, level.ipsets))  # type: ignore[arg-type]  # it is only read


def _link_local(mac: str) -> str:
    """The IPv6 address that a card gives itself."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets = [octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]]
    return "fe80::" + ":".join(f"{high << 8 | low:x}" for high, low in zip(octets[::2], octets[1::2], strict=True))
