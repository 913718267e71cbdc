"""Which guests a backup is of: those that are named, those of a pool, or all but some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.errors import ParamError
from simulator.formats import split_list
from simulator.state import Datacenter


def chosen_vmids(datacenter: Datacenter, options: Mapping[str, Any]) -> list[int]:
    """Return the VMIDs that options choose, in order; those that are named may be of no guest."""
    if options.get("vmid"):
        return sorted({int(vmid) for vmid in split_list(str(options["vmid"]))})
    excluded = {int(vmid) for vmid in split_list(str(options.get("exclude") or ""))}
    if options.get("pool"):
        pool = datacenter.pools.get(str(options["pool"]))
        return sorted(pool.vms - excluded) if pool is not None else []
    if not options.get("all"):
        return []
    return sorted(guest.vmid for guest in datacenter.guests if guest.vmid not in excluded)


def completed(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with what they mean unsaid: to exclude guests is to mean all others."""
    given = {name: value for name, value in options.items() if value is not None}
    return given | {"all": 1} if "exclude" in given and "pool" not in given else given


def by_place(datacenter: Datacenter, vmids: list[int], node: str) -> tuple[list[int], list[int]]:
    """Split VMIDs into those that this node is to back up and those of other nodes' guests.

    What is no guest at all counts as this node's: its backup then fails where everybody sees it.
    """
    elsewhere = [vmid for vmid in vmids if vmid in datacenter.guests and datacenter.guests[vmid].node != node]
    return [vmid for vmid in vmids if vmid not in set(elsewhere)], elsewhere


def check_choice(options: Mapping[str, Any]) -> None:
    """Refuse options that choose guests in two ways."""
    for name in ("all", "exclude", "pool"):
        if options.get(name) and options.get("vmid"):
            raise ParamError({name: "option conflicts with option 'vmid'"})
