"""`/cluster/ha`: its index, and the groups of nodes, of which any use is refused since there are rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.formats import named_format
from simulator.ha.state import wake
from simulator.records import Section
from simulator.routing import Call, always_refuses, route
from simulator.schema import Param, boolean, string
from simulator.sections import SectionType, given, typed
from simulator.state import digest
from simulator.store import Table
from simulator.versions import at_least, has_method

AUDIT = ["perm", "/", ["Sys.Audit"]]
CHANGE = ["perm", "/", ["Sys.Console"]]
_GROUP: dict[str, Param] = {"group": string(format="pve-configid")}
_OPTIONS: dict[str, Param] = {
    "comment": string(max_length=4096, optional=True),
    "nofailback": boolean(optional=True),
    "restricted": boolean(optional=True),
}
_GROUP_TYPE = SectionType.of("nodes", " ".join(_OPTIONS))
_UPDATE = "update ha group failed: "


@named_format("pve-ha-node")
def _ha_node(value: str) -> None:
    name, colon, priority = value.partition(":")
    if not name.replace("-", "").isalnum() or (colon and not priority.isdigit()):
        raise ValueError(f"value '{value}' does not look like a valid HA node")


@route("GET", "/cluster/ha", check=AUDIT)
def index(call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/ha`."""
    names, version = ("status", "resources", "groups", "rules"), call.this_node.version
    return [{"id": name} for name in names if has_method(version, f"GET /cluster/ha/{name}")]


def _groups(call: Call, what: str) -> Table[str, Section]:
    """Return the groups, or refuse what is to be done with them where rules have taken their place."""
    if at_least(call.this_node.version, "9.0"):
        raise ApiError(f"cannot {what}: ha groups have been migrated to rules")
    return call.datacenter.ha_groups


def _digest(groups: Table[str, Section]) -> str:
    return digest([(row.id, sorted(row.options.items())) for row in groups])


def _row(groups: Table[str, Section], group: Section) -> dict[str, Any]:
    return {"group": group.id, "type": "group", "digest": _digest(groups), **typed(group.options, _OPTIONS)}


@route("GET", "/cluster/ha/groups", check=AUDIT)
@always_refuses
def list_groups(call: Call) -> list[dict[str, Any]]:
    """List the groups of nodes."""
    groups = _groups(call, "index groups")
    return [_row(groups, group) for group in groups]


@route("GET", "/cluster/ha/groups/{group}", params=_GROUP, check=AUDIT)
@always_refuses
def read_group(call: Call) -> dict[str, Any]:
    """Return a group."""
    groups = _groups(call, "read group")
    group = groups.get(call.text("group"))
    if group is None:
        raise ApiError(f"no such ha group '{call.text('group')}'")
    return _row(groups, group)


@route(
    "POST", "/cluster/ha/groups",
    params={
        **_GROUP, **_OPTIONS, "nodes": string(format="pve-ha-node-list"), "type": string(enum=("group",), optional=True)
    },
    check=CHANGE, protected=True,
)  # fmt: skip
@always_refuses
def create_group(call: Call) -> None:
    """Make a group of nodes."""
    groups = _groups(call, "create group")
    call.need_quorum()
    if call.text("group") in groups:
        raise ApiError(f"create ha group failed: ha group ID '{call.text('group')}' already defined")
    groups.put(Section(id=call.text("group"), type="group", options=_given(call)))
    wake(call.datacenter, call.now)


def _given(call: Call) -> dict[str, str]:
    nodes = {"nodes": ",".join(call.listing("nodes"))} if "nodes" in call else {}
    return given(call, _OPTIONS) | nodes


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
def update_group(call: Call) -> None:
    """Change a group."""
    groups = _groups(call, "update group")
    call.need_quorum()
    text = "detected modified configuration - file changed by other user? Try again."
    call.check_digest(_digest(groups), f"{_UPDATE}{text}")
    group = groups.get(call.text("group"))
    if group is None:
        raise ApiError(f"{_UPDATE}no such ha group '{call.text('group')}'")
    try:
        options = _GROUP_TYPE.changed(group.options, _given(call), call.listing("delete"))
    except ApiError as error:
        raise ApiError(f"{_UPDATE}{error.message}") from None
    groups.put(replace(group, options=options))
    wake(call.datacenter, call.now)


@route("DELETE", "/cluster/ha/groups/{group}", params=_GROUP, check=CHANGE, protected=True)
@always_refuses
def delete_group(call: Call) -> None:
    """Remove a group that no resource uses; one that is not there is no error."""
    groups = _groups(call, "delete group")
    call.need_quorum()
    for resource in call.datacenter.ha_resources:
        if resource.options.get("group") == call.text("group"):
            raise ApiError(f"delete ha group failed: ha group is used by service '{resource.id}'")
    groups.delete(call.text("group"))
