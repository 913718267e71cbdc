"""Doing something with many guests in one task: in their startup order, a few at a time, each in a task of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.errors import ApiError, LockBusy, PermissionDenied, TaskError
from simulator.ha.state import sid_of
from simulator.propstring import split
from simulator.records import Guest, Task
from simulator.routing import Call, Handler
from simulator.state import Datacenter
from simulator.tasks import Step, Steps, TaskRun

_POLL = 1.0
_MOST_WORKERS = 8
WORDS = {"qemu": "VM", "lxc": "CT"}
Begin = Callable[[Guest], str | None]
"""Starts a guest's task and returns its UPID, or None when there is nothing to do; raises ApiError or Skipped."""
Ended = Callable[[Guest, str], Steps]
"""What is done when a guest's task has ended, with its exit status."""


class Skipped(Exception):
    """A guest is left out, which is worth a warning; the text says why."""


def check_rights(call: Call, vms: Iterable[str], privileges: list[str]) -> None:
    """Refuse the call unless its user may do this to each of the guests, or to all where none is named."""
    named = list(vms)
    for vmid in named:
        call.access.require(f"/vms/{vmid}", privileges)
    if not named and not call.access.may("/", privileges):
        raise PermissionDenied(f"/, {', '.join(privileges)}")


def startup(guest: Guest) -> dict[str, int]:
    """Return a guest's place in the order of starts (`order`), and its delays (`up`, `down`)."""
    return {key: int(value) for key, value in split(guest.config.get("startup", ""), "order").items()}


def chosen(datacenter: Datacenter, node: str | None, vms: list[str], *, all_kinds: bool) -> list[Guest]:
    """Return guests by number: those that are named, or all.

    Unless all kinds are wanted there are no templates among them, and no guests of the HA manager that aren't named.
    """
    found = []
    for guest in sorted(datacenter.guests, key=lambda guest: guest.vmid):
        managed = sid_of(guest) in datacenter.ha_resources
        if (vms and str(guest.vmid) not in vms) or (node is not None and guest.node != node):
            continue
        if all_kinds or not (guest.template or (managed and not vms)):
            found.append(guest)
    return found


def by_order(guests: list[Guest], *, backwards: bool) -> list[list[Guest]]:
    """Return guests in groups of the same startup order; those without one come last, or first going backwards."""
    orders: dict[int, list[Guest]] = {}
    for guest in guests:
        orders.setdefault(startup(guest).get("order", sys.maxsize), []).append(guest)
    return [orders[order] for order in sorted(orders, reverse=backwards)]


def most_workers(call: Call) -> int:
    """Return how many tasks may run at once on a node."""
    setting = call.datacenter.options.get("max_workers")
    default = int(setting.value) if setting is not None else min(call.this_node.cpus, _MOST_WORKERS)
    return call.integer("max-workers", default)


def called(call: Call, handler: Handler, guest: Guest, values: Mapping[str, Any]) -> Any:
    """Call a method of the API for a guest, as the user of a call and on the guest's node."""
    params = {"node": guest.node, "vmid": guest.vmid, **values}
    try:
        return handler(replace(call, node=guest.node, params=params, raw=params, started=[], extra={}))
    except LockBusy as busy:
        raise ApiError(f"can't lock file '{busy.path}' - got timeout") from None


@dataclass(slots=True)
class Work:
    """What is done to many guests, and how far it is."""

    run: TaskRun
    workers: int
    begin: Begin
    ended: Ended
    failed: list[int] = field(default_factory=list)
    begun: int = 0
    _running: dict[str, Guest] = field(default_factory=dict)

    def over(self, groups: list[list[Guest]]) -> Steps:
        """Work on group after group."""
        for group in groups:
            for guest in group:
                yield from self._wait(self.workers - 1)
                upid = self._begin(guest)
                if upid is not None:
                    self.begun += 1
                    self._running[upid] = guest
                yield 0.0
            yield from self._wait(0)

    def _begin(self, guest: Guest) -> str | None:
        try:
            return self.begin(guest)
        except Skipped as skipped:
            self.run.warn(str(skipped))
        except ApiError as error:
            self.run.warn(error.message)
            self.failed.append(guest.vmid)
        return None

    def _wait(self, most: int) -> Generator[Step, None, None]:
        """Wait until no more than so many tasks run."""
        while len(self._running) > most:
            over = [task for upid in self._running if (task := self._task(upid)).exitstatus is not None]
            for task in over:
                guest, status = self._running.pop(task.upid), str(task.exitstatus)
                if is_error(status):
                    self.failed.append(guest.vmid)
                yield from self.ended(guest, status)
            if not over:
                yield _POLL

    def _task(self, upid: str) -> Task:
        return self.run.datacenter.tasks[upid]

    def check(self, what: str) -> None:
        """Fail when it failed for some guests."""
        if self.failed:
            raise TaskError(f"Some guests failed to {what}{', '.join(str(vmid) for vmid in sorted(self.failed))}")


def is_error(status: str) -> bool:
    """Tell whether an exit status is that of a task that failed."""
    return status != "OK" and not status.startswith("WARNINGS: ")
