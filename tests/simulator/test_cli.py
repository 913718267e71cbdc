"""`proxmox-labs sim` starts, shows, resets and stops the simulator, and says in one line what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.sim import app, home_of
from simulator import daemon
from tests.simulator.conftest import client_of


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(tmp_path))
    yield
    daemon.stop(home_of("standalone"))


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_it_starts_shows_resets_and_stops() -> None:
    assert _run("status").exit_code == 3
    started = _run("start")
    assert (started.exit_code, "https://127.0.0.1:" in started.output) == (0, True)
    assert _run("start").output == started.output == _run("status").output
    running = daemon.find(home_of("standalone"))
    assert running is not None
    assert running.connections["pve"].token_secret not in started.output
    client = client_of(running)
    client.call("POST", "/pools", {"poolid": "a"})
    assert _run("reset").exit_code == 0
    assert client.call("GET", "/pools").data == []
    client.close()
    assert "is stopped" in _run("stop").output
    assert "was not running" in _run("stop").output
    assert _run("reset").output == "simulator of standalone is as new\n"
    assert _run("status").exit_code == 0


def test_topologies_are_listed_and_shown() -> None:
    assert _run("topology").output.split() == [
        "classroom", "live", "openstack-host", "rented-hosts", "standalone", "three-hosts", "three-nodes", "two-hosts",
    ]  # fmt: skip
    shown = _run("topology", "three-nodes").output
    assert "cluster lab: nodes pve1, pve2, pve3" in shown
    assert "template 9000: qemu on pve1" in shown


@pytest.mark.parametrize("arguments", [("start", "nosuch"), ("topology", "nosuch"), ("reset", "nosuch")])
def test_what_is_wrong_is_one_line(arguments: tuple[str, ...]) -> None:
    result = _run(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert result.output.count("\n") == 1
