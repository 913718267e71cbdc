"""Whether what a resource names is there: on the host, or by another resource of the same program."""

from __future__ import annotations

from providers._runtime.facts import Facts
from providers._runtime.privileges import granted

LISTS = {
    "group": ("/access/groups", "groupid"),
    "realm": ("/access/domains", "realm"),
    "role": ("/access/roles", "roleid"),
    "user": ("/access/users", "userid"),
}
"""Kind -> where Proxmox lists them, and the key of the name."""
SHOWN_TO = ("Sys.Audit", "User.Modify")
"""Who has neither of them on all groups is shown a part of the users and groups only."""


def names(facts: Facts, kind: str) -> list[str] | None:
    """All that the host has of a kind; None where the identity may not see all of them."""
    if kind in ("group", "user") and not any(
        granted(facts.permissions(), "/access/groups", privilege) for privilege in SHOWN_TO
    ):
        return None
    path, key = LISTS[kind]
    rows = facts.look(path)
    return None if rows is None else sorted(str(row[key]) for row in rows)


def lacking(facts: Facts, kind: str, name: str) -> str:
    """What is wrong with naming it; nothing where it is there, or will be, or can't be looked up."""
    known = names(facts, kind)
    if known is None or name in known or facts.announced(kind, name):
        return ""
    return f"there is no {kind} {name!r} on the host, and none in this program"
