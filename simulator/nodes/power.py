"""Nodes that go down and come up: by a cut, by an order, or by a wake-up call.

An order is not carried out at once: the node needs some seconds to go down, and a minute until it answers
again. `PowerSwitch` does both at their time on the virtual clock.
"""

from __future__ import annotations

from dataclasses import replace

from simulator.nodes import journal, services
from simulator.nodes.records import PowerEvent
from simulator.records import Guest
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner

SHUTDOWN_SECONDS = 2.0
BOOT_SECONDS = 60.0


def order(datacenter: Datacenter, node: str, now: float, *, reboot: bool) -> None:
    """Let a node go down in a moment, and come up again when it is a reboot."""
    text = f"The system will {'reboot' if reboot else 'power off'} now!"
    journal.log(datacenter, node, now, "systemd-logind", text)
    datacenter.power_events.put(PowerEvent(node=node, due=now + SHUTDOWN_SECONDS, online=False, reboot=reboot))


def wake(datacenter: Datacenter, node: str, now: float) -> None:
    """Let a node that is down come up."""
    if not datacenter.nodes[node].online:
        datacenter.power_events.put(PowerEvent(node=node, due=now + BOOT_SECONDS, online=True))


def switch_off(datacenter: Datacenter, tasks: TaskRunner, node: str, now: float) -> None:
    """Take a node's power away: its tasks end, and its guests are no longer reached."""
    datacenter.nodes.put(replace(datacenter.nodes[node], online=False, started=now, expected=0))
    tasks.kill_node(datacenter, node)


def switch_on(datacenter: Datacenter, node: str, now: float) -> None:
    """Start a node: its daemons run, and none of its guests does."""
    datacenter.nodes.put(replace(datacenter.nodes[node], online=True, started=now, expected=0))
    services.start_all(datacenter, node)
    for guest in [guest for guest in datacenter.guests if guest.node == node]:
        datacenter.guests.put(_stopped(guest))


def _stopped(guest: Guest) -> Guest:
    return replace(guest, status="stopped", started=None, running={}, pid=None)


class PowerSwitch:
    """Carries out the orders of one datacenter when they are due."""

    def __init__(self, world: World, datacenter: Datacenter, tasks: TaskRunner) -> None:
        """Wait for orders; they are in the state."""
        self._world, self._datacenter, self._tasks = world, datacenter, tasks

    def due(self) -> float | None:
        """Return when the next node goes down or comes up."""
        return min((event.due for event in self._datacenter.power_events), default=None)

    def act(self, due: float) -> None:
        """Let the node go down or come up; on the immediate clock that moment has already come."""
        datacenter, now = self._datacenter, min(due, self._world.clock.now())
        event = next(event for event in datacenter.power_events if event.due == due)
        datacenter.power_events.delete(event.node)
        if event.online == datacenter.nodes[event.node].online:
            return
        if event.online:
            switch_on(datacenter, event.node, now)
            return
        for guest in [guest for guest in datacenter.guests if guest.node == event.node]:
            datacenter.guests.put(_stopped(guest))
        switch_off(datacenter, self._tasks, event.node, now)
        if event.reboot:
            datacenter.power_events.put(PowerEvent(node=event.node, due=due + BOOT_SECONDS, online=True))
