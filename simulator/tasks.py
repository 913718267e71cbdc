"""Tasks: the workers that Proxmox forks for whatever takes time.

A task body is a generator over steps. A string is a log line, a number is simulated seconds to wait, a
`Lock` waits for a lock file (held until the task ends), a future waits for what takes real time. Raising
TaskError ends the task with that text. What the body has changed by then stays changed, as with a real worker.

    def start(run: TaskRun) -> Steps:
        yield Lock(guest_lock_path(100))
        yield 2.0
        run.datacenter.guests.put(...)
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import math
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from simulator.cluster import log
from simulator.errors import TaskError
from simulator.records import Task
from simulator.state import Datacenter, World
from simulator.upid import Upid

LOCK_TIMEOUT = 10.0
DIED = "unexpected status"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lock:
    """A step that waits for a lock file, for `timeout` simulated seconds at the most, with what it logs meanwhile.

    Those who only read share it: they wait, and are waited for, only by whoever wants it alone.
    """

    path: str
    timeout: float = LOCK_TIMEOUT
    shared: bool = False
    waiting: str = "trying to acquire lock..."
    taken: str = " OK"
    failure: str = ""

    def refusal(self) -> str:
        """Return the text with which a task ends that waited for too long."""
        return self.failure or f"can't lock file '{self.path}' - got timeout"


Step = str | float | Lock | asyncio.Future[Any]
Steps = Generator[Step, None, None]
Body = Callable[["TaskRun"], Steps]


def guest_lock_path(vmid: int, kind: str) -> str:
    """Return the lock file that whoever changes this guest holds."""
    return f"/var/lock/qemu-server/lock-{vmid}.conf" if kind == "qemu" else f"/run/lock/lxc/pve-config-{vmid}.lock"


@dataclass(slots=True, eq=False)
class TaskRun:
    """A running task, as its body sees it."""

    world: World
    datacenter: Datacenter
    upid: str
    node: str
    user: str
    steps: Steps | None = None
    warnings: int = 0
    lines: list[str] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)
    waits_for: Lock | None = None
    fault: str = ""
    has_waited: bool = False

    @property
    def now(self) -> float:
        """Return the virtual time."""
        return self.world.clock.now()

    def seconds(self, asked: float) -> float:
        """Return how long a wait takes; where all tasks take the same time, that is the first one's."""
        fixed, first, self.has_waited = self.world.clock.task_seconds, not self.has_waited, True
        if fixed is None:
            return asked
        return fixed if first else min(asked, _LATER_WAIT)

    def warn(self, text: str) -> None:
        """Log a warning; a task with warnings ends with `WARNINGS: n`."""
        self.warnings += 1
        self.lines.append(f"WARN: {text}")


@dataclass(slots=True)
class TaskFault:
    """An order from the control plane: fail the next tasks of a type with a text."""

    type: str
    text: str
    count: int = 1
    id: str = ".*"


class Actor(Protocol):
    """Something that does its work by itself, in steps on the virtual clock, as the HA manager does."""

    def due(self) -> float | None:
        """Return when the next step is due, or None when there is nothing to do."""

    def act(self, due: float) -> None:
        """Take the step that is due; runs in a transaction."""


class TaskRunner:
    """Starts tasks and moves them on as the clock allows."""

    def __init__(self, world: World) -> None:
        """Begin with no task; what ran when the last process died ends as it does on a real host."""
        self.world = world
        self.faults: list[TaskFault] = []
        self.actors: list[Actor] = []
        self._moment: float | None = None
        self.lock_holders: dict[str, TaskRun | None] = {}
        self.lock_sharers: dict[str, list[TaskRun]] = {}
        self._waiting: list[tuple[float, int, TaskRun]] = []
        self._sequence = itertools.count()
        self._pids = itertools.count(1000)
        self._wake: asyncio.TimerHandle | None = None
        self.changed = asyncio.Event()
        self._end_dead_workers()

    def _end_dead_workers(self) -> None:
        with self.world.database.transaction():
            for datacenter in self.world.datacenters.values():
                for task in datacenter.tasks.by("running", value=True):
                    end = int(self.world.clock.now())
                    datacenter.tasks.put(replace(task, endtime=end, exitstatus=DIED))

    def start(self, datacenter: Datacenter, node: str, user: str, *, kind: str, id_: str, body: Body) -> str:
        """Start a task inside the running transaction and return its UPID.

        Its body is run by `run_due`, after the call that started it has been committed.
        """
        now = self.world.clock.now() if self._moment is None else self._moment
        pid = next(self._pids)
        pstart = int((now - datacenter.nodes[node].started) * 100) & 0xFFFFFFFF
        upid = Upid(node, pid, pstart, int(now), kind, id_, user)
        run = TaskRun(self.world, datacenter, str(upid), node, user)
        run.steps = body(run)
        datacenter.tasks.put(
            Task(
                upid=str(upid), node=node, type=kind, id=id_, user=user,
                pid=pid, pstart=pstart, starttime=int(now),
            )
        )  # fmt: skip
        log.note(datacenter, node, now, f"starting task {upid}", user=user)
        self._schedule(run, now)
        return str(upid)

    def forget(self, upids: list[str]) -> None:
        """Drop tasks whose starting call was rolled back."""
        self._waiting = [entry for entry in self._waiting if entry[2].upid not in upids]
        heapq.heapify(self._waiting)

    def drop_all(self) -> None:
        """Forget all running tasks, locks and ordered faults."""
        self._waiting.clear()
        self.lock_holders.clear()
        self.lock_sharers.clear()
        self.faults.clear()

    def _schedule(self, run: TaskRun, due: float) -> None:
        heapq.heappush(self._waiting, (due, next(self._sequence), run))

    def run_due(self, *, released: bool = False) -> None:
        """Move on every task and actor whose time has come; on a held clock only when its owner says so."""
        clock = self.world.clock
        while clock.mode != "held" or released:
            task_due = self._waiting[0][0] if self._waiting else math.inf
            actor_due, actor = self._next_actor()
            if clock.mode == "immediate" and any(entry[0] == math.inf for entry in self._waiting):
                actor_due = math.inf  # no time passes for the actors either while something real is waited for
            task_first = task_due != math.inf and (clock.mode == "immediate" or task_due <= actor_due)
            due = task_due if task_first else actor_due
            if due == math.inf or (clock.mode != "immediate" and due > clock.now()):
                break
            if task_first:
                self._move_on(heapq.heappop(self._waiting)[2], due)
            elif actor is not None:
                self._act(actor, due)
        self._set_timer()

    def _next_actor(self) -> tuple[float, Actor | None]:
        """Return the actor that is due first, and when."""
        waiting = [(due, actor) for actor in self.actors if (due := actor.due()) is not None]
        return min(waiting, key=lambda entry: entry[0], default=(math.inf, None))

    def _act(self, actor: Actor, due: float) -> None:
        """Let an actor take its step; the tasks that it starts begin at that moment."""
        self._moment = due
        try:
            with self.world.database.transaction():
                actor.act(due)
        except Exception:  # noqa: BLE001 - a bug in an actor must not end the simulator
            _LOG.exception("an actor failed inside the simulator and is retired")
            self.actors.remove(actor)
        finally:
            self._moment = None

    def _set_timer(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        clock = self.world.clock
        first = min(self._waiting[0][0] if self._waiting else math.inf, self._next_actor()[0])
        if first != math.inf and clock.mode == "timed":
            delay = max(0.0, (first - clock.now()) / clock.rate)
            self._wake = asyncio.get_running_loop().call_later(delay, self.run_due)

    def _move_on(self, run: TaskRun, due: float) -> None:
        """Run a task up to its next wait."""
        self._run_steps(run, due)
        self.notify()

    def notify(self) -> None:
        """Wake the calls that wait for a lock."""
        self.changed.set()
        self.changed = asyncio.Event()

    def kill_node(self, datacenter: Datacenter, node: str) -> None:
        """End a node's tasks as a power cut does; runs in the caller's transaction."""
        for task in datacenter.tasks.by("running", value=True):
            if task.node == node:
                for entry in [entry for entry in self._waiting if entry[2].upid == task.upid]:
                    self._release_locks(entry[2])
                self.forget([task.upid])
                datacenter.tasks.put(replace(task, endtime=int(self.world.clock.now()), exitstatus=DIED))

    def carry_over(self, source: Datacenter, target: Datacenter, node: str) -> None:
        """Let a node's tasks go on in the datacenter to which the node has moved."""
        for _, _, run in self._waiting:
            if run.datacenter is source and run.node == node:
                run.datacenter = target

    def _release_locks(self, run: TaskRun) -> None:
        for path in run.locks:
            if self.lock_holders.get(path) is run:
                del self.lock_holders[path]
            sharers = [other for other in self.lock_sharers.pop(path, []) if other is not run]
            self.lock_sharers |= {path: sharers} if sharers else {}
        run.locks.clear()

    def is_locked(self, path: str, *, shared: bool = False) -> bool:
        """Tell whether a lock file is held by somebody who would have to be waited for."""
        return path in self.lock_holders or (not shared and path in self.lock_sharers)

    def _run_steps(self, run: TaskRun, due: float) -> None:
        if run.upid not in run.datacenter.tasks:
            return
        try:
            with self.world.database.transaction():
                outcome = self._until_wait(run, due)
                self._flush(run, outcome)
        except Exception as error:  # noqa: BLE001 - a bug in a body must not end the simulator
            _LOG.exception("task %s failed inside the simulator", run.upid)
            with self.world.database.transaction():
                self._flush(run, f"simulator error: {error!r}")

    def _until_wait(self, run: TaskRun, due: float) -> str | None:
        """Step through the body; return the exit status, or None when it waits."""
        assert run.steps is not None  # noqa: S101 - set by `start`
        try:
            if run.waits_for is not None and not self._take_lock(run, run.waits_for, due):
                return None
            for offered in run.steps:
                step = run.steps.throw(TaskError(run.fault)) if self._fault_for(run) else offered
                if isinstance(step, str):
                    run.lines.append(step)
                elif isinstance(step, Lock):
                    if not self._take_lock(run, step, due):
                        return None
                elif isinstance(step, asyncio.Future):
                    self._wait_for(run, step)
                    return None
                else:
                    self._schedule(run, due + run.seconds(step))
                    return None
        except (TaskError, StopIteration) as error:
            return run.fault or str(error)
        return run.fault or (f"WARNINGS: {run.warnings}" if run.warnings else "OK")

    def _wait_for(self, run: TaskRun, future: asyncio.Future[Any]) -> None:
        """Let a task wait, as long as it takes, for something real."""
        self._schedule(run, math.inf)

        def go_on(_: asyncio.Future[Any]) -> None:
            if any(entry[2] is run for entry in self._waiting):
                self.forget([run.upid])
                self._schedule(run, self.world.clock.now())
                self.run_due()

        future.add_done_callback(go_on)

    def _fault_for(self, run: TaskRun) -> bool:
        """Tell whether the control plane wants this task to fail now."""
        task = run.datacenter.tasks[run.upid]
        for fault in self.faults:
            if fault.count > 0 and fault.type == task.type and re.fullmatch(fault.id, task.id):
                fault.count -= 1
                run.fault = fault.text
                return True
        return False

    def _take_lock(self, run: TaskRun, lock: Lock, due: float) -> bool:
        """Take a lock file, or wait for it; fail when the wait is over."""
        others = [other for other in self.lock_sharers.get(lock.path, []) if other is not run]
        if lock.path not in self.lock_holders and (lock.shared or not others):
            if lock.shared:
                self.lock_sharers[lock.path] = [*others, run]
            else:
                self.lock_holders[lock.path] = run
            run.locks.append(lock.path)
            if run.waits_for is not None:
                run.lines.append(lock.taken)
            run.waits_for = None
            return True
        remaining = lock.timeout
        if run.waits_for is None:
            run.lines.append(lock.waiting)
        else:
            remaining = run.waits_for.timeout - _LOCK_POLL
        if remaining <= 0 or self.world.clock.mode == "immediate":
            raise TaskError(lock.refusal())
        run.waits_for = replace(lock, timeout=remaining)
        self._schedule(run, due + _LOCK_POLL)
        return False

    def _flush(self, run: TaskRun, outcome: str | None) -> None:
        """Write the log so far and, when there is an outcome, end the task."""
        task = run.datacenter.tasks[run.upid]
        if outcome is not None:
            failed = outcome != "OK" and not outcome.startswith("WARNINGS: ")
            run.lines.append(f"TASK ERROR: {outcome}" if failed else f"TASK {outcome}")
            self._release_locks(run)
            text, pri = f"end task {run.upid} {outcome}", log.ERROR if failed else log.INFO
            log.note(run.datacenter, run.node, run.now, text, user=run.user, pri=pri)
            task = replace(task, endtime=int(run.now), exitstatus=outcome)
        run.datacenter.tasks.put(replace(task, log=task.log + tuple(run.lines)))
        run.lines.clear()

    def finish(self, upid: str) -> bool:
        """Run one waiting task to its end at once; tell whether there was one."""
        for entry in [entry for entry in self._waiting if entry[2].upid == upid]:
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
            run, task = entry[2], entry[2].datacenter.tasks
            while task[upid].exitstatus is None:
                self._move_on(run, entry[0])
                self.forget([upid])
            return True
        return False

    def stop(self, upid: str, text: str = "received interrupt") -> None:
        """End a running task as a signal does, its clean-up included."""
        for entry in list(self._waiting):
            run = entry[2]
            if run.upid != upid:
                continue
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
            if run.steps is not None:
                with contextlib.suppress(TaskError, StopIteration):
                    run.steps.throw(TaskError(text))
            self._flush(run, text)


_LOCK_POLL = 0.5
_LATER_WAIT = 0.01
"""Seconds; where all tasks take the same time, one that looks again and again for others has to let them run."""
