"""`/nodes/{node}/status` and `/nodes/{node}/wakeonlan`: nodes that are switched off and on."""

from __future__ import annotations

from simulator.errors import ApiError
from simulator.nodes import power
from simulator.propstring import split
from simulator.routing import Call, route
from simulator.schema import string

_NODE = {"node": string(format="pve-node")}
_POWER = ["perm", "/nodes/{node}", ["Sys.PowerMgmt"]]


@route(
    "POST",
    "/nodes/{node}/status",
    params=_NODE | {"command": string(enum=("reboot", "shutdown"))},
    check=_POWER,
    protected=True,
    proxyto="node",
)
def command(call: Call) -> None:
    """Reboot a node or switch it off; the answer still comes from the node."""
    power.order(call.datacenter, call.node, call.now, reboot=call.text("command") == "reboot")


@route("POST", "/nodes/{node}/wakeonlan", params=_NODE, check=_POWER, protected=True)
def wake_on_lan(call: Call) -> str:
    """Wake a node that is down, and return the address to which the packet went."""
    name = call.text("node")
    if name in ("localhost", call.node):
        raise ApiError(f"'{name}' is local node, cannot wake my self!")
    node = call.datacenter.nodes.get(name)
    if node is None:
        raise ApiError(f"no such cluster node '{name}'")
    address = split(node.config.get("wakeonlan", ""), "mac").get("mac")
    if not address:
        raise ApiError(f"No wake on LAN MAC address defined for '{name}'!")
    power.wake(call.datacenter, name, call.now)
    return address
