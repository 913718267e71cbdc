"""Snapshots: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import AlreadyThere, TaskFailed
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.providers.inside import CONTAINER, MACHINE, SETUP, agent, prepare

__all__ = ["SETUP"]

EXAMPLE: dict[str, Any] = {
    "vmid": MACHINE,
    "snapname": "before",
    "description": "the upgrade",
    "vmstate": True,
    "rollback": "never yet",
}
UPDATES: list[dict[str, Any]] = [
    {"vmid": MACHINE, "snapname": "before", "rollback": "2026-10-01"},
    {"vmid": MACHINE, "snapname": "before", "description": "another upgrade"},
]
DRIFT = [("PUT", f"/nodes/pve1/qemu/{MACHINE}/snapshot/before/config", {"description": "by hand"})]


@pytest.fixture
def snapshot(simulator: Simulator) -> Driver:
    """A snapshot of a program, with both guests running."""
    prepare(simulator)
    return Driver(simulator, "snapshot")


def change_something(simulator: Simulator) -> None:
    """What a rollback takes back."""
    agent(simulator, ["touch", "/root/changed"])


def is_changed(simulator: Simulator) -> bool:
    """Whether it has been taken back."""
    return "changed" in agent(simulator, ["ls", "/root"])


def test_the_guest_goes_back_when_the_word_changes_and_runs_again(snapshot: Driver, simulator: Simulator) -> None:
    snapshot.up({"vmid": MACHINE, "snapname": "before"})
    change_something(simulator)
    snapshot.again()
    back = {"vmid": MACHINE, "snapname": "before", "rollback": "first"}
    assert snapshot.check(back)[0]["impact"] == "rollback: data loss"

    snapshot.up(back)

    assert not is_changed(simulator)
    assert snapshot.drift() == {}
    change_something(simulator)
    snapshot.again()
    snapshot.up({**back, "rollback": "second"})
    assert not is_changed(simulator)


def test_it_never_goes_back_for_anything_else(snapshot: Driver, simulator: Simulator) -> None:
    back = {"vmid": MACHINE, "snapname": "before", "rollback": "first"}
    snapshot.up(back)
    change_something(simulator)
    for args in ({**back, "description": "described"}, {"vmid": MACHINE, "snapname": "before"}):
        snapshot.again()
        snapshot.up(args)
    snapshot.id, snapshot.inputs, snapshot.outputs = "", {}, {}
    snapshot.up({**back, "adopt": "if-exists"})

    assert is_changed(simulator)
    assert snapshot.drift() == {}


def test_one_that_is_made_anew_does_not_go_back(snapshot: Driver, simulator: Simulator) -> None:
    back = {"vmid": MACHINE, "snapname": "before", "rollback": "first"}
    snapshot.up(back)
    change_something(simulator)
    simulator.by_hand("DELETE", f"/nodes/pve1/qemu/{MACHINE}/snapshot/before")
    assert snapshot.drift() == {"gone": True}

    Driver(simulator, "snapshot").up({**back, "rollback": "second"})

    assert is_changed(simulator)


def test_a_rollback_that_fails_is_tried_again(snapshot: Driver, simulator: Simulator) -> None:
    snapshot.up({"vmid": MACHINE, "snapname": "before"})
    change_something(simulator)
    back = {"vmid": MACHINE, "snapname": "before", "rollback": "first"}
    simulator.control("POST", "task-faults", {"type": "qmrollback", "text": "no space", "count": 1})
    snapshot.again()
    with pytest.raises(TaskFailed, match="no space"):
        snapshot.up(back)

    snapshot.again()
    snapshot.up(back)

    assert not is_changed(simulator)


def test_a_container_has_them_too(snapshot: Driver, simulator: Simulator) -> None:
    snapshot.up({"vmid": CONTAINER, "snapname": "before", "description": "all"})
    snapshot.again()
    snapshot.up({"vmid": CONTAINER, "snapname": "before", "rollback": "now"})

    status = simulator.by_hand("GET", f"/nodes/pve1/lxc/{CONTAINER}/status/current")
    assert status["status"] == "running"
    snapshot.delete()
    rows = simulator.by_hand("GET", f"/nodes/pve1/lxc/{CONTAINER}/snapshot")
    assert [row["name"] for row in rows] == ["current"]


def test_somebody_elses_is_neither_taken_nor_touched(snapshot: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", f"/nodes/pve1/qemu/{MACHINE}/snapshot", {"snapname": "before"})

    with pytest.raises(AlreadyThere, match="qemu/100/snapshot/before already exists"):
        snapshot.up({"vmid": MACHINE, "snapname": "before"})


def test_its_guest_may_be_gone_before_it(snapshot: Driver, simulator: Simulator) -> None:
    snapshot.up({"vmid": MACHINE, "snapname": "before"})
    simulator.by_hand("POST", f"/nodes/pve1/qemu/{MACHINE}/status/stop")
    simulator.by_hand("DELETE", f"/nodes/pve1/qemu/{MACHINE}")

    assert snapshot.drift() == {"gone": True}
    snapshot.delete()


def test_another_name_is_another_snapshot_and_the_old_one_is_not_lost_unasked(snapshot: Driver) -> None:
    snapshot.up({"vmid": MACHINE, "snapname": "before"})
    snapshot.again()

    assert "replace_allowed" in snapshot.problems({"vmid": MACHINE, "snapname": "after"})["snapname"]


def test_what_proxmox_would_refuse_is_refused_in_preview(snapshot: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 101, "scsi0": "local-lvm:1"})
    simulator.by_hand("PUT", "/storage/local", {"content": "images,iso,vztmpl,import"})
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 102, "scsi0": "local:1"})
    simulator.forget_requests()

    assert "there is no guest 555" in snapshot.problems({"vmid": 555, "snapname": "before"})["vmid"]
    assert "is a template" in snapshot.problems({"vmid": 9000, "snapname": "before"})["vmid"]
    assert "has no snapshots" in snapshot.problems({"vmid": 102, "snapname": "before"})["vmid"]
    assert "does not run" in snapshot.problems({"vmid": 101, "snapname": "before", "vmstate": True})["vmstate"]
    assert "container" in snapshot.problems({"vmid": CONTAINER, "snapname": "before", "vmstate": True})["vmstate"]
    assert tasks(simulator) == []
