"""The settings of an interface in one form, wherever they come from: the API, the file, or the program.

Keys are the fields of `Interface`, and Proxmox's own where it has no field; only what is set and is no default is
there. What Proxmox settles by itself (a card that a bridge names becomes its port, …) is settled here as well, so that
what it staged can be compared with what was announced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from providers._network.interface import ALL_VLANS, HASHING_MODES, OVS_PORTS, VLAN_NAME, Interface
from providers._runtime.wire import to_text

Settings = dict[str, Any]
Network = dict[str, Settings]
"""Interfaces by name."""

_NOT_SETTINGS = frozenset(
    {
        "iface", "active", "exists", "priority", "families", "method", "method6", "address", "address6", "netmask",
        "netmask6", "broadcast", "altnames", "ovs_type", "options", "comments6",
    }
)  # fmt: skip
"""What the API tells of an interface besides its settings, or tells a second time."""
_DEFAULTS = {"bond_miimon": "100", "bridge_stp": "off", "bridge_fd": "0"}
_BOND_DEFAULTS = {"bond": "balance-rr", "OVSBond": "active-backup"}
UNSENT = frozenset({"options", "masquerade", "forward_only_to"})
"""What the API has no parameter for."""
_MASQUERADES = re.compile(r"post-down ip6?tables -t nat .*-s (\S+) -o \S+ -j MASQUERADE")
_FORWARDS = re.compile(r"post-down iptables -t filter .*-i \S+ ! -o (\S+) -j DROP")


def settings_of(row: Mapping[str, Any]) -> Settings:
    """An interface as the API gives it."""
    texts = {
        key: to_text(value) for key, value in row.items() if key not in _NOT_SETTINGS and value is not None
    }  # fmt: skip
    settings = Interface.from_keys({key: text for key, text in texts.items() if text})
    settings |= _without_rules(str(row["iface"]), settings, [str(line) for line in row.get("options") or ()])
    for suffix in ("", "6"):
        method = row.get(f"method{suffix}")
        if method not in (None, "", "static", "manual", "loopback"):
            settings[f"method{suffix}"] = method
    return normal(str(row["iface"]), settings)


def normal(name: str, settings: Settings) -> Settings:
    """Without defaults and what is empty, lists that have no order in one order."""
    kind = settings.get("type")
    found = {key: value for key, value in settings.items() if value not in (None, "", [], False)}
    for key in ("bridge_ports", "slaves", "ovs_ports", "ovs_bonds", "masquerade"):
        if key in found:
            found[key] = sorted(set(found[key]))
    found = {key: value for key, value in found.items() if str(value) != _DEFAULTS.get(key)}
    if "comments" in found:
        found["comments"] = "\n".join(line.strip() for line in str(found["comments"]).strip().splitlines())
    if lines := found.pop("options", None):
        made = {line for rule in rules_of(name, found) for line in rule.lines}
        found |= {"options": rest} if (rest := [line for line in lines if line not in made]) else {}
    if kind in OVS_PORTS:
        found.pop("autostart", None)  # the bridge starts them, and the API tells now one and now the other
    if kind == "bridge" and found.get("bridge_vids") == ALL_VLANS:
        del found["bridge_vids"]
    if kind in _BOND_DEFAULTS:
        found.setdefault("bond_mode", _BOND_DEFAULTS[kind])
        found = {key: value for key, value in found.items() if _in_mode(key, found["bond_mode"])}
    return found | _vlan_of(name, found) if kind == "vlan" else found


def _in_mode(key: str, mode: object) -> bool:
    """Whether a setting means anything in the mode of the bond; Proxmox drops it where it does not."""
    modes = {"bond_xmit_hash_policy": HASHING_MODES, "bond_primary": ("active-backup",)}.get(key)
    return modes is None or mode in modes


def _vlan_of(name: str, settings: Settings) -> Settings:
    """What the name of a VLAN says: `vmbr0.10` its parent and number, `vlan10` its number."""
    match = VLAN_NAME.fullmatch(name)
    if match is None:
        return {}
    parent = {"vlan_raw_device": match[1]} if match[1] else {}
    return {**parent, "vlan_id": int(match[2] or match[3] or settings.get("vlan_id", 0))}


def parameters_of(name: str, settings: Settings) -> dict[str, str]:
    """The settings as parameters of a request."""
    keys = Interface.wire_keys()
    implied = _vlan_of(name, settings) if settings["type"] == "vlan" else {}
    return {
        keys[key]: " ".join(map(str, value)) if isinstance(value, list) else to_text(value)
        for key, value in settings.items()
        if key in keys and key not in UNSENT and key not in implied
    }


def removed_of(before: Settings, after: Settings) -> list[str]:
    """The parameters to delete on the way from one to the other."""
    keys = Interface.wire_keys()
    gone = [keys[key] for key in before if key in keys and key not in after and key not in UNSENT]
    return gone + (["bridge_vids"] if "bridge_vids" in before.keys() - after.keys() else [])


# ---------------------------------------------------------------- lines that the API can't write


class Rule(NamedTuple):
    """A rule of the node's packet filter that comes and goes with an interface."""

    program: str
    table: str
    add: str
    """How it is added: at the end (`-A`), or before all others (`-I`)."""
    rule: str
    """With its chain."""

    def command(self, how: str) -> str:
        """Look for the rule (`-C`), add it, or delete it (`-D`)."""
        return f"{self.program} -t {self.table} {how} {self.rule}"

    @property
    def lines(self) -> tuple[str, str]:
        """Set it once, however often the interface is set up, and take it away with the interface."""
        there, added = self.command("-C"), self.command(self.add)
        return f"post-up {there} 2>/dev/null || {added}", f"post-down {self.command('-D')}"


def rules_of(name: str, settings: Settings) -> list[Rule]:
    """The rules of an interface."""
    rules = []
    for network in settings.get("masquerade", ()):
        program = "ip6tables" if ":" in network else "iptables"
        rules.append(Rule(program, "nat", "-A", f"POSTROUTING -s {network} -o {name} -j MASQUERADE"))
    return [*rules, *_fence(name, settings)] if "forward_only_to" in settings else rules


def _fence(name: str, settings: Settings) -> Iterator[Rule]:
    """The rules around an interface whose packets go one way only."""
    onward, answers = settings["forward_only_to"], "-m conntrack ! --ctstate ESTABLISHED,RELATED"
    for program in ("iptables", "ip6tables"):
        yield Rule(program, "filter", "-I", f"FORWARD -i {name} ! -o {onward} -j DROP")
        yield Rule(program, "filter", "-I", f"FORWARD ! -i {name} -o {name} {answers} -j DROP")
    address, address6 = (str(settings.get(key, "")).partition("/")[0] for key in ("cidr", "cidr6"))
    if address:
        yield Rule("iptables", "filter", "-I", f"INPUT -i {name} ! -d {address} -j DROP")
    kept = f" ! -d {address6} ! -p ipv6-icmp" if address6 else ""  # neighbours find each other by ICMPv6
    yield Rule("ip6tables", "filter", "-I", f"INPUT -i {name}{kept} -j DROP")


def lines_of(name: str, settings: Settings) -> list[str]:
    """The further lines of an interface, as they stand in the file."""
    return [*settings.get("options", ()), *(line for rule in rules_of(name, settings) for line in rule.lines)]


def _without_rules(name: str, settings: Settings, lines: list[str]) -> Settings:
    """Further lines as the settings that make them, where all lines of a rule are there, and those that none makes."""
    networks = dict.fromkeys(match[1] for line in lines if (match := _MASQUERADES.fullmatch(line)))
    onward = dict.fromkeys(match[1] for line in lines if (match := _FORWARDS.fullmatch(line)))
    found: Settings = {"options": lines, "masquerade": []}
    for way in ({"forward_only_to": other} for other in onward):
        found |= _taken(found["options"], rules_of(name, {**settings, **way}), way)
    for network in networks:
        more = {"masquerade": [*found["masquerade"], network]}
        found |= _taken(found["options"], rules_of(name, {"masquerade": [network]}), more)
    return found


def _taken(lines: list[str], rules: list[Rule], setting: Settings) -> Settings:
    """The setting that makes these rules, and the lines without theirs; nothing where one of them is not there."""
    own = {line for rule in rules for line in rule.lines}
    return {**setting, "options": [line for line in lines if line not in own]} if own <= set(lines) else {}


# ---------------------------------------------------------------- what Proxmox settles


def settled(network: Network) -> Network:
    """What Proxmox makes of these interfaces when it writes them."""
    result = {name: dict(settings) for name, settings in network.items()}
    for name, settings in result.items():
        for slave in [*settings.get("slaves", ()), *settings.get("ovs_bonds", ())]:
            if slave in result:
                result[slave]["autostart"] = True
        for port in settings.get("ovs_ports", ()):
            if port in result:
                result[port]["ovs_bridge"] = name
                result[port]["type"] = "OVSPort" if result[port]["type"] == "eth" else result[port]["type"]
    for name, settings in result.items():
        bridge = result.get(settings.get("ovs_bridge", ""), {})
        if settings["type"] == "OVSPort" and name not in bridge.get("ovs_ports", ()):
            result[name] = {"type": "eth"}
    return {name: normal(name, settings) for name, settings in result.items()}
