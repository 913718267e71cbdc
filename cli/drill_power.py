"""How a node dies in a drill, and comes back: a simulated one by a word, a real one for good."""

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


class Power(Protocol):
    """What kills a node."""

    speed: float
    """Seconds of Proxmox's time that pass in one of ours."""
    reason: str
    """Why guests may show nothing, after a colon; empty where they are there."""

    def kill(self, node: str) -> float:
        """Cut the node's power; when that was, on the monotonic clock."""

    def restore(self, node: str) -> str | None:
        """Switch it on again; what somebody has to do where that can't be done from here."""


class SimulatedPower:
    """Of the simulator's hosts. Its clock runs fast while a node is down, and as before afterwards."""

    def __init__(self, running: daemon.Running, connection: str) -> None:
        """`connection` is the cluster's."""
        self._running, self._datacenter = running, connection
        self._before: dict[str, object] = {}
        self.speed = SPEED
        self.reason = "" if running.guests == "live" else f": guests are {running.guests}"

    def kill(self, node: str) -> float:
        """At once."""
        clock = daemon.control(self._running, "GET", "clock")
        self._before = {key: clock[key] for key in ("mode", "speed")}
        daemon.control(self._running, "POST", "clock", {"mode": "timed", "speed": self.speed})
        self._set(node, online=False)
        return time.monotonic()

    def restore(self, node: str) -> str | None:
        """At once too."""
        self._set(node, online=True)
        daemon.control(self._running, "POST", "clock", self._before)
        return None

    def _set(self, node: str, *, online: bool) -> None:
        daemon.control(self._running, "POST", "nodes", {"datacenter": self._datacenter, "node": node, "online": online})


class RealPower:
    """Of a host that is really there."""

    speed = 1.0
    reason = ""

    def __init__(self, site: Site) -> None:
        self._site = site

    def kill(self, node: str) -> float:
        """As if somebody had pulled the plug."""
        with suppress(ProxmoxError):
            self._site.on(node, ["sh", "-c", NO_MORE])
        return time.monotonic() + 1

    def restore(self, node: str) -> str | None:
        """It has no power that anybody here could switch."""
        return f"{node} is off: switch it on where it is rented; its guests that stay with it start with it"
