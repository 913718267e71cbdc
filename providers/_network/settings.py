"""The settings of an interface in one form, wherever they come from: the API, the file, or the program.

Keys are the fields of `Interface`, and Proxmox's own where it has no field; only what is set and is no default is
there. What Proxmox settles by itself (a card that a bridge names becomes its port, …) is settled here as well, so that
what it staged can be compared with what was announced.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

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
UNSENT = frozenset({"options", "masquerade"})
"""What the API has no parameter for."""
_MASQUERADE = "-s {0} -o {1} -j MASQUERADE"
_MASQUERADES = re.compile(r"post-(?:up|down) ip6?tables -t nat .*-s (\S+) -o (\S+) -j MASQUERADE")


def settings_of(row: Mapping[str, Any]) -> Settings:
    """An interface as the API gives it."""
    texts = {
        key: to_text(value) for key, value in row.items() if key not in _NOT_SETTINGS and value is not None
    }  # fmt: skip
    settings = Interface.from_keys({key: text for key, text in texts.items() if text})
    own: list[str] = []
    lines: list[str] = []
    for line in map(str, row.get("options") or ()):
        (own if masquerades(line, str(row["iface"])) else lines).append(line)
    settings |= {"options": lines, "masquerade": [network for line in own if (network := _network_of(line))]}
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


def lines_of(name: str, settings: Settings) -> list[str]:
    """The further lines of an interface, as they stand in the file."""
    rules = [line for network in settings.get("masquerade", ()) for line in _masquerade_lines(name, network)]
    return [*settings.get("options", ()), *rules]


def masquerade_rule(name: str, network: str) -> tuple[str, str]:
    """The program and the rule by which a network leaves through an interface."""
    program = "iptables" if ipaddress.ip_network(network).version == 4 else "ip6tables"  # noqa: PLR2004 - of IP
    return program, _MASQUERADE.format(network, name)


def _masquerade_lines(name: str, network: str) -> list[str]:
    """Set the rule once, however often the interface is set up, and take it away with the interface."""
    program, rule = masquerade_rule(name, network)
    chain = f"{program} -t nat {{}} POSTROUTING {rule}"
    return [
        f"post-up {chain.format('-C')} 2>/dev/null || {chain.format('-A')}",
        f"post-down {chain.format('-D')}",
    ]


def masquerades(line: str, name: str) -> bool:
    """Whether a line is one of those that `masquerade` of the interface makes."""
    match = _MASQUERADES.fullmatch(line)
    return match is not None and match[2] == name and line in _masquerade_lines(name, match[1])


def _network_of(line: str) -> str:
    match = _MASQUERADES.fullmatch(line)
    return match[1] if match else ""


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
