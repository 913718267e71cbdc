"""The firewall's configuration as plain data: what is on the host, what a program declares, or both together."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_interface
from typing import Any

from providers._runtime.errors import ProxmoxError

Option = str | int
CLUSTER = "cluster"


class Unresolved(ProxmoxError):
    """Something that a verdict depends on is not known; names it."""


@dataclass(frozen=True)
class Rule:
    """A rule, with Proxmox's words for its parts."""

    type: str
    action: str
    macro: str | None = None
    source: str | None = None
    dest: str | None = None
    proto: str | None = None
    dport: str | None = None
    sport: str | None = None
    icmp_type: str | None = None
    iface: str | None = None
    enable: bool = True

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Rule:
        """A row of a list of rules, as the API gives it."""
        texts = {
            name: str(row[key])
            for name in ("type", "action", "macro", "source", "dest", "proto", "dport", "sport", "icmp_type", "iface")
            if row.get(key := name.replace("_", "-")) not in (None, "")
        }
        return cls(**texts, enable=bool(int(row.get("enable", 0))))

    def __str__(self) -> str:
        if self.type == "group":
            words = [f"group {self.action}"]
        else:
            ports = self.dport or self.icmp_type or ""
            words = [self.type.upper(), self.action, self.macro or "", self.proto or "", ports]
        where = (("from", self.source), ("source port", self.sport), ("to", self.dest), ("on", self.iface))
        return " ".join([*filter(None, words), *(f"{word} {value}" for word, value in where if value)])


@dataclass(frozen=True)
class Entry:
    """An entry of an ipset: an address, a network or an alias; one of `nomatch` is taken out of the set."""

    cidr: str
    nomatch: bool = False


@dataclass(frozen=True)
class Level:
    """What one level has: the cluster, a node, a guest or a virtual network."""

    options: Mapping[str, Option] = field(default_factory=dict)
    rules: Sequence[Rule] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """By name in small letters."""
    ipsets: Mapping[str, Sequence[Entry]] = field(default_factory=dict)

    def flag(self, name: str, *, default: bool) -> bool:
        """An option that is on or off."""
        return bool(int(self.options.get(name, default)))


@dataclass(frozen=True)
class Node:
    """What the firewall of a node knows of the node."""

    address: str
    links: Sequence[str] = ()
    """Its addresses on corosync's links."""


@dataclass(frozen=True)
class Interface:
    """An address of a node, with its prefix, and the network interface that has it."""

    name: str
    cidr: str


@dataclass(frozen=True)
class Nic:
    """A network card of a guest."""

    bridge: str = ""
    firewall: bool = False
    mac: str | None = None
    addresses: Sequence[str] = ()
    """Its addresses in the guest's configuration, without prefix."""


@dataclass(frozen=True)
class Guest:
    """What the firewall knows of a guest."""

    node: str
    nics: Mapping[str, Nic] = field(default_factory=dict)


@dataclass(frozen=True)
class Ruleset:
    """All that decides on a packet."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    """By `cluster`, `node pve1`, `guest 100`, `vnet v1`; one that is not there has nothing configured."""
    groups: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    """Security groups, by name."""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    interfaces: Mapping[str, Sequence[Interface]] = field(default_factory=dict)
    """By node."""
    guests: Mapping[str, Guest] = field(default_factory=dict)
    """By VMID."""
    sdn: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    """The ipsets of the virtual networks."""

    def level(self, kind: str, name: str = "") -> Level:
        """What is configured at a level."""
        return self.levels.get(f"{kind} {name}".rstrip(), Level())

    @property
    def cluster(self) -> Level:
        """What is configured for the whole cluster."""
        return self.level(CLUSTER)

    def interface(self, node: str, address: str) -> Interface | None:
        """The interface of a node that has an address."""
        wanted = ip_address(address)
        return next((each for each in self.interfaces.get(node, ()) if ip_interface(each.cidr).ip == wanted), None)

    def local_network(self, node: str) -> str | None:
        """What the alias `local_network` stands for by itself: the network that the node's address is in."""
        found = self.interface(node, self.nodes[node].address) if node in self.nodes else None
        return str(ip_interface(found.cidr).network) if found else None

    def changed(self, key: str, **parts: Any) -> Ruleset:
        """The same with other parts (`options`, `rules`, …) of one level."""
        level = replace(self.levels.get(key, Level()), **parts)
        return replace(self, levels=ChainMap({key: level}, self.levels))  # type: ignore[arg-type]  # it is only read

    def is_nftables(self, node: str) -> bool:
        """Whether a node has the newer firewall."""
        return self.level("node", node).flag("nftables", default=False)
