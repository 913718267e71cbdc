"""The drill itself: the host that has the moving address dies, and what becomes of everything is measured.

A guest on another host watches: it sends a ping ten times a second to the address, and asks the services. What answered
before has to answer again, and what HA had under it on the lost host has to run elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cli import drill_ask, drill_ping
from cli.drill_ping import Loss
from cli.drill_power import Power
from cli.drill_site import Site, pct
from lab_outputs import Guest, Vip
from providers._runtime.command import Finished
from providers._runtime.errors import ProxmoxError

BEFORE = 2.0
"""Seconds of undisturbed pings."""
WATCH = 15
"""Seconds of pings in all."""
PAUSE = 0.2


class DrillError(Exception):
    """A drill that can't be done; the text says why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A guest that HA has started elsewhere."""

    name: str
    node: str
    """Where it runs now."""
    seconds: float
    """After the loss, in Proxmox's time."""


@dataclass(kw_only=True)
class Figures:
    """What was measured."""

    node: str
    """The host that died."""
    address: str
    holder: str | None
    """Who had the address; None where nobody is seen to have it."""
    successor: str | None = None
    loss: Loss | None = None
    moved: list[Moved] = field(default_factory=list)
    services: dict[str, float] = field(default_factory=dict)
    """Service -> seconds after the loss until it answered; 0 where it never ceased to."""
    missing: list[str] = field(default_factory=list)
    """What has not come back in time."""
    speed: float = 1.0
    """Seconds of Proxmox's time in one of ours: a simulator's HA managers are quicker."""
    notes: list[str] = field(default_factory=list)
    """What could not be measured, and what is left to do."""


@dataclass(frozen=True)
class Watcher:
    """A container that watches from another host; it stays where it is."""

    site: Site
    guest: Guest
    node: str

    def run(self, command: Sequence[str], seconds: float = 10.0) -> Finished:
        """Run a command in it."""
        return self.site.on(self.node, [*pct(self.guest), *command], seconds)

    def hears(self, url: str) -> bool:
        """Whether a service answers it."""
        try:
            return self.run(drill_ask.command(url)).code == 0
        except ProxmoxError:
            return False


def drill(site: Site, power: Power, vip: Vip, patience: float, allowed: Callable[[str], None]) -> Figures:
    """Do it; `allowed` is asked about the node before it dies, and raises where it must not."""
    holder = site.holder(vip)
    node = site.place(holder or vip.members[0])
    allowed(node)
    figures = Figures(node=node, address=vip.address, holder=holder, speed=power.speed)
    if holder is None:
        figures.notes.append(f"nobody is seen to have {vip.address}, so that its way is not measured{power.reason}")
    run = _Run(site, power, vip, _watcher(site, vip, node), figures)
    ran = run.running()
    left = run.measure(patience)
    if left:
        figures.notes.append(left)
    else:
        run.bring_back(ran, patience)
    return figures


def _watcher(site: Site, vip: Vip, node: str) -> Watcher:
    """A container that is on another host and has nothing to do with the address."""
    now = site.guests()
    for name, guest in site.lab.guests.items():
        row = now.get(guest.vmid, {})
        if guest.type == "lxc" and name not in vip.members and row.get("status") == "running" and row["node"] != node:
            return Watcher(site, guest, str(row["node"]))
    raise DrillError(f"no container of the lab runs on another host than {node}, from where to watch")


class _Run:
    """One loss of a node."""

    def __init__(self, site: Site, power: Power, vip: Vip, watcher: Watcher, figures: Figures) -> None:
        self._site, self._power, self._vip, self._watcher, self._figures = site, power, vip, watcher, figures
        urls = {name: url for name, url in site.lab.endpoints.items() if drill_ask.can_ask(url)}
        self._services = {name: url for name, url in urls.items() if watcher.hears(url)}

    def running(self) -> dict[int, str]:
        """VMID -> name of what runs on the node."""
        rows = self._site.guests()
        mine = {vmid: row for vmid, row in rows.items() if row["node"] == self._figures.node}
        return {vmid: str(row["name"]) for vmid, row in mine.items() if row["status"] == "running"}

    def measure(self, patience: float) -> str | None:
        """From the loss of the node until everything is as good as it gets without it; what is left to do by hand."""
        kept = {vmid for vmid, row in self._site.guests().items() if row.get("hastate")}
        waiting = {vmid: name for vmid, name in self.running().items() if vmid in kept}
        with ThreadPoolExecutor(1 + len(self._services)) as pool:
            pings = pool.submit(self._watcher.run, drill_ping.command(self._vip.address, WATCH), WATCH + 30.0)
            time.sleep(BEFORE)
            try:
                lost = self._power.kill(self._figures.node)
                heard = {
                    name: pool.submit(self._until_heard, url, lost, patience) for name, url in self._services.items()
                }
                self._until_moved(waiting, lost, patience)
                times = {name: each.result() for name, each in heard.items()}
            finally:
                left = self._power.restore(self._figures.node)
        self._figures.services = {name: seconds for name, seconds in times.items() if seconds is not None}
        self._figures.missing += [*waiting.values(), *(name for name in times if times[name] is None)]
        if self._figures.holder is not None:
            self._figures.missing += [] if self._figures.successor else [self._vip.address]
            self._figures.loss = drill_ping.loss(pings.result().out.decode(errors="replace"))
        return left

    def _until_heard(self, url: str, lost: float, patience: float) -> float | None:
        """Seconds until a service has answered; None if it never did."""
        while time.monotonic() < lost + patience:
            if self._watcher.hears(url):
                return round(time.monotonic() - lost, 1)
            time.sleep(PAUSE)
        return None

    def _until_moved(self, waiting: dict[int, str], lost: float, patience: float) -> None:
        """The address, and those guests that HA starts elsewhere."""
        figures, going = self._figures, True
        while going and time.monotonic() < lost + patience:
            if figures.holder is not None and figures.successor is None:
                figures.successor = self._site.holder(self._vip, figures.node)
            rows, seconds = self._site.guests(), round((time.monotonic() - lost) * self._power.speed, 1)
            for vmid, name in list(waiting.items()):
                row = rows[vmid]
                if row["node"] != figures.node and row["status"] == "running":
                    figures.moved.append(Moved(name=name, node=str(row["node"]), seconds=seconds))
                    del waiting[vmid]
            going = bool(waiting) or (figures.holder is not None and figures.successor is None)
            time.sleep(PAUSE)

    def bring_back(self, ran: dict[int, str], patience: float) -> None:
        """The node as it was: what stays with it runs again."""
        node, until = self._figures.node, time.monotonic() + patience
        while not self._site.online(node):
            if time.monotonic() > until:
                self._figures.missing.append(node)
                return
            time.sleep(PAUSE)
        rows = self._site.guests()
        for vmid in ran:
            if rows[vmid]["node"] == node and rows[vmid]["status"] != "running":
                self._site.start(vmid)
