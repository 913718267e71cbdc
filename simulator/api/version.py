"""`/version` and `/nodes/{node}/version`."""

from __future__ import annotations

from simulator.routing import Call, route
from simulator.schema import string

VERSION = {"release": "9.2", "repoid": "5f3c1d9e", "version": "9.2.11"}


@route("GET", "/version", user="all")
def version(_call: Call) -> dict[str, str]:
    """Return the version of the API."""
    return VERSION


@route("GET", "/nodes/{node}/version", params={"node": string(format="pve-node")}, user="all", proxyto="node")
def node_version(_call: Call) -> dict[str, str]:
    """Return the version of a node's API."""
    return VERSION
