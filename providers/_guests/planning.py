"""What is decided for a guest before it exists: its VMID and its MAC addresses.

Both follow from the resource's URN (and the range of VMIDs that the program gives it), so a preview shows them, others
can use them, and a run that died decides the same again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import ip_interface

from providers._guests.place import PASSING_LOCKS
from providers._guests.values import vmids_in
from providers._runtime.facts import Facts, Row
from providers._runtime.handler import Claim
from providers._runtime.model import Values
from providers._runtime.ownership import Owner, owner_in

SIX_DIGITS = range(100_000, 1_000_000)
"""Where VMIDs are planned unless the program says otherwise: above the ones that people choose, all of one length."""
CANDIDATES = 200
LOOKED_AT = 5
"""Guests that are looked at for our own mark: each is a request."""
MAC_PREFIX = "BC:24:11"
"""The prefix that Proxmox Server Solutions has from the IEEE, as on the addresses that Proxmox makes up itself."""


def candidates(owner: Owner, within: range = SIX_DIGITS) -> Iterator[int]:
    """The VMIDs of a resource that declares none, best first."""
    start = int(owner.key, 16) % len(within)
    return (within[(start + step) % len(within)] for step in range(min(CANDIDATES, len(within))))


def range_of(wanted: Values) -> range:
    """Where a guest's VMID is planned."""
    return vmids_in(wanted["vmid_range"]) if wanted.get("vmid_range") else SIX_DIGITS


def vmid(facts: Facts | None, owner: Owner, kind: str, name: str | None, within: range = SIX_DIGITS) -> int:
    """The VMID for a new guest: the one that a died run has made already, or the first one that is free."""
    if facts is None:
        return next(candidates(owner, within))
    guests = {int(row["vmid"]): row for row in facts.of_type("qemu", "lxc")}
    namesakes = (number for number, row in guests.items() if name and row.get("name") == name)
    free = None
    taken: list[int] = []
    for number in candidates(owner, within):
        if number not in guests:
            free = number if facts.reserve(number, owner.key) else None
            if free is not None:
                break
        else:
            taken.append(number)
    for number in [*taken, *namesakes][:LOOKED_AT]:
        if guests[number].get("type") == kind and _is_ours(facts, owner, guests[number], making=number in taken):
            return number
    return free if free is not None else next(candidates(owner, within))


def next_vmid(facts: Facts, owner: Owner, after: int, within: range = SIX_DIGITS) -> int | None:
    """The next free candidate, when somebody else was faster; None if `after` was not planned but declared."""
    if after not in candidates(owner, within):
        return None
    used = {int(row["vmid"]) for row in facts.of_type("qemu", "lxc", max_age=0.0)}
    behind = False
    for number in candidates(owner, within):
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


def claims(wanted: Values) -> Iterator[Claim]:
    """Its number, and its addresses: those of the link are unique; IP addresses may repeat in networks of their own."""
    if wanted.get("vmid") is not None:
        yield Claim("vmid", wanted["vmid"], f"another resource of this program has {wanted['vmid']} already")
    macs, ipconfig = wanted.get("macs") or {}, wanted.get("ipconfig") or {}
    for slot, nic in (wanted.get("net") or {}).items():
        address = macs.get(slot) or nic.get("macaddr") or nic.get("hwaddr")
        if address:
            yield Claim(f"net.{slot}", address, f"another NIC of this program has {address} already", slot)
        bridge = nic.get("bridge")
        for version in ("ip", "ip6"):
            address = str(ipconfig.get(f"ipconfig{slot.removeprefix('net')}", nic).get(version) or "")
            if "/" in address:
                place = (bridge, nic.get("tag"), ip_interface(address).ip)
                words = f"another guest of this program has {address} on {bridge} already"
                yield Claim(f"net.{slot}", place, words, slot)


def namesakes(facts: Facts, owner: Owner, before: Values, wanted: Values, field: str) -> Iterator[str]:
    """Proxmox lets guests have one name, and people and clones by name then pick the wrong one.

    A template may be on every node: the clones of each node are made from its own.
    """
    name = wanted.get(field)
    if not name or before.get(field) == name:
        return
    node = wanted.get("node") if wanted.get("template") else None
    if not facts.reserve(("name", name, node), owner.key):
        yield f"more than one guest of this program is called {name!r}"
    for row in facts.before_this_run("qemu", "lxc"):
        elsewhere = node is not None and row.get("template") and row["node"] != node
        if row.get("name") == name and row["vmid"] != wanted.get("vmid") and not elsewhere:
            yield f"{row['id']} on {row['node']} is called {name!r} already"


def mac(owner: Owner, slot: str, facts: Facts | None = None) -> str:
    """The address of a NIC that declares none; with `facts`, one that no other NIC of this run has."""
    for attempt in range(CANDIDATES):
        found = _mac(f"{owner.key} {slot} {attempt}" if attempt else f"{owner.key} {slot}")
        if facts is None or facts.reserve(found, f"{owner.key} {slot}"):
            return found
    raise AssertionError("so many addresses are never all taken")


def _mac(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).hexdigest().upper()
    return ":".join([MAC_PREFIX, digest[0:2], digest[2:4], digest[4:6]])
