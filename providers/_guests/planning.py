"""What is decided for a guest before it exists: its VMID and its MAC addresses.

Both follow from the resource's URN alone, so a preview shows them, others can use them, and a run that died decides
the same again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from providers._guests.place import PASSING_LOCKS
from providers._runtime.facts import Facts, Row
from providers._runtime.ownership import Owner, owner_in

FIRST, COUNT = 100_000, 900_000
"""Planned VMIDs have six digits, 100000 to 999999: above the ones that people choose, and all of the same length."""
CANDIDATES = 200
LOOKED_AT = 5
"""Guests that are looked at for our own mark: each is a request."""
MAC_PREFIX = "BC:24:11"
"""The prefix that Proxmox Server Solutions has from the IEEE, as on the addresses that Proxmox makes up itself."""


def candidates(owner: Owner) -> Iterator[int]:
    """The VMIDs of a resource that declares none, best first."""
    start = int(owner.key, 16) % COUNT
    return (FIRST + (start + step) % COUNT for step in range(CANDIDATES))


def is_planned(owner: Owner, vmid: int) -> bool:
    """Whether a VMID is one that was planned and not declared, so that another one does as well."""
    return vmid in candidates(owner)


def vmid(facts: Facts | None, owner: Owner, kind: str, name: str | None) -> int:
    """The VMID for a new guest: the one that a died run has made already, or the first one that is free."""
    if facts is None:
        return next(candidates(owner))
    guests = {int(row["vmid"]): row for row in facts.of_type("qemu", "lxc")}
    namesakes = (number for number, row in guests.items() if name and row.get("name") == name)
    free = None
    taken: list[int] = []
    for number in candidates(owner):
        if number not in guests:
            free = number if facts.reserve(number, owner.key) else None
            if free is not None:
                break
        else:
            taken.append(number)
    for number in [*taken, *namesakes][:LOOKED_AT]:
        if guests[number].get("type") == kind and _is_ours(facts, owner, guests[number], making=number in taken):
            return number
    return free if free is not None else next(candidates(owner))


def next_vmid(facts: Facts, owner: Owner, after: int) -> int | None:
    """The next free candidate, when somebody else was faster."""
    used = {int(row["vmid"]) for row in facts.of_type("qemu", "lxc", max_age=0.0)}
    behind = False
    for number in candidates(owner):
        if behind and number not in used and facts.reserve(number, owner.key):
            return number
        behind = behind or number == after
    return None


def _is_ours(facts: Facts, owner: Owner, row: Row, *, making: bool) -> bool:
    """Whether a guest has our mark, or may get it: one with our number that a task is still making (`making`)."""
    marked, in_the_making = look_at(facts, row)
    return marked == owner or (making and in_the_making and facts.reserve(int(row["vmid"]), owner.key))


def look_at(facts: Facts, row: Row) -> tuple[Owner | None, bool]:
    """Whose mark a guest carries, as far as it may be looked at, and whether it is still being made.

    Only when the task that makes a guest is through does the guest carry a mark.
    """
    config = facts.look(f"/nodes/{row['node']}/{row['type']}/{row['vmid']}/config") or {}
    return owner_in(config.get("description")), config.get("lock") in PASSING_LOCKS


def mac(owner: Owner, slot: str) -> str:
    """The address of a NIC that declares none."""
    digest = hashlib.sha256(f"{owner.key} {slot}".encode()).hexdigest().upper()
    return ":".join([MAC_PREFIX, digest[0:2], digest[2:4], digest[4:6]])
