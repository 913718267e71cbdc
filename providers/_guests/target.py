"""The guest that a resource is about which is no guest itself: a snapshot, a command or a file inside."""

from __future__ import annotations

from collections.abc import Iterator

from providers._guests.place import Place
from providers._runtime import privileges
from providers._runtime.api import Api
from providers._runtime.errors import Missing
from providers._runtime.facts import FRESH_FOR, Facts, Row
from providers._runtime.model import Problem, Values


def target(api: Api, vmid: int) -> Place | None:
    """Where the guest is, and of which kind; None if there is none at this moment: it may have been made just now."""
    for max_age in (FRESH_FOR, 0.0):
        row = row_of(api.facts, vmid, max_age)
        if row is not None:
            return Place(str(row["type"]), vmid, api.facts.node_of(vmid) or str(row["node"]))
    return None


def needed(api: Api, vmid: int) -> Place:
    """As `target`, where there has to be one."""
    place = target(api, vmid)
    if place is None:
        raise Missing(f"there is no guest {vmid}, or this connection may not see it (VM.Audit)")
    return place


def row_of(facts: Facts, vmid: int, max_age: float = FRESH_FOR) -> Row | None:
    """What the cluster says of the guest."""
    return next((row for row in facts.of_type("qemu", "lxc", max_age=max_age) if row.get("vmid") == vmid), None)


def vmid_in(id_: str) -> int:
    """The number in `qemu/100/snapshot/before`."""
    return int(id_.split("/")[1])


def missing(facts: Facts, wanted: Values) -> Iterator[Problem]:
    """That the guest is not there, and this program makes none."""
    vmid = wanted.get("vmid")
    if vmid is None or row_of(facts, vmid) is not None or facts.announced("guest", str(vmid)):
        return
    if privileges.granted(facts.permissions(), f"/vms/{vmid}", "VM.Audit"):
        yield "vmid", f"there is no guest {vmid}, and this program makes none"
