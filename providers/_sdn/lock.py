"""Proxmox's lock of the SDN configuration, and whose changes lie pending in it.

Proxmox 9 hands out a token, and refuses every change without it; before, there is no lock, and what is pending has to
be looked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, ProxmoxError, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.ownership import owner_in
from providers._sdn.journal import Journal
from providers._sdn.objects import AT_ONCE, KINDS, SINCE_LOCK, Ask, Key, SdnObject, comparable, from_row, rows_of
from providers._sdn.staging import Item, Share, Step

LOOK_AGAIN = 1.0
LOCKED = "invalid lock token"
PENDING = "has pending changes"
FIRST_WITH_LOCK = 9
BY_HAND = "`pvesh delete /cluster/sdn/lock --force 1` on a node breaks it"


@dataclass(frozen=True)
class Pending:
    """A change of one object that is configured and not applied."""

    step: Step
    """From what runs to what is configured."""
    state: str
    """`new`, `changed` or `deleted`."""
    options: Mapping[str, Any]
    """The options that change; `deleted` for one that goes."""

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.step.object.words} ({self.state})"

    @property
    def announcement(self) -> tuple[str, str]:
        """What a program that makes the object says of it."""
        return KINDS[self.step.object.kind].word, self.step.object.id


def has_lock(facts: Facts) -> bool:
    """Whether this release has the lock, a dry run and fabrics."""
    about = facts.look("/version") or {}
    return int(str(about.get("release", FIRST_WITH_LOCK)).partition(".")[0]) >= FIRST_WITH_LOCK


def pending_changes(facts: Facts, ask: Ask, vnets: Iterable[str]) -> list[Pending]:
    """What is configured and does not run, whoever did it; of subnets those of the named VNets."""
    kinds = [kind for kind in KINDS if kind not in AT_ONCE and (has_lock(facts) or kind not in SINCE_LOCK)]
    rows = [(kind, row) for kind in kinds for row in rows_of(ask, kind, {"pending": 1}, vnets)]
    return [_pending(kind, row) for kind, row in rows if "state" in row]


def _pending(kind: str, row: Mapping[str, Any]) -> Pending:
    state, changed = str(row["state"]), dict(row.get("pending") or {})
    gone = tuple(sorted(name for name, value in changed.items() if value == "deleted"))
    old = from_row(kind, row) if state != "new" else None
    new = from_row(kind, {name: value for name, value in {**row, **changed}.items() if name not in gone})
    return Pending(Step(old, new if state != "deleted" else None, gone), state, changed)


def foreign(changes: Iterable[Pending], shares: list[Share], stack: str, left: frozenset[Key]) -> list[Pending]:
    """The pending changes that are neither a died run's of ours nor on the way to what is wanted."""
    return [
        change
        for change in changes
        if change.step.object.key not in left and not _marked(change, stack) and not _on_the_way(change, shares)
    ]


def _marked(change: Pending, stack: str) -> bool:
    """A new VNet of the same stack: a run that died has staged it."""
    owner = owner_in(change.options.get("alias"))
    return change.state == "new" and owner is not None and owner.stack == stack


def _on_the_way(change: Pending, shares: list[Share]) -> bool:
    key = change.step.object.key
    if change.state == "new":
        return any(key in share.wanted for share in shares)
    if change.state == "deleted":
        return any(key in share.before and key not in share.wanted for share in shares)
    return any(_as_wanted(change, share.wanted[key]) for share in shares if key in share.wanted)


def _as_wanted(change: Pending, wanted: SdnObject) -> bool:
    options = wanted.over(change.step.object).options
    return all(
        name not in options if value == "deleted" else comparable(options.get(name, "")) == comparable(value)
        for name, value in change.options.items()
    )


class Lock:
    """The lock for one transaction; `token` are the parameters that every change has to carry."""

    def __init__(self, api: Api, journal: Journal, items: list[Item]) -> None:
        self._api = api
        self._journal = journal
        self._items = items
        self._there = has_lock(api.facts)
        self.token: dict[str, str] = {}
        self.pending = False
        """Whether something was pending already."""
        self.foreign: list[Pending] = []
        """Other people's pending changes, which are applied along."""

    def take(self) -> None:
        """Have the lock, with nothing foreign pending unless somebody allows it, or nothing is to be applied."""
        while not self._journal.open():
            _wait(self._api, "another run on this machine changes the SDN configuration")
        at_once = all(kind in AT_ONCE for item in self._items for kind, _ in item.share.keys)
        if not self._there:
            if not at_once:
                self._judge()
            return
        if self._journal.token:
            self._break_our_own(self._journal.token)
        try:
            self._acquire(self._api, {"allow-pending": 1} if at_once else {})
        except ApiRefused as refused:
            if not refused.says(PENDING):
                raise
            self._judge()
            self._acquire(self._api, {"allow-pending": 1})

    def send(self, api: Api, step: Step) -> None:
        """Send a step: with the token, or with the lock given back for as long as a request takes that has none."""
        if not (step.without_lock and self.token):
            step.carry_out(api, self.token)
            return
        self.release(api)
        try:
            step.carry_out(api, {})
        finally:
            self._acquire(api, {"allow-pending": 1})
            self._journal.note(self.token["lock-token"])

    def carry_out(self, item: Item, todo: Iterable[Step]) -> None:
        """Send an item's steps; where one is refused, those before it are taken back."""
        for step in todo:
            try:
                self.send(item.api, step)
            except Exception:
                self.take_back(item.api, item)
                raise
            item.done.append(step)

    def take_back(self, api: Api, item: Item) -> None:
        """Undo what an item has staged, the last first."""
        while item.done:
            self.send(api, item.done[-1].inverse)
            item.done.pop()

    def release(self, api: Api) -> None:
        """Give it back; what comes from somebody else breaking it meanwhile is no concern any more."""
        token, self.token = self.token, {}
        if token:
            try:
                api.delete("/cluster/sdn/lock", token)
            except ApiRefused as refused:
                if not refused.says(LOCKED):
                    raise

    def _acquire(self, api: Api, parameters: dict[str, int]) -> None:
        while True:
            try:
                token = str(api.post("/cluster/sdn/lock", parameters))
            except ApiRefused as refused:
                if not refused.says(LOCKED):
                    raise
                _wait(api, f"somebody else holds the lock of the SDN configuration; {BY_HAND}")
            else:
                self.token = {"lock-token": token}
                return

    def _break_our_own(self, token: str) -> None:
        """The lock that a died run has left; it may be gone, or somebody else's by now."""
        try:
            self._api.delete("/cluster/sdn/lock", {"lock-token": token})
        except ApiRefused as refused:
            if not refused.says(LOCKED):
                raise

    def _judge(self) -> None:
        vnets = [str(row["vnet"]) for row in rows_of(self._api.get, "vnets", {})]
        changes = pending_changes(self._api.facts, self._api.get, vnets)
        self.pending = bool(changes)
        shares = [item.share for item in self._items]
        self.foreign = foreign(changes, shares, self._api.owner.stack, self._journal.left)
        if self.foreign and not any(share.apply_foreign for share in shares):
            named = ", ".join(change.words for change in self.foreign)
            raise ProxmoxError(
                f"somebody else has staged changes of the SDN configuration that an apply would carry out: {named}; "
                f"apply them or take them back, or set apply_foreign=True"
            )


def _wait(api: Api, why: str) -> None:
    """For a moment, if there is one left."""
    api.say(f"waiting: {why}")
    if time.monotonic() + LOOK_AGAIN > api.deadline:
        raise TookTooLong(why)
    time.sleep(LOOK_AGAIN)
