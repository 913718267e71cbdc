"""What a change of a guest takes, slot by slot: said in the preview, and decided by in the update."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from providers._guests.volumes import PLACEMENT, Slot, grows, is_cdrom, owns_data, slots, volume_fields
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Impact
from providers._runtime.model import Problem, Values, fields_of

if TYPE_CHECKING:
    from providers._guests.handler import GuestHandler

LIVE_OPTIONS = frozenset({"backup", "replicate", "shared"})
"""Options of a volume that a running guest does not notice."""
LIMITS = ("mbps", "bps", "iops")
"""Beginnings of a volume's limits, which a running guest takes at once."""
_OF_RUNNING = ("pending", "reboot", "stop-start")
"""What a guest that does not run has no need of."""


def takes(
    handler: GuestHandler, before: Values, wanted: Values, there: Values, by_markers: dict[str, Impact]
) -> dict[str, Impact]:
    """What each change takes by itself, whatever the policies; `there`: all that is known of the guest as it is."""
    found: dict[str, Impact] = {}
    for name, marked in by_markers.items():
        if name not in volume_fields(handler.inputs) and name != "macs":
            found.update(_by_slot(handler, name, (before, wanted, there), marked))
    if "started" in found and not wanted.get("started"):
        found["started"] = "stop-start"
    old, new = slots(handler.inputs, before), slots(handler.inputs, wanted)
    for slot in sorted({*old, *new}):
        impact = _of_volume(handler, slot, (old.get(slot), new.get(slot)), there, wanted.get("on_disk_removed"))
        found.update({slot: impact} if impact else {})
    found.update(dict.fromkeys(handler.stops_for(before, wanted, there), "stop-start"))
    if before.get("started") is False:
        return {name: "live" if impact in _OF_RUNNING else impact for name, impact in found.items()}
    return found


def _by_slot(
    handler: GuestHandler, name: str, values: tuple[Values, Values, Values], marked: Impact
) -> Iterator[tuple[str, Impact]]:
    """A field as one, or the slots of a map that differ."""
    before, wanted, there = values
    spec = fields_of(handler.inputs)[name]
    if not (spec.is_map and spec.part):
        yield name, handler.plugged(name, there, wanted, marked)
        return
    old, new = before.get(name) or {}, wanted.get(name) or {}
    for slot in sorted({*old, *new}):
        if old.get(slot) != new.get(slot):
            yield slot, handler.plugged(slot, there, wanted, marked)


def _of_volume(
    handler: GuestHandler, slot: str, change: tuple[Slot | None, Slot | None], there: Values, removed: str | None
) -> Impact | None:
    old, new = change
    if new is None:
        return _of_removal(handler, slot, old, there, removed)
    if old is None:
        return "live" if handler.plugs(slot, there) else "reboot"
    if old.values == new.values:
        return None
    try:
        grows(slot, old.values.get("size"), new.values.get("size"))
    except InvalidValue:
        return "data loss"
    key = str(new.part.default_key)
    quiet = PLACEMENT | LIVE_OPTIONS | ({key} if is_cdrom(new.values.get(key, "")) else set())
    names = {name for name in {*old.values, *new.values} - quiet if not name.startswith(LIMITS)}
    return "reboot" if any(old.values.get(name) != new.values.get(name) for name in names) else "live"


def _of_removal(
    handler: GuestHandler, slot: str, old: Slot | None, there: Values, removed: str | None
) -> Impact | None:
    if removed == "keep" or old is None:
        return None
    if removed == "delete" and owns_data(old.values.get(str(old.part.default_key), "")):
        return "data loss"
    return "live" if handler.unplugs(slot, there) else "reboot"


def deeds(handler: GuestHandler, before: Values, wanted: Values) -> dict[str, str]:
    """What becomes of each volume that is added, removed, moved or grown, and of a guest on another node."""
    found = {"node": "migrates"} if "node" in before and before["node"] != wanted.get("node") else {}
    old, new = slots(handler.inputs, before), slots(handler.inputs, wanted)
    for slot in {*old, *new}:
        if slot not in new:
            found |= {slot: "detached"} if (wanted.get("on_disk_removed") or "detach") == "detach" else {}
        elif slot not in old:
            found[slot] = "added"
        else:
            there, then = old[slot].values, new[slot].values
            moves = ["moves"] if there.get("storage") != then.get("storage") else []
            words = moves + _sized(slot, there.get("size"), then.get("size"))
            found |= {slot: " and ".join(words)} if words else {}
    return found


def _sized(slot: str, before: str | None, wanted: str | None) -> list[str]:
    try:
        return ["grows"] if grows(slot, before, wanted) else []
    except InvalidValue:
        return ["shrinks"]


def by_policy(wanted: Values, found: dict[str, Impact]) -> dict[str, Impact]:
    """What will be done: without leave to reboot, what needs one is left pending."""
    reboots = wanted.get("on_reboot_needed") or "pending"
    cloud_init: Impact = "reboot" if wanted.get("on_cloud_init_change") == "reboot" else "pending"
    said: dict[Impact, Impact] = {"reboot": "pending" if reboots == "pending" else "reboot", "pending": cloud_init}
    return {name: said.get(impact, impact) for name, impact in found.items()}


def refused(
    handler: GuestHandler, before: Values, wanted: Values, there: Values, found: dict[str, Impact]
) -> Iterator[Problem]:
    """What the policies do not allow."""
    policy = wanted.get("on_reboot_needed") or "pending"
    if policy == "fail":
        for name in (name for name, impact in found.items() if impact == "reboot"):
            yield name, "the change needs a reboot of the running guest, and on_reboot_needed is `fail`"
    if policy != "reboot":
        for name, reason in handler.stops_for(before, wanted, there).items():
            if found.get(name) == "stop-start":
                yield name, f"{reason}, so the guest has to be stopped; allow that with on_reboot_needed=`reboot`"
