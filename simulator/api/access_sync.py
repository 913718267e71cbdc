"""`/access/domains/{realm}/sync`: takes over the users and groups of a realm's directory."""

from __future__ import annotations

from simulator.errors import ApiError, ParamError
from simulator.realm_sync import SYNCED_TYPES, SyncOptions, body_of, task_type
from simulator.routing import Call, route
from simulator.schema import Param, boolean, string
from simulator.sections import given

REMOVE_VANISHED = string(pattern=r"(?:(?:(?:acl|properties|entry);)*(?:acl|properties|entry))|none", optional=True)
SCOPE = string(enum=("users", "groups", "both"), optional=True)
_OPTIONS: dict[str, Param] = {
    "enable-new": boolean(optional=True),
    "full": boolean(optional=True),
    "purge": boolean(optional=True),
    "remove-vanished": REMOVE_VANISHED,
    "scope": SCOPE,
}


@route(
    "POST", "/access/domains/{realm}/sync",
    params={**_OPTIONS, "dry-run": boolean(optional=True), "realm": string(format="pve-realm", max_length=32)},
    check=[
        "and",
        ["perm", "/access/realm/{realm}", ["Realm.AllocateUser"]],
        ["perm", "/access/groups", ["User.Modify"]],
    ],
    protected=True,
)  # fmt: skip
def sync(call: Call) -> str:
    """Start the task."""
    realm = call.datacenter.domains.get(call.text("realm"))
    if realm is None:
        raise ParamError({"realm": "Realm does not exist."})
    if realm.type not in SYNCED_TYPES:
        raise ApiError(f"Cannot sync realm type '{realm.type}'! Only LDAP/AD realms can be synced.")
    options = SyncOptions.of(given(call, _OPTIONS), realm, dry_run=call.flag("dry-run"))
    if options is None:
        raise ParamError({"scope": "Not passed as parameter and not defined in realm default sync options."})
    return call.start_task(task_type(options), realm.id, body_of(realm.id, options))
