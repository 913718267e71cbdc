"""`/cluster/ha`: its index, and the groups that were there before the rules: any use of them is refused."""

from __future__ import annotations

from typing import NoReturn

from simulator.errors import ApiError
from simulator.formats import named_format
from simulator.routing import Call, always_refuses, route
from simulator.schema import Param, boolean, string

AUDIT = ["perm", "/", ["Sys.Audit"]]
CHANGE = ["perm", "/", ["Sys.Console"]]
_GROUP: dict[str, Param] = {"group": string(format="pve-configid")}
_OPTIONS: dict[str, Param] = {
    "comment": string(max_length=4096, optional=True),
    "nofailback": boolean(optional=True),
    "restricted": boolean(optional=True),
}


@named_format("pve-ha-node")
def _ha_node(value: str) -> None:
    name, colon, priority = value.partition(":")
    if not name.replace("-", "").isalnum() or (colon and not priority.isdigit()):
        raise ValueError(f"value '{value}' does not look like a valid HA node")


@route("GET", "/cluster/ha", check=AUDIT)
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/ha`."""
    return [{"id": name} for name in ("status", "resources", "groups", "rules")]


def _refuse(what: str) -> NoReturn:
    raise ApiError(f"cannot {what}: ha groups have been migrated to rules")


@route("GET", "/cluster/ha/groups", check=AUDIT)
@always_refuses
def groups(_call: Call) -> None:
    """Refuse to list groups."""
    _refuse("index groups")


@route("GET", "/cluster/ha/groups/{group}", params=_GROUP, check=AUDIT)
@always_refuses
def read_group(_call: Call) -> None:
    """Refuse to read a group."""
    _refuse("read group")


@route(
    "POST", "/cluster/ha/groups",
    params={
        **_GROUP, **_OPTIONS, "nodes": string(format="pve-ha-node-list"), "type": string(enum=("group",), optional=True)
    },
    check=CHANGE, protected=True,
)  # fmt: skip
@always_refuses
def create_group(_call: Call) -> None:
    """Refuse to make a group."""
    _refuse("create group")


@route(
    "PUT", "/cluster/ha/groups/{group}",
    params={
        **_GROUP, **_OPTIONS, "nodes": string(format="pve-ha-node-list", optional=True),
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    check=CHANGE, protected=True,
)  # fmt: skip
@always_refuses
def update_group(_call: Call) -> None:
    """Refuse to change a group."""
    _refuse("update group")


@route("DELETE", "/cluster/ha/groups/{group}", params=_GROUP, check=CHANGE, protected=True)
@always_refuses
def delete_group(_call: Call) -> None:
    """Refuse to delete a group."""
    _refuse("delete group")
