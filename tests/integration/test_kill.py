"""Killing the engine, or the plugin, at any point loses nothing: the next run ends where an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Simulator
from tests.engine import PROJECT, Program
from tests.integration.guests import clones, guests
from toolchain.stacks import mend, unlock

pytestmark = pytest.mark.engine

GUESTS = 30


def processes_of(session: int) -> dict[int, str]:
    """The processes of a session, and the command line of each."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == session:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def kill(pids: list[int]) -> None:
    """As the machine does it when it runs out of memory."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def engine_only(session: int) -> list[int]:
    """The `pulumi` process; its plugins are left to find out for themselves."""
    return [session]


def plugin_only(session: int) -> list[int]:
    """The process that talks to Proxmox."""
    return [pid for pid, command in processes_of(session).items() if "pulumi.dynamic" in command]


def everything(session: int) -> list[int]:
    """All that belongs to the run."""
    return list(processes_of(session))


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def writes(simulator: Simulator) -> int:
    """How many requests have changed something so far."""
    return sum(row["method"] != "GET" for row in simulator.requests())


def ended(process: subprocess.Popen[str]) -> None:
    """Collect a killed run; nothing of it may go on, but Pulumi's own language host, which looks every five minutes."""
    process.wait(timeout=60)
    assert process.stdout is not None
    process.stdout.close()
    end = time.monotonic() + 20
    while left := {pid: command for pid, command in processes_of(process.pid).items() if "python" in command}:
        idle = [pid for pid, command in left.items() if "/pulumi-language-python " in command]
        if len(idle) == len(left):
            kill(idle)
        assert time.monotonic() < end, f"still running: {left}"
        time.sleep(0.1)


@pytest.mark.parametrize("victims", [engine_only, plugin_only, everything])
def test_a_run_that_was_killed_is_finished_by_the_next_one(
    victims: Callable[[int], list[int]], program: Program, simulator: Simulator, tmp_path: Path
) -> None:
    before = simulator.state()
    simulator.control("POST", "clock", {"mode": "timed", "speed": 2.0})
    program.declare(clones(GUESTS))
    point = random.randint(1, 3 * GUESTS)
    sys.stdout.write(f"killed after {point} writes\n")

    process = program.start("up", "--yes", "--skip-preview", events=tmp_path / "killed.jsonl")
    wait_for(lambda: writes(simulator) >= point or process.poll() is not None)
    kill(victims(process.pid))
    ended(process)

    mend(program.folder / "state", PROJECT, "test")  # as `make up` does: Pulumi's own file may be half-written
    unlock(program.folder / "state", PROJECT, "test")
    up = program.up()
    assert up.code == 0, up.text
    assert set(guests(simulator)) == {f"web-{number}" for number in range(1, GUESTS + 1)}
    assert all(guest["status"] == "running" for guest in guests(simulator).values())
    simulator.control("POST", "clock", {"mode": "immediate"})
    assert program.up().changes == {}
    assert program.destroy().code == 0
    assert simulator.state() == before
