"""A simulator is started once, outlives its caller, and loses nothing when it is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from simulator import daemon
from simulator.store import STATE
from tests.simulator.conftest import client_of

_ENSURE = """
import sys
from pathlib import Path
from simulator import daemon
print(daemon.ensure(Path(sys.argv[1]), "standalone").pid)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "home"
    yield place
    daemon.stop(place)


def _kill(running: daemon.Running) -> None:
    os.kill(running.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while daemon.find(running.home) is not None and time.monotonic() < end:
        time.sleep(0.02)


def test_callers_at_the_same_time_get_the_same_simulator(home: Path) -> None:
    callers = [
        subprocess.Popen([sys.executable, "-c", _ENSURE, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pids = {caller.communicate(timeout=60)[0].strip() for caller in callers}
    running = daemon.find(home)
    assert running is not None
    assert pids == {str(running.pid)}


def test_a_second_start_reuses_the_running_simulator(home: Path) -> None:
    first = daemon.ensure(home, "standalone")
    assert daemon.ensure(home, "standalone") == first


def test_a_simulator_that_was_stopped_comes_back_with_its_addresses_secrets_and_state(home: Path) -> None:
    first = daemon.ensure(home, "two-hosts")
    client = client_of(first)
    client.call("POST", "/pools", {"poolid": "kept"})
    client.close()
    assert daemon.stop(home)
    assert daemon.find(home) is None
    assert not daemon.stop(home)
    second = daemon.ensure(home, "two-hosts")
    assert (second.connections, second.control_key) == (first.connections, first.control_key)
    again = client_of(second)
    assert [pool["poolid"] for pool in again.call("GET", "/pools").data] == ["kept"]
    again.close()


def test_what_was_acknowledged_survives_kill_9(home: Path) -> None:
    running = daemon.ensure(home, "standalone")
    acknowledged: list[str] = []

    def create() -> None:
        client = client_of(running)
        try:
            for number in range(100_000):
                client.call("POST", "/pools", {"poolid": f"p{number}"})
                acknowledged.append(f"p{number}")
        except (requests.exceptions.RequestException, ConnectionError):
            client.close()

    worker = threading.Thread(target=create)
    worker.start()
    while len(acknowledged) < 30:
        time.sleep(0.01)
    _kill(running)
    worker.join(30)
    client = client_of(daemon.ensure(home, "standalone"))
    there = {pool["poolid"] for pool in client.call("GET", "/pools").data}
    client.close()
    assert set(acknowledged) <= there
    assert len(there) <= len(acknowledged) + 1


def test_files_with_secrets_are_readable_for_their_owner_only(home: Path) -> None:
    daemon.ensure(home, "standalone")
    for name in ("credentials.json", "simulator.json", "tls/server.key"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_what_is_printed_of_a_connection_holds_no_secret(home: Path) -> None:
    running = daemon.ensure(home, "standalone")
    connection = running.connections["pve"]
    assert connection.token_secret not in repr(running)
    assert running.control_key not in repr(running)


def test_it_listens_on_loopback_only(home: Path) -> None:
    running = daemon.ensure(home, "standalone")
    port = int(running.connections["pve"].endpoints[0].rpartition(":")[2])
    lines = Path("/proc/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    listening = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert [place for place in listening if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


def test_a_port_in_use_is_told_in_one_line(home: Path) -> None:
    daemon.ensure(home, "standalone")
    daemon.stop(home)
    port = json.loads((home / "ports.json").read_text(encoding="utf-8"))["pve/pve1"]
    with socket.create_server(("127.0.0.1", port)), pytest.raises(daemon.DaemonError) as error:
        daemon.ensure(home, "standalone")
    assert str(error.value).startswith(f"port {port} of pve/pve1 is in use by another program")
    assert "\n" not in str(error.value)


def test_a_home_in_use_by_another_topology_is_told(home: Path) -> None:
    daemon.ensure(home, "standalone")
    with pytest.raises(daemon.DaemonError, match="a simulator of topology 'standalone' runs in"):
        daemon.ensure(home, "two-hosts")


def test_an_unknown_topology_is_told_in_one_line(home: Path) -> None:
    with pytest.raises(daemon.DaemonError, match=r"^topology 'nosuch' is neither a file nor one of: ") as error:
        daemon.ensure(home, "nosuch")
    assert "\n" not in str(error.value)


def test_one_that_was_started_before_an_update_is_replaced_and_its_state_stays(home: Path) -> None:
    before = _with_pool(home)
    about = json.loads((home / "simulator.json").read_text())
    (home / "simulator.json").write_text(json.dumps({**about, "code": "another", "connections": {}}))

    assert daemon.find(home) is None
    after = daemon.ensure(home, "standalone")

    assert after.pid != before.pid
    assert after.connections == before.connections
    assert "prod" in json.dumps(daemon.control(after, "GET", "state"))


def _with_pool(home: Path) -> daemon.Running:
    """Start a simulator in which somebody has made a pool."""
    running = daemon.ensure(home, "standalone")
    daemon.control(running, "POST", "seed", {"datacenter": "pve", "table": "pools", "records": [{"poolid": "prod"}]})
    return running


def _edit_state(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / STATE, isolation_level=None)) as state:
        for statement in statements:
            state.execute(statement)


def test_a_state_from_before_there_were_versions_is_gone_on_with_where_it_fits(home: Path) -> None:
    _with_pool(home)
    daemon.stop(home)
    _edit_state(home, "PRAGMA user_version = 0")
    assert "prod" in json.dumps(daemon.control(daemon.ensure(home, "standalone"), "GET", "state"))


def test_a_state_that_does_not_fit_is_refused_in_one_line_with_what_to_do(home: Path) -> None:
    before = _with_pool(home)
    daemon.stop(home)
    _edit_state(home, "UPDATE records SET body = json_remove(body, '$.host') WHERE name = 'pve/nodes'")
    with pytest.raises(daemon.DaemonError) as refused:
        daemon.ensure(home, "standalone")
    remedy = "to begin anew: proxmox-labs sim reset standalone"
    assert str(refused.value) == f"the state in {home} has no machine pve/pve1; {remedy}"

    after = daemon.reset(home, "standalone")

    assert after.connections == before.connections
    assert daemon.control(after, "GET", "state")["pve"]["pools"] == {}
