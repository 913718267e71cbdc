"""`/cluster/resources`, and the rows of which it consists."""

from __future__ import annotations

from typing import Any

from simulator.guests.facts import boot_disk_size, guest_name, guest_numbers, is_shared, storage_usage, storage_visible
from simulator.ha.state import shown_state, sid_of
from simulator.records import Guest, Node, Section
from simulator.routing import Call, route
from simulator.schema import string
from simulator.sdn.config import node_zones, zone_status
from simulator.state import Datacenter, lost_since, segment

_FIRST_REPORT_AFTER = 10.0
"""How many seconds a node that came back or joined is online before it is known how it is."""
_FORGOTTEN_AFTER = 300
"""How many seconds the last known values of a node that is lost, and of its guests, are shown."""


def storage_row(datacenter: Datacenter, storage: Section, node: Node) -> dict[str, Any] | None:
    """Return the row of a storage on a node, or None where the node does not have it."""
    if storage.options.get("disable") == "1" or not storage_visible(storage, node.name):
        return None
    total, used = storage_usage(datacenter, storage, node.name)
    return {
        "id": f"storage/{node.name}/{storage.id}", "type": "storage", "storage": storage.id, "node": node.name,
        "status": "available", "plugintype": storage.type, "shared": int(is_shared(storage)),
        "content": storage.options.get("content", ""), "disk": used, "maxdisk": total,
    }  # fmt: skip


def storage_rows(datacenter: Datacenter, storages: list[Section], node: Node) -> list[dict[str, Any]]:
    """Return the rows of those of the storages that a node has."""
    rows = (storage_row(datacenter, storage, node) for storage in storages)
    return [row for row in rows if row is not None]


def _identity(guest: Guest) -> dict[str, Any]:
    return {"id": f"{guest.type}/{guest.vmid}", "type": guest.type, "vmid": guest.vmid, "node": guest.node}


def _unchanging(guest: Guest) -> dict[str, Any]:
    """Return the part of a guest's row that follows from its record alone."""
    cpus, memory = guest_numbers(guest)
    running = guest.status == "running"
    row: dict[str, Any] = _identity(guest) | {
        "name": guest_name(guest), "status": guest.status, "template": int(guest.template),
        "maxcpu": cpus, "maxmem": memory, "maxdisk": boot_disk_size(guest),
        "cpu": 0.01 if running else 0, "mem": memory // 4 if running else 0, "memhost": memory // 4 if running else 0,
        "disk": 0, "uptime": 0, "netin": 0, "netout": 0, "diskread": 0, "diskwrite": 0,
    }  # fmt: skip
    return row


def guest_stats(datacenter: Datacenter, observer: str, guest: Guest, now: float) -> dict[str, Any]:
    """Return what is measured of a guest, and what it may use, as far as that is known on a node."""
    made_from, row = datacenter.rows.get(guest.vmid, (None, {}))
    if made_from is not guest:
        row = _unchanging(guest)
        datacenter.rows[guest.vmid] = (guest, row)
    own, node = datacenter.nodes[observer], datacenter.nodes.get(guest.node)
    if node is None:
        return _identity(guest) | {"status": "unknown"}
    seen = now if node.online and segment(node) == segment(own) else lost_since(own, node)
    if now - seen >= _FORGOTTEN_AFTER:
        return _identity(guest) | {"status": "unknown"}
    if guest.status == "running" and guest.started is not None:
        return row | {"uptime": int(seen - guest.started)}
    return dict(row)


def _guest_row(datacenter: Datacenter, observer: str, guest: Guest, now: float, pool: str | None) -> dict[str, Any]:
    row = guest_stats(datacenter, observer, guest, now)
    extra = {"tags": guest.config.get("tags", "").strip(), "lock": guest.lock, "pool": pool}
    if datacenter.ha_resources:
        extra["hastate"] = shown_state(datacenter, sid_of(guest))
    return row | {key: value for key, value in extra.items() if value}


def _network_rows(call: Call, node: Node) -> list[dict[str, Any]]:
    """Return the rows of the zones and fabrics that a node is part of."""
    datacenter = call.datacenter
    rows: list[dict[str, Any]] = [{"network": "localnetwork", "network-type": "zone", "status": "ok"}]
    rows += [
        {
            "network": zone.id, "network-type": "zone", "zone-type": zone.type,
            "status": zone_status(datacenter, node.name, zone),
        }
        for zone in node_zones(datacenter, node.name)
    ]  # fmt: skip
    rows += [
        {"network": fabric.id, "network-type": "fabric", "protocol": fabric.type, "status": "ok"}
        for fabric in datacenter.sdn_running.by("kind", "fabrics")
        if f"fabric_nodes/{fabric.id}_{node.name}" in datacenter.sdn_running
    ]
    return [
        row
        | {"id": f"network/{node.name}/{row['network-type']}/{row['network']}", "type": "network", "node": node.name}
        for row in rows
        if call.access.may(f"/sdn/{row['network-type']}s/{row['network']}", ["SDN.Audit"])
    ]


def _node_status(datacenter: Datacenter, observer: str, node: Node) -> str:
    """Return how a node is seen from another; it is online and yet unknown until it has told how it is."""
    if node not in datacenter.members(observer):
        return "offline"
    told = node.name == observer or datacenter.clock.passed(node.changed, _FIRST_REPORT_AFTER)
    return "online" if told else "unknown"


def node_row(datacenter: Datacenter, observer: str, node: Node, *, audit: bool) -> dict[str, Any]:
    """Return the row of a node, as it is seen from another."""
    status, now = _node_status(datacenter, observer, node), datacenter.clock.now()
    lost = lost_since(datacenter.nodes[observer], node) if status == "offline" else now
    row: dict[str, Any] = {"id": f"node/{node.name}", "type": "node", "node": node.name, "status": status}
    if status == "unknown" or now - lost >= _FORGOTTEN_AFTER:
        return row
    row["level"] = ""
    if audit:
        row |= {"maxcpu": node.cpus, "maxmem": node.memory, "maxdisk": node.disk}
        if status == "online":
            row |= {"cpu": 0.02, "mem": node.memory // 10, "disk": node.disk // 20, "uptime": int(now - node.started)}
    return row


@route(
    "GET",
    "/cluster/resources",
    params={"type": string(enum=("vm", "storage", "node", "sdn"), optional=True)},
    user="all",
)
def resources(call: Call) -> list[dict[str, Any]]:
    """List guests, nodes, storages, pools and networks: what the caller may see."""
    datacenter, access, wanted, now = call.datacenter, call.access, call.optional("type"), call.now
    rows: list[dict[str, Any]] = []
    pools = {vmid: pool.poolid for pool in datacenter.pools for vmid in pool.vms}
    if wanted is None:
        rows += [
            {"id": f"/pool/{pool.poolid}", "pool": pool.poolid, "type": "pool"}
            for pool in datacenter.pools
            if access.may(f"/pool/{pool.poolid}", ["Pool.Audit"])
        ]
    if wanted in (None, "vm"):
        rows += [
            _guest_row(datacenter, call.node, guest, now, pools.get(guest.vmid))
            for guest in datacenter.guests
            if access.may(f"/vms/{guest.vmid}", ["VM.Audit"])
        ]
    if wanted in (None, "node"):
        for node in datacenter.nodes:
            row = node_row(datacenter, call.node, node, audit=access.may(f"/nodes/{node.name}", ["Sys.Audit"]))
            managed = datacenter.ha_nodes.get(node.name)
            row |= {"hastate": managed.status} if managed is not None else {}
            rows.append(row | {"cgroup-mode": 2} if "level" in row else row)
    if wanted in (None, "storage"):
        seen = [row for row in datacenter.storages if access.may(f"/storage/{row.id}", ["Datastore.Audit"])]
        for node in datacenter.nodes:
            rows += storage_rows(datacenter, seen, node)
    if wanted is None:
        for node in datacenter.nodes:
            rows += _network_rows(call, node)
    return rows
