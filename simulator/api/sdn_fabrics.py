"""`/cluster/sdn/fabrics`: routed networks between the nodes, and the nodes that are part of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.routing import Call, route
from simulator.schema import Param, array, string
from simulator.sdn.config import OPTIONS, PRIVILEGES, change_lock, find, kind_digest, one, view
from simulator.sdn.options import (
    FABRIC_ID,
    FABRIC_INTERFACES,
    FABRIC_NODE_OPTIONS,
    FABRIC_NODE_TYPES,
    FABRIC_OPTIONS,
    FABRIC_TYPES,
    LOCK_TOKEN,
    VIEWS,
)
from simulator.sdn.records import SdnObject
from simulator.sections import SectionType, given

_PROTOCOL = string(enum=("openfabric", "ospf"))
_DIGEST = {"digest": string(max_length=64, optional=True)}
_FABRIC: dict[str, Param] = {"id": FABRIC_ID}
_NODE: dict[str, Param] = {"fabric_id": FABRIC_ID, "node_id": string(format="pve-node")}
_INTERFACES = {**FABRIC_NODE_OPTIONS, "interfaces": array(string())}
_ALLOCATE = ["perm", "/sdn/fabrics/{id}", ["SDN.Allocate"]]
_SEE_ONE = ["perm", "/sdn/fabrics/{id}", PRIVILEGES, "any", 1]
_CHANGE_NODE = [
    "and",
    ["perm", "/sdn/fabrics/{fabric_id}", ["SDN.Allocate"]],
    ["perm", "/nodes/{node_id}", ["Sys.Modify"]],
]
_NODE_PATH = "/cluster/sdn/fabrics/node/{fabric_id}/{node_id}"


@route("GET", "/cluster/sdn/fabrics", check=["perm", "/sdn/fabrics", ["SDN.Audit"]])
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/sdn/fabrics`."""
    return [{"subdir": name} for name in ("fabric", "node", "all")]


def _fabrics(call: Call) -> list[dict[str, Any]]:
    rows = view(call, "fabrics").values()
    return [row for row in rows if call.access.may(f"/sdn/fabrics/{row['id']}", PRIVILEGES, any_of=True)]


def _nodes(call: Call, fabric: str | None = None) -> list[dict[str, Any]]:
    return [
        row
        for row in view(call, "fabric_nodes").values()
        if fabric in (None, row["fabric_id"])
        and call.access.may(f"/sdn/fabrics/{row['fabric_id']}", PRIVILEGES, any_of=True)
        and call.access.may(f"/nodes/{row['node_id']}", ["Sys.Audit", "Sys.Modify"], any_of=True)
    ]


@route("GET", "/cluster/sdn/fabrics/all", params=VIEWS, user="all")
def everything(call: Call) -> dict[str, list[dict[str, Any]]]:
    """List all fabrics and all their nodes."""
    return {"fabrics": _fabrics(call), "nodes": _nodes(call)}


@route("GET", "/cluster/sdn/fabrics/fabric", params=VIEWS, user="all")
def fabrics(call: Call) -> list[dict[str, Any]]:
    """List the fabrics."""
    return _fabrics(call)


@route("GET", "/cluster/sdn/fabrics/fabric/{id}", params=_FABRIC, check=_SEE_ONE)
def read_fabric(call: Call) -> dict[str, Any]:
    """Return a fabric."""
    return one(call, "fabrics", call.text("id"))


def _same_protocol(call: Call, row: SdnObject) -> None:
    if call.text("protocol") != row.type:
        raise ApiError(f"fabric protocol is {row.type}, not {call.text('protocol')}")


def _check_prefixes(options: dict[str, str]) -> None:
    if "ip_prefix" not in options and "ip6_prefix" not in options:
        raise ApiError("at least one of ip_prefix and ip6_prefix has to be set")


@route(
    "POST",
    "/cluster/sdn/fabrics/fabric",
    params={**_FABRIC, **FABRIC_OPTIONS, **LOCK_TOKEN, **_DIGEST, "protocol": _PROTOCOL},
    check=["perm", "/sdn/fabrics", ["SDN.Allocate"]],
    protected=True,
)
def create_fabric(call: Call) -> None:
    """Add a fabric."""
    change_lock(call)
    name, options = call.text("id"), given(call, FABRIC_OPTIONS)
    FABRIC_TYPES[call.text("protocol")].check_new(options)
    _check_prefixes(options)
    if f"fabrics/{name}" in call.datacenter.sdn:
        raise ApiError(f"fabric '{name}' already exists")
    call.datacenter.sdn.put(SdnObject(kind="fabrics", id=name, type=call.text("protocol"), options=options))


def _change(call: Call, row: SdnObject, types: dict[str, SectionType]) -> SdnObject:
    """Return an object with the changes that a call asks for."""
    _same_protocol(call, row)
    call.check_digest(kind_digest(call.datacenter, row.kind))
    options = types[row.type].changed(row.options, given(call, OPTIONS[row.kind]), call.listing("delete"))
    return replace(row, options=options)


@route(
    "PUT",
    "/cluster/sdn/fabrics/fabric/{id}",
    params={
        **_FABRIC, **FABRIC_OPTIONS, **LOCK_TOKEN, **_DIGEST, "protocol": _PROTOCOL, "delete": array(string()),
    },
    check=_ALLOCATE,
    protected=True,
)  # fmt: skip
def update_fabric(call: Call) -> None:
    """Change a fabric."""
    change_lock(call)
    changed = _change(call, find(call.datacenter, "fabrics", call.text("id")), FABRIC_TYPES)
    _check_prefixes(dict(changed.options))
    call.datacenter.sdn.put(changed)


@route("DELETE", "/cluster/sdn/fabrics/fabric/{id}", params=_FABRIC, check=_ALLOCATE, protected=True)
def delete_fabric(call: Call) -> None:
    """Remove a fabric with its nodes, unless a zone or a controller uses it."""
    change_lock(call)
    fabric = find(call.datacenter, "fabrics", call.text("id"))
    for kind in ("zones", "controllers"):
        for row in call.datacenter.sdn.by("kind", kind):
            if row.options.get("fabric") == fabric.id:
                raise ApiError(f"fabric '{fabric.id}' is used by {kind.removesuffix('s')} '{row.id}'")
    for row in call.datacenter.sdn.by("kind", "fabric_nodes"):
        if row.id.partition("_")[0] == fabric.id:
            call.datacenter.sdn.delete(f"fabric_nodes/{row.id}")
    call.datacenter.sdn.delete(f"fabrics/{fabric.id}")


@route("GET", "/cluster/sdn/fabrics/node", params=VIEWS, user="all")
def all_nodes(call: Call) -> list[dict[str, Any]]:
    """List the nodes of all fabrics."""
    return _nodes(call)


@route(
    "GET", "/cluster/sdn/fabrics/node/{fabric_id}", params={"fabric_id": FABRIC_ID, **VIEWS},
    check=["perm", "/sdn/fabrics/{fabric_id}", ["SDN.Audit"]],
)  # fmt: skip
def nodes(call: Call) -> list[dict[str, Any]]:
    """List the nodes of a fabric."""
    return _nodes(call, call.text("fabric_id"))


def _node_id(call: Call) -> str:
    return f"{call.text('fabric_id')}_{call.text('node_id')}"


@route(
    "GET", _NODE_PATH, params=_NODE,
    check=[
        "and",
        ["perm", "/sdn/fabrics/{fabric_id}", PRIVILEGES, "any", 1],
        ["perm", "/nodes/{node_id}", ["Sys.Audit", "Sys.Modify"], "any", 1],
    ],
)  # fmt: skip
def read_node(call: Call) -> dict[str, Any]:
    """Return a node of a fabric."""
    return one(call, "fabric_nodes", _node_id(call))


def _check_interfaces(row: SdnObject) -> None:
    """Refuse interfaces that a protocol does not have."""
    for text in row.options.get("interfaces", "").split("\n") if row.options.get("interfaces") else ():
        try:
            FABRIC_INTERFACES[row.type].parse(text)
        except ValueError as error:
            raise ApiError(f"invalid interface: {str(error).strip()}") from None


@route(
    "POST", "/cluster/sdn/fabrics/node/{fabric_id}",
    params={**_NODE, **_INTERFACES, **LOCK_TOKEN, **_DIGEST, "protocol": _PROTOCOL},
    check=_CHANGE_NODE, protected=True,
)  # fmt: skip
def create_node(call: Call) -> None:
    """Make a node part of a fabric."""
    change_lock(call)
    fabric = find(call.datacenter, "fabrics", call.text("fabric_id"))
    _same_protocol(call, fabric)
    if f"fabric_nodes/{_node_id(call)}" in call.datacenter.sdn:
        raise ApiError(f"node '{call.text('node_id')}' already exists in fabric '{fabric.id}'")
    options = given(call, FABRIC_NODE_OPTIONS)
    row = SdnObject(kind="fabric_nodes", id=_node_id(call), type=fabric.type, options=options)
    _check_interfaces(row)
    call.datacenter.sdn.put(row)


@route(
    "PUT", _NODE_PATH,
    params={
        **_NODE, **_INTERFACES, **LOCK_TOKEN, **_DIGEST, "protocol": _PROTOCOL,
        "delete": array(string(enum=("interfaces", "ip", "ip6")), optional=True),
    },
    check=_CHANGE_NODE, protected=True,
)  # fmt: skip
def update_node(call: Call) -> None:
    """Change a node of a fabric."""
    change_lock(call)
    changed = _change(call, find(call.datacenter, "fabric_nodes", _node_id(call)), FABRIC_NODE_TYPES)
    _check_interfaces(changed)
    call.datacenter.sdn.put(changed)


@route("DELETE", _NODE_PATH, params=_NODE, check=_CHANGE_NODE, protected=True)
def delete_node(call: Call) -> None:
    """Take a node out of a fabric."""
    change_lock(call)
    call.datacenter.sdn.delete(f"fabric_nodes/{find(call.datacenter, 'fabric_nodes', _node_id(call)).id}")
