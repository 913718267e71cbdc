"""The drill itself: who has the moving address is lost, and what becomes of everything is measured.

A guest on another host watches: it sends a ping ten times a second to the address, and asks the services. What answered
before has to answer again, and what HA had under it on a lost host has to run elsewhere. Then what was lost is there
again, and so is, in the end, the address: at one member, and at no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace

from cli import drill_ask, drill_ping
from cli.drill_ping import Loss
from cli.drill_power import Way
from cli.drill_site import PAUSE, Site
from cli.drill_watch import Watcher, watcher
from lab_outputs import Vip
from providers._runtime.command import Finished

SETTLED = 60.0
"""Seconds until the first holder has the address again, if it gets it back at all."""
CALM = 10.0
"""Seconds for which the first member may still be about to have the address, as after a change of all members."""
AFTER = 0.5
"""Seconds of pings that follow."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A guest that HA has started elsewhere."""

    name: str
    node: str
    """Where it runs now."""
    seconds: float
    """After the loss, in Proxmox's time."""


@dataclass(frozen=True, kw_only=True)
class Back:
    """The way back of the address."""

    holder: str
    """Who has it in the end."""
    seconds: float | None
    """Since what was lost is there again; None where it has stayed with another one."""
    loss: Loss | None = None


@dataclass(kw_only=True)
class Figures:
    """What was measured."""

    lost: str
    """What was lost."""
    node: str
    """The host that died, or on which it was."""
    address: str
    holder: str | None
    """Who had the address; None where nobody is seen to have it."""
    successor: str | None = None
    loss: Loss | None = None
    moved: list[Moved] = field(default_factory=list)
    services: dict[str, float] = field(default_factory=dict)
    """Service -> seconds after the loss until it answered; 0 where it never ceased to."""
    back: Back | None = None
    """None where what was lost is still away, or nobody was seen to have the address."""
    missing: list[str] = field(default_factory=list)
    """What has not come back in time."""
    speed: float = 1.0
    """Seconds of Proxmox's time in one of ours: a simulator's HA managers are quicker."""
    notes: list[str] = field(default_factory=list)
    """What could not be measured, and what is left to do."""


def drill(site: Site, vip: Vip, pick: Callable[[str | None], Way], patience: float) -> Figures:
    """Do it; `pick` is told who has the address, says what is lost, and raises where nothing may be."""
    holder = _holder(site, vip)
    way = pick(holder)
    node = site.place(holder or vip.members[0])
    figures = Figures(lost=way.lost, node=node, address=vip.address, holder=holder, speed=way.speed)
    if holder is None:
        figures.notes.append(f"nobody is seen to have {vip.address}, so that its way is not measured")
    run = _Run(site, way, vip, watcher(site, vip, node), figures)
    run.measure(patience)
    return figures


def _holder(site: Site, vip: Vip) -> str | None:
    """Who has the address: the first member, as long as it can, and nobody else."""
    end = time.monotonic() + CALM
    while (holders := site.holders(vip)) and holders != [vip.members[0]] and time.monotonic() < end:
        time.sleep(PAUSE)
    return next(iter(holders), None)


class _Run:
    """One loss."""

    def __init__(self, site: Site, way: Way, vip: Vip, watching: Watcher, figures: Figures) -> None:
        self._site, self._way, self._vip, self._watcher, self._figures = site, way, vip, watching, figures
        urls = {name: url for name, url in site.lab.endpoints.items() if drill_ask.can_ask(url)}
        self._services = {name: url for name, url in urls.items() if watching.hears(url)}

    def measure(self, patience: float) -> None:
        """From the loss until everything is as it was before, as far as that can be done from here."""
        ran, figures = self._running(), self._figures
        with ThreadPoolExecutor(1 + len(self._services)) as pool, ExitStack() as undo:
            undo.callback(self._way.restore)
            with self._pinging(patience) as pings:
                lost = self._way.lose()
                heard = {
                    name: pool.submit(self._until_heard, url, lost, patience) for name, url in self._services.items()
                }
                end = lost + min(patience, self._way.longest)
                self._until_moved(ran, lost, end)
                wait(heard.values(), end - time.monotonic())
                figures.successor = self._successor() or figures.successor
                late = [name for name, each in heard.items() if not each.done()]
            figures.loss = self._loss(pings)
            with self._pinging(SETTLED) as pings:
                undo.pop_all()
                left = self._way.restore()
                came = self._come_back(ran, patience) if left is None else None
            figures.notes += [] if left is None else [left]
            figures.back = replace(came, loss=self._loss(pings)) if came else None
            self._note_services(heard, late)

    def _running(self) -> dict[int, str]:
        """VMID -> name of what runs on the node that is to be lost."""
        rows = self._site.guests()
        mine = {vmid: row for vmid, row in rows.items() if row["node"] == self._way.node}
        return {vmid: str(row["name"]) for vmid, row in mine.items() if row["status"] == "running"}

    def _pinging(self, seconds: float) -> AbstractContextManager[Future[Finished] | None]:
        """Meanwhile; not where nobody has the address."""
        return self._watcher.pings(self._vip.address, seconds) if self._figures.holder else nullcontext()

    def _loss(self, pings: Future[Finished] | None) -> Loss | None:
        return drill_ping.loss(pings.result().out.decode(errors="replace")) if pings else None

    def _until_heard(self, url: str, lost: float, patience: float) -> float | None:
        """Seconds until a service has answered; None if it never did."""
        while time.monotonic() < lost + patience:
            if self._watcher.hears(url):
                return round(time.monotonic() - lost, 1)
            time.sleep(PAUSE)
        return None

    def _until_moved(self, ran: dict[int, str], lost: float, end: float) -> None:
        """The address, and those guests that HA starts elsewhere."""
        figures, going = self._figures, True
        kept = {vmid for vmid, row in self._site.guests().items() if row.get("hastate")}
        waiting = {vmid: name for vmid, name in ran.items() if vmid in kept}
        while going and time.monotonic() < end:
            if figures.holder is not None and figures.successor is None:
                figures.successor = self._successor()
            rows, seconds = self._site.guests(), round((time.monotonic() - lost) * self._way.speed, 1)
            for vmid, name in list(waiting.items()):
                row = rows[vmid]
                if row["node"] != figures.node and row["status"] == "running":
                    figures.moved.append(Moved(name=name, node=str(row["node"]), seconds=seconds))
                    del waiting[vmid]
            going = bool(waiting) or (figures.holder is not None and figures.successor is None)
            time.sleep(PAUSE)
        figures.missing += waiting.values()
        figures.missing += [self._vip.address] if figures.holder and not figures.successor else []

    def _successor(self) -> str | None:
        """Who has the address now. The first answer may be a member that gives it up at once for a better one."""
        return next(iter(self._site.holders(self._vip, self._way.takes)), None) if self._figures.holder else None

    def _come_back(self, ran: dict[int, str], patience: float) -> Back | None:
        """What stays with a node runs again, and then the address has its way back."""
        node, began = self._figures.node, time.monotonic()
        while not self._site.online(node):
            if time.monotonic() > began + patience:
                self._figures.missing.append(node)
                return None
            time.sleep(PAUSE)
        rows = self._site.guests()
        for vmid in ran:
            if rows[vmid]["node"] == node and rows[vmid]["status"] != "running":
                self._site.power(vmid, "start")
        return self._settle(began) if self._figures.holder else None

    def _settle(self, began: float) -> Back | None:
        """Until the address is where it was, and nowhere else; or for a while, where another member keeps it."""
        first = self._figures.holder
        ends = ([first], [self._vip.members[0]])
        while (holders := self._site.holders(self._vip)) not in ends and time.monotonic() < began + SETTLED:
            time.sleep(PAUSE)
        seconds = round(time.monotonic() - began, 1)
        time.sleep(AFTER)
        if len(holders) == 1:
            return Back(holder=holders[0], seconds=seconds if holders == [first] else None)
        self._figures.missing.append(f"{self._vip.address} at one alone ({', '.join(holders) or 'nobody'} has it)")
        return None

    def _note_services(self, heard: Mapping[str, Future[float | None]], late: Sequence[str]) -> None:
        times = {name: each.result() for name, each in heard.items()}
        self._figures.services = {name: seconds for name, seconds in times.items() if seconds is not None}
        self._figures.missing += [name for name in times if times[name] is None]
        self._figures.notes += [
            f"{name} has answered only when {self._way.lost} was there again"
            for name in late
            if times[name] is not None
        ]
