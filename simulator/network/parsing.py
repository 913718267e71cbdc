"""Reads `/etc/network/interfaces` into the settings that the API shows.

Settings of an interface are a mapping with Proxmox's names. What comes from the file is a string there; what
Proxmox derives (`priority`, `autostart`, `active`) is a number. Lines that are no part of an interface are kept
with their place, so that writing the file does not lose them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from simulator.network.kinds import classify

Entry = dict[str, Any]

_OTHER_NAMES = {
    "ovs_mtu": "mtu",
    "bond-slaves": "slaves",
    "bond_slaves": "slaves",
    "bond-xmit-hash-policy": "bond_xmit_hash_policy",
    "bond-mode": "bond_mode",
    "bond-miimon": "bond_miimon",
    "bridge-vlan-aware": "bridge_vlan_aware",
    "bridge-fd": "bridge_fd",
    "bridge-stp": "bridge_stp",
    "bridge-ports": "bridge_ports",
    "bridge-vids": "bridge_vids",
}
_ADDRESS_SETTINGS = ("address", "netmask", "broadcast", "gateway")
_PLAIN_SETTINGS = (
    "mtu", "ovs_type", "ovs_options", "ovs_bridge", "ovs_bonds", "ovs_ports", "bridge_fd", "bridge_vids",
    "bridge-access", "bridge-learning", "bridge-arp-nd-suppress", "bridge-unicast-flood", "bridge-multicast-flood",
    "bridge-disable-mac-learning", "bond_miimon", "bond_xmit_hash_policy", "bond-primary", "link-type", "uplink-id",
    "vlan-protocol", "vlan-raw-device", "vlan-id", "vxlan-id", "vxlan-svcnodeip", "vxlan-physdev",
    "vxlan-local-tunnelip",
)  # fmt: skip
_BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
)  # fmt: skip
_STARTED = re.compile(r"\s*(?:allow-auto|auto|allow-ovs|allow-hotplug)\s+(.*)")
_STANZA = re.compile(r"\s*iface\s+(\S+)(?:\s+(inet6?)\s+(\S+))?\s*")
_NEXT_STANZA = re.compile(r"\s*(?:(?:iface|mapping|auto|source|source-directory)\s|allow-)")
_SETTING = re.compile(r"\s*((\S+)\s+(.+))")
_OWN_ALLOW = re.compile(r"allow-(\S+)\s+(.*)")


@dataclass(slots=True)
class Interfaces:
    """The content of the file: interfaces by name, and other lines with their place among them."""

    entries: dict[str, Entry] = field(default_factory=dict)
    lines: list[tuple[int, str]] = field(default_factory=list)


def parse(text: str, active: Collection[str] = ()) -> Interfaces:
    """Read the file; `active` names the interfaces that are up."""
    result = _Reader(text).read()
    for name in active:
        if name in result.entries:
            result.entries[name]["active"] = 1
    result.entries.setdefault("lo", {"priority": 1, "method": "loopback", "type": "loopback", "autostart": 1})
    for name in sorted(result.entries):
        classify(result.entries, name)
    result.lines = [line for line in (_without_ports(result, *line) for line in result.lines) if line is not None]
    return result


def _without_ports(config: Interfaces, priority: int, line: str) -> tuple[int, str] | None:
    """Drop the ports of a bridge from an `allow-BRIDGE` line: they are written with the bridge."""
    match = _OWN_ALLOW.match(line)
    if match is None:
        return priority, line
    bridge, ports = match[1], match[2].split()
    if bridge in config.entries:
        known = str(config.entries[bridge].get("ovs_ports") or "").split()
        ports = [port for port in ports if port not in known]
    return (priority, f"allow-{bridge} {' '.join(ports)}") if ports else None


class _Reader:
    """Goes through the file line by line."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._at = 0
        self._priority = 2  # the first place belongs to `lo`
        self._result = Interfaces()

    def read(self) -> Interfaces:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.lstrip().startswith("#"):
                continue
            if started := _STARTED.fullmatch(line):
                for name in started[1].split():
                    self._entry(name)["autostart"] = 1
            elif stanza := _STANZA.fullmatch(line):
                self._read_stanza(stanza[1], stanza[2], stanza[3])
            elif re.search(r"\w", line):
                self._result.lines.append((self._priority, line))
                self._priority += 1
        return self._result

    def _entry(self, name: str) -> Entry:
        return self._result.entries.setdefault(name, {})

    def _read_stanza(self, name: str, family: str | None, method: str | None) -> None:
        """Read the settings below an `iface` line, up to the next stanza or an empty line."""
        entry = self._entry(name)
        if "priority" not in entry:
            entry["priority"] = self._priority
            self._priority += 1
        entry.setdefault("families", []).append(family)
        suffix = "6" if family == "inet6" else ""
        own: Entry = entry if family is None else {f"method{suffix}": method}
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            if line.lstrip().startswith("#"):
                key = f"comments{suffix}"
                own[key] = own.get(key, "") + line.lstrip()[1:] + "\n"
            elif _NEXT_STANZA.match(line) or not (setting := _SETTING.fullmatch(line)):
                break
            elif not _read_setting(entry, _OTHER_NAMES.get(setting[2], setting[2]), setting[3], family):
                own.setdefault(f"options{suffix}", []).append(setting[1])
            self._at += 1
        entry.update(own)


def _read_setting(entry: Entry, name: str, value: str, family: str | None) -> bool:
    """Read a setting; tell whether it is one that Proxmox knows."""
    if name in _ADDRESS_SETTINGS:
        second = family == "inet6" or (family is None and name != "netmask" and ":" in value)
        entry[f"{name}6" if second else name] = value
    elif name in _PLAIN_SETTINGS:
        entry[name] = value
    elif name in ("slaves", "bridge_ports"):
        ports = sorted({port for port in value.split() if port != "none"})
        entry[name] = " ".join([entry[name], *ports] if entry.get(name) else ports)
    elif name == "bridge_stp":
        entry[name] = "on" if value.strip().lower() in ("on", "yes") else "off"
    elif name == "bridge_vlan_aware":
        entry[name] = 1
    elif name == "bond_mode":
        entry[name] = _BOND_MODES[int(value)] if re.fullmatch("[0-6]", value) else value
    elif name == "vxlan-remoteip":
        entry.setdefault(name, []).append(value)
    else:
        return False
    return True
