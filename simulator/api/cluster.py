"""`/cluster/status`, `/cluster/nextid` and the index of `/cluster`."""

from __future__ import annotations

from typing import Any

from simulator.cluster.corosync import config_of
from simulator.errors import ApiError, ParamError
from simulator.propstring import split
from simulator.routing import Call, route
from simulator.schema import integer
from simulator.versions import has_method

_INDEX = (
    "acme", "backup", "backup-info", "bulk-action", "ceph", "config", "firewall", "ha", "jobs", "log", "mapping",
    "metrics", "notifications", "nextid", "options", "qemu", "replication", "resources", "status", "tasks", "sdn",
)  # fmt: skip


@route("GET", "/cluster", user="all")
def index(call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster`."""
    version = call.this_node.version
    return [{"name": name} for name in _INDEX if has_method(version, f"GET /cluster/{name}")]


@route("GET", "/cluster/status", check=["perm", "/", ["Sys.Audit"]], protected=True)
def status(call: Call) -> list[dict[str, Any]]:
    """Tell which nodes there are, which are online, and whether they are a majority."""
    datacenter, nodes = call.datacenter, list(call.datacenter.nodes)
    rows: list[dict[str, Any]] = []
    if datacenter.clustered:
        config = config_of(datacenter)
        rows.append(
            {
                "id": "cluster", "type": "cluster", "name": config.cluster_name, "nodes": len(nodes),
                "version": config.config_version, "quorate": int(datacenter.quorate_on(call.node)),
            }
        )  # fmt: skip
    online = {node.name for node in datacenter.members(call.node)}
    for node in nodes:
        row = {
            "id": f"node/{node.name}", "type": "node", "name": node.name, "level": "",
            "nodeid": node.nodeid if datacenter.clustered else 0,
            "local": int(node.name == call.asked_node), "online": int(node.name in online),
        }  # fmt: skip
        rows.append(row | {"ip": node.ip} if node.ip else row)
    return rows


@route(
    "GET",
    "/cluster/nextid",
    params={"vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True)},
    user="all",
)
def nextid(call: Call) -> str:
    """Return the first free VMID, or confirm that one is free."""
    guests = call.datacenter.guests
    if "vmid" in call:
        if call.integer("vmid") in guests:
            raise ParamError({"vmid": f"VM {call.integer('vmid')} already exists"})
        return str(call.integer("vmid"))
    option = call.datacenter.options.get("next-id")
    bounds = split(option.value if option else "", None)
    lower, upper = int(bounds.get("lower", 100)), int(bounds.get("upper", 1000000))
    free = next((vmid for vmid in range(lower, upper) if vmid not in guests), None)
    if free is None:
        raise ApiError(f"unable to get any free VMID in range [{lower}, {upper})")
    return str(free)
