"""`/nodes/{node}/sdn`: what of the network runs on a node."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.guests.lxc_power import nics as container_nics
from simulator.guests.qemu_power import nics as machine_nics
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import Param, string
from simulator.sdn.config import node_zones, vnet_on_node, zone_status, zone_vnets
from simulator.sdn.options import FABRIC_ID, VNET_ID, ZONE_ID
from simulator.sdn.records import SdnObject

_NODE: dict[str, Param] = {"node": string(format="pve-node")}
_ZONE = ["perm", "/sdn/zones/{zone}", ["SDN.Audit"]]
_FABRIC = ["perm", "/sdn/fabrics/{fabric}", ["SDN.Audit"]]
_FABRIC_PARAMS: dict[str, Param] = {**_NODE, "fabric": FABRIC_ID}
_VNET_PARAMS: dict[str, Param] = {**_NODE, "vnet": VNET_ID}
_ZONE_PATH = "/nodes/{node}/sdn/zones/{zone}"
_FABRIC_PATH = "/nodes/{node}/sdn/fabrics/{fabric}"


@route("GET", "/nodes/{node}/sdn", params=_NODE, user="all", proxyto="node")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below a node's `sdn`."""
    return [{"name": name} for name in ("fabrics", "vnets", "zones")]


@route("GET", "/nodes/{node}/sdn/zones", params=_NODE, user="all", protected=True, proxyto="node")
def zones(call: Call) -> list[dict[str, str]]:
    """List the zones of a node and whether they work."""
    return [
        {"zone": zone.id, "status": zone_status(call.datacenter, call.node, zone)}
        for zone in node_zones(call.datacenter, call.node)
        if call.access.may(f"/sdn/zones/{zone.id}", ["SDN.Audit"])
    ]


@route("GET", _ZONE_PATH, params={**_NODE, "zone": ZONE_ID}, check=_ZONE)
def zone_index(_call: Call) -> list[dict[str, str]]:
    """List what there is below a node's zone."""
    return [{"subdir": name} for name in ("content", "bridges", "ip-vrf")]


def _zone(call: Call) -> SdnObject:
    found = next((row for row in node_zones(call.datacenter, call.node) if row.id == call.text("zone")), None)
    if found is None:
        raise ApiError(f"sdn '{call.text('zone')}' does not exist")
    return found


@route(
    "GET", _ZONE_PATH + "/content", params={**_NODE, "zone": ZONE_ID}, check=_ZONE, protected=True, proxyto="node",
)  # fmt: skip
def content(call: Call) -> list[dict[str, Any]]:
    """List the virtual networks of a zone and whether they work on this node."""
    zone = _zone(call)
    status = zone_status(call.datacenter, call.node, zone)
    message = f"missing bridge '{zone.options['bridge']}'" if status == "error" else None
    return [{"vnet": vnet.id, "status": status, "statusmsg": message} for vnet in zone_vnets(call.datacenter, zone.id)]


@route(
    "GET", _ZONE_PATH + "/bridges", params={**_NODE, "zone": string()}, check=_ZONE, protected=True, proxyto="node",
)  # fmt: skip
def bridges(call: Call) -> list[dict[str, Any]]:
    """List the bridges of a zone with the guests that are plugged into them."""
    vnets = [vnet for vnet in zone_vnets(call.datacenter, _zone(call).id) if _has(call, vnet)]
    return [
        {
            "name": vnet.id, "vlan_filtering": int(vnet.options.get("vlanaware", "0")),
            "ports": [port for guest in call.datacenter.guests for port in _ports(call, guest, vnet.id)],
        }
        for vnet in vnets
    ]  # fmt: skip


def _has(call: Call, vnet: SdnObject) -> bool:
    return vnet_on_node(call.datacenter, call.node, vnet.id)


def _ports(call: Call, guest: Guest, bridge: str) -> list[dict[str, Any]]:
    """Return the ports with which a running guest is plugged into a bridge."""
    if guest.node != call.node or guest.status != "running":
        return []
    nics, word = (machine_nics(guest), "tap") if guest.type == "qemu" else (container_nics(guest), "veth")
    return [
        {"name": f"{word}{guest.vmid}i{number}", "vmid": guest.vmid, "index": f"net{number}"}
        for number, nic in nics
        if nic.get("bridge") == bridge
    ]


@route(
    "GET", _ZONE_PATH + "/ip-vrf", params={**_NODE, "zone": string()}, check=_ZONE, protected=True, proxyto="node",
)  # fmt: skip
def ip_vrf(call: Call) -> list[dict[str, Any]]:
    """List the routes of an EVPN zone: those of its own subnets."""
    zone = _zone(call)
    if zone.type != "evpn":
        raise ApiError(f"zone '{zone.id}' is not an EVPN zone")
    vnets = {vnet.id for vnet in zone_vnets(call.datacenter, zone.id)}
    return [
        {"ip": "/".join(row.id.split("-")[1:]), "metric": 0, "protocol": "connected", "nexthops": [row.options["vnet"]]}
        for row in call.datacenter.sdn_running.by("kind", "subnets")
        if row.options["vnet"] in vnets
    ]


def _running_vnet(call: Call) -> SdnObject:
    vnet = call.datacenter.sdn_running.get(f"vnets/{call.text('vnet')}")
    if vnet is None:
        raise ApiError(f"sdn vnet '{call.text('vnet')}' does not exist")
    call.access.require(f"/sdn/zones/{vnet.options['zone']}/{vnet.id}", ["SDN.Audit"])
    return vnet


@route("GET", "/nodes/{node}/sdn/vnets/{vnet}", params=_VNET_PARAMS, user="all")
def vnet_index(call: Call) -> list[dict[str, str]]:
    """List what there is below a node's virtual network."""
    _running_vnet(call)
    return [{"subdir": "mac-vrf"}]


@route(
    "GET", "/nodes/{node}/sdn/vnets/{vnet}/mac-vrf", params=_VNET_PARAMS,
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def mac_vrf(call: Call) -> list[dict[str, Any]]:
    """List the addresses that a virtual network has learned: those that were given out in it."""
    vnet = _running_vnet(call)
    nexthop = call.this_node.ip
    entries = [entry for entry in call.datacenter.ips if entry.vnet == vnet.id and entry.mac]
    return [{"ip": entry.ip, "mac": entry.mac, "nexthop": nexthop} for entry in entries]


def _members(call: Call) -> list[SdnObject]:
    """Return the running nodes of a fabric, this one first; none when this one is no member."""
    fabric = call.text("fabric")
    if f"fabrics/{fabric}" not in call.datacenter.sdn_running:
        raise ApiError(f"fabric '{fabric}' does not exist")
    rows = [row for row in call.datacenter.sdn_running.by("kind", "fabric_nodes") if row.id.startswith(f"{fabric}_")]
    mine = [row for row in rows if row.id == f"{fabric}_{call.node}"]
    return mine + [row for row in rows if row not in mine] if mine else []


@route("GET", _FABRIC_PATH, params=_FABRIC_PARAMS, check=_FABRIC)
def fabric_index(_call: Call) -> list[dict[str, str]]:
    """List what there is below a node's fabric."""
    return [{"subdir": name} for name in ("interfaces", "neighbors", "routes")]


@route(
    "GET", _FABRIC_PATH + "/interfaces", params=_FABRIC_PARAMS, check=_FABRIC, protected=True, proxyto="node",
)  # fmt: skip
def fabric_interfaces(call: Call) -> list[dict[str, str]]:
    """List the interfaces with which a node takes part in a fabric."""
    own = _members(call)[:1]
    texts = own[0].options.get("interfaces", "").split("\n") if own else []
    names = [part.removeprefix("name=") for text in texts for part in text.split(",") if part.startswith("name=")]
    return [{"name": name, "state": "up", "type": "point-to-point"} for name in names]


def _others(call: Call) -> list[SdnObject]:
    """Return the other nodes of a fabric that are up."""
    up = {node.name for node in call.datacenter.connected(call.node)}
    return [row for row in _members(call)[1:] if row.id.partition("_")[2] in up]


@route(
    "GET", _FABRIC_PATH + "/neighbors", params=_FABRIC_PARAMS, check=_FABRIC, protected=True, proxyto="node",
)  # fmt: skip
def fabric_neighbors(call: Call) -> list[dict[str, str]]:
    """List the other nodes of a fabric that a node sees."""
    return [{"neighbor": row.id.partition("_")[2], "status": "Up", "uptime": "00:10:00"} for row in _others(call)]


@route(
    "GET", _FABRIC_PATH + "/routes", params=_FABRIC_PARAMS, check=_FABRIC, protected=True, proxyto="node",
)  # fmt: skip
def fabric_routes(call: Call) -> list[dict[str, Any]]:
    """List the routes that a node has learned in a fabric."""
    return [
        {"route": f"{row.options[key]}/{bits}", "via": [row.options[key]]}
        for row in _others(call)
        for key, bits in (("ip", 32), ("ip6", 128))
        if key in row.options
    ]
