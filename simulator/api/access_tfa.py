"""`/access/tfa` and what users show of it: second factors, of which the simulator knows one-time codes by time."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from simulator import totp
from simulator.api.access import USERID
from simulator.errors import ApiError, NotImplementedHere, ParamError
from simulator.propstring import split
from simulator.records import SecondFactor
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tickets import verify_password

_ENTRY = {"userid": USERID, "id": string()}
_PASSWORD = {"password": string(min_length=5, max_length=64, optional=True)}
_READ = ["or", ["userid-param", "self"], ["userid-group", ["User.Modify", "Sys.Audit"]]]
_WRITE = ["or", ["userid-param", "self"], ["userid-group", ["User.Modify"]]]


def _row(factor: SecondFactor) -> dict[str, Any]:
    return {
        "id": factor.id,
        "type": "totp",
        "description": factor.description,
        "created": factor.created,
        "enable": int(factor.enable),
    }


def _factor(call: Call) -> SecondFactor:
    factor = call.datacenter.second_factors.get(f"{call.text('userid')}/{call.text('id')}")
    if factor is None:
        raise ApiError(f"no such TFA entry '{call.text('id')}'")
    return factor


def _confirm(call: Call) -> None:
    """Let all but root@pam confirm the change with their own password."""
    if call.is_root:
        return
    if "password" not in call:
        raise ParamError({"password": "password is required to modify TFA data"})
    user = call.datacenter.users.get(call.authid)
    if user is None or not verify_password(call.text("password"), user.password):
        raise ApiError("authentication failure", 401)


@route("GET", "/access/tfa", user="all", protected=True)
def all_factors(call: Call) -> list[dict[str, Any]]:
    """List users with their second factors: all of them, or the caller's own."""
    everyone = call.access.may("/access/groups", ["User.Modify", "Sys.Audit"], any_of=True)
    rows = []
    for user in call.datacenter.users:
        found = call.datacenter.second_factors.by("userid", user.userid)
        if found and (everyone or user.userid == call.access.userid):
            rows.append({"userid": user.userid, "entries": [_row(factor) for factor in found]})
    return rows


@route("GET", "/access/tfa/{userid}", params={"userid": USERID}, check=_READ, protected=True)
def user_factors(call: Call) -> list[dict[str, Any]]:
    """List the second factors of a user."""
    return [_row(factor) for factor in call.datacenter.second_factors.by("userid", call.text("userid"))]


@route("GET", "/access/tfa/{userid}/{id}", params=_ENTRY, check=_READ, protected=True)
def read_factor(call: Call) -> dict[str, Any]:
    """Return a second factor, without its secret."""
    return _row(_factor(call))


@route(
    "POST",
    "/access/tfa/{userid}",
    params={
        "userid": USERID,
        "type": string(enum=("totp", "u2f", "webauthn", "recovery", "yubico")),
        "challenge": string(optional=True),
        "description": string(max_length=255, optional=True),
        "totp": string(optional=True),
        "value": string(optional=True),
    }
    | _PASSWORD,
    check=_WRITE,
    protected=True,
    allowtoken=False,
)
def add_factor(call: Call) -> dict[str, str]:
    """Add a generator of one-time codes; a current code proves that it works."""
    call.cfs_lock("file-priv_tfa_cfg")
    _confirm(call)
    if call.text("type") != "totp":
        raise NotImplementedHere(f"the simulator does not do second factors of type '{call.text('type')}' yet")
    if call.text("userid") not in call.datacenter.users:
        raise ApiError(f"no such user ('{call.text('userid')}')")
    try:
        secret = totp.secret_of(call.text("totp"))
    except ValueError as error:
        raise ApiError(str(error)) from None
    factor = SecondFactor(
        userid=call.text("userid"),
        id=f"totp:{secrets.token_hex(8)}",
        secret=secret,
        description=call.text("description"),
        created=int(call.now),
    )
    if not totp.accept(call.datacenter, factor, call.text("value"), call.now):
        raise ApiError("failed to verify totp challenge")
    return {"id": factor.id}


@route(
    "PUT",
    "/access/tfa/{userid}/{id}",
    params=_ENTRY
    | _PASSWORD
    | {"description": string(max_length=255, optional=True), "enable": boolean(optional=True)},
    check=_WRITE,
    protected=True,
    allowtoken=False,
)
def update_factor(call: Call) -> None:
    """Describe a second factor, or switch it off and on."""
    call.cfs_lock("file-priv_tfa_cfg")
    _confirm(call)
    factor = _factor(call)
    description, enable = call.text("description", factor.description), call.flag("enable", default=factor.enable)
    call.datacenter.second_factors.put(replace(factor, description=description, enable=enable))


@route(
    "DELETE",
    "/access/tfa/{userid}/{id}",
    params=_ENTRY | _PASSWORD,
    check=_WRITE,
    protected=True,
    allowtoken=False,
)
def delete_factor(call: Call) -> None:
    """Remove a second factor."""
    call.cfs_lock("file-priv_tfa_cfg")
    _confirm(call)
    factor = _factor(call)
    call.datacenter.second_factors.delete(f"{factor.userid}/{factor.id}")


@route(
    "GET",
    "/access/users/{userid}/tfa",
    params={"userid": USERID, "multiple": boolean(optional=True)},
    check=_READ,
    protected=True,
)
def second_factor_types(call: Call) -> dict[str, Any]:
    """Return which kinds of second factors a user and his realm have; by himself he has none of the oldest kinds."""
    realm = call.datacenter.domains.get(call.text("userid").rpartition("@")[2])
    if realm is None:
        raise ApiError(f"auth domain '{call.text('userid').rpartition('@')[2]}' does not exist")
    demanded = split(realm.options.get("tfa", ""), None).get("type")
    answer: dict[str, Any] = {"realm": demanded} if demanded else {}
    if call.flag("multiple"):
        answer["user"] = ["totp"] if call.datacenter.second_factors.by("userid", call.text("userid")) else []
    return answer


@route(
    "PUT",
    "/access/users/{userid}/unlock-tfa",
    params={"userid": USERID},
    check=["userid-group", ["User.Modify"]],
    protected=True,
)
def unlock_second_factors(call: Call) -> int:
    """Tell whether a user was locked out by too many wrong codes; nobody is, as they are not counted."""
    call.cfs_lock("file-priv_tfa_cfg")
    return 0
