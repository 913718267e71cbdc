"""A checkout for the readers of this worker's tests, which is made once and is as cloned for each of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import daemon
from tests.conftest import Simulator
from tests.pages.reader import CHECKOUT, Reader, clone, git

LEARNS = {
    re.compile(r"│ value +│ ([0-9a-f-]{36}) │"): ('"token_secret": "…"', '"token_secret": "{}"'),
    re.compile(r"│ pve-ssl\.pem +│ ((?:[0-9A-F]{2}:){31}[0-9A-F]{2}) │"): ("AB:CD:…", "{}"),
}
"""What `pveum user token add` and `pvenode cert info` show."""


@pytest.fixture(scope="session")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reader")
    clone(place)
    Reader(place).run("make setup")
    return place


@pytest.fixture
def reader(_place: Path) -> Iterator[Reader]:
    """Somebody who has cloned the repository and set it up; what they start is stopped, what they make removed."""
    reader = Reader(_place)
    yield reader
    for home in _place.glob("*/.simulator/*"):
        daemon.stop(home)
    touched = (reader.home / ".pulumi").exists()
    git(_place / CHECKOUT, "clean", "-ffdxq", "-e", ".venv", "-e", ".toolchain")
    git(_place / CHECKOUT, "checkout", "-q", ".")
    for made in _place.iterdir():
        if made.name != CHECKOUT:
            shutil.rmtree(made)
    assert not touched, "the user's own settings are left alone"


@pytest.fixture
def administrator(reader: Reader, cluster: Simulator) -> Reader:
    """A reader who has three nodes, and uses them by what they show."""
    (connection,) = cluster.running.connections.values()
    ssh = connection.ssh["pve1"]
    reader.node = cluster.running
    reader.learns = LEARNS
    reader.values |= {
        "https://pve1.example.org:8006": connection.endpoints[0],
        "/home/me/.ssh/id_ed25519": str(connection.ssh_key),
        '"address": "192.0.2.11"': f'"address": "{ssh.address}", "port": {ssh.port}',
        "ssh-ed25519 AAAA…": ssh.public_key,
    }
    return reader
