"""Who watches a drill: a container on another host, which sends pings to the address and asks the services."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from cli import drill_ask, drill_ping
from cli.drill_site import PAUSE, DrillError, Site, pct
from lab_outputs import Guest, Vip
from providers._runtime.command import Finished
from providers._runtime.errors import ProxmoxError

BEFORE = 0.5
"""Seconds of undisturbed pings."""
LONGER = 120.0
"""Seconds after which a row of pings that nobody has ended does so by itself, beyond what is expected of it."""


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

    @contextmanager
    def pings(self, address: str, seconds: float) -> Iterator[Future[Finished]]:
        """Send pings from a while before until it is over; what came of them is known then."""
        most = seconds + LONGER
        with ThreadPoolExecutor(1) as pool:
            row = pool.submit(self.run, drill_ping.command(address, int(most)), most + LONGER)
            try:
                while self.run(drill_ping.RUNS).code != 0 and not row.done():
                    time.sleep(PAUSE)
                time.sleep(BEFORE)
                yield row
            finally:
                self.run(drill_ping.STOP)


def watcher(site: Site, vip: Vip, node: str) -> Watcher:
    """A container that is on another host and has nothing to do with the address."""
    now = site.guests()
    for name, guest in site.lab.guests.items():
        row = now.get(guest.vmid, {})
        if guest.type == "lxc" and name not in vip.members and row.get("status") == "running" and row["node"] != node:
            return Watcher(site, guest, str(row["node"]))
    raise DrillError(f"no container of the lab runs on another host than {node}, from where to watch")
