"""What all tests share: a simulator of their own for each worker, and programs for the real engine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from proxmoxer import ProxmoxAPI

from simulator import daemon
from tests.engine import Program

settings.register_profile(
    "labs", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("labs")  # busy machines are slow; and a red run of CI can be repeated


@dataclass
class Simulator:
    """A running simulator as tests use it: looked into from outside, and tampered with."""

    running: daemon.Running
    base: Path
    """What PROXMOX_SIM_HOME has to be for a program to find it."""

    @property
    def topology(self) -> str:
        """Name of its topology."""
        return self.running.topology

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A call of the control plane."""
        return daemon.control(self.running, method, path, dict(body) if body is not None else None)

    def by_hand(self, method: str, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """What somebody else does meanwhile, with proxmoxer and as root."""
        connection = next(iter(self.running.connections.values()))
        user, token = connection.token_id.split("!")
        api = ProxmoxAPI(
            connection.endpoints[0].removeprefix("https://"),
            user=user,
            token_name=token,
            token_value=connection.token_secret,
            verify_ssl=str(connection.ca_file),
        )
        return getattr(api(path.strip("/")), method.lower())(**(parameters or {}))

    def state(self) -> Any:
        """Everything that the simulator's disk holds, without times, tasks and counters."""
        return self.control("GET", "state")

    def requests(self) -> list[dict[str, Any]]:
        """The requests since the last reset."""
        rows: list[dict[str, Any]] = self.control("GET", "requests")
        return rows

    def forget_requests(self) -> None:
        """Count from here."""
        self.control("DELETE", "requests")

    def fail(self, **fault: Any) -> None:
        """Order a fault: see the control plane's docstring."""
        self.control("POST", "faults", fault)


@pytest.fixture(scope="session")
def _simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Simulator]]:
    """Simulators by topology, each started at its first use and stopped at the end."""
    base = tmp_path_factory.mktemp("simulators")
    running: dict[str, Simulator] = {}

    def get(topology: str) -> Simulator:
        if topology not in running:
            running[topology] = Simulator(daemon.ensure(base / topology, topology), base)
        return running[topology]

    yield get
    for topology in running:
        daemon.stop(base / topology)


def _fresh(simulator: Simulator) -> Simulator:
    simulator.control("POST", "reset")
    simulator.control("DELETE", "faults")
    simulator.control("POST", "clock", {"mode": "immediate"})
    simulator.forget_requests()
    return simulator


@pytest.fixture
def simulator_of(_simulators: Callable[[str], Simulator]) -> Callable[[str], Simulator]:
    """Hosts as a topology says, by its name."""
    return lambda topology: _fresh(_simulators(topology))


@pytest.fixture
def simulator(_simulators: Callable[[str], Simulator]) -> Simulator:
    """A standalone host as its topology says, and nothing else."""
    return _fresh(_simulators("standalone"))


@pytest.fixture
def cluster(_simulators: Callable[[str], Simulator]) -> Simulator:
    """A cluster of three nodes, as its topology says."""
    return _fresh(_simulators("three-nodes"))


@pytest.fixture
def two_hosts(_simulators: Callable[[str], Simulator]) -> Simulator:
    """Two hosts that are in no cluster, as their topology says."""
    return _fresh(_simulators("two-hosts"))


@pytest.fixture
def three_hosts(_simulators: Callable[[str], Simulator]) -> Simulator:
    """Three hosts that are in no cluster and have no guests, as their topology says."""
    return _fresh(_simulators("three-hosts"))


@pytest.fixture
def openstack_host(_simulators: Callable[[str], Simulator]) -> Simulator:
    """A standalone host with six network cards, as its topology says."""
    return _fresh(_simulators("openstack-host"))


@pytest.fixture
def classroom(_simulators: Callable[[str], Simulator]) -> Simulator:
    """A cluster of three nodes with nothing but their own disks, as its topology says."""
    return _fresh(_simulators("classroom"))


@pytest.fixture
def program_on(tmp_path: Path) -> Callable[[Simulator], Program]:
    """Makes an empty program for the real engine that talks to a simulator."""

    def make(simulator: Simulator, config: Mapping[str, Any] | None = None) -> Program:
        return Program(
            tmp_path / "program",
            {"proxmox:simulator": simulator.topology, **(config or {})},
            {"PROXMOX_SIM_HOME": str(simulator.base)},
        )

    return make


@pytest.fixture
def program(simulator: Simulator, program_on: Callable[[Simulator], Program]) -> Program:
    """An empty program that talks to the standalone host."""
    return program_on(simulator)


def as_json(value: Any) -> str:
    """For comparing two large states in one readable assertion."""
    return json.dumps(value, indent=1, sort_keys=True)
