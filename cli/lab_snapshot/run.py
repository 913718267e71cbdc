"""A snapshot of each guest of a lab, under one name and with this program's mark.

Each of the actions may fail for a guest and can then be repeated: what is done stays done, and the rest is gone on
with. Guests are taken as they run, in the order of stopping, so that a database is never older than what wrote to it.
To go back, all that runs is stopped in that order, every guest goes back, and those start again that ran when they
were taken; repeated, this is done to all of them once more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from cli.lab_snapshot.order import Rank, rank, stages
from lab_outputs import Guest
from providers._guests import power
from providers._guests.place import Place
from providers._guests.target import target
from providers._runtime.api import Api
from providers._runtime.client import Client
from providers._runtime.errors import ProxmoxError
from providers._runtime.facts import Facts
from providers._runtime.ownership import Owner, owner_in
from providers._runtime.registry import handler_of

AT_ONCE = 8
RAN, DID_NOT = "of the whole lab; it ran", "of the whole lab; it did not run"
CURRENT = "current"
"""What Proxmox calls the guest itself among its snapshots."""

Row = dict[str, Any]
Step = Callable[["Member"], None]


class LabSnapshotError(Exception):
    """An action that can't be begun; the text says why."""


@dataclass(frozen=True)
class Member:
    """A guest of the lab as it is on its host."""

    name: str
    api: Api
    place: Place
    rank: Rank
    rows: tuple[Row, ...]
    """Its snapshots."""

    def row(self, snapname: str) -> Row | None:
        """One of them."""
        return next((row for row in self.rows if row["name"] == snapname), None)

    def has(self, snapname: str) -> bool:
        """Whether it has one that was taken of the whole lab."""
        row = self.row(snapname)
        return row is not None and owner_in(row.get("description")) == self.api.owner


@dataclass
class Result:
    """How an action went."""

    action: str
    snapname: str
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Guest -> why."""
    left: list[str] = field(default_factory=list)
    """Guests that were not begun with, or have not been started again."""


@dataclass(frozen=True)
class Listed:
    """One snapshot of the lab."""

    name: str
    taken: int
    """When the last of its guests was, in seconds since 1970."""
    guests: list[str]
    missing: list[str]
    """Guests that do not have it."""


class LabSnapshots:
    """The snapshots of one lab."""

    def __init__(self, members: Iterable[Member], say: Callable[[str], None]) -> None:
        self._members = {member.name: member for member in members}
        self._up = stages({name: member.rank for name, member in self._members.items()})
        self._say = say

    @property
    def down(self) -> list[list[str]]:
        """The guests by stage, in the order in which they stop."""
        return self._up[::-1]

    def listed(self) -> list[Listed]:
        """The snapshots of the lab, the oldest first."""
        taken: dict[str, int] = {}
        for member in self._members.values():
            for row in member.rows:
                name = str(row["name"])
                if member.has(name):
                    taken[name] = max(taken.get(name, 0), int(row.get("snaptime", 0)))
        return [Listed(name, taken[name], *self._split(name)) for name in sorted(taken, key=lambda name: taken[name])]

    def _split(self, snapname: str) -> tuple[list[str], list[str]]:
        """Who has it, and who does not."""
        having = [name for name, member in self._members.items() if member.has(snapname)]
        return having, [name for name in self._members if name not in having]

    # ------------------------------------------------------------ what can be done

    def take(self, snapname: str) -> Result:
        """Of all that have none of the name yet."""
        others = [name for name, member in self._members.items() if member.row(snapname) and not member.has(snapname)]
        if others:
            raise LabSnapshotError(
                f"{', '.join(others)}: there is a snapshot {snapname} already that is not of the whole lab; "
                "take another name"
            )
        result = Result("take", snapname, done=self._split(snapname)[0])
        self._by_stage(result, self.down, "taken", lambda member: _take(member, snapname))
        return result

    def remove(self, snapname: str) -> Result:
        """From all that have it."""
        having, _ = self._known(snapname)
        result = Result("remove", snapname)
        self._by_stage(result, [having], "removed", lambda member: _remove(member, snapname))
        return result

    def rollback(self, snapname: str) -> Result:
        """All guests or, where one of them does not have it, none."""
        _, lacking = self._known(snapname)
        if lacking:
            raise LabSnapshotError(
                f"{', '.join(lacking)} {'has' if len(lacking) == 1 else 'have'} no snapshot {snapname} of the whole "
                f"lab, so that nothing goes back; `take {snapname}` takes what is missing, as it is now"
            )
        result = Result("rollback", snapname)
        stopped = Result("rollback", snapname)
        self._by_stage(stopped, self.down, "stopped", _stop)
        if not stopped.failed:
            self._by_stage(result, [list(self._members)], "went back", lambda member: _go_back(member, snapname))
        result.failed = {**stopped.failed, **result.failed}
        if result.failed:
            result.left = [name for name in self._members if name not in {*result.done, *result.failed}]
            return result
        started = Result("rollback", snapname)
        self._by_stage(started, self._up, "as it was", lambda member: _start(member, snapname))
        return started

    def _known(self, snapname: str) -> tuple[list[str], list[str]]:
        """Who has it and who does not; somebody has to."""
        having, lacking = self._split(snapname)
        if not having:
            known = ", ".join(each.name for each in self.listed()) or "none"
            raise LabSnapshotError(f"the lab has no snapshot {snapname}; it has {known}")
        return having, lacking

    def _by_stage(self, result: Result, order: list[list[str]], done: str, step: Step) -> None:
        """The guests of a stage side by side; where one fails, no further stage is begun."""
        for stage in order:
            todo = [name for name in stage if name not in result.done]
            if result.failed:
                result.left += todo
                continue
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for name, why in zip(todo, pool.map(lambda name: self._tried(name, step), todo), strict=True):
                    if why is None:
                        result.done.append(name)
                        self._say(f"{name}: {done}")
                    else:
                        result.failed[name] = why
                        self._say(f"{name}: failed: {why}")

    def _tried(self, name: str, step: Step) -> str | None:
        try:
            step(self._members[name])
        except ProxmoxError as problem:
            return str(problem)
        return None


# ---------------------------------------------------------------- one guest


def look(guests: Mapping[str, tuple[Guest, Client]], stack: str, patience: float) -> list[Member]:
    """The guests as they are now, each with the connection to its host."""
    clients = {id(client): client for _, client in guests.values()}
    facts = {key: Facts(client) for key, client in clients.items()}
    deadline = time.monotonic() + patience

    def member(name: str) -> Member | str:
        guest, client = guests[name]
        owner = Owner.of_urn(f"urn:pulumi:{stack}::proxmox::lab-snapshot::{name}")
        api = Api(client, facts[id(client)], owner, deadline)
        place = target(api, guest.vmid)
        if place is None:
            return name
        config, rows = api.get(f"{place.path}/config"), api.get(f"{place.path}/snapshot")
        others = tuple(row for row in rows if row["name"] != CURRENT)
        return Member(name, api, place, rank(config.get("startup"), guest.groups), others)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(member, guests))
    gone = [each for each in found if isinstance(each, str)]
    if gone:
        raise LabSnapshotError(f"{', '.join(gone)}: not there, or not to be seen by its connection (VM.Audit)")
    return [each for each in found if isinstance(each, Member)]


def _take(member: Member, snapname: str) -> None:
    about = RAN if power.is_running(member.api, member.place) else DID_NOT
    handler_of("snapshot").create(member.api, {"vmid": member.place.vmid, "snapname": snapname, "description": about})


def _remove(member: Member, snapname: str) -> None:
    handler_of("snapshot").delete(member.api, f"{member.place.id}/snapshot/{snapname}", {})


def _stop(member: Member) -> None:
    if power.is_running(member.api, member.place):
        power.stop(member.api, member.place)


def _go_back(member: Member, snapname: str) -> None:
    what = f"going back to {member.place.id}/snapshot/{snapname}"
    member.api.run(what, "POST", f"{member.place.path}/snapshot/{snapname}/rollback")


def _start(member: Member, snapname: str) -> None:
    """If it ran then."""
    row = member.row(snapname) or {}
    if str(row.get("description", "")).startswith(RAN) and not power.is_running(member.api, member.place):
        power.start(member.api, member.place)
