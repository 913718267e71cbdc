"""What only the real engine can tell: half-made resources, progress, and where secrets end up."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.runtime.doors import password_of

pytestmark = pytest.mark.engine

POOL = "providers.pool.Pool"
VM = "providers.vm.VirtualMachine"
GUEST: dict[str, Any] = {
    "node": "pve1",
    "vmid": 500,
    "name": "web",
    "disks": {"scsi0": {"storage": "local-lvm", "size": "1G"}},
    "ciuser": "admin",
    "cipassword": "hush-in-the-guest",
    "started": True,
}


def guests(simulator: Simulator) -> dict[int, str]:
    """The guests of the host that are no templates, and whether they run."""
    rows = simulator.by_hand("GET", "/nodes/pve1/qemu")
    return {row["vmid"]: row["status"] for row in rows if not row.get("template")}


def test_a_create_that_fails_halfway_is_finished_by_the_next_up(program: Program, simulator: Simulator) -> None:
    there = guests(simulator)
    program.declare({"it": Resource(VM, GUEST)})
    simulator.control("POST", "task-faults", {"type": "qmstart", "text": "no room on this node"})

    failed = program.up()

    assert failed.code != 0
    assert "no room on this node" in failed.diagnostics
    assert "Traceback" not in failed.text
    kept = program.state()["it"]
    assert kept["id"] == "qemu/500"
    assert "hush-in-the-guest" not in json.dumps(kept)
    assert guests(simulator) == {**there, 500: "stopped"}

    finished = program.up()

    assert (finished.code, finished.changes) == (0, {"update": 1}), finished.text
    assert guests(simulator) == {**there, 500: "running"}
    again = program.up()
    assert (again.code, again.changes) == (0, {}), again.text


def test_an_update_that_fails_leaves_the_state_as_the_host_is(program: Program, simulator: Simulator) -> None:
    program.declare({"it": Resource(POOL, {"poolid": "prod", "comment": "old"})})
    program.up()
    program.declare({"it": Resource(POOL, {"poolid": "prod", "comment": "new"})})
    simulator.fail(action="fail", method="PUT", path="/pools", status=403, reason="not today")

    failed = program.up()

    assert failed.code != 0
    assert "not today (PUT /pools, status 403)" in failed.diagnostics
    assert program.state()["it"]["outputs"]["comment"] == "old"
    finished = program.up()
    assert (finished.code, finished.changes) == (0, {"update": 1}), finished.text
    assert program.state()["it"]["outputs"]["comment"] == "new"


def test_progress_is_shown_while_a_task_runs_and_what_was_planned_stays_planned(
    program_on: Callable[[Simulator], Program], cluster: Simulator
) -> None:
    program = program_on(cluster)
    clone = {"vmid": 9000, "full": True, "storage": "nfs1"}
    program.declare({"it": Resource(VM, {"node": "pve1", "name": "web", "clone": clone, "started": False})})
    cluster.control("POST", "clock", {"mode": "timed", "speed": 1.0})

    up = program.up()

    assert up.changes == {"create": 1}, up.text
    lines = [event["diagnosticEvent"] for event in up.events if "diagnosticEvent" in event]
    shown = [line["message"] for line in lines if line.get("ephemeral") and line.get("urn", "").endswith("::it")]
    assert [line for line in shown if "%" in line], shown

    cluster.control("POST", "clock", {"mode": "immediate"})
    planned = program.state()["it"]["inputs"]["planned"]
    refresh = program.refresh()
    assert not refresh.changes, refresh.text
    assert program.state()["it"]["inputs"]["planned"] == planned
    cluster.forget_requests()
    assert program.preview().changes == {}
    assert cluster.requests() == [], "nothing has changed, so there is nothing to ask"


def test_no_secret_is_in_plain_text_anywhere(program: Program, simulator: Simulator) -> None:
    simulated = next(iter(simulator.running.connections.values()))
    password = password_of(simulator)
    lab = {
        "endpoints": simulated.endpoints,
        "username": "root@pam",
        "password": password,
        "ca_file": str(simulated.ca_file),
    }
    program.pulumi("config", "set", "--secret", "proxmox:connections", json.dumps({"lab": lab}))
    program.declare({"it": Resource(VM, GUEST)})
    simulator.fail(action="delay", method="POST", path="/nodes/.*", seconds=0.5, count=3)

    with command_lines() as seen:
        up = program.up()

    assert up.changes == {"create": 1}, up.text
    assert any("pulumi.dynamic" in line for line in seen), "the plugin was among the processes"
    places = {
        "state": program.pulumi("stack", "export").stdout,
        "files of the state": "".join(file.read_text() for file in files(program.folder / "state")),
        "event log": "".join(file.read_text() for file in program.folder.glob("events-*.jsonl")),
        "output": up.text,
        "process list": "\n".join(seen),
        "request log": (simulator.running.home / "requests.jsonl").read_text(),
        "stack's file": (program.folder / "Pulumi.test.yaml").read_text(),
    }
    assert all(places.values())
    secrets = (password, "hush-in-the-guest")
    assert [place for place, text in places.items() for secret in secrets if secret in text] == []
    assert "4dabf18193072939515e22adb298388d" in json.dumps(program.state()["it"]["outputs"]["cipassword"])


def files(folder: Path) -> Iterator[Path]:
    """The text files below a folder."""
    return (file for file in folder.rglob("*") if file.is_file() and file.suffix in (".json", ".bak"))


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Every command line that any process on this machine has meanwhile."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
