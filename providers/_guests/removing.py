"""Removing a guest: what depends on it goes first, so that nothing of it is left and nobody starts it again."""

from __future__ import annotations

import re
import time

from providers._guests import power
from providers._guests.place import GONE, Place
from providers._runtime.api import Api, quoted
from providers._runtime.errors import AlreadyThere, ApiRefused, DataAtRisk
from providers._runtime.model import Values
from providers._runtime.ownership import owner_in

HA_WORDS = {"qemu": "vm", "lxc": "ct"}
UNMANAGED = r"not HA managed|no such resource"
NO_JOB = r"no such job"
REPLICATION_SECONDS = 90.0
"""Replication looks once a minute for jobs that are to go, with the copies that they have made."""
PAUSE = 2.0


def refuse(api: Api, place: Place, raw: Values) -> None:
    """Before anything is touched."""
    owner = owner_in(raw.get("description"))
    if owner is not None and owner.stack != api.owner.stack:
        raise AlreadyThere(f"{place.id} belongs to stack {owner.stack}, and this one does not remove it")
    if str(raw.get("protection", 0)) == "1":
        raise DataAtRisk(f"{place.id} has protection set and stays; set protection=False, run `up`, then remove it")
    clones = linked_clones(api, place, raw)
    if clones:
        named = ", ".join(str(vmid) for vmid in clones)
        raise DataAtRisk(
            f"{place.id} is the template that guests {named} are linked clones of, and stays: their disks would be "
            f"lost; remove them first, or copy their disks by moving them to another storage"
        )


def linked_clones(api: Api, place: Place, raw: Values) -> list[int]:
    """The guests whose disks stand on those of a template; a storage that copies what they share tells of none."""
    if str(raw.get("template", 0)) != "1":
        return []
    base = re.compile(rf"([^:,]+):(?:\d+/)?base(?:vol)?-{place.vmid}-disk-")
    storages = {found[1] for text in raw.values() if (found := base.match(str(text)))}
    content = "images" if place.kind == "qemu" else "rootdir"
    rows = [row for storage in storages for row in api.facts.content(place.node, storage, content)]
    linked = [row for row in rows if base.match(str(row["volid"])) and row.get("vmid") != place.vmid]
    return sorted({int(row["vmid"]) for row in linked if row.get("vmid")})


def remove(api: Api, place: Place, raw: Values) -> None:
    """HA lets go of it, it is stopped, its replication ends, and it is destroyed with its volumes and firewall."""
    if power.is_managed(api, place):
        _unless(api, f"/cluster/ha/resources/{HA_WORDS[place.kind]}:{place.vmid}", UNMANAGED)
    if str(raw.get("template", 0)) != "1" and power.is_running(api, place):
        power.stop_with_others(api, place)
    if len(api.facts.of_type("node")) > 1:
        _end_replication(api, place)
    try:
        api.run(f"removing {place.id}", "DELETE", place.path, {"purge": 1, "destroy-unreferenced-disks": 0})
    except ApiRefused as refused:
        if not refused.says(GONE):
            raise
    api.facts.place(place.vmid, None)


def _end_replication(api: Api, place: Place) -> None:
    """The copies on other nodes are removed by the jobs themselves, so these have to end before the guest does."""
    jobs = [str(row["id"]) for row in api.facts.look("/cluster/replication") or () if row.get("guest") == place.vmid]
    for job in jobs:
        _unless(api, f"/cluster/replication/{quoted(job)}", NO_JOB)
    patience = min(REPLICATION_SECONDS, (api.deadline - time.monotonic()) / 2)
    until = time.monotonic() + patience
    while jobs and set(jobs) & {str(row["id"]) for row in api.get("/cluster/replication")}:
        if time.monotonic() + PAUSE > until:
            api.warn(f"replication of {place.id} has not ended in {patience:.0f} s: copies may stay on other nodes")
            return
        api.say(f"waiting for the end of the replication of {place.id}")
        time.sleep(PAUSE)


def _unless(api: Api, path: str, gone: str) -> None:
    """Delete something that may be gone already."""
    try:
        api.delete(path)
    except ApiRefused as refused:
        if not refused.says(gone):
            raise
