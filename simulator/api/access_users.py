"""`/access/users` and the API tokens below it."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from simulator.api.access import USERID, drop_from_acl
from simulator.errors import ApiError, ParamError
from simulator.records import Token, User
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tickets import hash_password, hash_secret

_TEXTS = ("comment", "email", "firstname", "lastname", "keys")
_USER = {
    "userid": USERID,
    "comment": string(max_length=2048, optional=True),
    "email": string(format="email-opt", max_length=254, optional=True),
    "enable": boolean(optional=True),
    "expire": integer(minimum=0, optional=True),
    "firstname": string(max_length=1024, optional=True),
    "groups": string(format="pve-groupid-list", optional=True),
    "keys": string(pattern=r"[0-9a-zA-Z!=]{0,4096}", optional=True),
    "lastname": string(max_length=1024, optional=True),
}
_TOKEN = {"userid": USERID, "tokenid": string(pattern=r"(?:[A-Za-z][A-Za-z0-9\.\-_]+)")}
_TOKEN_OPTIONS = {
    "comment": string(optional=True),
    "expire": integer(minimum=0, optional=True),
    "privsep": boolean(optional=True),
}
_WITH_PASSWORDS = ("pam", "pve")
_TOKEN_CHECK = ["or", ["userid-param", "self"], ["userid-group", ["User.Modify"]]]


def _user(call: Call, prefix: str = "") -> User:
    user = call.datacenter.users.get(call.text("userid"))
    if user is None:
        raise ApiError(f"{prefix}no such user ('{call.text('userid')}')")
    return user


def _row(user: User) -> dict[str, Any]:
    row: dict[str, Any] = {"enable": int(user.enable), "expire": user.expire}
    return row | {name: value for name in _TEXTS if (value := getattr(user, name))}


def _groups_of(call: Call, userid: str) -> list[str]:
    return sorted(group.groupid for group in call.datacenter.groups if userid in group.members)


def _token_row(token: Token) -> dict[str, Any]:
    row: dict[str, Any] = {"expire": token.expire, "privsep": int(token.privsep)}
    return row | ({"comment": token.comment} if token.comment else {})


@route(
    "GET",
    "/access/users",
    params={"enabled": boolean(optional=True), "full": boolean(optional=True)},
    user="all",
    protected=True,
)
def users(call: Call) -> list[dict[str, Any]]:
    """List the users that the caller may see: itself, and members of groups it may look into."""
    datacenter, wanted = call.datacenter, ["User.Modify", "Sys.Audit"]
    everyone = call.access.may("/access/groups", wanted, any_of=True)
    visible = {call.access.userid}
    for group in datacenter.groups:
        if call.access.may(f"/access/groups/{group.groupid}", wanted, any_of=True):
            visible |= group.members
    rows = []
    for user in datacenter.users:
        if not (everyone or user.userid in visible) or ("enabled" in call and user.enable != call.flag("enabled")):
            continue
        row = _row(user) | {"userid": user.userid}
        realm = datacenter.domains.get(user.userid.rpartition("@")[2])
        if realm is not None:
            row["realm-type"] = realm.type
        if call.flag("full"):
            tokens = datacenter.tokens.by("userid", user.userid)
            row["groups"] = ",".join(_groups_of(call, user.userid))
            row["tokens"] = [_token_row(token) | {"tokenid": token.tokenid} for token in tokens]
        rows.append(row)
    return rows


@route(
    "POST",
    "/access/users",
    params=_USER | {"password": string(min_length=8, max_length=64, optional=True)},
    check=[
        "and",
        ["userid-param", "Realm.AllocateUser"],
        ["userid-group", ["User.Modify"], "groups_param", "create"],
    ],
    protected=True,
)
def create_user(call: Call) -> None:
    """Create a user."""
    call.cfs_lock("file-user_cfg", "create user failed: ")
    userid = call.text("userid")
    if userid in call.datacenter.users:
        raise ApiError(f"create user failed: user '{userid}' already exists")
    password = call.optional("password")
    if password is not None:
        _check_password_realm(call, userid.rpartition("@")[2])
    user = User(userid=userid, password=None if password is None else hash_password(password))
    call.datacenter.users.put(_changed(call, user))
    _join_groups(call, userid, "create user failed: ")


def _check_password_realm(call: Call, name: str) -> None:
    """Refuse to set a password where the realm has those of its users elsewhere."""
    realm = call.datacenter.domains.get(name)
    if realm is None:
        raise ApiError(f"create user failed: auth domain '{name}' does not exist")
    if realm.type not in _WITH_PASSWORDS:
        raise ApiError(f"create user failed: can't set password on auth type '{realm.type}'")


def _changed(call: Call, user: User) -> User:
    """Return a user with the parameters of a call."""
    texts = {name: call.text(name) for name in _TEXTS if name in call}
    return replace(
        user,
        enable=call.flag("enable", default=user.enable),
        expire=call.integer("expire", user.expire),
        **texts,
    )


def _join_groups(call: Call, userid: str, prefix: str) -> None:
    for groupid in call.listing("groups"):
        group = call.datacenter.groups.get(groupid)
        if group is None:
            raise ApiError(f"{prefix}no such group '{groupid}'")
        call.datacenter.groups.put(replace(group, members=group.members | {userid}))


@route(
    "GET",
    "/access/users/{userid}",
    params={"userid": USERID},
    check=["userid-group", ["User.Modify", "Sys.Audit"]],
)
def read_user(call: Call) -> dict[str, Any]:
    """Return a user with its groups and tokens."""
    user = _user(call)
    tokens = {token.tokenid: _token_row(token) for token in call.datacenter.tokens.by("userid", user.userid)}
    return _row(user) | {"groups": _groups_of(call, user.userid), "tokens": tokens or None}


@route(
    "PUT",
    "/access/users/{userid}",
    params=_USER | {"append": boolean(optional=True, requires="groups")},
    check=["userid-group", ["User.Modify"], "groups_param", "update"],
    protected=True,
)
def update_user(call: Call) -> None:
    """Change a user; `groups` replaces its groups unless they are to be appended."""
    call.cfs_lock("file-user_cfg", "update user failed: ")
    user = _user(call, "update user failed: ")
    call.datacenter.users.put(_changed(call, user))
    if "groups" in call and not call.flag("append"):
        _leave_groups(call, user.userid)
    _join_groups(call, user.userid, "update user failed: ")


def _leave_groups(call: Call, userid: str) -> None:
    for group in call.datacenter.groups:
        if userid in group.members:
            call.datacenter.groups.put(replace(group, members=group.members - {userid}))


@route(
    "DELETE",
    "/access/users/{userid}",
    params={"userid": USERID},
    check=["and", ["userid-param", "Realm.AllocateUser"], ["userid-group", ["User.Modify"]]],
    protected=True,
)
def delete_user(call: Call) -> None:
    """Delete a user with its tokens and permissions; one that is not there is no error."""
    call.cfs_lock("file-user_cfg", "delete user failed: ")
    userid = call.text("userid")
    for token in call.datacenter.tokens.by("userid", userid):
        _forget_token(call, token)
    for factor in call.datacenter.second_factors.by("userid", userid):
        call.datacenter.second_factors.delete(f"{userid}/{factor.id}")
    _leave_groups(call, userid)
    drop_from_acl(call.datacenter, subject=f"user/{userid}")
    call.datacenter.users.delete(userid)


def _forget_token(call: Call, token: Token) -> None:
    drop_from_acl(call.datacenter, subject=f"token/{token.full_id}")
    call.datacenter.tokens.delete(token.full_id)


def _token(call: Call) -> Token:
    userid, tokenid = call.text("userid"), call.text("tokenid")
    token = call.datacenter.tokens.get(f"{userid}!{tokenid}")
    if token is None:
        raise ApiError(f"no such token '{tokenid}' for user '{userid}'")
    return token


@route("GET", "/access/users/{userid}/token", params={"userid": USERID}, check=_TOKEN_CHECK)
def tokens(call: Call) -> list[dict[str, Any]]:
    """List the API tokens of a user."""
    user = _user(call)
    found = call.datacenter.tokens.by("userid", user.userid)
    return [_token_row(token) | {"tokenid": token.tokenid} for token in found]


@route("GET", "/access/users/{userid}/token/{tokenid}", params=_TOKEN, check=_TOKEN_CHECK)
def read_token(call: Call) -> dict[str, Any]:
    """Return an API token, without its secret."""
    return _token_row(_token(call))


def _as_sent(call: Call) -> dict[str, str]:
    """Return the options of a token as strings, which is how Proxmox hands them back."""
    sent: dict[str, str] = {}
    for name in ("comment", "expire", "privsep"):
        if name in call:
            value = call.params[name]
            sent[name] = str(int(value)) if name != "comment" else str(value)
    return sent


@route(
    "POST",
    "/access/users/{userid}/token/{tokenid}",
    params=_TOKEN | _TOKEN_OPTIONS,
    check=_TOKEN_CHECK,
    protected=True,
)
def create_token(call: Call) -> dict[str, Any]:
    """Create an API token; its secret is told this once."""
    call.cfs_lock("file-user_cfg", "generating token failed: ")
    user = _user(call)
    full_id, secret = f"{user.userid}!{call.text('tokenid')}", str(uuid.uuid4())
    if full_id in call.datacenter.tokens:
        raise ParamError({"tokenid": "Token already exists."})
    token = Token(full_id=full_id, secret=hash_secret(secret))
    call.datacenter.tokens.put(_changed_token(call, token))
    return {"full-tokenid": full_id, "value": secret, "info": {"privsep": 1} | _as_sent(call)}


def _changed_token(call: Call, token: Token) -> Token:
    return replace(
        token,
        privsep=call.flag("privsep", default=token.privsep),
        expire=call.integer("expire", token.expire),
        comment=call.text("comment", token.comment),
    )


@route(
    "PUT",
    "/access/users/{userid}/token/{tokenid}",
    params=_TOKEN
    | _TOKEN_OPTIONS
    | {"delete": string(format="pve-configid-list", optional=True), "regenerate": boolean(optional=True)},
    check=_TOKEN_CHECK,
    protected=True,
)
def update_token(call: Call) -> dict[str, Any]:
    """Change an API token, or give it a new secret."""
    call.cfs_lock("file-user_cfg", "updating token info failed: ")
    token = _changed_token(call, _token(call))
    if "comment" in call.listing("delete"):
        token = replace(token, comment="")
    if "expire" in call.listing("delete"):
        token = replace(token, expire=0)
    answer = _token_row(token) | _as_sent(call)
    if call.flag("regenerate"):
        secret = str(uuid.uuid4())
        token = replace(token, secret=hash_secret(secret))
        answer |= {"full-tokenid": token.full_id, "value": secret}
    call.datacenter.tokens.put(token)
    return answer


@route("DELETE", "/access/users/{userid}/token/{tokenid}", params=_TOKEN, check=_TOKEN_CHECK, protected=True)
def delete_token(call: Call) -> None:
    """Delete an API token with its permissions."""
    call.cfs_lock("file-user_cfg", "deleting token failed: ")
    _forget_token(call, _token(call))
