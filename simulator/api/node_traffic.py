"""`/nodes/{node}/netstat`: what the network devices of running guests have carried."""

from __future__ import annotations

import re
from typing import Any

from simulator.routing import Call, route
from simulator.schema import string

_BYTES_PER_SECOND = 1000


@route(
    "GET",
    "/nodes/{node}/netstat",
    params={"node": string(format="pve-node")},
    check=["perm", "/nodes/{node}", ["Sys.Audit"]],
    proxyto="node",
)
def netstat(call: Call) -> list[dict[str, Any]]:
    """List the devices of the node's running guests; a device carries the same few bytes all the time."""
    rows = []
    for guest in sorted(call.datacenter.guests, key=lambda guest: guest.vmid):
        if guest.node != call.node or guest.status != "running":
            continue
        carried = int(call.now - (guest.started or call.now)) * _BYTES_PER_SECOND
        devices = sorted(name for name in guest.config if re.fullmatch(r"net\d+", name))
        rows += [{"vmid": str(guest.vmid), "dev": name, "in": str(carried), "out": str(carried)} for name in devices]
    return rows
