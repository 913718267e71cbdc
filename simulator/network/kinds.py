"""What an interface is: its type, and the settings that follow from type, name and options."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

Entry = dict[str, Any]

PHYSICAL_NAME = re.compile(r"(?:eth\d+|en[^:.]+|ib[^:.]+|(?:nic|if)\d+)")
_ALIAS = re.compile(r"(\S+):\d+")
_VLAN = re.compile(r"(\S+)\.(\d+)")
_NAMED_VLAN = re.compile(r"vlan(\d+)")


def counts(value: object) -> bool:
    """Tell whether a setting counts as set: empty and `0` do not."""
    return value not in (None, "", 0, "0")


def classify(entries: dict[str, Entry], name: str) -> None:
    """Find an interface's type and fill in what follows from it."""
    entry = entries[name]
    entry["type"] = _kind(entries, name, entry)
    _read_addresses(entry, "", "32")
    _read_addresses(entry, "6", "128")
    entry["method"] = entry.get("method") or "manual"
    entry["method6"] = entry.get("method6") or "manual"
    if "comments6" in entry:
        entry["comments"] = entry.get("comments", "") + entry.pop("comments6")
    entry.setdefault("families", ["inet"])


def _kind(entries: dict[str, Entry], name: str, entry: Entry) -> str:
    if "bridge_ports" in entry or entry.get("ovs_type") == "OVSBridge":
        return _bridge_kind(entry)
    if re.fullmatch(r"bond\d+", name):
        return _bond_kind(entry)
    if alias := _ALIAS.fullmatch(name):
        _share_existence(entries, entry, alias[1])
        return "alias"
    if _VLAN.fullmatch(name) or entry.get("vlan-raw-device"):
        _complete_vlan(entries, name, entry)
        return "vlan"
    return _port_kind(entry, "OVSPort", "eth") if PHYSICAL_NAME.fullmatch(name) else _other_kind(name, entry)


def _other_kind(name: str, entry: Entry) -> str:
    """Return the type of what has no telling name."""
    if name == "lo":
        return "loopback"
    if counts(entry.get("vxlan-id")):
        return "vxlan"
    dummy = entry.get("link-type") == "dummy"
    return _port_kind(entry, "OVSIntPort", "dummy" if dummy else "unknown")


def _bridge_kind(entry: Entry) -> str:
    if "bridge_ports" not in entry:
        return "OVSBridge"
    entry.setdefault("bridge_stp", "off")
    if entry["bridge_stp"] == "off":
        entry.setdefault("bridge_fd", 0)
    return "bridge"


def _port_kind(entry: Entry, ovs_kind: str, plain: str) -> str:
    """Return the type of what may be a port of an Open vSwitch bridge."""
    ovs_type = entry.get("ovs_type")
    if ovs_type == ovs_kind:
        _take_tag(entry)
        return ovs_kind
    return "unknown" if counts(ovs_type) else plain


def _bond_kind(entry: Entry) -> str:
    if not counts(entry.get("ovs_type")):
        return "bond"
    if entry["ovs_type"] != "OVSBond":
        return "unknown"
    mode = take_ovs_option(entry, "bond_mode")
    lacp = take_ovs_option(entry, "lacp")
    if mode == "balance-tcp" or (mode == "balance-slb" and lacp == "active"):
        mode = f"lacp-{mode}"
    entry["bond_mode"] = mode
    _take_tag(entry)
    return "OVSBond"


def _take_tag(entry: Entry) -> None:
    tag = take_ovs_option(entry, "tag")
    if tag is not None:
        entry["ovs_tag"] = tag


def _complete_vlan(entries: dict[str, Entry], name: str, entry: Entry) -> None:
    dotted, named = _VLAN.fullmatch(name), _NAMED_VLAN.fullmatch(name)
    if dotted:
        entry["vlan-raw-device"] = entry.get("vlan-raw-device") or dotted[1]
    number = dotted[2] if dotted else named[1] if named else None
    if counts(number):
        entry["vlan-id"] = number
    _share_existence(entries, entry, entry["vlan-raw-device"])


def _share_existence(entries: dict[str, Entry], entry: Entry, parent: str) -> None:
    """An alias or VLAN exists as its parent does; a parent that the file does not have does not exist."""
    entry["exists"] = entries[parent].get("exists") if parent in entries else 0


def _read_addresses(entry: Entry, suffix: str, host_prefix: str) -> None:
    """Write address and netmask as CIDR, and the CIDR as address and netmask."""
    address = entry.get(f"address{suffix}")
    if not address:
        return
    plain, slash, prefix = str(address).rpartition("/")
    mask = str(entry.get(f"netmask{suffix}") or "")
    if slash and prefix.isdigit():
        entry |= {f"cidr{suffix}": address, f"address{suffix}": plain, f"netmask{suffix}": prefix}
    elif bits := (mask if mask.isdigit() else prefix_of(mask)):
        entry |= {f"cidr{suffix}": f"{address}/{bits}", f"netmask{suffix}": bits}
    else:
        entry[f"cidr{suffix}"] = f"{address}/{host_prefix}"


def prefix_of(mask: str) -> str | None:
    """Return the prefix length of a netmask such as 255.255.255.0, or None when it is none."""
    try:
        value = int(ipaddress.IPv4Address(mask))
    except ValueError:
        return None
    bits = f"{value:032b}".rstrip("0")
    return str(len(bits)) if bits and "0" not in bits else None


def ovs_options(text: object) -> dict[str, str]:
    """Take Open vSwitch options apart: `tag=7 vlan_mode=access`."""
    pairs = (item.partition("=") for item in str(text or "").split())
    return {key: value for key, separator, value in pairs if separator and counts(key)}


def take_ovs_option(entry: Entry, name: str) -> str | None:
    """Remove an option from an interface's Open vSwitch options and return it."""
    taken: list[str | None] = []

    def change(options: dict[str, str]) -> None:
        taken.append(options.pop(name, None))

    _change_ovs_options(entry, change)
    return taken[0]


def set_ovs_option(entry: Entry, name: str, value: object) -> None:
    """Set an option among an interface's Open vSwitch options, or remove it when the value is empty."""

    def change(options: dict[str, str]) -> None:
        if counts(value):
            options[name] = str(value)
        else:
            options.pop(name, None)

    _change_ovs_options(entry, change)


def _change_ovs_options(entry: Entry, change: Callable[[dict[str, str]], None]) -> None:
    options = ovs_options(entry.get("ovs_options"))
    change(options)
    entry["ovs_options"] = " ".join(f"{key}={value}" for key, value in options.items())
    if not entry["ovs_options"]:
        del entry["ovs_options"]
