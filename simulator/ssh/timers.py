"""The timers of all nodes: when one is due, its command runs in a shell of its node."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.records import Unit
from simulator.ssh.leaving import Exit
from simulator.ssh.shell import Shell
from simulator.ssh.streams import Streams, forget, holding
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner


@dataclass(slots=True, eq=False)
class Timers:
    """Runs the timers of a datacenter on the simulator's clock."""

    world: World
    datacenter: Datacenter
    tasks: TaskRunner
    shell: Callable[[str], Shell]
    """Makes a shell on a node."""
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _wake: asyncio.TimerHandle | None = None

    def _armed(self) -> list[tuple[float, Unit]]:
        """Return the timers whose node is still up since they were made, the first one first."""
        found = [(unit.due, unit) for unit in self.datacenter.units if unit.due is not None and self._stands(unit)]
        return sorted(found, key=lambda entry: entry[0])

    def _stands(self, unit: Unit) -> bool:
        node = self.datacenter.nodes.get(unit.node)
        return node is not None and node.online and node.started <= unit.since

    def due(self) -> float | None:
        """Return when the next timer is due. Where tasks need no time, a timer still waits for its time."""
        armed = self._armed()
        if not armed:
            return None
        first, now = armed[0][0], self.world.clock.now()
        if self.world.clock.mode != "immediate" or first <= now:
            return first
        if self._wake is not None:
            self._wake.cancel()
        with contextlib.suppress(RuntimeError):
            self._wake = asyncio.get_running_loop().call_later(first - now, self.tasks.run_due)
        return None

    def act(self, due: float) -> None:
        """Run the timers that are due."""
        for moment, unit in self._armed():
            if moment <= due:
                self.datacenter.units.delete(f"{unit.node}/{unit.name}")
                task = asyncio.get_running_loop().create_task(self._run(unit))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _run(self, unit: Unit) -> None:
        with contextlib.suppress(Exit):
            await self.shell(unit.node).execute(list(unit.command), Streams(holding(b""), forget, forget))
