"""Tasks run, wait, fail, are stopped and die as workers of Proxmox do, at the pace of the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.errors import ApiError, TaskError
from simulator.records import Node, Pool, Task
from simulator.router import Answer, Request, Router
from simulator.routing import Call, Route, RouteTree
from simulator.state import Datacenter, World
from simulator.tasks import Body, Lock, Steps, TaskFault, TaskRun, TaskRunner

LOCK = "/var/lock/qemu-server/lock-100.conf"


@dataclass
class Bench:
    """A world with one node, and short ways to start tasks in it."""

    world: World
    datacenter: Datacenter
    tasks: TaskRunner

    def start(self, body: Body, kind: str = "qmstart") -> str:
        with self.world.database.transaction():
            return self.tasks.start(self.datacenter, "pve1", "root@pam", kind=kind, id_="100", body=body)

    def run(self, body: Body) -> Task:
        upid = self.start(body)
        self.tasks.run_due()
        return self.datacenter.tasks[upid]

    def advance(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.tasks.run_due(released=True)


def _open(path: Path) -> Bench:
    world = World(path / "state.sqlite")
    datacenter = world.add("pve")
    return Bench(world, datacenter, TaskRunner(world))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = _open(tmp_path)
    with made.world.database.transaction():
        made.datacenter.nodes.put(Node(name="pve1", nodeid=1, ip="192.0.2.1", cpus=1, memory=1, disk=1))
    yield made
    made.world.database.close()


def _two_steps(run: TaskRun) -> Steps:
    yield "first"
    run.datacenter.pools.put(Pool(poolid="before"))
    yield 5.0
    run.datacenter.pools.put(Pool(poolid="after"))
    yield "second"


def test_with_the_immediate_clock_a_task_is_done_at_once(bench: Bench) -> None:
    task = bench.run(_two_steps)
    assert (task.exitstatus, task.log) == ("OK", ("first", "second", "TASK OK"))
    assert bench.datacenter.pools.keys() == ["before", "after"]


def test_with_a_held_clock_a_task_runs_only_as_far_as_time_is_advanced(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    upid = bench.start(_two_steps)
    bench.tasks.run_due()
    assert bench.datacenter.pools.keys() == []
    bench.advance(0)
    assert bench.datacenter.pools.keys() == ["before"]
    assert bench.datacenter.tasks[upid].exitstatus is None
    bench.advance(4.9)
    assert bench.datacenter.tasks[upid].log == ("first",)
    bench.advance(0.2)
    assert bench.datacenter.tasks[upid].exitstatus == "OK"


def test_one_held_task_can_be_released_alone(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    one, other = bench.start(_two_steps), bench.start(_two_steps)
    assert bench.tasks.finish(one)
    assert bench.datacenter.tasks[one].exitstatus == "OK"
    assert bench.datacenter.tasks[other].exitstatus is None


def test_a_failing_task_keeps_what_it_has_done(bench: Bench) -> None:
    def fail(run: TaskRun) -> Steps:
        run.datacenter.pools.put(Pool(poolid="done"))
        yield "working"
        raise TaskError("no space")

    task = bench.run(fail)
    assert (task.exitstatus, task.log[-1]) == ("no space", "TASK ERROR: no space")
    assert "done" in bench.datacenter.pools


def test_a_bug_in_a_task_undoes_its_stretch_and_ends_it(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def broken(run: TaskRun) -> Steps:
        yield 1.0
        run.datacenter.pools.put(Pool(poolid="half"))
        raise ZeroDivisionError

    task = bench.run(broken)
    assert task.exitstatus == "simulator error: ZeroDivisionError()"
    assert "half" not in bench.datacenter.pools
    assert "failed inside the simulator" in caplog.text


def test_warnings_are_counted_in_the_exit_status(bench: Bench) -> None:
    def warn(run: TaskRun) -> Steps:
        run.warn("disk is slow")
        yield "on we go"

    task = bench.run(warn)
    assert (task.exitstatus, task.log) == ("WARNINGS: 1", ("WARN: disk is slow", "on we go", "TASK WARNINGS: 1"))


def _locking(seconds: float) -> Body:
    def body(_run: TaskRun) -> Steps:
        yield Lock(LOCK)
        yield seconds

    return body


def test_a_second_task_waits_for_the_lock_of_the_first(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    first, second = bench.start(_locking(3)), bench.start(_locking(1))
    bench.advance(0)
    assert bench.datacenter.tasks[second].log == ("trying to acquire lock...",)
    bench.advance(4)
    assert bench.datacenter.tasks[first].exitstatus == "OK"
    bench.advance(2)
    assert bench.datacenter.tasks[second].log == ("trying to acquire lock...", " OK", "TASK OK")


def test_a_task_gives_up_on_a_lock_after_ten_seconds(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    bench.start(_locking(60))
    second = bench.start(_locking(1))
    bench.advance(0)
    bench.advance(11)
    assert bench.datacenter.tasks[second].exitstatus == f"can't lock file '{LOCK}' - got timeout"


def test_a_stopped_task_cleans_up_and_frees_its_lock(bench: Bench) -> None:
    def careful(run: TaskRun) -> Steps:
        yield Lock(LOCK)
        try:
            yield 60.0
        except TaskError:
            run.datacenter.pools.put(Pool(poolid="cleaned"))
            raise

    bench.world.clock.set_mode("held")
    upid = bench.start(careful)
    bench.advance(0)
    with bench.world.database.transaction():
        bench.tasks.stop(upid)
    task = bench.datacenter.tasks[upid]
    assert (task.exitstatus, task.log[-1]) == ("received interrupt", "TASK ERROR: received interrupt")
    assert "cleaned" in bench.datacenter.pools
    assert not bench.tasks.lock_holders


def test_an_ordered_fault_fails_the_next_task_of_its_type_only(bench: Bench) -> None:
    bench.tasks.faults.append(TaskFault(type="qmclone", text="clone failed: broken disk"))
    assert bench.run(_two_steps).exitstatus == "OK"
    for expected in ("clone failed: broken disk", "OK"):
        upid = bench.start(_two_steps, kind="qmclone")
        bench.tasks.run_due()
        assert bench.datacenter.tasks[upid].exitstatus == expected


def test_a_task_whose_process_died_ends_with_unexpected_status(bench: Bench, tmp_path: Path) -> None:
    bench.world.clock.set_mode("held")
    upid = bench.start(_two_steps)
    bench.advance(0)
    again = _open(tmp_path)
    assert again.datacenter.tasks[upid].exitstatus == "unexpected status"
    assert again.datacenter.tasks[upid].log == ("first",)
    again.world.database.close()


def test_a_node_that_loses_power_takes_its_tasks_along(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    upid = bench.start(_locking(5))
    bench.advance(0)
    with bench.world.database.transaction():
        bench.tasks.kill_node(bench.datacenter, "pve1")
    bench.advance(10)
    assert bench.datacenter.tasks[upid].exitstatus == "unexpected status"
    assert not bench.tasks.lock_holders


def test_with_a_timed_clock_tasks_take_their_time_divided_by_the_speed(bench: Bench) -> None:
    async def run() -> float:
        bench.world.clock.set_mode("timed", speed=50)
        upid = bench.start(_two_steps)
        started = time.monotonic()
        bench.tasks.run_due()
        assert bench.datacenter.tasks[upid].log == ("first",)
        while bench.datacenter.tasks[upid].exitstatus is None:
            await asyncio.sleep(0.005)
        return time.monotonic() - started

    assert 0.1 <= asyncio.run(run()) < 2


def test_for_measurements_all_tasks_take_the_same_time(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    bench.world.clock.task_seconds = 0.2
    upid = bench.start(_two_steps)

    bench.advance(0.1)
    assert bench.datacenter.tasks[upid].exitstatus is None
    bench.advance(0.2)
    assert bench.datacenter.tasks[upid].exitstatus == "OK"


def test_a_task_waits_for_what_takes_real_time_and_others_go_on_meanwhile(bench: Bench) -> None:
    async def scenario() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wait(_run: TaskRun) -> Steps:
            yield "begun"
            yield future
            yield "gone on"

        def other(_run: TaskRun) -> Steps:
            yield 1.0

        upid = bench.start(wait)
        bench.tasks.run_due()
        assert bench.datacenter.tasks[upid].log == ("begun",)
        assert bench.run(other).exitstatus == "OK"
        future.set_result(None)
        await asyncio.sleep(0)
        task = bench.datacenter.tasks[upid]
        assert (task.exitstatus, task.log) == ("OK", ("begun", "gone on", "TASK OK"))

    asyncio.run(scenario())


def test_a_task_that_waits_for_what_takes_real_time_can_be_stopped(bench: Bench) -> None:
    async def scenario() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wait(_run: TaskRun) -> Steps:
            yield future

        upid = bench.start(wait)
        bench.tasks.run_due()
        bench.tasks.stop(upid)
        future.set_result(None)
        await asyncio.sleep(0)
        assert bench.datacenter.tasks[upid].exitstatus == "received interrupt"

    asyncio.run(scenario())


def test_switching_to_the_immediate_clock_finishes_what_was_held(bench: Bench) -> None:
    bench.world.clock.set_mode("held")
    upid = bench.start(_two_steps)
    bench.advance(1)
    bench.world.clock.set_mode("immediate")
    bench.tasks.run_due()
    assert bench.datacenter.tasks[upid].exitstatus == "OK"


def _locked_call(bench: Bench, wait: float) -> Answer:
    """Make a call that needs the lock of a running task, which ends after some real seconds."""

    def handler(call: Call) -> str:
        call.need_lock(LOCK)
        call.datacenter.pools.put(Pool(poolid="changed"))
        return "done"

    entry = Route(
        method="PUT", path="/locked", handler=handler, params={}, expanded={}, check=None, user="world",
        protected=False, proxyto=None, allowtoken=True, rest=False,
    )  # fmt: skip
    router = Router(bench.world, bench.tasks, RouteTree([entry]))

    async def run() -> Answer:
        bench.world.clock.set_mode("timed")
        bench.start(_locking(wait))
        bench.tasks.run_due()
        request = Request(method="PUT", path="/locked", values={}, datacenter=bench.datacenter, node="pve1")
        return await router.answer(request)

    return asyncio.run(run())


def test_a_call_waits_for_the_lock_that_a_task_holds(bench: Bench) -> None:
    started = time.monotonic()
    assert _locked_call(bench, 0.3).data == "done"
    assert time.monotonic() - started >= 0.3
    assert "changed" in bench.datacenter.pools


def test_a_call_gives_up_on_a_lock_that_stays_held(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.router.LOCK_TIMEOUT", 0.2)
    with pytest.raises(ApiError, match=f"^can't lock file '{LOCK}' - got timeout$"):
        _locked_call(bench, 60)
    assert "changed" not in bench.datacenter.pools
