"""Where a guest is, and its configuration from there."""

from __future__ import annotations

import time
from dataclasses import dataclass

from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, Missing, TookTooLong
from providers._runtime.facts import Facts, Row
from providers._runtime.model import Values
from providers._runtime.ownership import owner_in

GONE = r"Configuration file '.*' does not exist"
PASSING_LOCKS = frozenset({"clone", "create"})
"""Locks of the tasks that make a guest: they go by themselves."""
LOOKS = 3
LOCK_PAUSE = 0.5


@dataclass(frozen=True)
class Place:
    """A guest on a node."""

    kind: str
    vmid: int
    node: str

    @property
    def path(self) -> str:
        """Where it is addressed."""
        return f"/nodes/{self.node}/{self.kind}/{self.vmid}"

    @property
    def id(self) -> str:
        """Its ID in the state: without the node, which can change."""
        return f"{self.kind}/{self.vmid}"


def vmid_of(id_: str) -> int:
    """The number in `qemu/100`."""
    return int(id_.rpartition("/")[2])


def find(api: Api, kind: str, vmid: int) -> tuple[Place, Values] | None:
    """A guest's place and configuration; None only if Proxmox itself says that there is no such guest.

    A guest may move between the two questions, so it is looked for again where it was not found.
    """
    node = api.facts.node_of(vmid)
    for _ in range(LOOKS):
        place = Place(kind, vmid, node or _any_node(api))
        config = _config(api, place)
        if config is not None:
            return place, config
        again = api.facts.node_of(vmid, look_again=True)
        if again is None or again == node:
            api.facts.place(vmid, None)
            return None
        node = again
    raise Missing(f"{kind}/{vmid} is said to be on {node}, but is not there; it may be migrating: try again")


def _any_node(api: Api) -> str:
    """A node to ask for a guest that is on none: one that is not allowed to see it says so there."""
    rows = api.facts.of_type("node")
    online = [str(row["node"]) for row in rows if row.get("status") == "online"]
    if not online:
        raise Missing("no node of the cluster is online, or the connection's identity may not see them (Sys.Audit)")
    return online[0]


def _config(api: Api, place: Place) -> Values | None:
    try:
        config: Values = api.get(f"{place.path}/config")
    except ApiRefused as refused:
        if refused.says(GONE):
            return None
        raise
    return config


def find_unlocked(api: Api, kind: str, vmid: int) -> tuple[Place, Values] | None:
    """As `find`, once the task that makes the guest, perhaps of a run that died, is through."""
    while True:
        found = find(api, kind, vmid)
        if found is None or found[1].get("lock") not in PASSING_LOCKS:
            return found
        lock = found[1]["lock"]
        api.say(f"waiting for the {lock} of {kind}/{vmid}")
        if time.monotonic() + LOCK_PAUSE > api.deadline:
            raise TookTooLong(f"{kind}/{vmid} is still locked ({lock}); its task is in the node's task list")
        time.sleep(LOCK_PAUSE)


def ours(api: Api, kind: str, vmid: int) -> bool:
    """Whether there is a guest with our own mark; one that may not be looked at is not ours."""
    try:
        found = find_unlocked(api, kind, vmid)
    except ApiRefused:
        return False
    return found is not None and owner_in(found[1].get("description")) == api.owner


def source_row(facts: Facts, kind: str, clone: Values, node: str | None) -> Row | None:
    """The guest to clone; of several with that name a template, and the one on the same node."""
    rows = [
        row
        for row in facts.of_type(kind)
        if (row.get("vmid") == clone["vmid"] if clone.get("vmid") else row.get("name") == clone["name"])
    ]
    rows.sort(key=lambda row: (not row.get("template"), row.get("node") != node, row["vmid"]))
    return rows[0] if rows else None
