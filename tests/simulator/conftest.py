"""Clients for the simulators that all tests share, and a simulator that looks like the recorded host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator import daemon
from tests.conftest import Simulator
from tests.simulator import hosts as formation
from tests.simulator.client import Client
from tests.simulator.guest_bench import Bench

RECORDED_HOST = """
password: benchpw
datacenters:
  pve1:
    clustered: false
    nodes:
      pve1: {cpus: 2, memory: 24G, disk: 250G, ip: 192.0.2.10}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso,vztmpl,backup", size: 250G}
      local-lvm: {type: dir, path: /var/lib/vz-lvm, content: "rootdir,images", size: 250G}
"""


RECORDED_CLUSTER = """
password: benchpw
datacenters:
  bench:
    clustered: true
    nodes:
      pve1: {cpus: 2, memory: 24G, disk: 250G, ip: 192.0.2.11}
      pve2: {cpus: 2, memory: 24G, disk: 250G, ip: 192.0.2.12}
      pve3: {cpus: 2, memory: 24G, disk: 250G, ip: 192.0.2.13}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso,vztmpl,backup", size: 250G}
"""

HOST_FILES = """
    files:
      - {volume: "local:iso/test.iso", size: 2M}
      - {volume: "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst", size: 344131}
      - {volume: "local:vztmpl/t.tar.gz", size: 1}
"""
"""What lay on the recorded hosts' storages; belongs to the end of their topologies."""


def client_of(running: daemon.Running, node: int = 0, connection: str | None = None) -> Client:
    """Return a client for a datacenter of a simulator, the first one where none is named."""
    credentials = json.loads((running.home / "credentials.json").read_text(encoding="utf-8"))
    behind = running.connections[connection or next(iter(running.connections))]
    return Client(behind, node=node, password=credentials["password"], control_key=running.control_key)


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    """A client of a standalone host."""
    made = client_of(simulator.running)
    yield made
    made.close()


@pytest.fixture
def cluster_client(cluster: Simulator) -> Iterator[Client]:
    """A client of the first node of a cluster."""
    made = client_of(cluster.running)
    yield made
    made.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A standalone host inside the test's own process."""
    made = Bench.open(tmp_path)
    yield made
    made.world.database.close()


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[Bench]:
    """A cluster of three nodes inside the test's own process."""
    made = Bench.open(tmp_path, "three-nodes")
    yield made
    made.world.database.close()


@contextmanager
def started(place: Path, topology: str) -> Iterator[daemon.Running]:
    """A simulator of its own, with that topology; it ends with the block."""
    path, home = place / "topology.yaml", place / "home"
    path.write_text(topology, encoding="utf-8")
    try:
        yield daemon.ensure(home, str(path))
    finally:
        daemon.stop(home)


@contextmanager
def own_client(place: Path, topology: str) -> Iterator[Client]:
    """A client of the first node of such a simulator."""
    with started(place, topology) as running:
        made = client_of(running)
        yield made
        made.close()


@pytest.fixture
def recorded_host(tmp_path: Path) -> Iterator[Client]:
    """A client of a host like the one on which the recordings were made."""
    with own_client(tmp_path, RECORDED_HOST) as made:
        yield made


@pytest.fixture
def recorded_cluster(tmp_path: Path) -> Iterator[Client]:
    """A client of the first node of a cluster like the recorded one."""
    with own_client(tmp_path, RECORDED_CLUSTER) as made:
        yield made


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[formation.Hosts]:
    """Three hosts that are in no cluster; their clock is held."""
    with started(tmp_path, formation.TOPOLOGY) as running:
        made = formation.Hosts.of(running)
        yield made
        for client in made.clients.values():
            client.close()
