"""How a router or its link is lost in a drill, while its host goes on; both are back afterwards as they were.

A router dies as by a loss of power, without a goodbye: a container is stopped hard, and where a host is the router its
keepalived is killed. That alone would leave the address on the host's interface, and two would have it; so the address
goes too, as it does with a machine. HA restarts nothing meanwhile: a container that it keeps is stopped through it.

A link is cut and its owner goes on: the NIC of a guest by `link_down`, a host's interface by `ip link`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

from cli.drill_power import Way
from cli.drill_site import ANSWER, PAUSE, DrillError, Seat, Site
from lab_outputs import Guest, Vip
from providers._runtime.errors import ProxmoxError

AWAY = 20.0
"""Seconds that it may be away, if the address finds nobody or services don't answer without it."""
PATIENCE = 120.0
"""Seconds until a guest is stopped, or an interface up again."""
BACK = 60
"""Seconds after which a host sets its interface up by itself, should nobody from here get through to it."""
TIMER = "proxmox-labs-drill"
SOON = 5.0
"""Seconds for a command that may cut off its own answer."""
_KILL = 'systemctl kill --signal=SIGKILL keepalived && ip address del "$1" dev "$2" && systemctl stop keepalived'
_LOOK = 'ip address show dev "$1"; ip route show dev "$1"; ip -6 route show dev "$1"'
_NOT_KEPT = re.compile(r" via |inet6 .* scope global")
"""What an interface does not have any more when it has been down."""


class Lose(StrEnum):
    """What a drill can lose."""

    HOST = "host"
    ROUTER = "router"
    LINK = "link"


def way_of(lose: Lose, site: Site, vip: Vip, holder: str | None, host: Callable[[str], Way]) -> Way:
    """The one that is meant; `host` gives that of losing a node."""
    if lose is Lose.HOST:
        return host(site.place(holder or vip.members[0]))
    seat = site.seat(holder, vip.address) if holder is not None else None
    if holder is None or seat is None:
        raise DrillError(f"nobody is seen to have {vip.address}, so that there is no {lose} to lose; lose the host")
    guest = site.lab.guests.get(holder)
    if guest is not None:
        return StoppedGuest(site, guest) if lose is Lose.ROUTER else UnpluggedGuest(site, guest, vip)
    return KilledRouter(site, holder, seat) if lose is Lose.ROUTER else DownInterface(site, holder, seat)


class _Part:
    """What is the same for all that is lost while its host goes on."""

    node: str | None = None
    speed = 1.0
    longest = AWAY

    def __init__(self, site: Site, name: str, lost: str) -> None:
        self.lost, self._site, self._name = lost, site, name

    def takes(self, member: str) -> bool:
        """Nobody else."""
        return member == self._name

    def _on_host(self, command: Sequence[str], seconds: float = ANSWER) -> None:
        """Where that is what it is."""
        done = self._site.inside(self._name, command, seconds)
        if done.code != 0:
            raise DrillError(f"{self._name}: {done.error.decode(errors='replace').strip()}")


class StoppedGuest(_Part):
    """A guest that loses its power."""

    def __init__(self, site: Site, guest: Guest) -> None:
        super().__init__(site, guest.name, guest.name)
        self._vmid = guest.vmid

    def lose(self) -> float:
        """Proxmox hands it to HA where that keeps the guest, and HA then wants it stopped."""
        self._be("stop", "stopped")
        return time.monotonic()

    def restore(self) -> str | None:
        """Start it, by HA where that keeps it."""
        self._be("start", "running")
        return None

    def _be(self, command: str, status: str) -> None:
        if self._site.status(self._vmid) == status:
            return
        self._site.power(self._vmid, command)
        end = time.monotonic() + PATIENCE
        while self._site.status(self._vmid) != status:
            if time.monotonic() > end:
                raise DrillError(f"{self._name} is not {status} after {PATIENCE:g} s")
            time.sleep(PAUSE)


class KilledRouter(_Part):
    """A host that is a router no more."""

    def __init__(self, site: Site, host: str, seat: Seat) -> None:
        super().__init__(site, host, f"the router of {host}")
        self._seat = seat

    def lose(self) -> float:
        """Without a goodbye. The stop after the kill keeps systemd from starting it at once, where it is told to."""
        self._on_host(["sh", "-c", _KILL, "sh", self._seat.address, self._seat.device])
        return time.monotonic()

    def restore(self) -> str | None:
        """It finds by itself who has the address."""
        self._on_host(["systemctl", "start", "keepalived"])
        return None


class UnpluggedGuest(_Part):
    """A guest whose cable is pulled."""

    def __init__(self, site: Site, guest: Guest, vip: Vip) -> None:
        slots = [slot for slot, nic in guest.nics.items() if nic.network == vip.network] or ["net0"]
        self._slot, self._vmid = slots[0], guest.vmid
        self._before = str(site.config(guest.vmid)[self._slot])
        super().__init__(site, guest.name, f"{self._slot} of {guest.name}")

    def lose(self) -> float:
        """By the API, which acts on guests that run."""
        options = [option for option in self._before.split(",") if not option.startswith("link_down=")]
        self._set([*options, "link_down=1"])
        return time.monotonic()

    def restore(self) -> str | None:
        """What was there before, word by word."""
        self._set([self._before])
        return None

    def _set(self, options: list[str]) -> None:
        self._site.configure(self._vmid, {self._slot: ",".join(options)})


class DownInterface(_Part):
    """A host whose interface is down. It comes up again by itself, if what set it down went the same way."""

    def __init__(self, site: Site, host: str, seat: Seat) -> None:
        super().__init__(site, host, f"{seat.device} of {host}")
        self._device = seat.device
        told = site.inside(host, ["sh", "-c", _LOOK, "sh", self._device]).out.decode(errors="replace")
        if _NOT_KEPT.search(told):
            raise DrillError(
                f"{self.lost} has routes by a gateway or addresses of IPv6, which would not come back with it"
            )

    def lose(self) -> float:
        """With the way back laid before."""
        self._on_host(["systemd-run", f"--on-active={BACK}", f"--unit={TIMER}", *self._link("up")])
        before = time.monotonic()
        try:
            self._on_host(self._link("down"), SOON)
        except ProxmoxError:
            return before
        return time.monotonic()

    def restore(self) -> str | None:
        """As soon as somebody gets through, which is at the latest when the host has done it by itself."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self._on_host(self._link("up"), SOON)
                self._site.inside(self._name, ["systemctl", "stop", f"{TIMER}.timer"])
            except ProxmoxError:
                if time.monotonic() > end:
                    return f"{self._name} is not reached any more: set {self._device} up there, if it is still down"
                time.sleep(PAUSE)
            else:
                return None

    def _link(self, state: str) -> list[str]:
        return ["ip", "link", "set", "dev", self._device, state]
