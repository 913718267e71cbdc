"""A snapshot of a whole lab: in which order, and what becomes of it where a guest fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.lab_snapshot import command
from cli.lab_snapshot.order import rank, stages
from cli.lab_snapshot.run import LabSnapshotError, LabSnapshots, look
from cli.main import app
from lab_outputs import Guest
from lab_outputs import Lab as Outputs
from providers._runtime.client import Client
from tests.conftest import Simulator
from tests.providers.inside import CONTAINER, MACHINE, agent, prepare
from tests.runtime.doors import connection_to

GROUPS = st.lists(st.sampled_from(["router", "dns", "database", "web", "Postgres"]), max_size=2)
RANKS = st.dictionaries(
    st.from_regex(r"[a-z]{1,4}", fullmatch=True),
    st.builds(rank, st.none() | st.integers(0, 99).map("order={},up=30".format), GROUPS),
)


@given(RANKS)
def test_every_guest_is_in_one_stage_and_none_before_what_it_starts_after(ranks: dict[str, tuple[float, int]]) -> None:
    found = stages(ranks)

    assert sorted(name for stage in found for name in stage) == sorted(ranks)
    for one, after in pairwise(found):
        assert max(ranks[name] for name in one) < min(ranks[name] for name in after)


def test_who_has_an_order_of_starting_is_first_and_then_routers_databases_and_others() -> None:
    ranks = {
        "app": rank(None, ["web"]),
        "sql": rank(None, ["Database"]),
        "router": rank(None, ["router"]),
        "second": rank("order=2", ["web"]),
        "also-second": rank("2", ["database"]),
        "first": rank("up=5,order=1", []),
        "late": rank("up=5", []),
    }

    assert stages(ranks) == [["first"], ["also-second"], ["second"], ["router"], ["sql"], ["app", "late"]]


Lab = Callable[[], LabSnapshots]


class Told(list[str]):
    """What was said."""


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def lab(simulator: Simulator, told: Told) -> Iterator[Lab]:
    """A database in a container, and a web server in a virtual machine; as they are at each call."""
    prepare(simulator)
    client = Client("lab", connection_to(simulator), 4)
    place = {"node": "pve1", "host": "pve1"}
    guests = {
        "web": Guest(name="web", type="qemu", vmid=MACHINE, groups=("web",), **place),
        "sql": Guest(name="sql", type="lxc", vmid=CONTAINER, groups=("database",), **place),
    }
    yield lambda: LabSnapshots(look({name: (guest, client) for name, guest in guests.items()}, "demo", 60), told.append)
    client.close()


def refuses_once(simulator: Simulator, method: str, path: str) -> None:
    """The next such request fails, for a reason that does not pass."""
    simulator.fail(action="fail", method=method, path=path, count=1, status=500, reason="no room")


def power(simulator: Simulator) -> list[str]:
    """What was asked of the guests, in order."""
    asked = [row["path"] for row in simulator.requests() if row["method"] == "POST" and row["path"].count("/") > 3]
    return ["/".join(path.removeprefix("/api2/json").split("/")[4:]) for path in asked]


def status(simulator: Simulator, kind: str, vmid: int) -> Any:
    return simulator.by_hand("GET", f"/nodes/pve1/{kind}/{vmid}/status/current")["status"]


def test_a_lab_goes_back_as_a_whole_and_what_ran_runs_again(lab: Lab, simulator: Simulator, told: Told) -> None:
    assert lab().take("before").failed == {}
    assert told == ["web: taken", "sql: taken"]
    agent(simulator, ["touch", "/root/changed"])
    simulator.by_hand("POST", f"/nodes/pve1/lxc/{CONTAINER}/status/stop")
    simulator.forget_requests()

    done = lab().rollback("before")

    assert (done.done, done.failed, done.left) == (["sql", "web"], {}, [])
    assert "changed" not in agent(simulator, ["ls", "/root"])
    assert status(simulator, "lxc", CONTAINER) == "running"
    steps = [step for step in power(simulator) if "status" in step]
    assert steps == [f"{MACHINE}/status/shutdown", f"{CONTAINER}/status/start", f"{MACHINE}/status/start"]
    (row,) = lab().listed()
    assert (row.name, row.guests, row.missing) == ("before", ["web", "sql"], [])
    assert lab().remove("before").done == ["web", "sql"]
    assert lab().listed() == []


def test_a_snapshot_that_failed_half_way_is_told_and_gone_on_with(lab: Lab, simulator: Simulator, told: Told) -> None:
    simulator.control("POST", "task-faults", {"type": "vzsnapshot", "text": "no room", "count": 1})

    half = lab().take("before")

    assert half.done == ["web"]
    assert "no room" in half.failed["sql"]
    assert lab().listed()[0].missing == ["sql"]
    with pytest.raises(LabSnapshotError, match=r"^sql has no snapshot before of the whole lab, so that nothing goes"):
        lab().rollback("before")
    told.clear()
    assert lab().take("before").failed == {}
    assert told == ["sql: taken"]


def test_where_one_can_not_be_stopped_none_goes_back_and_what_comes_after_is_left(
    lab: Lab, simulator: Simulator
) -> None:
    lab().take("before")
    agent(simulator, ["touch", "/root/changed"])
    refuses_once(simulator, "POST", rf"/nodes/pve1/qemu/{MACHINE}/status/shutdown")

    half = lab().rollback("before")

    assert (list(half.failed), half.left, half.done) == (["web"], ["sql"], [])
    assert "changed" in agent(simulator, ["ls", "/root"])
    assert lab().rollback("before").failed == {}
    assert "changed" not in agent(simulator, ["ls", "/root"])


def test_where_one_does_not_go_back_none_is_started_until_all_have(lab: Lab, simulator: Simulator) -> None:
    lab().take("before")
    refuses_once(simulator, "POST", rf"/nodes/pve1/lxc/{CONTAINER}/snapshot/before/rollback")

    half = lab().rollback("before")

    assert (half.done, list(half.failed)) == (["web"], ["sql"])
    assert {status(simulator, "qemu", MACHINE), status(simulator, "lxc", CONTAINER)} == {"stopped"}
    assert lab().rollback("before").failed == {}
    assert {status(simulator, "qemu", MACHINE), status(simulator, "lxc", CONTAINER)} == {"running"}


def test_somebody_elses_snapshot_is_left_alone(lab: Lab, simulator: Simulator) -> None:
    simulator.by_hand("POST", f"/nodes/pve1/qemu/{MACHINE}/snapshot", {"snapname": "theirs"})

    with pytest.raises(LabSnapshotError, match=r"^web: there is a snapshot theirs already that is not of the whole"):
        lab().take("theirs")
    for action in (lab().remove, lab().rollback):
        with pytest.raises(LabSnapshotError, match=r"^the lab has no snapshot theirs; it has none$"):
            action("theirs")
    assert lab().listed() == []


def test_a_guest_that_is_gone_is_said_before_anything_is_done(lab: Lab, simulator: Simulator) -> None:
    simulator.by_hand("POST", f"/nodes/pve1/lxc/{CONTAINER}/status/stop")
    simulator.by_hand("DELETE", f"/nodes/pve1/lxc/{CONTAINER}")

    with pytest.raises(LabSnapshotError, match=r"^sql: not there"):
        lab()


def test_a_lab_without_guests_is_said_instead_of_a_snapshot_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "lab_of", lambda _directory, _stack: Outputs(kind="empty"))

    done = CliRunner().invoke(app, ["snapshot", "demo", "take", "before"])

    assert (done.exit_code, done.stderr) == (1, "error: the stack demo tells of no guests\n")
