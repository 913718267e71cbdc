"""Which backups stay: the rules of `prune-backups`.

Each rule keeps the newest backup of so many hours, days, weeks and so on, beginning with the newest one; what an
earlier rule keeps uses no place up in a later one. Backups that are protected, or that have a name of somebody's
own, are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulator.backup.names import parse, zone_of
from simulator.errors import ApiError
from simulator.guests.formats import PRUNE_BACKUPS
from simulator.guests.storages import StorageView
from simulator.records import Volume

KEEP, REMOVE, PROTECTED, RENAMED = "keep", "remove", "protected", "renamed"
_PERIODS: Mapping[str, Callable[[datetime], object]] = {
    "keep-last": lambda moment: moment.timestamp(),
    "keep-hourly": lambda moment: (moment.date(), moment.hour),
    "keep-daily": lambda moment: moment.date(),
    "keep-weekly": lambda moment: moment.isocalendar()[:2],
    "keep-monthly": lambda moment: (moment.year, moment.month),
    "keep-yearly": lambda moment: moment.year,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A backup, and what is to become of it (nothing decided yet when the mark is empty)."""

    volid: str
    type: str
    vmid: int | None
    ctime: int
    mark: str = ""

    def row(self) -> dict[str, Any]:
        """Return it as clients get it."""
        row: dict[str, Any] = {"volid": self.volid, "type": self.type, "ctime": self.ctime, "mark": self.mark}
        return row if self.vmid is None else row | {"vmid": self.vmid}


def parse_keep(text: str) -> dict[str, int]:
    """Read the rules of a property string."""
    return {name: int(value) for name, value in PRUNE_BACKUPS.parse(text, "prune-backups").items()}


def keep_text(keep: Mapping[str, int]) -> str:
    """Write rules as task logs do."""
    return ", ".join(f"{name}={keep[name]}" for name in sorted(keep))


def entry_of(volume: Volume, zone: ZoneInfo) -> Entry:
    """Return a backup with the mark that follows from itself alone."""
    name = parse(volume.name, zone)
    mark = PROTECTED if volume.protected else RENAMED if name.moment is None else ""
    ctime = volume.ctime if name.moment is None else name.moment
    return Entry(volume.volid, name.type or "unknown", name.vmid, ctime, mark)


def marked(entries: Iterable[Entry], keep: Mapping[str, int], zone: ZoneInfo) -> list[Entry]:
    """Decide about backups, each guest's by themselves."""
    result, groups = [], dict[tuple[str, int | None], list[Entry]]()
    for entry in entries:
        if entry.mark:
            result.append(entry)
        else:
            groups.setdefault((entry.type, entry.vmid), []).append(entry)
    for group in groups.values():
        result += _marked_group(sorted(group, key=lambda entry: -entry.ctime), keep, zone)
    return result


def _marked_group(newest_first: list[Entry], keep: Mapping[str, int], zone: ZoneInfo) -> list[Entry]:
    rules = {name: keep.get(name, 0) for name in _PERIODS if keep.get(name, 0) > 0}
    if keep.get("keep-all") or not rules:
        return [replace(entry, mark=KEEP) for entry in newest_first]
    marks: dict[int, str] = {}
    moments = [datetime.fromtimestamp(entry.ctime, zone) for entry in newest_first]
    for name, count in rules.items():
        _apply(marks, [_PERIODS[name](moment) for moment in moments], count)
    return [replace(entry, mark=marks.get(place, REMOVE)) for place, entry in enumerate(newest_first)]


def _apply(marks: dict[int, str], periods: list[object], count: int) -> None:
    """Keep the newest undecided backup of each of the next `count` periods that have none yet."""
    done = {period for place, period in enumerate(periods) if marks.get(place) == KEEP}
    taken: set[object] = set()
    for place, period in enumerate(periods):
        if place in marks or period in done:
            continue
        if period in taken:
            marks[place] = REMOVE
        elif len(taken) < count:
            taken.add(period)
            marks[place] = KEEP
        else:
            break


def rules_of(view: StorageView, storage: str, given: str | None) -> dict[str, int]:
    """Return the rules of a call, else those of the storage, or refuse."""
    options = view.section(storage).options
    if "backup" not in view.contents(storage):
        raise ApiError(f"storage '{storage}' does not support backups")
    text = given if given is not None else options.get("prune-backups")
    if text is None:
        raise ApiError(f"no prune-backups options configured for storage '{storage}'")
    return parse_keep(text)


def backups(view: StorageView, storage: str, vmid: int | None = None) -> list[Volume]:
    """Return the backups on a storage, of one guest or of all."""
    if vmid is None:
        found = view.volumes(storage)
    else:
        place = (storage, view.place(storage))
        found = [row for row in view.datacenter.volumes.by("vmid", vmid) if (row.storage, row.node) == place]
    return [volume for volume in found if volume.content == "backup"]


def decide(view: StorageView, storage: str, keep: Mapping[str, int], vmid: int | None, kind: str | None) -> list[Entry]:
    """Decide about the backups on a storage: of one guest, or of one type of guests, or all."""
    view.available(storage)
    zone = zone_of(view.datacenter.nodes[view.node])
    entries = [entry_of(volume, zone) for volume in backups(view, storage, vmid)]
    return marked([entry for entry in entries if kind in (None, entry.type)], keep, zone)
