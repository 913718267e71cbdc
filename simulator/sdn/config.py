"""What is configured, what of it runs, and what lies between: the views of the network's objects.

A change is only written down. `apply` makes it the running configuration, with a new version; each node that
then reloads its network has that version, one that was down keeps its old one and shows its zones as pending.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.records import Setting
from simulator.routing import Call
from simulator.schema import Param
from simulator.sdn.options import (
    CONTROLLER_OPTIONS,
    DHCP_RANGE,
    DNS_OPTIONS,
    FABRIC_NODE_OPTIONS,
    FABRIC_OPTIONS,
    IPAM_OPTIONS,
    SUBNET_OPTIONS,
    VNET_OPTIONS,
    ZONE_OPTIONS,
)
from simulator.sdn.records import SdnObject
from simulator.sections import typed
from simulator.state import Datacenter, digest
from simulator.store import Table

APPLIED = ("zones", "vnets", "subnets", "controllers", "fabrics", "fabric_nodes")
OPTIONS: dict[str, dict[str, Param]] = {
    "zones": ZONE_OPTIONS,
    "vnets": VNET_OPTIONS,
    "subnets": SUBNET_OPTIONS,
    "controllers": CONTROLLER_OPTIONS,
    "ipams": IPAM_OPTIONS,
    "dns": DNS_OPTIONS,
    "fabrics": FABRIC_OPTIONS,
    "fabric_nodes": FABRIC_NODE_OPTIONS,
}
_KEYS = {
    "zones": "zone", "vnets": "vnet", "subnets": "subnet", "controllers": "controller", "ipams": "ipam",
    "dns": "dns", "fabrics": "id", "fabric_nodes": "node_id",
}  # fmt: skip
_WORDS = {"vnets": "sdn vnet", "subnets": "sdn subnet", "fabrics": "fabric", "fabric_nodes": "fabric node"}
_BAD_TOKEN = "invalid lock token provided! at /usr/share/perl5/PVE/Network/SDN.pm line 291."  # noqa: S105 - a message
PRIVILEGES = ["SDN.Audit", "SDN.Allocate"]


def find(datacenter: Datacenter, kind: str, id_: str, prefix: str = "") -> SdnObject:
    """Return an object as it is configured, or refuse the call."""
    found = datacenter.sdn.get(f"{kind}/{id_}")
    if found is None:
        raise ApiError(f"{prefix}{_WORDS.get(kind, 'sdn')} '{id_}' does not exist")
    return found


def change_lock(call: Call, prefix: str = "") -> None:
    """Begin a change: it needs quorum and, while somebody holds the lock, that lock's token."""
    call.cfs_lock("domain-sdn", prefix)
    lock = call.datacenter.sdn_versions.get("lock")
    if lock is not None and lock.value != call.optional("lock-token"):
        raise ApiError(f"{prefix}{_BAD_TOKEN}")


def kind_digest(datacenter: Datacenter, kind: str) -> str:
    """Return the digest that all objects of a kind share, as they share a file."""
    rows = sorted((row.id, row.type, sorted(row.options.items())) for row in datacenter.sdn.by("kind", kind))
    return digest(rows) if rows else hashlib.sha1(b"", usedforsecurity=False).hexdigest()


def subnet_cidr(id_: str) -> str:
    """Return the network of a subnet's id: `z1-10.0.0.0-24` is 10.0.0.0/24."""
    _, network, mask = id_.split("-")
    return f"{network}/{mask}"


def _common(row: SdnObject) -> dict[str, Any]:
    """Return what every view shows of an object."""
    shown: dict[str, Any] = {_KEYS[row.kind]: row.id, "type": row.type}
    if row.kind == "subnets":
        zone, network, mask = row.id.split("-")
        shown |= {"id": row.id, "zone": zone, "network": network, "mask": mask, "cidr": f"{network}/{mask}"}
        shown["vnet"] = row.options["vnet"]
    elif row.kind == "fabrics":
        shown = {"id": row.id, "protocol": row.type}
    elif row.kind == "fabric_nodes":
        fabric, _, node = row.id.partition("_")
        shown = {"fabric_id": fabric, "node_id": node, "protocol": row.type}
    return shown


def _options(row: SdnObject) -> dict[str, Any]:
    """Return an object's options as the API shows them."""
    shown = typed(row.options, OPTIONS[row.kind])
    if row.kind == "subnets":
        del shown["vnet"]
        shown["dhcp-range"] = [DHCP_RANGE.parse(text) for text in shown.get("dhcp-range", [])]
    elif row.kind == "fabric_nodes":
        shown.setdefault("interfaces", [])
    return shown


def view(call: Call, kind: str) -> dict[str, dict[str, Any]]:
    """Return all objects of a kind by id: as configured, or the view that the call asks for."""
    datacenter = call.datacenter
    if "pending" in call and call.flag("pending"):
        return pending_view(datacenter, kind)
    running = "running" in call and call.flag("running")
    table = datacenter.sdn_running if running else datacenter.sdn
    mark = None if running else kind_digest(datacenter, kind)
    rows = sorted(table.by("kind", kind), key=lambda row: row.id)
    return {row.id: _common(row) | _options(row) | {"digest": mark} for row in rows}


def one(call: Call, kind: str, id_: str) -> dict[str, Any]:
    """Return one object in the view that the call asks for."""
    found = view(call, kind).get(id_)
    if found is None:
        raise ApiError(f"{_WORDS.get(kind, 'sdn')} '{id_}' does not exist")
    return found


def pending_view(datacenter: Datacenter, kind: str) -> dict[str, dict[str, Any]]:
    """Return all objects as they run, with what would change beside it."""
    running = {row.id: row for row in datacenter.sdn_running.by("kind", kind)}
    wanted = {row.id: row for row in datacenter.sdn.by("kind", kind)}
    result = {id_: _difference(running.get(id_), wanted.get(id_)) for id_ in sorted(running | wanted)}
    return {id_: row | {"digest": None} for id_, row in result.items()}


def _difference(running: SdnObject | None, wanted: SdnObject | None) -> dict[str, Any]:
    if running is None:
        assert wanted is not None  # noqa: S101 - it is in one of the two
        new = {key: value for key, value in _options(wanted).items() if value != []}
        return _common(wanted) | {"pending": new, "state": "new"}
    shown = _common(running) | _options(running)
    if wanted is None:
        return shown | {"pending": {}, "state": "deleted"}
    old, new = _options(running), _options(wanted)
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    changed |= {key: "deleted" for key in old if key not in new}
    return shown | ({"pending": changed, "state": "changed"} if changed else {})


def has_pending(datacenter: Datacenter) -> bool:
    """Tell whether anything is configured that does not run, or the other way round."""
    return any("state" in row for kind in APPLIED for row in pending_view(datacenter, kind).values())


def apply(datacenter: Datacenter) -> None:
    """Make the configuration the running one."""
    _copy(datacenter.sdn, datacenter.sdn_running)
    datacenter.sdn_versions.put(Setting(name="running", value=str(version(datacenter, "running") + 1)))


def roll_back(datacenter: Datacenter) -> None:
    """Make the running configuration the configured one again."""
    _copy(datacenter.sdn_running, datacenter.sdn)


def _copy(source: Table[str, SdnObject], target: Table[str, SdnObject]) -> None:
    for kind in APPLIED:
        rows = source.by("kind", kind)
        kept = {row.id for row in rows}
        for row in target.by("kind", kind):
            if row.id not in kept:
                target.delete(f"{kind}/{row.id}")
        for row in rows:
            target.put(row)


def version(datacenter: Datacenter, name: str) -> int:
    """Return the version of the running configuration (`running`), or of what a node has loaded."""
    setting = datacenter.sdn_versions.get(name)
    return int(setting.value) if setting is not None else 0


def reload_node(datacenter: Datacenter, node: str) -> None:
    """Let a node load the running configuration."""
    current = str(version(datacenter, "running"))
    datacenter.sdn_versions.put(Setting(name=f"node/{node}", value=current))


def node_zones(datacenter: Datacenter, node: str) -> list[SdnObject]:
    """Return the running zones that a node is part of."""
    zones = sorted(datacenter.sdn_running.by("kind", "zones"), key=lambda row: row.id)
    return [row for row in zones if "nodes" not in row.options or node in row.options["nodes"].split(",")]


def zone_vnets(datacenter: Datacenter, zone: str) -> list[SdnObject]:
    """Return the running virtual networks of a zone."""
    rows = sorted(datacenter.sdn_running.by("kind", "vnets"), key=lambda row: row.id)
    return [row for row in rows if row.options["zone"] == zone]


def zone_status(datacenter: Datacenter, node: str, zone: SdnObject) -> str:
    """Tell whether a zone works on a node: it must have been loaded there, and find its bridge."""
    if version(datacenter, f"node/{node}") != version(datacenter, "running"):
        return "pending"
    bridge = zone.options.get("bridge")
    missing = bridge is not None and f"{node}/{bridge}" not in datacenter.interfaces
    return "error" if missing and zone_vnets(datacenter, zone.id) else "available"


def vnet_on_node(datacenter: Datacenter, node: str, vnet: str) -> bool:
    """Tell whether a node has the bridge of a virtual network."""
    found = datacenter.sdn_running.get(f"vnets/{vnet}")
    if found is None or version(datacenter, f"node/{node}") == 0:
        return False
    return found.options["zone"] in {zone.id for zone in node_zones(datacenter, node)}


def put_options(datacenter: Datacenter, row: SdnObject, options: dict[str, str]) -> SdnObject:
    """Write an object's options; lists of nodes are kept sorted."""
    for key in ("nodes", "exitnodes"):
        if key in options:
            options[key] = ",".join(sorted(set(options[key].replace(";", ",").replace(" ", ",").split(","))))
    return datacenter.sdn.put(replace(row, options=options))


def in_network(address: str, cidr: str) -> bool:
    """Tell whether an address lies in a network."""
    return ipaddress.ip_address(address) in ipaddress.ip_interface(cidr).network
