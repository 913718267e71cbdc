"""`/version` and `/nodes/{node}/version`."""

from __future__ import annotations

from simulator.records import Node
from simulator.routing import Call, route
from simulator.schema import string


def _version(node: Node) -> dict[str, str]:
    return {"release": node.release.release, "repoid": node.release.repoid, "version": node.release.version}


@route("GET", "/version", user="all")
def version(call: Call) -> dict[str, str]:
    """Return the version of the API."""
    return _version(call.this_node)


@route("GET", "/nodes/{node}/version", params={"node": string(format="pve-node")}, user="all", proxyto="node")
def node_version(call: Call) -> dict[str, str]:
    """Return the version of a node's API."""
    return _version(call.this_node)
