"""The managers on the virtual clock: the cluster's one every ten seconds, the nodes' own five seconds later.

As long as there is something to do, a round is due at each multiple of five seconds. When several rounds
changed nothing, the managers sleep until a request, a command or a node that comes or goes wakes them. On the
immediate clock all rounds follow each other at once, so that what the managers do is done when the call that
caused it returns. What they try without end, such as a move that fails each time, they go on to try as time passes.
"""

from __future__ import annotations

import math
from dataclasses import replace

from simulator.ha import cluster, local
from simulator.ha.records import HaNode
from simulator.ha.state import WOKEN, value, wake
from simulator.records import Setting
from simulator.state import DETECTED_AFTER, Datacenter, World
from simulator.tasks import TaskRunner

ROUND = 5.0
_QUIET_ROUNDS = 6
_LONGEST_REST = 1000
FENCED_AFTER = 60.0
LOCK_EXPIRES_AFTER = 120.0
_WITH_LOCK = ("active", "maintenance")
"""The states of a local manager that holds the lock of its node and keeps its watchdog fed."""


class HaManager:
    """Does the rounds of one datacenter."""

    def __init__(self, world: World, datacenter: Datacenter, tasks: TaskRunner) -> None:
        """Manage this datacenter; its state tells whether there is anything to do."""
        self._world = world
        self._datacenter = datacenter
        self._tasks = tasks
        self._known: list[tuple[object, ...]] = []
        """What there was since something woke the managers, on a clock that runs ahead."""

    def due(self) -> float | None:
        """Return when the next round is due."""
        datacenter = self._datacenter
        if "dirty" not in datacenter.ha_manager and not self._nodes_changed():
            return None
        if not datacenter.quorate_side():
            return None
        changed = max(node.changed for node in datacenter.nodes)
        last = max(float(value(datacenter, "tick") or 0), changed)
        due = (math.floor(last / ROUND) + 1) * ROUND
        clock = self._world.clock
        ahead = clock.mode == "immediate" and due > clock.now() and not self._nodes_changed()
        return None if ahead and self._is_quiet(int(value(datacenter, "dirty"))) else due

    def _nodes_changed(self) -> bool:
        known, there = self._datacenter.ha_nodes, self._there()
        return any(
            node.name in known and (node.name in there) != (known[node.name].status in ("online", "maintenance"))
            for node in self._datacenter.nodes
        )

    def _there(self) -> set[str]:
        """Return the nodes that make up the majority."""
        return {node.name for node in self._datacenter.quorate_side()}

    def act(self, due: float) -> None:
        """Do a round."""
        datacenter = self._datacenter
        wake_counts = "dirty" not in datacenter.ha_manager
        if wake_counts:
            wake(datacenter, due)
        if value(datacenter, "dirty") == WOKEN:
            self._known.clear()
        before = self._picture()
        if due % (2 * ROUND) == 0:
            if self._find_master(due):
                self._watch_nodes(due)
                cluster.run(datacenter, due)
        else:
            local.run(self._world, datacenter, self._tasks)
        datacenter.ha_manager.put(Setting(name="tick", value=repr(due)))
        self._rest(changed=before != self._picture())

    def _picture(self) -> tuple[object, ...]:
        datacenter = self._datacenter
        master = value(datacenter, "master")
        return (*datacenter.ha_services, *datacenter.ha_nodes, *datacenter.ha_resources, master)

    def _is_news(self) -> bool:
        """Tell whether something is as it was not since the managers were woken, but for marks of single tries."""
        datacenter = self._datacenter
        tried = (replace(service, uid="", task=service.task and "tried") for service in datacenter.ha_services)
        picture = (*tried, *datacenter.ha_nodes, *datacenter.ha_resources, value(datacenter, "master"))
        if picture in self._known:
            return False
        self._known.append(picture)
        return True

    def _is_quiet(self, rounds: int) -> bool:
        """Tell whether after so many rounds in which nothing happened there is nothing to wait for."""
        return rounds > _QUIET_ROUNDS and not (self._waits() and rounds < _LONGEST_REST)

    def _rest(self, *, changed: bool) -> None:
        """Count the rounds since something happened, or something new on a clock that runs ahead; then go to sleep."""
        datacenter = self._datacenter
        happened = self._is_news() if self._world.clock.mode == "immediate" else changed
        rounds = 1 if happened else int(value(datacenter, "dirty")) + 1
        if changed or not self._is_quiet(rounds):
            datacenter.ha_manager.put(Setting(name="dirty", value=str(rounds)))
            return
        datacenter.ha_manager.delete("dirty")
        if not datacenter.ha_resources and not any(row.maintenance for row in datacenter.ha_nodes):
            datacenter.ha_manager.delete("master")

    def _waits(self) -> bool:
        """Tell whether time alone will change something: a task that runs, or a node that is to be fenced."""
        datacenter = self._datacenter
        tasks = (datacenter.tasks.get(service.task) for service in datacenter.ha_services if service.task)
        running = any(task is not None and task.exitstatus is None for task in tasks)
        homes = {service.node for service in datacenter.ha_services}
        lost = any(row.name in homes for row in datacenter.ha_nodes if row.status in ("unknown", "fence"))
        return running or lost or (value(datacenter, "master") or self._first()) not in self._there()

    def _first(self) -> str:
        return min(self._there())

    def _find_master(self, due: float) -> bool:
        """Tell whether there is a master; another takes over when the old one's lock has expired."""
        datacenter = self._datacenter
        master = datacenter.nodes.get(value(datacenter, "master"))
        if master is not None and master.name in self._there():
            return True
        if master is not None and due - master.changed < LOCK_EXPIRES_AFTER:
            return False
        datacenter.ha_manager.put(Setting(name="master", value=self._first()))
        return True

    def _watch_nodes(self, due: float) -> None:
        """Note which nodes are there; one that is lost is fenced once its own lock has expired."""
        datacenter, there = self._datacenter, self._there()
        for node in datacenter.nodes:
            row = datacenter.ha_nodes.get(node.name) or datacenter.ha_nodes.put(HaNode(name=node.name, since=due))
            if node.name in there:
                self._node_is_there(row)
            elif row.status in ("online", "maintenance"):
                if due - node.changed >= DETECTED_AFTER:
                    datacenter.ha_nodes.put(replace(row, status="unknown", since=due, seen=node.changed))
            elif row.status == "unknown":
                self._fence(row, due)
            elif row.status == "fence" and (row.lrm not in _WITH_LOCK or due - row.seen >= LOCK_EXPIRES_AFTER):
                datacenter.ha_nodes.put(replace(row, status="unknown"))
                cluster.set_all(datacenter, row.name, "fence", "recovery")

    def _node_is_there(self, row: HaNode) -> None:
        """Note a node that is up; one that came back begins with a local manager that has no lock."""
        if row.status in ("unknown", "fence"):
            row = self._datacenter.ha_nodes.put(replace(row, lrm="wait_for_agent_lock"))
            cluster.set_all(self._datacenter, row.name, "fence", "recovery")
        status = "maintenance" if row.lrm == "maintenance" else "online"
        if row.status != status:
            self._datacenter.ha_nodes.put(replace(row, status=status))

    def _fence(self, row: HaNode, due: float) -> None:
        """Begin to fence a lost node that has resources."""
        services = [service for service in self._datacenter.ha_services if service.node == row.name]
        long_enough = due - row.seen >= FENCED_AFTER and due - row.since >= FENCED_AFTER - 2 * ROUND
        if services and long_enough:
            self._datacenter.ha_nodes.put(replace(row, status="fence"))
            cluster.set_all(self._datacenter, row.name, None, "fence")
            self._reset_by_watchdog(row, due)

    def _reset_by_watchdog(self, row: HaNode, due: float) -> None:
        """Restart a node that is up but cut off: its watchdog does, as its local manager no longer feeds it."""
        node = self._datacenter.nodes[row.name]
        if not node.online or row.lrm not in _WITH_LOCK:
            return
        self._tasks.kill_node(self._datacenter, node.name)
        self._datacenter.nodes.put(replace(node, started=min(due, self._world.clock.now())))
        for guest in [guest for guest in self._datacenter.guests if guest.node == node.name]:
            self._datacenter.guests.put(replace(guest, status="stopped", started=None, running={}, pid=None))
