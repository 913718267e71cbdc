"""How a host is lost in a drill, and comes back: a simulated one by a word, a real one for good."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Protocol

from cli.drill_site import Site
from providers._runtime.errors import ProxmoxError
from simulator import daemon

SPEED = 20.0
"""How much faster the HA managers of a simulator work meanwhile; they need two minutes on real hosts."""
NO_MORE = "echo 1 >/proc/sys/kernel/sysrq; (sleep 1; echo o >/proc/sysrq-trigger) >/dev/null 2>&1 &"
"""Power off at once, without telling anybody; a second later, so that the command itself can end."""


class Way(Protocol):
    """One way of losing something, and of having it again."""

    lost: str
    """What is lost, in a few words."""
    node: str | None
    """The node that is lost with all its guests; None where none is."""
    speed: float
    """Seconds of Proxmox's time that pass in one of ours meanwhile."""
    longest: float
    """Seconds for which it may be away at most."""

    def takes(self, member: str) -> bool:
        """Whether a member of the moving address goes with it, as things are now."""

    def lose(self) -> float:
        """Do it; when it was gone, on the monotonic clock."""

    def restore(self) -> str | None:
        """Have it as it was; what somebody has to do where that can't be done from here."""


class _Host:
    """What is the same for all hosts."""

    longest = float("inf")

    def __init__(self, site: Site, node: str) -> None:
        self.lost = node
        self.node: str | None = node
        self._site, self._node = site, node

    def takes(self, member: str) -> bool:
        """All that is on it."""
        return self._site.place(member) == self._node


class SimulatedHost(_Host):
    """One of the simulator's. Its clock runs fast while the host is down, and as before afterwards."""

    speed = SPEED

    def __init__(self, site: Site, node: str, running: daemon.Running, connection: str) -> None:
        """`connection` is the cluster's."""
        super().__init__(site, node)
        self._running, self._datacenter = running, connection
        self._before: dict[str, object] = {}

    def lose(self) -> float:
        """At once."""
        clock = daemon.control(self._running, "GET", "clock")
        self._before = {key: clock[key] for key in ("mode", "speed")}
        daemon.control(self._running, "POST", "clock", {"mode": "timed", "speed": self.speed})
        self._set(online=False)
        return time.monotonic()

    def restore(self) -> str | None:
        """At once too."""
        self._set(online=True)
        daemon.control(self._running, "POST", "clock", self._before)
        return None

    def _set(self, *, online: bool) -> None:
        words = {"datacenter": self._datacenter, "node": self._node, "online": online}
        daemon.control(self._running, "POST", "nodes", words)


class RealHost(_Host):
    """One that is really there."""

    speed = 1.0

    def lose(self) -> float:
        """As if somebody had pulled the plug."""
        with suppress(ProxmoxError):
            self._site.on(self._node, ["sh", "-c", NO_MORE])
        return time.monotonic() + 1

    def restore(self) -> str | None:
        """It has no power that anybody here could switch."""
        return f"{self._node} is off: switch it on where it is rented; its guests that stay with it start with it"
