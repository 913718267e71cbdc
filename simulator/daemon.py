"""Starts a simulator that outlives its caller, and finds one that runs already."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START_TIMEOUT = 30.0
_POLL = 0.05


class DaemonError(Exception):
    """The simulator could not be started or stopped; the text is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedConnection:
    """How to reach one cluster or standalone host, as root@pam's token."""

    endpoints: list[str]
    ca_file: Path
    token_id: str
    token_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running simulator."""

    pid: int
    home: Path
    topology: str
    connections: dict[str, SimulatedConnection]
    control: str
    control_key: str = field(repr=False)


def ensure(home: Path, topology: str) -> Running:
    """Return the simulator that runs in this home; start it, detached, when none does."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if Path(topology).is_file():
        topology = str(Path(topology).resolve())
    with _locked(home):
        running = find(home)
        if running is None:
            return _start(home, topology)
        if running.topology != Path(topology).stem:
            raise DaemonError(f"a simulator of topology {running.topology!r} runs in {home}; stop it first")
        return running


def find(home: Path) -> Running | None:
    """Return the simulator that runs in this home and answers, or None."""
    running = _read(home.resolve())
    return running if running is not None and _answers(running) else None


def stop(home: Path, timeout: float = 10.0) -> bool:
    """End the simulator that runs in this home; tell whether there was one."""
    home = home.resolve()
    if not home.is_dir():
        return False
    with _locked(home):
        running = find(home)
        if running is None:
            return False
        os.kill(running.pid, signal.SIGTERM)
        end = time.monotonic() + timeout
        while _alive(running.pid):
            if time.monotonic() > end:
                os.kill(running.pid, signal.SIGKILL)
            time.sleep(_POLL)
        return True


def control(running: Running, method: str, command: str, body: object = None) -> Any:
    """Call the control plane of a running simulator and return its data."""
    address = urlsplit(running.control)
    ca_file = next(iter(running.connections.values())).ca_file
    context = ssl.create_default_context(cafile=ca_file)
    connection = HTTPSConnection(address.hostname or "", address.port, timeout=10, context=context)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, f"{address.path}/{command}", text, {"X-Sim-Key": running.control_key})
        answer = json.load(connection.getresponse())
    finally:
        connection.close()
    if "error" in answer:
        raise DaemonError(answer["error"])
    return answer["data"]


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """Hold the home's lock file, so that only one caller starts or stops."""
    with (home / "daemon.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(home: Path) -> Running | None:
    """Read what the running simulator has written about itself."""
    try:
        written = json.loads((home / "simulator.json").read_text(encoding="utf-8"))
        credentials = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    connections = {
        name: SimulatedConnection(
            endpoints=entry["endpoints"],
            ca_file=Path(written["ca_file"]),
            token_id=credentials["tokens"][name]["id"],
            token_secret=credentials["tokens"][name]["secret"],
        )
        for name, entry in written["connections"].items()
    }
    return Running(
        pid=written["pid"], home=home, topology=written["topology"], connections=connections,
        control=written["control"], control_key=credentials["control_key"],
    )  # fmt: skip


def _answers(running: Running) -> bool:
    """Tell whether the simulator answers and is the process that it says."""
    if not _alive(running.pid):
        return False
    try:
        return bool(control(running, "GET", "ping")["pid"] == running.pid)
    except (OSError, HTTPException, ValueError, KeyError, DaemonError):
        return False


def _alive(pid: int) -> bool:
    """Tell whether a process is there; a child of ours that has ended is collected first."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _start(home: Path, topology: str) -> Running:
    """Start the process in a session of its own and wait until it answers."""
    (home / "simulator.json").unlink(missing_ok=True)
    log = home / "simulator.log"
    place = log.stat().st_size if log.exists() else 0
    pid = _spawn(home, topology, log)
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        running = _read(home)
        if running is not None and running.pid == pid and _answers(running):
            return running
        if not _alive(pid):
            said = log.read_bytes()[place:].decode(errors="replace").strip().splitlines()
            raise DaemonError(said[-1] if said else f"the simulator ended at once; see {log}")
        time.sleep(_POLL)
    os.kill(pid, signal.SIGKILL)
    raise DaemonError(f"the simulator did not answer within {START_TIMEOUT:.0f} seconds; see {log}")


def _spawn(home: Path, topology: str, log: Path) -> int:
    """Run `python -m simulator` detached from this process and return its pid."""
    root = str(Path(__file__).resolve().parent.parent)
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", "simulator", "--home", str(home), "--topology", topology],
        os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
