"""Whether the identity of a connection may do what a resource will do, asked in the preview and not halfway through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from providers._runtime.connection import Connection
from providers._runtime.facts import Facts
from providers._runtime.model import Problem

Need = tuple[str, str] | tuple[str, str, str]
"""An ACL path, and a privilege on it; and another path from which it may come as well, such as that of the pool.

A path that ends in `/*` means all that is below it, whatever its names: the privilege has to be handed down. Where one
of several privileges will do, they are written as Proxmox writes them, the usual one first: `A|B`.
"""

ROLES = {
    "Datastore.Allocate": "PVEDatastoreAdmin",
    "Datastore.AllocateSpace": "PVEDatastoreUser",
    "Datastore.AllocateTemplate": "PVEDatastoreAdmin",
    "Datastore.Audit": "PVEDatastoreUser",
    "Group.Allocate": "PVEUserAdmin",
    "Mapping.Audit": "PVEMappingUser",
    "Mapping.Modify": "PVEMappingAdmin",
    "Permissions.Modify": "Administrator",
    "Pool.Allocate": "PVEPoolAdmin",
    "Pool.Audit": "PVEPoolUser",
    "Realm.Allocate": "Administrator",
    "Realm.AllocateUser": "PVEUserAdmin",
    "SDN.Allocate": "PVESDNAdmin",
    "SDN.Audit": "PVESDNUser",
    "SDN.Use": "PVESDNUser",
    "Sys.AccessNetwork": "Administrator",
    "Sys.Audit": "PVEAuditor",
    "Sys.Console": "PVESysAdmin",
    "Sys.Modify": "Administrator",
    "User.Modify": "PVEUserAdmin",
}
"""The smallest built-in role with a privilege; those of guests are all in PVEVMAdmin."""


BELOW = "/*"


def granted(permissions: dict[str, dict[str, int]], path: str, privilege: str) -> bool:
    """Whether a privilege is granted on a path: by its own entry, or by what the next one above hands down."""
    any_of, at = privilege.split("|"), path.removesuffix(BELOW)
    if path in permissions:
        return any(name in permissions[path] for name in any_of)
    while at not in permissions:
        if at == "/":
            return False
        at = at.rpartition("/")[0] or "/"
    return any(permissions[at].get(name) for name in any_of)


def missing(facts: Facts, needs: Iterable[Need]) -> Iterator[Problem]:
    """A problem for each privilege that is needed and not there, with the command that grants it."""
    permissions = facts.permissions()
    for path, privilege, *pool in dict.fromkeys(needs):
        places = [path, *pool]
        if not any(granted(permissions, place, privilege) for place in places):
            where = " or ".join(places)
            command = grant(facts.client.connection, places[-1], privilege.partition("|")[0])
            yield "connection", f"it needs {privilege.replace('|', ' or ')} on {where}: {command}"


def grant(connection: Connection, path: str, privilege: str) -> str:
    """The command that grants it, to be run by an administrator of the host."""
    whom = f"--tokens '{connection.token_id}'" if connection.token_id else f"--users {connection.username}"
    return f"pveum acl modify {path.removesuffix(BELOW)} {whom} --roles {ROLES.get(privilege, 'PVEVMAdmin')}"
