"""Waiting for a task of a simulated host: how often it is looked at, and what is told of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from providers._runtime import tasks
from providers._runtime.errors import TaskFailed, TookTooLong
from tests.conftest import Simulator
from tests.runtime.doors import Call, at_once, call_on, connection_to, opened

UPID = "UPID:pve1:000003E8:00000001:6553F100:qmclone:100:root@pam!labs:"
LIST = "/api2/json/nodes/pve1/tasks"
STATUS, LOG = (f"/api2/json/nodes/pve1/tasks/{UPID}/{what}" for what in ("status", "log"))
WHAT = "cloning VM 100"


@dataclass
class Job:
    """A task that the test itself moves on."""

    simulator: Simulator
    lines: list[str] = field(default_factory=list)

    def is_now(self, exitstatus: str | None = None, *more: str) -> None:
        """Say how it is, with more lines in its log."""
        self.lines += more
        record = {
            "upid": UPID, "node": "pve1", "type": "qmclone", "id": "100", "user": "root@pam!labs", "pid": 1000,
            "pstart": 1, "starttime": 0x6553F100, "exitstatus": exitstatus, "log": self.lines,
            "endtime": None if exitstatus is None else 0x6553F200,
        }  # fmt: skip
        self.simulator.control("POST", "seed", {"table": "tasks", "records": [record]})

    def looks(self, path: str = LIST) -> int:
        """How often it was looked at."""
        return sum(row["path"] == path for row in self.simulator.requests())


@pytest.fixture
def job(simulator: Simulator) -> Job:
    """A task that has just begun."""
    job = Job(simulator)
    job.is_now(None, "create full clone of drive scsi0")
    return job


@pytest.fixture
def call(simulator: Simulator) -> Iterator[Call]:
    """One operation."""
    with opened(connection_to(simulator)) as client:
        yield call_on(client)


def later(seconds: float, *steps: tuple[str | None, tuple[str, ...]], job: Job) -> threading.Thread:
    """Move the task on, one step after each pause."""

    def move() -> None:
        for exitstatus, lines in steps:
            time.sleep(seconds)
            job.is_now(exitstatus, *lines)

    thread = threading.Thread(target=move)
    thread.start()
    return thread


def test_a_short_task_is_over_with_the_first_look(job: Job, call: Call) -> None:
    job.is_now("OK", "TASK OK")
    began = time.monotonic()

    tasks.wait(call, UPID, WHAT)

    assert time.monotonic() - began < 0.5
    assert (job.looks(), job.looks(LOG)) == (1, 0)
    assert (call.said, call.warned) == ([], [])


def test_all_that_wait_look_at_one_list(job: Job, call: Call) -> None:
    thread = later(0.9, ("OK", ()), job=job)
    at_once(16, lambda: tasks.wait(call, UPID, WHAT))
    thread.join()

    assert 3 <= job.looks() <= 20, "hardly more than one of them alone would need"
    assert job.looks(STATUS) == 0


def test_a_task_that_the_list_does_not_name_is_asked_for_itself(job: Job, call: Call) -> None:
    job.is_now("OK")
    gone = {"method": "GET", "path": "/nodes/pve1/tasks", "action": "fail", "status": 403, "reason": "denied"}
    job.simulator.control("POST", "faults", gone)

    tasks.wait(call, UPID, WHAT)

    assert job.looks(STATUS) == 1


def test_a_list_that_has_not_heard_of_the_end_is_not_believed_for_ever(job: Job, call: Call) -> None:
    job.is_now(None, "TASK OK")

    def stale(*_: object) -> dict[str, object]:
        return {"upid": UPID, "starttime": 0x6553F100}

    call.facts.tasks.row = stale  # type: ignore[assignment,method-assign]  # a cluster file system that hangs
    thread = later(1.5, ("OK", ()), job=job)
    tasks.wait(call, UPID, WHAT)
    thread.join()

    assert job.looks(STATUS) >= 1


def test_a_long_task_is_looked_at_less_and_less_often(job: Job, call: Call) -> None:
    thread = later(3.0, ("OK", ()), job=job)
    tasks.wait(call, UPID, WHAT)
    thread.join()

    assert 9 <= job.looks() <= 16, "0.04 s, then a quarter as long again each time, up to 1 s"


def test_how_far_it_is_is_told_from_its_log_when_that_is_news(job: Job, call: Call) -> None:
    steps = [
        (None, ("transferred 0.0 B of 8.0 GiB (0.00%)", "transferred 1.2 GiB of 8.0 GiB (15.00%)")),
        (None, ("transferred 6.0 GiB of 8.0 GiB (75.40%)", "no number in this one")),
        ("OK", ("transferred 8.0 GiB of 8.0 GiB (100.00%)",)),
    ]
    thread = later(1.4, *steps, job=job)
    tasks.wait(call, UPID, WHAT)
    thread.join()

    assert call.said == [f"{WHAT} 15 %", f"{WHAT} 75 %"]


def test_warnings_are_passed_on(job: Job, call: Call) -> None:
    job.is_now("WARNINGS: 1", "WARN: no EFI disk", "TASK WARNINGS: 1")

    tasks.wait(call, UPID, WHAT)

    assert call.warned == [f"{WHAT}: WARN: no EFI disk"]


def test_a_failed_task_tells_why_and_how_its_log_ended(job: Job, call: Call) -> None:
    lines = [f"line {n}" for n in range(20)]
    job.is_now("clone failed: no space left", *lines, "TASK ERROR: clone failed: no space left")

    with pytest.raises(TaskFailed) as told:
        tasks.wait(call, UPID, WHAT)

    assert str(told.value) == (
        f"{WHAT} failed: clone failed: no space left (task log: line 16 | line 17 | line 18 | line 19)"
    )
    assert told.value.upid == UPID


def test_the_end_of_a_log_longer_than_one_answer_is_told(job: Job, call: Call) -> None:
    job.is_now("it broke", *(f"line {n}" for n in range(1500)), "the last words")

    with pytest.raises(TaskFailed, match=r"line 1499 \| the last words\)$"):
        tasks.wait(call, UPID, WHAT)


@pytest.mark.usefixtures("job")
def test_a_task_that_is_not_over_in_time_is_named(call: Call) -> None:
    call.deadline = time.monotonic() + 0.8
    began = time.monotonic()

    with pytest.raises(TookTooLong) as told:
        tasks.wait(call, UPID, WHAT)

    assert str(told.value) == f"{WHAT} is still running; the task goes on as {UPID}"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("transferred 1.2 GiB of 8.0 GiB (15.00%)", "15 %"),
        ("drive-scsi0: transferred 1.0 GiB of 8.0 GiB (12.50%) in 1s", "12 %"),
        (" 45% complete", "45 %"),
        ("mirror-scsi0: 7 %", "7 %"),
        ("create full clone of drive scsi0", None),
    ],
)
def test_a_percentage_is_found_in_the_lines_that_proxmox_writes(line: str, progress: str | None) -> None:
    assert tasks.progress(line) == progress
