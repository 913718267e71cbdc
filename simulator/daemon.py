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

from simulator import code
from simulator.store import STATE

START_TIMEOUT = 30.0
_POLL = 0.05


class DaemonError(Exception):
    """The simulator could not be started or stopped; the text is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAddress:
    """How to reach a node over SSH; `host_key` is the fingerprint, `public_key` what goes into `known_hosts`."""

    address: str
    port: int
    host_key: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedConnection:
    """How to reach one cluster or standalone host: the API, and each node over SSH as root."""

    endpoints: list[str]
    ca_file: Path
    token_id: str
    token_secret: str = field(repr=False)
    login: dict[str, str] = field(repr=False)
    """Who programs log in as, in the words of `proxmox:connections`: the token, or root@pam with its password."""
    ssh: dict[str, SshAddress]
    """By the name of the node; all hosts of a topology whose programs log in with the password."""
    ssh_key: Path
    """The private key that may log in; the password of root@pam may as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running simulator."""

    pid: int
    home: Path
    topology: str
    connections: dict[str, SimulatedConnection]
    control: str
    guests: str
    """`live`, `modelled`, or why they are modelled although the topology wants them live."""
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
            _end(home)  # one that was started before its code was updated; its state stays
            return _start(home, topology)
        if running.topology != Path(topology).stem:
            raise DaemonError(f"a simulator of topology {running.topology!r} runs in {home}; stop it first")
        return running


def find(home: Path) -> Running | None:
    """Return the simulator of today's code that runs in this home and answers, or None."""
    home = home.resolve()
    files = _written(home)
    if files is None or files[0].get("code") != code.version() or _answering(home) is None:
        return None
    return _running(home, *files)


def stop(home: Path, timeout: float = 10.0) -> bool:
    """End the simulator that runs in this home; tell whether there was one."""
    home = home.resolve()
    if not home.is_dir():
        return False
    with _locked(home):
        return _end(home, timeout)


def reset(home: Path, topology: str) -> Running:
    """Begin again with what the topology says, whatever the state is by now; addresses and secrets stay."""
    home = home.resolve()
    running = find(home)
    if running is None:
        stop(home)
        for file in home.glob(f"{STATE}*"):
            file.unlink()
        running = ensure(home, topology)
    control(running, "POST", "reset")
    return running


def _end(home: Path, timeout: float = 10.0) -> bool:
    """End whatever simulator answers in this home, in good order or after a while by force."""
    pid = _answering(home)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + timeout
    while _alive(pid):
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)
    return True


def control(running: Running, method: str, command: str, body: object = None) -> Any:
    """Call the control plane of a running simulator and return its data."""
    ca_file = next(iter(running.connections.values())).ca_file
    return _call((running.control, ca_file, running.control_key), method, command, body)


def _call(door: tuple[str, Path, str], method: str, command: str, body: object = None) -> Any:
    """Call the control plane at an address, with a CA file and a key, and return its data."""
    url, ca_file, key = door
    address = urlsplit(url)
    context = ssl.create_default_context(cafile=ca_file)
    connection = HTTPSConnection(address.hostname or "", address.port, timeout=10, context=context)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, f"{address.path}/{command}", text, {"X-Sim-Key": key})
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


def _written(home: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Read what a simulator has written about itself, and its secrets."""
    try:
        written = json.loads((home / "simulator.json").read_text(encoding="utf-8"))
        return written, json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _answering(home: Path) -> int | None:
    """Return the process that answers in this home and is the one that it says, of whatever version."""
    files = _written(home)
    if files is None or not _alive(files[0]["pid"]):
        return None
    written, credentials = files
    door = (written["control"], Path(written["ca_file"]), credentials["control_key"])
    with suppress(OSError, HTTPException, ValueError, KeyError, DaemonError):
        if _call(door, "GET", "ping")["pid"] == written["pid"]:
            return int(written["pid"])
    return None


def _running(home: Path, written: dict[str, Any], credentials: dict[str, Any]) -> Running:
    """Say in types what a simulator of today's code has written."""
    known = {name: entry["ssh"] for name, entry in written["connections"].items()}
    logins = {
        name: {"token_id": token["id"], "token_secret": token["secret"]}
        for name, token in credentials["tokens"].items()
    }
    if written["login"] == "password":
        everywhere = {node: address for ssh in known.values() for node, address in ssh.items()}
        known = dict.fromkeys(known, everywhere)
        logins = {name: {"username": credentials["user"], "password": credentials["password"]} for name in known}
    connections = {
        name: SimulatedConnection(
            endpoints=entry["endpoints"],
            ca_file=Path(written["ca_file"]),
            token_id=credentials["tokens"][name]["id"],
            token_secret=credentials["tokens"][name]["secret"],
            login=logins[name],
            ssh={node: SshAddress(**address) for node, address in known[name].items()},
            ssh_key=Path(written["ssh_key"]),
        )
        for name, entry in written["connections"].items()
    }
    return Running(
        pid=written["pid"], home=home, topology=written["topology"], connections=connections,
        control=written["control"], guests=written["guests"], control_key=credentials["control_key"],
    )  # fmt: skip


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
        files = _written(home)
        if files is not None and _answering(home) == pid:
            return _running(home, *files)
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
