"""A container's effective firewall as a ruleset of nftables, for the container's own network.

What is not there: a packet's MAC address is not checked (`macfilter`), and nothing is logged. The rules of cluster and
node are for the nodes themselves and so not among them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.firewall import files
from simulator.firewall.config import Firewall
from simulator.firewall.rules import Rule
from simulator.firewall.values import SCOPED_NAME
from simulator.guests.lxc_power import nics
from simulator.live.matches import Addresses, conditions, networks_of
from simulator.records import Guest
from simulator.sdn.config import subnet_cidr
from simulator.sdn.options import DHCP_RANGE
from simulator.state import Datacenter

EMPTY = "table inet firewall\ndelete table inet firewall\n"
_OF_TCP = re.compile(r"l4proto 6\b")
_STATE = ("ct state established,related return", "ct state invalid drop")
_DHCP = {"in": "udp sport 67 udp dport 68 return", "out": "udp sport 68 udp dport 67 return"}
_NDP = "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert%s } return"
_EVERYBODYS = networks_of("0.0.0.0,fe80::/10")
"""Sources that say nothing of who sends: of who has no address yet, and of a link alone."""
_NO_ROUTER = "icmpv6 type nd-router-advert drop"


@dataclass(frozen=True, slots=True)
class _Names:
    """Finds what the names in a guest's rules stand for."""

    datacenter: Datacenter
    cluster: Firewall
    guest: Firewall

    def __call__(self, text: str) -> Addresses:
        name = SCOPED_NAME.fullmatch(text.removeprefix("+"))
        if name is None:
            return Addresses(())
        scope, plain = name[1] or "", name[2]
        if scope == "sdn/":
            return Addresses(tuple(self._of_networks(plain)))
        places = {"guest/": [self.guest], "dc/": [self.cluster]}.get(scope, [self.guest, self.cluster])
        return self._set(places, plain) if text.startswith("+") else self._alias(places, plain)

    def _alias(self, places: list[Firewall], name: str) -> Addresses:
        found = next((place.aliases[name.lower()] for place in places if name.lower() in place.aliases), None)
        return Addresses(networks_of(found["cidr"]) if found else ())

    def _set(self, places: list[Firewall], name: str) -> Addresses:
        entries = next((place.ipsets[name] for place in places if name in place.ipsets), [])
        good = [entry for entry in entries if "errors" not in entry]
        inside = [net for entry in good if not entry.get("nomatch") for net in self._entry(entry["cidr"])]
        outside = [net for entry in good if entry.get("nomatch") for net in self._entry(entry["cidr"])]
        return Addresses(tuple(inside), tuple(outside))

    def _entry(self, cidr: str) -> Iterable[Any]:
        return self(cidr).networks if SCOPED_NAME.fullmatch(cidr) else networks_of(cidr)

    def _of_networks(self, name: str) -> Iterator[Any]:
        """Yield what an ipset of the virtual networks holds: `vnet-all`, `vnet-gateway`, `guest-ipam-100`, ..."""
        if name.startswith("guest-ipam-"):
            for entry in self.datacenter.ips:
                if entry.vmid == name.removeprefix("guest-ipam-"):
                    yield from networks_of(entry.ip)
            return
        vnet, _, part = name.partition("-")
        for subnet in self.datacenter.sdn_running.by("kind", "subnets"):
            if subnet.options["vnet"] == vnet:
                yield from _of_subnet(subnet_cidr(subnet.id), subnet.options, part)


def _of_subnet(cidr: str, options: Any, part: str) -> Iterator[Any]:
    gateway = options.get("gateway")
    if part == "all":
        yield ipaddress.ip_network(cidr)
    elif part == "gateway" and gateway:
        yield from networks_of(gateway)
    elif part == "no-gateway":
        whole: Any = ipaddress.ip_network(cidr)
        yield from whole.address_exclude(ipaddress.ip_network(gateway)) if gateway else [whole]
    elif part == "dhcp":
        for text in options.get("dhcp-range", "").split("\n"):
            if text:
                found = DHCP_RANGE.parse(text)
                yield from networks_of(f"{found['start-address']}-{found['end-address']}")


def ruleset_of(datacenter: Datacenter, guest: Guest, now: float) -> str:
    """Return the ruleset of a container; it takes the place of the one before."""
    cluster = files.load_cluster(datacenter, now)
    if not cluster.options.get("enable"):
        return EMPTY
    own = files.load(datacenter, files.guest_path(guest.vmid), "ct", cluster)
    chains, jumps = _Chains(datacenter, cluster, own), dict[str, list[str]](input=[], output=[], forward=[])
    for index, nic in nics(guest):
        card, bridge = nic["name"], str(nic.get("bridge", ""))
        targets = {"in": list[str](), "out": list[str]()}
        if own.options.get("enable") and nic.get("firewall"):
            chains.add_card(f"net{index}", nic)
            targets = {"in": [f"net{index}_in"], "out": [f"net{index}_out"]}
        if chains.add_network(bridge, guest.node):
            targets["in"].append(f"vnet_{bridge}")
            targets["out"].insert(0, f"vnet_{bridge}")
        for hook, word, way in (
            ("input", "iifname", "in"), ("forward", "iifname", "in"), ("forward", "oifname", "out"),
            ("output", "oifname", "out"),
        ):  # fmt: skip
            jumps[hook] += [f'{word} "{card}" jump {target}' for target in targets[way]]
    if not chains.lines:
        return EMPTY
    for hook, lines in jumps.items():
        chains.add(hook, [f"type filter hook {hook} priority filter", *lines])
    return EMPTY + "\n".join(["table inet firewall {", *chains.lines, "}", ""])


class _Chains:
    """Collects the chains of a ruleset."""

    def __init__(self, datacenter: Datacenter, cluster: Firewall, guest: Firewall) -> None:
        self.lines: list[str] = []
        self._datacenter, self._cluster, self._guest = datacenter, cluster, guest
        self._names = _Names(datacenter, cluster, guest)
        self._networks: set[str] = set()

    def add(self, name: str, lines: Iterable[str]) -> None:
        self.lines += [f"  chain {name} {{", *(f"    {line}" for line in lines), "  }"]

    def add_card(self, key: str, nic: dict[str, Any]) -> None:
        """Add the chains of what comes in through a card of the container and what goes out."""
        options = self._guest.options
        for way, policy in (("in", options.get("policy_in", "DROP")), ("out", options.get("policy_out", "ACCEPT"))):
            lines = [_DHCP[way]] if options.get("dhcp") else []
            lines += [] if way == "in" or options.get("radv") else [_NO_ROUTER]
            if options.get("ndp", 1):
                lines.append(_NDP % (", nd-router-advert" if way == "in" or options.get("radv") else ""))
            lines += self._address_filter(key, nic) if way == "out" else []
            lines += self._rules(self._guest.rules, way, key)
            self.add(f"{key}_{way}", [*_STATE, *lines, *_verdicts(policy)])

    def _address_filter(self, key: str, nic: dict[str, Any]) -> Iterator[str]:
        """Yield what drops packets from addresses that are not the card's own."""
        name = f"ipfilter-{key}"
        if not self._guest.options.get("ipfilter") and name not in self._guest.ipsets:
            return
        configured = [
            str(nic[word]).partition("/")[0] for word in ("ip", "ip6") if str(nic.get(word, ""))[:1].isalnum()
        ]
        own = [net for text in configured if text not in ("dhcp", "manual", "auto") for net in networks_of(text)]
        allowed = self._names(f"+guest/{name}").networks
        for version in (4, 6):
            yield Addresses((*own, *allowed, *_EVERYBODYS)).others(version, "saddr") + " drop"

    def add_network(self, vnet: str, node: str) -> bool:
        """Add the chain of a virtual network, if it has a firewall; only the node's newer firewall knows those."""
        if vnet in self._networks:
            return True
        found = files.load(self._datacenter, files.vnet_path(vnet), "vnet", self._cluster)
        host = files.load(self._datacenter, files.host_path(node), "host", self._cluster)
        if not (found.options.get("enable") and host.options.get("nftables")):
            return False
        self._networks.add(vnet)
        policy = _verdicts(found.options.get("policy_forward", "ACCEPT"))
        self.add(f"vnet_{vnet}", [*_STATE, *self._rules(found.rules, "forward", ""), *policy])
        return True

    def _rules(self, rules: list[Rule], way: str, card: str) -> Iterator[str]:
        for rule in rules:
            if not rule.get("enable") or rule.get("errors") or rule.get("iface", card) != card:
                continue
            if rule["type"] == "group":
                yield from self._rules(self._cluster.groups.get(rule["action"].lower(), []), way, card)
            elif rule["type"] == way:
                for condition in conditions(rule, self._names):
                    yield from _verdicts(rule["action"], condition)


def _verdicts(action: str, condition: str = "") -> Iterator[str]:
    """Yield what is done with a packet; who is rejected is told in the way of the protocol."""
    if action != "REJECT":
        yield f"{condition} {'return' if action == 'ACCEPT' else 'drop'}".strip()
        return
    if "l4proto" not in condition and "icmp" not in condition:
        yield f"{condition} meta l4proto 6 reject with tcp reset".strip()
    yield f"{condition} {'reject with tcp reset' if _OF_TCP.search(condition) else 'reject'}".strip()
