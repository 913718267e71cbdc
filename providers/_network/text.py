"""`/etc/network/interfaces` as text: read into interfaces, printed from them, and a line put where it belongs.

What is printed is what Proxmox would write, without its heading: it is for people, and to be compared. Lines that are
no part of an interface (`source …`) are left alone.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Any

from providers._network.interface import OVS_PORTS, Interface
from providers._network.settings import Network, Settings, lines_of, settings_of

PATH = "/etc/network/interfaces"
STAGED_PATH = "/etc/network/interfaces.new"

_STARTED = re.compile(r"\s*(?:allow-auto|auto|allow-ovs|allow-hotplug)\s+(.*)")
_STANZA = re.compile(r"\s*iface\s+(\S+)(?:\s+(inet6?)\s+(\S+))?\s*")
_NEXT = re.compile(r"\s*(?:(?:iface|mapping|auto|source|source-directory)\s|allow-)")
_SETTING = re.compile(r"\s*((\S+)\s+(.+))")
_KEYS = {
    "ovs_mtu": "mtu", "bond-slaves": "slaves", "bond_slaves": "slaves", "bond-mode": "bond_mode",
    "bond-miimon": "bond_miimon", "bond-xmit-hash-policy": "bond_xmit_hash_policy", "bridge-ports": "bridge_ports",
    "bridge-stp": "bridge_stp", "bridge-fd": "bridge_fd", "bridge-vids": "bridge_vids",
    "bridge-vlan-aware": "bridge_vlan_aware",
}  # fmt: skip
"""Name in the file -> name in the API."""
_PLAIN = {
    "mtu", "ovs_type", "ovs_options", "ovs_bridge", "ovs_bonds", "ovs_ports", "slaves", "bridge_ports", "bridge_stp",
    "bridge_fd", "bridge_vids", "bridge_vlan_aware", "bond_mode", "bond_miimon", "bond_xmit_hash_policy",
    "bond-primary", "vlan-raw-device", "vlan-id", "link-type", "uplink-id", "vlan-protocol", "vxlan-id",
    "vxlan-physdev", "vxlan-local-tunnelip", "vxlan-svcnodeip", "vxlan-remoteip", "bridge-access", "bridge-learning",
    "bridge-arp-nd-suppress", "bridge-unicast-flood", "bridge-multicast-flood", "bridge-disable-mac-learning",
}  # fmt: skip
_MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
_CARD = re.compile(r"(?:eth\d+|en[^:.]+|ib[^:.]+|(?:nic|if)\d+)")


# ---------------------------------------------------------------- reading


def read(text: str) -> Network:
    """The interfaces of a file, but for the loopback."""
    rows: dict[str, dict[str, Any]] = {}
    row: dict[str, Any] | None = None
    suffix = ""
    for line in text.splitlines():
        stanza = _STANZA.fullmatch(line)
        if started := _STARTED.fullmatch(line):
            for name in started[1].split():
                rows.setdefault(name, {"iface": name})["autostart"] = 1
        elif stanza:
            suffix = "6" if stanza[2] == "inet6" else ""
            row = rows.setdefault(stanza[1], {"iface": stanza[1]})
            row |= {"stanza": True, f"method{suffix}": stanza[3]}
        elif line.lstrip().startswith("#"):
            if row is not None:
                row["comments"] = row.get("comments", "") + line.lstrip()[1:] + "\n"
        elif row is None or _NEXT.match(line) or not (setting := _SETTING.fullmatch(line)):
            row = None
        else:
            _read_setting(row, _KEYS.get(setting[2], setting[2]), setting[3].strip(), setting[1].strip(), suffix)
    return {name: settings_of(_typed(row)) for name, row in rows.items() if name != "lo" and row.pop("stanza", False)}


def _read_setting(row: dict[str, Any], key: str, value: str, line: str, suffix: str) -> None:
    if key in ("address", "netmask", "gateway", "broadcast"):
        row[f"{key}6" if suffix or (key != "netmask" and ":" in value) else key] = value
    elif key == "bond_mode" and value.isdigit():
        row[key] = _MODES[int(value)] if int(value) < len(_MODES) else value
    elif key == "bridge_vlan_aware":
        row[key] = 1
    elif key == "bridge_stp":
        row[key] = "on" if value.lower() in ("on", "yes") else "off"
    elif key in ("bridge_ports", "slaves"):
        row[key] = " ".join(port for port in value.split() if port != "none")
        row.setdefault("kind", "bridge" if key == "bridge_ports" else "bond")
    elif key in _PLAIN:
        row[key] = value
    else:
        row.setdefault("options", []).append(line)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    """What follows from the name and the settings: the type, and addresses with their prefix."""
    kind, ovs = row.pop("kind", None), row.get("ovs_type")
    name = row["iface"]
    if kind == "bridge" or ovs == "OVSBridge":
        row["type"] = kind if kind == "bridge" else ovs
    elif re.fullmatch(r"bond\d+", name):
        row["type"] = "OVSBond" if ovs == "OVSBond" else "bond"
    elif re.fullmatch(r"\S+\.\d+", name) or row.get("vlan-raw-device"):
        row["type"] = "vlan"
    elif _CARD.fullmatch(name):
        row["type"] = "OVSPort" if ovs == "OVSPort" else "eth"
    else:
        row["type"] = "alias" if re.fullmatch(r"\S+:\d+", name) else ovs or "unknown"
    for suffix in ("", "6"):
        if row.get(f"address{suffix}"):
            row[f"cidr{suffix}"] = _cidr(row[f"address{suffix}"], row.get(f"netmask{suffix}"))
    return _without_ovs_tag(row)


def _cidr(address: str, mask: str | None) -> str:
    if "/" in address:
        return address
    try:
        return f"{address}/{ipaddress.ip_interface(f'{address}/{mask}').network.prefixlen}" if mask else _alone(address)
    except ValueError:
        return _alone(address)


def _alone(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def _without_ovs_tag(row: dict[str, Any]) -> dict[str, Any]:
    """Tag and mode stand among the options of Open vSwitch, and are settings of their own to the API."""
    if row["type"] not in OVS_PORTS or not row.get("ovs_options"):
        return row
    options = dict(item.partition("=")[::2] for item in row["ovs_options"].split() if "=" in item)
    taken = {"ovs_tag": options.pop("tag", None)}
    if row["type"] == "OVSBond":
        mode, lacp = options.pop("bond_mode", None), options.pop("lacp", None)
        lacp_mode = mode == "balance-tcp" or (mode == "balance-slb" and lacp == "active")
        taken["bond_mode"] = f"lacp-{mode}" if lacp_mode else mode
    left = " ".join(f"{key}={value}" for key, value in options.items())
    return {**row, **{key: value for key, value in taken.items() if value}, "ovs_options": left}


# ---------------------------------------------------------------- printing


def printed(network: Network) -> str:
    """The interfaces as Proxmox writes them, without its heading."""
    return "\n".join("".join(f"{line}\n" for line in stanza(name, network[name])) for name in _ordered(network))


_ORDER = ("eth", "OVSPort", "OVSIntPort", "OVSBond", "bond", "bridge", "OVSBridge", "vlan")


def _ordered(network: Network) -> list[str]:
    """Cards first, then what stands on them; by name as people count."""

    def place(name: str) -> tuple[int, list[tuple[int, int, str]]]:
        kind = network[name].get("type")
        return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), natural(name))

    return sorted(network, key=place)


def natural(name: str) -> list[tuple[int, int, str]]:
    """`vlan7i` stands before `vlan10i`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def stanza(name: str, settings: Settings) -> Iterator[str]:
    """The lines of one interface."""
    kind = settings["type"]
    if settings.get("autostart") or kind in OVS_PORTS:
        yield f"auto {name}"
    lines = [*_setting_lines(name, settings), *(f"\t{line}" for line in lines_of(name, settings))]
    comments = [f"#{line}" for line in str(settings.get("comments", "")).splitlines()]
    second = "cidr6" in settings or "method6" in settings
    if "cidr" in settings or "method" in settings or not second:
        yield f"iface {name} inet {settings.get('method') or ('static' if 'cidr' in settings else 'manual')}"
        yield from _addresses(settings, "")
        yield from lines
        yield from comments
        lines, comments = [], []
    if second:
        yield f"iface {name} inet6 {settings.get('method6') or 'static'}"
        yield from _addresses(settings, "6")
        yield from lines
        yield from comments


def _addresses(settings: Settings, suffix: str) -> Iterator[str]:
    if f"cidr{suffix}" in settings:
        yield f"\taddress {settings[f'cidr{suffix}']}"
    if f"gateway{suffix}" in settings:
        yield f"\tgateway {settings[f'gateway{suffix}']}"


_FILE_NAMES = {api: file for file, api in _KEYS.items() if not file.startswith(("bond_", "ovs_"))}
_ADDRESSES = {"cidr", "gateway", "cidr6", "gateway6", "method", "method6"}
_ELSEWHERE = _ADDRESSES | {"type", "autostart", "comments", "options", "masquerade", "forward_only_to", "ovs_tag"}


def _setting_lines(name: str, settings: Settings) -> Iterator[str]:
    kind, keys = settings["type"], Interface.wire_keys()
    given = {keys.get(key, key): value for key, value in settings.items() if key not in _ELSEWHERE}
    if kind == "bridge":
        given = {"bridge_ports": ["none"], "bridge_stp": "off", "bridge_fd": 0} | given
        if "bridge_vlan_aware" in given:
            given |= {"bridge_vlan_aware": "yes", "bridge_vids": given.get("bridge_vids") or ["2-4094"]}
    elif kind == "bond":
        given = {"slaves": ["none"], "bond_miimon": 100} | given
    elif kind == "vlan" and re.fullmatch(r"\S+\.\d+", name):
        given = {key: value for key, value in given.items() if key not in ("vlan-raw-device", "vlan-id")}
    elif kind.startswith("OVS"):
        given = {"ovs_type": kind} | {key: given[key] for key in given if key != "bond_mode"} | _ovs_options(settings)
    for key, value in given.items():
        shown = " ".join(map(str, value)) if isinstance(value, list) else value
        mtu = "ovs_mtu" if kind.startswith("OVS") and key == "mtu" else None
        yield f"\t{mtu or _FILE_NAMES.get(key, key)} {shown}"


def _ovs_options(settings: Settings) -> Settings:
    """The options of Open vSwitch, with tag and mode among them."""
    words = [str(settings["ovs_options"])] if "ovs_options" in settings else []
    if settings["type"] == "OVSBond":
        _, lacp, mode = str(settings["bond_mode"]).rpartition("lacp-")
        words += [*(["lacp=active"] if lacp else []), f"bond_mode={mode}"]
    words += [f"tag={settings['ovs_tag']}"] if "ovs_tag" in settings else []
    return {"ovs_options": " ".join(words)} if words else {}


def difference(before: Network, after: Network) -> str:
    """What changes in the file, as a unified diff; empty where nothing does."""
    old, new = printed(before).splitlines(), printed(after).splitlines()
    return "\n".join(difflib.unified_diff(old, new, PATH, f"{PATH} (planned)", lineterm=""))


# ---------------------------------------------------------------- lines that the API can't write


def with_lines(text: str, name: str, before: Iterable[str], after: Iterable[str]) -> str:
    """The text with other further lines in an interface: they come after its settings, before its comment."""
    lines, old, done = text.splitlines(keepends=True), set(before), False
    result: list[str] = []
    inside = False
    new = [f"\t{line}\n" for line in after]
    for line in lines:
        stanza = _STANZA.fullmatch(line.rstrip("\n"))
        ends = inside and (stanza is not None or not line.strip() or line.lstrip().startswith("#"))
        if ends and not done:
            result += new
            done = True
        inside = (inside and not ends) or (stanza is not None and stanza[1] == name)
        if not (inside and line.strip() in old):
            result.append(line)
    return "".join(result) + ("".join(new) if inside and not done else "")
