"""`/nodes/{node}/network`: the interfaces of a node. Changes are staged, then applied by a task."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from simulator.errors import ParamError
from simulator.formats import named_format, split_list
from simulator.network import files
from simulator.network.checking import PORT_SETTINGS, ports_of
from simulator.network.kinds import counts, prefix_of
from simulator.network.parsing import Entry, Interfaces
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.sdn.config import node_zones, reload_node, version, zone_vnets
from simulator.tasks import Steps, TaskRun

_NODE = string(format="pve-node")
_IFACE = string(format="pve-iface", min_length=2, max_length=20)
_AUDIT = ["perm", "/nodes/{node}", ["Sys.Audit"]]
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_TYPES = (
    "bridge", "bond", "eth", "alias", "vlan", "fabric", "OVSBridge", "OVSBond", "OVSPort", "OVSIntPort", "vnet",
)  # fmt: skip
_FILTERS = ("any_bridge", "any_local_bridge", "include_sdn")
_BRIDGES = ("bridge", "OVSBridge")
_BOND_MODES = (
    "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb",
    "balance-slb", "lacp-balance-slb", "lacp-balance-tcp",
)  # fmt: skip
_ONE_IFACE = string(format="pve-iface", optional=True)
_IFACES = string(format="pve-iface-list", optional=True)
_TEXT = string(optional=True)
_FLAG = boolean(optional=True)
_TAG = integer(minimum=1, maximum=4094, optional=True)
_SETTINGS: dict[str, Param] = {
    "node": _NODE,
    "iface": _IFACE,
    "type": string(enum=(*_TYPES, "unknown")),
    "address": string(format="ipv4", optional=True, requires="netmask"),
    "address6": string(format="ipv6", optional=True, requires="netmask6"),
    "autostart": _FLAG,
    "bond-primary": _ONE_IFACE,
    "bond_mode": string(enum=_BOND_MODES, optional=True),
    "bond_xmit_hash_policy": string(enum=("layer2", "layer2+3", "layer3+4"), optional=True),
    "bridge_ports": _IFACES,
    "bridge_vids": string(format="pve-vlan-id-or-range-list", optional=True),
    "bridge_vlan_aware": _FLAG,
    "cidr": string(format="CIDRv4", optional=True),
    "cidr6": string(format="CIDRv6", optional=True),
    "comments": _TEXT,
    "comments6": _TEXT,
    "gateway": string(format="ipv4", optional=True),
    "gateway6": string(format="ipv6", optional=True),
    "mtu": integer(minimum=1280, maximum=65520, optional=True),
    "netmask": string(format="ipv4mask", optional=True, requires="address"),
    "netmask6": integer(minimum=0, maximum=128, optional=True, requires="address6"),
    "ovs_bonds": _IFACES,
    "ovs_bridge": _ONE_IFACE,
    "ovs_options": string(max_length=1024, optional=True),
    "ovs_ports": _IFACES,
    "ovs_tag": _TAG,
    "slaves": _IFACES,
    "vlan-id": _TAG,
    "vlan-raw-device": _ONE_IFACE,
}
_FIRST_TAG, _LAST_TAG = 2, 4094
_RELOAD_SECONDS = 2.0


@named_format("ipv4mask")
def _ipv4mask(value: str) -> None:
    if prefix_of(value) is None:
        raise ValueError("value does not look like a valid IP netmask")


@named_format("pve-vlan-id-or-range")
def _vlan_id_or_range(value: str) -> None:
    match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", value, re.ASCII)
    if match is None:
        raise ValueError(f"invalid VLAN configuration '{value}'")
    tags = [int(tag) for tag in match.groups() if tag is not None]
    for tag in tags:
        if not _FIRST_TAG <= tag <= _LAST_TAG:
            raise ValueError(f"invalid VLAN tag '{tag}'")
    if tags[0] >= tags[-1] and len(tags) > 1:
        raise ValueError(f"VLAN range must go from lower to higher tag '{value}'")


def may_use_bridge(call: Call, zone: str, bridge: str) -> bool:
    """Tell whether the caller may see and use a bridge or virtual network; plain bridges are in `localnetwork`."""
    return call.access.may(f"/sdn/zones/{zone}/{bridge}", ["SDN.Audit", "SDN.Use"], any_of=True)


def _has_type(kind: str, wanted: str | None) -> bool:
    if wanted in (None, "include_sdn"):
        return True
    return kind == wanted or (kind in _BRIDGES and wanted in ("any_bridge", "any_local_bridge"))


@route(
    "GET",
    "/nodes/{node}/network",
    params={"node": _NODE, "type": string(enum=(*_TYPES, *_FILTERS), optional=True)},
    user="all",
    proxyto="node",
)
def interfaces(call: Call) -> list[dict[str, Any]]:
    """List the interfaces as they are staged; of the bridges those that the caller may use."""
    changes = files.changes(call.datacenter, call.node)
    if changes:
        call.extra["changes"] = changes
    wanted = call.optional("type")
    rows = [
        {"iface": name, **entry}
        for name, entry in files.read(call.datacenter, call.node).entries.items()
        if name != "lo" and _has_type(entry["type"], wanted)
        and (entry["type"] not in _BRIDGES or may_use_bridge(call, "localnetwork", name))
    ]  # fmt: skip
    return rows + (_vnets(call) if wanted in ("any_bridge", "include_sdn", "vnet") else [])


def _vnets(call: Call) -> list[dict[str, Any]]:
    """List the virtual networks of the node that the caller may use."""
    return [
        {
            "iface": vnet.id, "type": "vnet", "active": "1", "ipam": int("ipam" in zone.options),
            "vlanaware": int(vnet.options.get("vlanaware") == "1"), "comments": vnet.options.get("alias"),
        }
        for zone in node_zones(call.datacenter, call.node)
        for vnet in zone_vnets(call.datacenter, zone.id)
        if may_use_bridge(call, zone.id, vnet.id)
    ]  # fmt: skip


def _entry(call: Call, config: Interfaces) -> Entry:
    entry = config.entries.get(call.text("iface"))
    if entry is None:
        raise ParamError({"iface": "interface does not exist"})
    return entry


@route("GET", "/nodes/{node}/network/{iface}", params={"node": _NODE, "iface": _IFACE}, check=_AUDIT, proxyto="node")
def interface(call: Call) -> dict[str, Any]:
    """Return an interface as it is staged."""
    return _entry(call, files.read(call.datacenter, call.node))


@route(
    "POST", "/nodes/{node}/network", params=_SETTINGS, check=_MODIFY, protected=True, proxyto="node",
)  # fmt: skip
def create_interface(call: Call) -> None:
    """Stage a new interface; an Open vSwitch port also becomes a port of its bridge."""
    name, config = call.text("iface"), files.read(call.datacenter, call.node)
    if name in config.entries:
        raise ParamError({"iface": "interface already exists"})
    given = _given(call)
    _check(config, name, given)
    _complete(given)
    if given["type"] in ("OVSIntPort", "OVSBond"):
        _add_to_bridge(config, name, given.get("ovs_bridge"))
    config.entries[name] = given
    files.stage(call.datacenter, call.node, config, call.now)


@route(
    "PUT",
    "/nodes/{node}/network/{iface}",
    params=_SETTINGS | {"delete": string(format="pve-configid-list", optional=True)},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def update_interface(call: Call) -> None:
    """Stage changes of an interface: what is given replaces what was there, the address is always given anew."""
    name, config = call.text("iface"), files.read(call.datacenter, call.node)
    entry = _entry(call, config)
    for key in call.listing("delete"):
        entry.pop(key, None)
        if key in ("cidr", "cidr6"):
            suffix = key.removeprefix("cidr")
            entry.pop(f"netmask{suffix}", None)
            entry.pop(f"address{suffix}", None)
    given = _given(call)
    _check(config, name, given)
    _complete(given)
    entry.update(given)
    files.stage(call.datacenter, call.node, config, call.now)


def _given(call: Call) -> Entry:
    """Return the settings of a call, flags as numbers."""
    return {
        name: int(value) if isinstance(value, bool) else value
        for name, value in call.params.items()
        if name not in ("node", "iface", "delete") and value is not None
    }


def _check(config: Interfaces, name: str, given: Entry) -> None:
    """Refuse a second default gateway, ports that another interface has, and conflicting addresses."""
    others = {other: entry for other, entry in config.entries.items() if other != name}
    for key, label in (("gateway", "Default gateway"), ("gateway6", "Default ipv6 gateway")):
        holder = next((other for other, entry in others.items() if entry.get(key)), None)
        if given.get(key) and holder:
            raise ParamError({key: f"{label} already exists on interface '{holder}'."})
    setting = next((key for key in PORT_SETTINGS if given.get(key)), "")
    wanted = ports_of(given)
    for other, entry in others.items():
        used = next((port for port in ports_of(entry) if port in wanted), None)
        if used is not None:
            raise ParamError({setting: f"{used} is already used on interface '{other}'."})
    if given.get("bridge_vids") is not None and not split_list(str(given["bridge_vids"])):
        raise ParamError({"bridge_vids": "VLAN list items are empty"})


def _complete(given: Entry) -> None:
    """Settle address families and methods, and write lists as the file has them."""
    for suffix in ("", "6"):
        cidr = given.pop(f"cidr{suffix}", None)
        if not cidr:
            continue
        for key in (f"address{suffix}", f"netmask{suffix}"):
            if given.get(key):
                raise ParamError({key: f"{key} conflicts with cidr{suffix}"})
        given[f"address{suffix}"], _, given[f"netmask{suffix}"] = str(cidr).rpartition("/")
    if given.get("address6"):
        _check_host_address(str(given["address6"]))
    given["families"] = [
        family for family, key in (("inet", "address"), ("inet6", "address6")) if given.get(key)
    ] or ["inet"]  # fmt: skip
    given["method"] = "static" if given.get("address") else "manual"
    given["method6"] = "static" if given.get("address6") else "manual"
    if counts(given.get("bridge_vids")):
        given["bridge_vids"] = " ".join(split_list(str(given["bridge_vids"])))


def _check_host_address(text: str) -> None:
    """Refuse an IPv6 address that no host can have."""
    address = ipaddress.IPv6Address(text)
    kinds = {
        "UNSPECIFIED": address.is_unspecified, "LOOPBACK": address.is_loopback, "MULTICAST": address.is_multicast,
        "RESERVED": address.is_reserved,
    }  # fmt: skip
    kind = next((kind for kind, holds in kinds.items() if holds), None)
    if kind is not None:
        raise ParamError({"address": f"{text} with type '{kind}', cannot be used as host IPv6 address."})


def _add_to_bridge(config: Interfaces, name: str, bridge_name: Any) -> None:
    if not bridge_name:
        raise ParamError({"ovs_bridge": "parameter is required"})
    bridge = config.entries.get(bridge_name)
    if bridge is None:
        raise ParamError({"ovs_bridge": f"bridge '{bridge_name}' does not exist"})
    if bridge["type"] != "OVSBridge":
        raise ParamError({"ovs_bridge": f"interface '{bridge_name}' is no OVS bridge"})
    ports = str(bridge.get("ovs_ports") or "").split()
    bridge["ovs_ports"] = " ".join(ports if name in ports else [*ports, name])


@route(
    "DELETE",
    "/nodes/{node}/network/{iface}",
    params={"node": _NODE, "iface": _IFACE},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def delete_interface(call: Call) -> None:
    """Stage the removal of an interface; an Open vSwitch port leaves its bridge."""
    name, config = call.text("iface"), files.read(call.datacenter, call.node)
    entry = _entry(call, config)
    bridge = config.entries.get(str(entry.get("ovs_bridge")))
    if entry["type"] in ("OVSIntPort", "OVSBond") and bridge is not None and bridge.get("ovs_ports"):
        bridge["ovs_ports"] = " ".join(port for port in bridge["ovs_ports"].split() if port != name)
    del config.entries[name]
    files.stage(call.datacenter, call.node, config, call.now)


@route("DELETE", "/nodes/{node}/network", params={"node": _NODE}, check=_MODIFY, protected=True, proxyto="node")
def revert(call: Call) -> None:
    """Forget what is staged."""
    files.revert(call.datacenter, call.node)


@route(
    "PUT",
    "/nodes/{node}/network",
    params={"node": _NODE, "regenerate-frr": _FLAG},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def apply_changes(call: Call) -> str:
    """Put what is staged in effect; without anything staged the interfaces are just reloaded."""

    def body(run: TaskRun) -> Steps:
        files.activate(run.datacenter, run.node)
        yield _RELOAD_SECONDS
        files.reload(run.datacenter, run.node)
        if version(run.datacenter, "running"):
            reload_node(run.datacenter, run.node)

    return call.start_task("srvreload", "networking", body)
