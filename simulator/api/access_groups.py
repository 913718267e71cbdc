"""`/access/groups` and `/access/roles`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.access import role_privileges
from simulator.api.access import drop_from_acl
from simulator.errors import ApiError, ParamError
from simulator.privileges import BUILTIN_ROLES
from simulator.records import Group, Role
from simulator.routing import Call, route
from simulator.schema import boolean, string

_GROUPID = string(format="pve-groupid")
_GROUP_CHECK = ["perm", "/access/groups", ["Group.Allocate"]]
_ROLEID = string(format="pve-roleid")
_ROLE_CHECK = ["perm", "/access", ["Sys.Modify"]]
_PRIVS = string(format="pve-priv-list", optional=True)


def _group(call: Call, prefix: str = "") -> Group:
    group = call.datacenter.groups.get(call.text("groupid"))
    if group is None:
        raise ApiError(f"{prefix}group '{call.text('groupid')}' does not exist")
    return group


@route("GET", "/access/groups", user="all")
def groups(call: Call) -> list[dict[str, Any]]:
    """List the groups that the caller may see."""
    wanted = ["User.Modify", "Sys.Audit", "Group.Allocate"]
    return [
        {"groupid": group.groupid, "users": ",".join(sorted(group.members))}
        | ({"comment": group.comment} if group.comment else {})
        for group in call.datacenter.groups
        if call.access.may(f"/access/groups/{group.groupid}", wanted, any_of=True)
    ]


@route(
    "GET",
    "/access/groups/{groupid}",
    params={"groupid": _GROUPID},
    check=["perm", "/access/groups", ["Sys.Audit", "Group.Allocate"], "any", 1],
)
def read_group(call: Call) -> dict[str, Any]:
    """Return a group with its members."""
    group = _group(call)
    return {"members": sorted(group.members)} | ({"comment": group.comment} if group.comment else {})


@route(
    "POST",
    "/access/groups",
    params={"groupid": _GROUPID, "comment": string(optional=True)},
    check=_GROUP_CHECK,
    protected=True,
)
def create_group(call: Call) -> None:
    """Create a group."""
    call.cfs_lock("file-user_cfg", "create group failed: ")
    groupid = call.text("groupid")
    if groupid in call.datacenter.groups:
        raise ApiError(f"create group failed: group '{groupid}' already exists")
    call.datacenter.groups.put(Group(groupid=groupid, comment=call.text("comment")))


@route(
    "PUT",
    "/access/groups/{groupid}",
    params={"groupid": _GROUPID, "comment": string(optional=True)},
    check=_GROUP_CHECK,
    protected=True,
)
def update_group(call: Call) -> None:
    """Change the comment of a group."""
    call.cfs_lock("file-user_cfg", "update group failed: ")
    group = _group(call, "update group failed: ")
    call.datacenter.groups.put(replace(group, comment=call.text("comment", group.comment)))


@route("DELETE", "/access/groups/{groupid}", params={"groupid": _GROUPID}, check=_GROUP_CHECK, protected=True)
def delete_group(call: Call) -> None:
    """Delete a group with its permissions; its members stay."""
    call.cfs_lock("file-user_cfg", "delete group failed: ")
    group = _group(call, "delete group failed: ")
    drop_from_acl(call.datacenter, subject=f"group/{group.groupid}")
    call.datacenter.groups.delete(group.groupid)


@route("GET", "/access/roles", user="all")
def roles(call: Call) -> list[dict[str, Any]]:
    """List all roles with their privileges."""
    rows = [(name, privs, 1) for name, privs in BUILTIN_ROLES.items()]
    rows += [(role.roleid, role.privs, 0) for role in call.datacenter.roles]
    return [{"roleid": name, "privs": ",".join(sorted(privs)), "special": special} for name, privs, special in rows]


@route("GET", "/access/roles/{roleid}", params={"roleid": _ROLEID}, user="all")
def read_role(call: Call) -> dict[str, int]:
    """Return the privileges of a role."""
    privileges = role_privileges(call.datacenter, call.text("roleid"))
    if privileges is None:
        raise ApiError(f"role '{call.text('roleid')}' does not exist")
    return dict.fromkeys(sorted(privileges), 1)


@route("POST", "/access/roles", params={"roleid": _ROLEID, "privs": _PRIVS}, check=_ROLE_CHECK, protected=True)
def create_role(call: Call) -> None:
    """Create a role."""
    roleid = call.text("roleid")
    if roleid.upper().startswith("PVE"):
        raise ParamError({"roleid": "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"})
    call.cfs_lock("file-user_cfg", "create role failed: ")
    if role_privileges(call.datacenter, roleid) is not None:
        raise ApiError(f"create role failed: role '{roleid}' already exists")
    call.datacenter.roles.put(Role(roleid=roleid, privs=frozenset(call.listing("privs"))))


def _own_role(call: Call, prefix: str) -> Role:
    """Return a role that may be changed."""
    roleid = call.text("roleid")
    if roleid in BUILTIN_ROLES:
        raise ApiError(f"auto-generated role '{roleid}' cannot be modified")
    role = call.datacenter.roles.get(roleid)
    if role is None:
        raise ApiError(f"{prefix}role '{roleid}' does not exist")
    return role


@route(
    "PUT",
    "/access/roles/{roleid}",
    params={"roleid": _ROLEID, "privs": _PRIVS, "append": boolean(optional=True, requires="privs")},
    check=_ROLE_CHECK,
    protected=True,
)
def update_role(call: Call) -> None:
    """Replace the privileges of a role, or append some."""
    call.cfs_lock("file-user_cfg", "update role failed: ")
    role = _own_role(call, "update role failed: ")
    kept = role.privs if call.flag("append") else frozenset[str]()
    call.datacenter.roles.put(replace(role, privs=kept | frozenset(call.listing("privs"))))


@route("DELETE", "/access/roles/{roleid}", params={"roleid": _ROLEID}, check=_ROLE_CHECK, protected=True)
def delete_role(call: Call) -> None:
    """Delete a role, and with it the entries that give it to somebody."""
    call.cfs_lock("file-user_cfg", "delete role failed: ")
    role = _own_role(call, "delete role failed: ")
    drop_from_acl(call.datacenter, role=role.roleid)
    call.datacenter.roles.delete(role.roleid)
