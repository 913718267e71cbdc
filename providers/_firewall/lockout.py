"""Nobody shuts himself out: what has to get through is asked of the firewall as it would be after a change.

Refused is a change after which something does not get through that gets through without it. Looked at is what is on
the host, with what the resources of this run have declared so far; so a resource that shuts has to depend on those
that open, as it has to for `up` to do things in that order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, NotRequired, TypedDict

import pulumi
from pydantic import AfterValidator, Field

from providers._firewall.declared import Change
from providers._firewall.on_host import on_host
from providers._firewall.packet import Address
from providers._firewall.ruleset import CLUSTER, Level, Ruleset, Unresolved
from providers._firewall.verdict import Firewalls
from providers._firewall.ways import Managed, Way, seen_by_nodes, ways
from providers._runtime.api import Api
from providers._runtime.errors import ShutsOut
from providers._runtime.facts import Facts
from providers._runtime.markers import Local
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner

ALLOWED = "lockout_allowed"
_MEANT = f"if that is meant, set {ALLOWED}=True"


def _address(text: str) -> str:
    return str(ip_address(text))


class LockoutInputs(Inputs):
    """A declaration that may shut somebody out."""

    lockout_allowed: Annotated[bool | None, Local()] = Field(
        default=None,
        description="Whether the change may shut out the connection itself, or nodes of the cluster from each other.",
    )


class ManagedInputs(LockoutInputs):
    """The same where a guest may be shut off as well."""

    management_address: Annotated[str | None, Local(), AfterValidator(_address)] = Field(
        default=None,
        description="Guest: its address at which it has to stay reachable from here over SSH; a change that shuts it "
        "out is refused.",
    )


class LockoutArgs(TypedDict):
    """Arguments that say that it is meant."""

    lockout_allowed: NotRequired[pulumi.Input[bool] | None]


class ManagedArgs(LockoutArgs):
    """The same where a guest may be shut off as well."""

    management_address: NotRequired[pulumi.Input[str] | None]


class Lockout:
    """The account of a run: what its resources do to the firewall of one connection."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._guard = threading.Lock()
        self._changes: dict[str, Change] = {}
        self._managed: dict[str, Managed] = {}
        self.doubts: dict[str, str] = {}
        """Why something could not be told -> the first thing that could not."""

    def refusals(self, owner: Owner, change: Change, managed: Managed | None, *, allowed: bool) -> list[str]:
        """What this change would shut out, in words; one that is not refused counts for all others from then on."""
        with self._guard:
            others = [each for key, each in self._changes.items() if key != owner.key]
            if managed:
                self._managed[owner.key] = managed
            refused = [] if self._is_off([*others, change]) or allowed else list(self._refusals(others, change))
            if not refused:
                self._changes.pop(owner.key, None)
                self._changes[owner.key] = change
            return refused

    def _is_off(self, changes: list[Change]) -> bool:
        """Whether the firewall is off, and nobody of this run switches it on: then nothing else is asked."""
        options = self._facts.look("/cluster/firewall/options")
        after = _after(Ruleset({CLUSTER: Level(options or {})}), changes)
        return options is not None and not after.cluster.flag("enable", default=False)

    @cached_property
    def _now(self) -> Ruleset:
        """The host as this run found it."""
        return on_host(self._facts)

    @cached_property
    def _seen(self) -> Address | None:
        return seen_by_nodes(self._facts.client, self._now)

    @cached_property
    def _ways(self) -> list[Way]:
        return ways(self._facts.client.connection, self._now, self._seen)

    def _refusals(self, others: list[Change], change: Change) -> Iterator[str]:
        try:
            before, after = _after(self._now, others), _after(self._now, [*others, change])
            guests = [managed.way(after, self._seen) for managed in self._managed.values()]
        except Unresolved as problem:
            self.doubts.setdefault(str(problem), "somebody")
            return
        firewalls, firewalls_before = Firewalls(after), Firewalls(before)
        for way in (*self._ways, *filter(None, guests)):
            try:
                last = way.end(firewalls)
                if not last.passes and way.end(firewalls_before).passes:
                    yield f"{way.what} would be shut out: {way.packet} is stopped {last.place} by {last.by}"
            except Unresolved as problem:
                self.doubts.setdefault(str(problem), way.what)


def _after(ruleset: Ruleset, changes: list[Change]) -> Ruleset:
    for change in changes:
        ruleset = change(ruleset)
    return ruleset


def lockout_problems(facts: Facts, owner: Owner, field: str, wanted: Values, change: Change) -> Iterator[Problem]:
    """Why a change of the firewall is refused, unless the resource allows it."""
    address, vmid = wanted.get("management_address"), wanted.get("vmid")
    managed = Managed(vmid, address) if address and vmid else None
    refused = facts.shared(Lockout).refusals(owner, change, managed, allowed=bool(wanted.get(ALLOWED)))
    if refused:
        yield field, f"{_told(refused)}; let this resource depend on the one that lets it in, or {_MEANT}"


def refuse_lockout(api: Api, values: Values, change: Change) -> None:
    """The same for a removal, which no preview asks about."""
    refused = api.facts.shared(Lockout).refusals(api.owner, change, None, allowed=bool(values.get(ALLOWED)))
    if refused:
        raise ShutsOut(f"without it {_told(refused)}; take it away after what shuts, or {_MEANT} and go on with `up`")


def _told(refused: list[str]) -> str:
    return refused[0] + (f" (and {len(refused) - 1} more)" if refused[1:] else "")


def lockout_doubts(facts: Facts) -> Iterator[str]:
    """What the check could not tell, once it was made."""
    for why, what in facts.shared(Lockout).doubts.items():
        yield f"whether the firewall shuts out {what} can't be told: {why}"
