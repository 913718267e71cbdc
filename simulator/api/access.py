"""`/access`: tickets, passwords, permissions and the access control list."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from simulator import totp
from simulator.access import ROOT, Access, normalize_path, role_privileges, signer_of, usable, valid_acl_path
from simulator.cluster import log
from simulator.cluster.corosync import config_of
from simulator.errors import ApiError, ParamError
from simulator.formats import named_format
from simulator.nodes import journal
from simulator.privileges import ALL
from simulator.records import Acl, User
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.state import Datacenter
from simulator.tickets import hash_password, verify_password

USERID = string(format="pve-userid", max_length=64)
_INDEX = ("users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password")
_CAPABILITIES = {
    "vms": re.compile(r"VM\.|Permissions\.Modify"),
    "access": re.compile(r"(?:User|Group)\.|Permissions\.Modify"),
    "storage": re.compile(r"Datastore\.|Permissions\.Modify"),
    "nodes": re.compile(r"Sys\.|Permissions\.Modify"),
    "sdn": re.compile(r"SDN\.|Permissions\.Modify"),
    "dc": re.compile(r"Sys\.Audit|Sys\.Modify|SDN\."),
    "mapping": re.compile(r"Mapping\.|Permissions\.Modify"),
}
_CAPABILITY_PATHS = ("/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping")


@named_format("pve-priv")
def _privilege(value: str) -> None:
    if value not in ALL:
        raise ValueError(f"invalid privilege '{value}'")


@route("GET", "/access", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/access`."""
    return [{"subdir": name} for name in _INDEX]


def capabilities(access: Access) -> dict[str, dict[str, int]]:
    """Return what the web interface wants to know: which privileges a user has at all, by area."""
    result: dict[str, dict[str, int]] = {area: {} for area in _CAPABILITIES}
    for path in (*_CAPABILITY_PATHS, *(acl.path for acl in access.datacenter.acl)):
        area = path.split("/")[1] or "dc"
        areas = ("vms", "storage") if area == "pool" else (area,)
        for name in areas:
            wanted = _CAPABILITIES[name]
            result[name] |= {priv: 1 for priv in access.privileges(path) if wanted.match(priv)}
    return result


def _proves(call: Call, user: User) -> bool:
    """Tell whether the password of a call proves that it is this user who logs in.

    It may be the password, a ticket that is still good, or the answer to the challenge for a second factor.
    """
    password, signer = call.text("password"), signer_of(call.world, call.datacenter)
    if "tfa-challenge" in call:
        challenged = signer.verify_ticket(call.text("tfa-challenge"), call.now) == f"!tfa!{user.userid}"
        found = totp.factors(call.datacenter, user.userid)
        given = password.removeprefix("totp:")
        return challenged and any(totp.accept(call.datacenter, factor, given, call.now) for factor in found)
    if password.startswith("PVE:"):
        return signer.verify_ticket(password, call.now) == user.userid
    return verify_password(password, user.password)


@route("GET", "/access/ticket", user="world")
def get_ticket(_call: Call) -> None:
    """Do nothing: the login page asks for it."""


@route(
    "POST",
    "/access/ticket",
    params={
        "username": string(max_length=64),
        "password": string(),
        "realm": string(format="pve-realm", max_length=32, optional=True),
        "otp": string(optional=True),
        "path": string(max_length=64, optional=True, requires="privs"),
        "privs": string(format="pve-priv-list", max_length=64, optional=True, requires="path"),
        "tfa-challenge": string(optional=True),
        "new-format": boolean(optional=True),
    },
    user="world",
    protected=True,
    allowtoken=False,
)
def create_ticket(call: Call) -> dict[str, Any]:
    """Log in with a password, or renew with a ticket that is still good."""
    userid = call.text("username")
    if "realm" in call and not userid.endswith(f"@{call.text('realm')}"):
        userid = f"{userid}@{call.text('realm')}"
    user = call.datacenter.users.get(userid)
    if user is None or not usable(call.datacenter, userid, call.now) or not _proves(call, user):
        raise ApiError("authentication failure", 401)
    signer = signer_of(call.world, call.datacenter)
    complete = "tfa-challenge" in call or call.text("password").startswith("PVE:")
    if totp.factors(call.datacenter, userid) and not complete:
        challenge = signer.ticket(f"!tfa!{userid}", call.now)
        return {
            "username": userid, "ticket": challenge, "NeedTFA": 1, "CSRFPreventionToken": signer.csrf(userid, call.now),
        }  # fmt: skip
    journal.log(call.datacenter, call.node, call.now, "pvedaemon", f"<{userid}> successful auth for user '{userid}'")
    log.note(call.datacenter, call.node, call.now, f"successful auth for user '{userid}'")
    access = Access(call.datacenter, userid)
    if "path" in call:
        access.require(call.text("path"), call.listing("privs"))
    answer: dict[str, Any] = {
        "username": userid,
        "ticket": signer.ticket(userid, call.now),
        "CSRFPreventionToken": signer.csrf(userid, call.now),
        "cap": capabilities(access),
    }
    if call.datacenter.clustered and access.may("/", ["Sys.Audit"]):
        answer["clustername"] = config_of(call.datacenter).cluster_name
    return answer


@route(
    "PUT",
    "/access/password",
    params={
        "userid": USERID,
        "password": string(min_length=8, max_length=64),
        "confirmation-password": string(min_length=5, max_length=64, optional=True),
    },
    check=[
        "or",
        ["userid-param", "self"],
        ["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"]]],
    ],
    protected=True,
    allowtoken=False,
)
def change_password(call: Call) -> None:
    """Change a password; all but root@pam confirm it with their own."""
    call.cfs_lock("file-priv_shadow_cfg")
    user = call.datacenter.users.get(call.text("userid"))
    if user is None:
        raise ApiError(f"no such user ('{call.text('userid')}')")
    own = call.datacenter.users.get(call.authid)
    if not call.is_root and "confirmation-password" not in call:
        raise ParamError({"confirmation-password": "property is missing and it is not optional"})
    confirmation = call.optional("confirmation-password")
    if confirmation is not None and (own is None or not verify_password(confirmation, own.password)):
        raise ApiError("authentication failure", 401)
    call.datacenter.users.put(replace(user, password=hash_password(call.text("password"))))


@route(
    "GET",
    "/access/permissions",
    params={
        "path": string(optional=True),
        "userid": string(
            pattern=r"(?:[^\s:/]+)\@(?:[A-Za-z][A-Za-z0-9\.\-_]+)(?:!(?:[A-Za-z][A-Za-z0-9\.\-_]+))?", optional=True
        ),
    },
    user="all",
)
def permissions(call: Call) -> dict[str, dict[str, int]]:
    """Return the effective privileges of the caller, or of another user or token."""
    authid = call.text("userid", call.authid)
    if authid not in {call.authid, call.access.userid} and authid.partition("!")[0] != call.authid:
        call.access.require("/access", ["Sys.Audit"])
    access = Access(call.datacenter, authid)

    def listed(path: str) -> dict[str, int]:
        return {priv: int(propagate) for priv, propagate in access.privileges(normalize_path(path)).items()}

    if "path" in call:
        path = call.text("path")
        return {path: listed(path) if valid_acl_path(normalize_path(path)) else {}}
    return {path: privileges for path in access.paths() if (privileges := listed(path))}


@route("GET", "/access/acl", user="all")
def read_acl(call: Call) -> list[dict[str, Any]]:
    """List the entries on paths whose permissions the caller may change."""
    rows: list[dict[str, Any]] = []
    for acl in sorted(call.datacenter.acl, key=lambda acl: acl.path):
        try:
            call.access.require_modify(acl.path)
        except ApiError:
            continue
        for subject, roles in acl.entries.items():
            kind, _, ugid = subject.partition("/")
            rows += [
                {"path": acl.path, "type": kind, "ugid": ugid, "roleid": role, "propagate": int(propagate)}
                for role, propagate in roles.items()
            ]
    return rows


@route(
    "PUT",
    "/access/acl",
    params={
        "path": string(),
        "roles": string(format="pve-roleid-list"),
        "users": string(format="pve-userid-list", optional=True),
        "groups": string(format="pve-groupid-list", optional=True),
        "tokens": string(format="pve-tokenid-list", optional=True),
        "propagate": boolean(optional=True),
        "delete": boolean(optional=True),
    },
    check=["perm-modify", "{path}"],
    protected=True,
)
def update_acl(call: Call) -> None:
    """Add entries to a path, or remove them."""
    call.cfs_lock("file-user_cfg", "ACL update failed: ")
    if not any(name in call for name in ("users", "groups", "tokens")):
        text = "either 'users', 'groups' or 'tokens' is required."
        raise ParamError(dict.fromkeys(("users", "groups", "tokens"), text))
    path = normalize_path(call.text("path"))
    if not valid_acl_path(path):
        raise ParamError({"path": f"invalid ACL path '{call.text('path')}'"})
    for role in call.listing("roles"):
        _check_delegation(call, path, role)
    acl = call.datacenter.acl.get(path) or Acl(path=path, entries={})
    entries = {subject: dict(roles) for subject, roles in acl.entries.items()}
    for subject in _subjects(call):
        for role in call.listing("roles"):
            if call.flag("delete"):
                entries.get(subject, {}).pop(role, None)
            else:
                entries.setdefault(subject, {})[role] = call.flag("propagate", default=True)
    put_acl(call.datacenter, Acl(path=path, entries=entries))


def put_acl(datacenter: Datacenter, acl: Acl) -> None:
    """Store the entries of a path without the empty ones; a path without entries goes."""
    entries = {subject: roles for subject, roles in acl.entries.items() if roles}
    if entries:
        datacenter.acl.put(replace(acl, entries=entries))
    else:
        datacenter.acl.delete(acl.path)


def drop_from_acl(datacenter: Datacenter, *, subject: str = "", role: str = "") -> None:
    """Remove a subject, or a role, from the whole access control list."""
    for acl in datacenter.acl:
        entries = {
            name: {roleid: propagate for roleid, propagate in roles.items() if roleid != role}
            for name, roles in acl.entries.items()
            if name != subject
        }
        if entries != acl.entries:
            put_acl(datacenter, Acl(path=acl.path, entries=entries))


def _check_delegation(call: Call, path: str, role: str) -> None:
    """Refuse to hand out privileges that the caller does not have."""
    privileges = role_privileges(call.datacenter, role)
    if privileges is None:
        raise ApiError(f"ACL update failed: role '{role}' does not exist")
    own = call.access.privileges(path)
    if call.authid == ROOT or "Permissions.Modify" in own:
        return
    verb = "remove" if call.flag("delete") else "add"
    if not privileges <= own.keys():
        text = f"Cannot {verb} role '{role}' - requires 'Permissions.Modify' or superset of privileges."
        raise ParamError({"role": text})
    propagates = call.flag("propagate", default=True) and not call.flag("delete")
    if propagates and not all(own[priv] for priv in privileges):
        text = (
            f"Cannot {verb} role '{role}' with propagation - requires 'Permissions.Modify' or propagated superset"
            " of privileges."
        )
        raise ParamError({"role": text})


def _subjects(call: Call) -> list[str]:
    """Return the subjects of a change; those to be given a role must exist."""
    datacenter, adding = call.datacenter, not call.flag("delete")
    for userid in call.listing("users"):
        if adding and userid not in datacenter.users and userid != ROOT:
            raise ApiError(f"ACL update failed: user '{userid}' does not exist")
    for groupid in call.listing("groups"):
        if adding and groupid not in datacenter.groups:
            raise ApiError(f"ACL update failed: group '{groupid}' does not exist")
    for full_id in call.listing("tokens"):
        userid, _, tokenid = full_id.partition("!")
        if adding and full_id not in datacenter.tokens:
            raise ApiError(f"ACL update failed: no such token '{tokenid}' for user '{userid}'")
    return [f"{name[:-1]}/{ugid}" for name in ("users", "groups", "tokens") for ugid in call.listing(name)]
