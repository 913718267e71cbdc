"""`/access/domains`: the realms in which users are authenticated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.access import BUILT_IN_REALMS
from simulator.errors import ApiError, ParamError
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, PropertyString, boolean, integer, string
from simulator.sections import stored
from simulator.state import digest

_REALM = string(format="pve-realm", max_length=32)
_PLUGINS = {"pam": "PVE::Auth::PAM", "pve": "PVE::Auth::PVE"}
_ALLOCATE = ["perm", "/access/realm", ["Realm.Allocate"]]
_BOOLEANS = ("autocreate", "case-sensitive", "check-connection", "default", "groups-autocreate", "groups-overwrite",
             "query-userinfo", "secure", "verify")  # fmt: skip
_NO_CONTROL = r'[^\x00-\x1F\x7F <>#"]*'
_SYNC = PropertyString(
    {
        "scope": string(enum=("users", "groups", "both"), optional=True),
        "enable-new": boolean(optional=True),
        "full": boolean(optional=True),
        "purge": boolean(optional=True),
        "remove-vanished": string(
            pattern=r"(?:(?:acl|properties|entry);)*(?:acl|properties|entry)|none", optional=True
        ),
    },
    name="realm-sync-options",
)
_TFA = PropertyString(
    {
        "type": string(enum=("yubico", "oath")),
        "id": string(optional=True),
        "key": string(optional=True),
        "url": string(optional=True),
        "digits": integer(minimum=6, maximum=8, optional=True),
        "step": integer(minimum=10, optional=True),
    },
    name="pve-tfa-config",
)
_OPTIONS: dict[str, Param] = {
    "acr-values": string(pattern=_NO_CONTROL, optional=True),
    "audiences": string(pattern=_NO_CONTROL, optional=True),
    "base_dn": string(max_length=256, optional=True),
    "bind_dn": string(max_length=256, optional=True),
    "capath": string(optional=True),
    "cert": string(optional=True),
    "certkey": string(optional=True),
    "client-id": string(max_length=256, optional=True),
    "client-key": string(max_length=256, optional=True),
    "comment": string(max_length=4096, optional=True),
    "domain": string(max_length=256, pattern=r"\S+", optional=True),
    "filter": string(max_length=2048, optional=True),
    "group_classes": string(format="ldap-simple-attr-list", optional=True),
    "group_dn": string(max_length=256, optional=True),
    "group_filter": string(max_length=2048, optional=True),
    "group_name_attr": string(format="ldap-simple-attr", max_length=256, optional=True),
    "groups-claim": string(max_length=256, pattern=r"(?:[A-Za-z0-9\.\-_]+)", optional=True),
    "issuer-url": string(max_length=256, optional=True),
    "mode": string(enum=("ldap", "ldaps", "ldap+starttls"), optional=True),
    "password": string(optional=True),
    "port": integer(minimum=1, maximum=65535, optional=True),
    "prompt": string(pattern=r"(?:none|login|consent|select_account|\S+)", optional=True),
    "realm": _REALM,
    "scopes": string(optional=True),
    "server1": string(format="address", max_length=256, optional=True),
    "server2": string(format="address", max_length=256, optional=True),
    "sslversion": string(enum=("tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"), optional=True),
    "sync-defaults-options": string(format=_SYNC, optional=True),
    "sync_attributes": string(pattern=r"\w+=[^,]+(,\s*\w+=[^,]+)*", optional=True),
    "tfa": string(format=_TFA, max_length=128, optional=True),
    "user_attr": string(max_length=256, pattern=r"\S{2,}", optional=True),
    "user_classes": string(format="ldap-simple-attr-list", optional=True),
} | {name: boolean(optional=True) for name in _BOOLEANS}  # fmt: skip
_TYPE = string(enum=("ad", "ldap", "openid", "pam", "pve"))
_REQUIRED = {
    "ad": ("server1", "domain"),
    "ldap": ("server1", "base_dn", "user_attr"),
    "openid": ("issuer-url", "client-id"),
    "pam": (),
    "pve": (),
}
_NEVER_STORED = ("realm", "type", "delete", "digest", "password", "check-connection")


def _digest(call: Call) -> str:
    """Return the digest of all realms; the built-in ones stand in no file until they are changed."""
    stored = [row for row in call.datacenter.domains if row.id not in _PLUGINS]
    return digest(*((row.id, row.type, row.options) for row in stored))


def _existing(call: Call, text: str) -> Section:
    realm = call.datacenter.domains.get(call.text("realm"))
    if realm is None:
        raise ApiError(text)
    return realm


@route("GET", "/access/domains", user="world")
def domains(call: Call) -> list[dict[str, Any]]:
    """List the realms; the login page needs it."""
    rows = []
    for realm in call.datacenter.domains:
        row: dict[str, Any] = {"realm": realm.id, "type": realm.type}
        row |= {key: value for key, value in realm.options.items() if key in ("comment", "tfa")}
        rows.append(row | ({"default": 1} if realm.options.get("default") == "1" else {}))
    return rows


@route(
    "GET",
    "/access/domains/{realm}",
    params={"realm": _REALM},
    check=["perm", "/access/realm", ["Realm.Allocate", "Sys.Audit"], "any", 1],
)
def read_domain(call: Call) -> dict[str, Any]:
    """Return the settings of a realm."""
    realm = _existing(call, f"domain '{call.text('realm')}' does not exist")
    row: dict[str, Any] = {"type": realm.type, "digest": _digest(call)}
    if realm.id in _PLUGINS:
        row["plugin"] = _PLUGINS[realm.id]
    for name, value in realm.options.items():
        row[name] = int(value) if name in _BOOLEANS or name == "port" else value
    return row


def _given(call: Call) -> dict[str, str]:
    """Return the options that a call sets, as the configuration file stores them."""
    return stored({name: call.params[name] for name in call.params if name in call and name not in _NEVER_STORED})


def _store(call: Call, realm: Section) -> None:
    """Store a realm; only one of them is the default."""
    if realm.options.get("default") == "1":
        for other in call.datacenter.domains:
            if "default" in other.options:
                rest = {key: value for key, value in other.options.items() if key != "default"}
                call.datacenter.domains.put(replace(other, options=rest))
    call.datacenter.domains.put(realm)


@route(
    "POST",
    "/access/domains",
    params=_OPTIONS | {"type": _TYPE, "username-claim": string(optional=True)},
    check=_ALLOCATE,
    protected=True,
)
def create_domain(call: Call) -> None:
    """Add a realm."""
    call.cfs_lock("file-domains_cfg", "add auth server failed: ")
    name, kind = call.text("realm"), call.text("type")
    if name in call.datacenter.domains:
        raise ApiError(f"add auth server failed: domain '{name}' already exists")
    if kind in _PLUGINS:
        raise ApiError(f"add auth server failed: unable to create builtin type '{kind}'")
    missing = [option for option in _REQUIRED[kind] if option not in call]
    if missing:
        raise ParamError(dict.fromkeys(missing, "property is missing and it is not optional"))
    _store(call, Section(id=name, type=kind, options=_given(call)))


@route(
    "PUT",
    "/access/domains/{realm}",
    params=_OPTIONS
    | {
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    check=_ALLOCATE,
    protected=True,
)
def update_domain(call: Call) -> None:
    """Change a realm."""
    call.cfs_lock("file-domains_cfg", "update auth server failed: ")
    text = f"update auth server failed: domain '{call.text('realm')}' does not exist"
    realm = _existing(call, text)
    call.check_digest(_digest(call))
    options = {key: value for key, value in realm.options.items() if key not in call.listing("delete")}
    default = {"comment": BUILT_IN_REALMS[realm.id]} if realm.id in BUILT_IN_REALMS else {}
    _store(call, replace(realm, options=default | options | _given(call)))


@route("DELETE", "/access/domains/{realm}", params={"realm": _REALM}, check=_ALLOCATE, protected=True)
def delete_domain(call: Call) -> None:
    """Remove a realm; the built-in ones come back at once, as they are by themselves."""
    call.cfs_lock("file-domains_cfg", "delete auth server failed: ")
    text = f"delete auth server failed: authentication domain '{call.text('realm')}' does not exist"
    realm = _existing(call, text)
    if realm.id in _PLUGINS:
        call.datacenter.domains.put(replace(realm, options={"comment": BUILT_IN_REALMS[realm.id]}))
    else:
        call.datacenter.domains.delete(realm.id)
