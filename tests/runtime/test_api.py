"""What a handler works with: requests and the tasks that they start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers._runtime import api as module
from providers._runtime.errors import TaskFailed
from tests.conftest import Simulator
from tests.runtime.doors import Call, call_on, connection_to, opened, requests_on

BUSY = "can't lock file '/var/lock/qemu-server/lock-9001.conf' - got timeout"
CLONES = "/nodes/pve1/qemu/9001/clone"


@pytest.fixture
def call(cluster: Simulator) -> Iterator[Call]:
    """One operation on the cluster."""
    with opened(connection_to(cluster)) as client:
        yield call_on(client)


def clone(call: Call) -> None:
    """Something that is done by a task."""
    call.run("cloning VM 9001", "POST", CLONES, {"newid": 100})


def test_a_request_that_starts_a_task_is_over_when_the_task_is(call: Call) -> None:
    clone(call)

    assert "lock" not in call.get("/nodes/pve1/qemu/100/config")


def test_a_request_that_starts_no_task_is_over_at_once(call: Call) -> None:
    call.run("making a pool", "POST", "/pools", {"poolid": "prod"})

    assert [pool["poolid"] for pool in call.get("/pools")] == ["prod"]


def test_a_task_that_found_a_lock_busy_is_started_again(call: Call, cluster: Simulator) -> None:
    cluster.control("POST", "task-faults", {"type": "qmclone", "text": BUSY, "count": 2})

    clone(call)

    assert requests_on(cluster, CLONES, "POST") == 3


def test_a_task_that_failed_for_another_reason_is_not_started_again(call: Call, cluster: Simulator) -> None:
    cluster.control("POST", "task-faults", {"type": "qmclone", "text": "no space left"})

    with pytest.raises(TaskFailed, match=r"^cloning VM 9001 failed: no space left"):
        clone(call)

    assert requests_on(cluster, CLONES, "POST") == 1


@pytest.mark.parametrize(
    ("segment", "quoted"),
    [("prod/web", "prod%2Fweb"), ("local:iso/a b.iso", "local%3Aiso%2Fa%20b.iso"), (100, "100")],
)
def test_a_segment_of_a_path_stays_one(segment: object, quoted: str) -> None:
    assert module.quoted(segment) == quoted
