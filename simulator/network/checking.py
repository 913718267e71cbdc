"""What Proxmox checks and settles before it writes `/etc/network/interfaces`."""

from __future__ import annotations

import re

from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.network.kinds import counts, set_ovs_option
from simulator.network.parsing import Entry, Interfaces

PORT_SETTINGS = ("bridge_ports", "ovs_ports", "slaves", "ovs_bonds")
_OVS_PORTS = ("OVSPort", "OVSIntPort", "OVSBond")
_OVS_BOND_MODES = {
    "active-backup": (None, "active-backup"),
    "balance-slb": (None, "balance-slb"),
    "lacp-balance-slb": ("active", "balance-slb"),
    "lacp-balance-tcp": ("active", "balance-tcp"),
}
_VLAN_PARENTS = ("eth", "bridge", "bond", "vlan")
_BRIDGE_PORT_SETTINGS = (
    "bridge-learning", "bridge-arp-nd-suppress", "bridge-unicast-flood", "bridge-multicast-flood", "bridge-access",
)  # fmt: skip
_DEFAULT_MTU = 1500
_LAST_VLAN = 4094

Entries = dict[str, Entry]


def ports_of(entry: Entry) -> list[str]:
    """Return all interfaces that this one has as its ports or slaves."""
    return [port for key in PORT_SETTINGS for port in split_list(str(entry.get(key) or ""))]


def settle(config: Interfaces) -> None:
    """Bring ports and their bridges in line, and refuse what can't be; changes the configuration."""
    entries = config.entries
    used = _used_ports(entries)
    _drop_lost_ovs_ports(entries, used)
    _attach_ovs_ports(entries)
    for name in list(entries):
        _check_ovs_bond(entries, name)
    for name in list(entries):
        _check_bond(entries, name)
    for name in list(entries):
        _check_vlan(entries, name)
    _check_bridges(entries)
    for entry in entries.values():
        if entry["type"] in _OVS_PORTS:
            _write_ovs_options(entry)


def _used_ports(entries: Entries) -> dict[str, str]:
    used: dict[str, str] = {}
    for name, entry in entries.items():
        for port in ports_of(entry):
            if used.get(port, name) != name:
                raise ApiError(f"port '{port}' is already used on interface '{used[port]}'")
            used[port] = name
    return used


def _drop_lost_ovs_ports(entries: Entries, used: dict[str, str]) -> None:
    """An Open vSwitch port that is in no bridge becomes a plain interface again."""
    for name in list(entries):
        if entries[name]["type"] not in _OVS_PORTS:
            continue
        bridge = entries.get(used.get(name, ""))
        if bridge is None:
            entries[name] = {"type": "eth", "method": "manual", "families": ["inet"]}
        elif bridge["type"] != "OVSBridge":
            del entries[name]


def _attach_ovs_ports(entries: Entries) -> None:
    """Whatever an Open vSwitch bridge names as its port becomes one."""
    for name, bridge in list(entries.items()):
        if bridge["type"] != "OVSBridge":
            continue
        for port_name in str(bridge.get("ovs_ports") or "").split():
            port = entries.get(port_name)
            if port is None:
                raise ApiError(f"OVS bridge '{name}' - unable to find port '{port_name}'")
            port["autostart"] = 0
            if port["type"] == "eth":
                port["type"] = "OVSPort"
            elif port["type"] not in _OVS_PORTS:
                raise ApiError(f"interface '{port_name}' is not defined as OVS port/bond")
            port["ovs_bridge"] = name
            _check_mtu(entries, name, port_name)


def _check_mtu(entries: Entries, parent: str, child: str) -> None:
    """Refuse a child with a larger MTU than its parent; an MTU that is not set counts as 1500."""
    child_mtu = entries[child].get("mtu")
    if not counts(child_mtu):
        return
    parent_mtu = entries[parent].get("mtu")
    if not counts(parent_mtu):
        parent_mtu = child_mtu if entries[parent]["type"] == "bond" else _DEFAULT_MTU
    if _number(parent_mtu) < _number(child_mtu):
        raise ApiError(f"interface '{parent}' - mtu {parent_mtu} is lower than '{child}' - mtu {child_mtu}")


def _number(value: object) -> int:
    match = re.match(r"\s*(\d{1,9})", str(value))
    return int(match[1]) if match else 0


def _check_ovs_bond(entries: Entries, name: str) -> None:
    entry = entries[name]
    if entry["type"] != "OVSBond":
        return
    for slave in str(entry.get("ovs_bonds") or "").split():
        if slave not in entries:
            raise ApiError(f"OVS bond '{name}' - unable to find slave '{slave}'")
        entries[slave]["autostart"] = 1
        kind = entries[slave]["type"]
        if kind != "eth":
            raise ApiError(f"OVS bond '{name}' - wrong interface type on slave '{slave}' ('{kind}' != 'eth')")
        _check_mtu(entries, name, slave)


def _check_bond(entries: Entries, name: str) -> None:
    entry = entries[name]
    slaves = str(entry.get("slaves") or "").split()
    if entry["type"] != "bond" or not slaves:
        return
    for slave in slaves:
        if slave not in entries:
            raise ApiError(f"bond '{name}' - unable to find slave '{slave}'")
        entries[slave]["autostart"] = 1
        kind = entries[slave]["type"]
        if kind not in ("eth", "bond"):
            raise ApiError(f"bond '{name}' - wrong interface type on slave '{slave}' ('{kind}' != 'eth or bond')")
        _check_mtu(entries, name, slave)
    primary = entry.get("bond-primary")
    if primary and primary not in slaves:
        raise ApiError(f"bond '{name}' - bond-primary interface is not a slave")


def _check_vlan(entries: Entries, name: str) -> None:
    """Find a VLAN's parent and number; what its name says is not written as a setting."""
    entry = entries[name]
    if entry["type"] != "vlan":
        return
    dotted, named = re.fullmatch(r"(\S+)\.(\d+)", name), re.fullmatch(r"vlan(\d+)", name)
    parent, number = str(entry.get("vlan-raw-device") or ""), entry.get("vlan-id")
    if dotted:
        parent, number = dotted[1], dotted[2]
        entry.pop("vlan-raw-device", None)
    elif not parent:
        raise ApiError("missing vlan-raw-device option")
    elif named:
        number = named[1]
    elif not counts(number):
        raise ApiError("missing vlan-id option")
    if dotted or named:
        entry.pop("vlan-id", None)
    if _number(number) > _LAST_VLAN:
        raise ApiError(f"vlan '{name}' - vlan-id {number} should be <= 4094")
    if parent not in entries:
        raise ApiError(f"vlan '{name}' - unable to find parent '{parent}'")
    kind = entries[parent]["type"]
    if kind not in _VLAN_PARENTS:
        raise ApiError(
            f"vlan '{name}' - wrong interface type on parent '{parent}' ('{kind}' != 'eth|bond|bridge|vlan' )"
        )
    _check_mtu(entries, parent, name)


def _check_bridges(entries: Entries) -> None:
    """Check the ports of Linux bridges; a VLAN that the file does not have may be one (`eno1.50`)."""
    known = dict(entries)
    bridge_of: dict[str, str] = {}
    for name, bridge in entries.items():
        if bridge["type"] != "bridge":
            continue
        for port in str(bridge.get("bridge_ports") or "").split():
            _check_bridge_port(known, name, port)
            bridge_of[port] = name
    for name, entry in entries.items():
        _check_port_settings(entries, name, entry, bridge_of.get(name))


def _check_bridge_port(known: Entries, bridge: str, port: str) -> None:
    vlan = re.fullmatch(r"(\S+)\.(\d+)", port)
    if vlan and port not in known:
        known[port] = {"type": "vlan", "mtu": known.get(vlan[1], {}).get("mtu")}
    entry = known.get(port)
    if entry is None:
        raise ApiError(f"bridge '{bridge}' - unable to find bridge port '{port}'")
    for suffix, unset in (("", "0.0.0.0"), ("6", "::")):  # noqa: S104 - an address in a file, nothing binds to it
        if entry.get(f"method{suffix}") == "static" and entry.get(f"address{suffix}") != unset:
            raise ApiError(f"iface {port} - ip address can't be set on interface if bridged in {bridge}")
    _check_mtu(known, port, bridge)


def _check_port_settings(entries: Entries, name: str, entry: Entry, bridge: str | None) -> None:
    for key in _BRIDGE_PORT_SETTINGS:
        if counts(entry.get(key)) and bridge is None:
            raise ApiError(
                f"iface {name} - {key}: bridge port specific options can be used only "
                "on interfaces attached to a bridge"
            )
    if bridge is not None and counts(entry.get("bridge-access")) and not entries[bridge].get("bridge_vlan_aware"):
        raise ApiError(f"iface {name} - bridge-access option can be only used if interface is in a vlan aware bridge")


def _write_ovs_options(entry: Entry) -> None:
    """Put tag and bond mode back among the Open vSwitch options; such a port is started by its bridge."""
    entry["autostart"] = 0
    if entry.get("ovs_tag") is not None:
        set_ovs_option(entry, "tag", entry["ovs_tag"])
    if entry["type"] == "OVSBond":
        mode = entry.get("bond_mode") or "active-backup"
        if mode not in _OVS_BOND_MODES:
            raise ApiError(f"OVS does not support bond mode '{mode}")
        lacp, plain = _OVS_BOND_MODES[mode]
        set_ovs_option(entry, "lacp", lacp)
        set_ovs_option(entry, "bond_mode", plain)
