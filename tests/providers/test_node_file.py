"""Files on nodes: by SSH alone; what all files promise is in test_guest_file, the lifecycle in tests/contract."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from providers._runtime.errors import AlreadyThere, CommandFailed
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.test_node_exec import DRIFT, SOURCE

__all__ = ["DRIFT"]

EXAMPLE: dict[str, Any] = {"node": "pve1", "path": SOURCE, "content": "Types: deb\n# zwölf\n", "mode": "600"}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "content": "Types: deb\nURIs: http://deb.example.com\n"},
    {"node": "pve1", "path": SOURCE, "content_base64": base64.b64encode(b"Types: deb-src\n").decode(), "mode": "0644"},
    {**EXAMPLE, "owner": "1", "group": "daemon"},
]


@pytest.fixture
def file(simulator: Simulator) -> Driver:
    """A file of a program on a host."""
    return Driver(simulator, "node_file")


def look(file: Driver, *command: str) -> str:
    """What somebody else sees on the node."""
    return file.client.ssh.check("pve1", command, deadline=file.api.deadline).decode("latin-1")


def test_it_lies_there_as_declared_and_nothing_beside_it(file: Driver) -> None:
    data = bytes(range(256)) * 200

    outputs = file.up({"node": "pve1", "path": "/srv/data.bin", "content_base64": base64.b64encode(data).decode()})

    assert outputs["sha256"] == hashlib.sha256(data).hexdigest()
    assert look(file, "sha256sum", "/srv/data.bin").split()[0] == outputs["sha256"]
    assert look(file, "stat", "-c", "%a %u %g", "/srv/data.bin") == "644 0 0\n"
    assert look(file, "ls", "-A", "/srv").split() == ["data.bin"]
    assert file.drift() == {}
    assert file.id == "nodes/pve1/file/srv/data.bin"


def test_each_thing_that_somebody_changes_is_named_and_set_right(file: Driver) -> None:
    declared = {"node": "pve1", "path": "/etc/lab.conf", "content": "one", "mode": "0600", "owner": "root"}
    file.up(declared)
    look(file, "sh", "-c", "chown 1:1 /etc/lab.conf; chmod 666 /etc/lab.conf; echo two > /etc/lab.conf")

    assert file.drift() == {"content": None, "mode": "0666", "owner": "daemon"}
    file.refresh()
    file.inputs |= file.check(declared)[0]
    file.up(declared)

    assert file.drift() == {}
    assert look(file, "stat", "-c", "%a %u %g", "/etc/lab.conf") == "600 0 1\n"


def test_one_that_the_installation_brings_is_not_overwritten_unseen(file: Driver) -> None:
    issue = {"node": "pve1", "path": "/etc/issue", "content": "mine\n"}
    with pytest.raises(AlreadyThere, match="nodes/pve1/file/etc/issue already exists"):
        file.up(issue)

    file.up({**issue, "adopt": "if-exists"})

    assert file.drift() == {}


def test_a_failure_leaves_nothing_behind(file: Driver) -> None:
    with pytest.raises(CommandFailed, match="invalid user"):
        file.up({"node": "pve1", "path": "/srv/data", "content": "one", "owner": "nobody-knows"})

    assert look(file, "ls", "-A", "/srv") == ""


def test_a_node_that_is_down_keeps_what_is_known_of_it(file: Driver, simulator: Simulator) -> None:
    file.up(EXAMPLE)
    simulator.control("POST", "nodes", {"node": "pve1", "online": False})

    assert file.drift() == {}
    assert "was not looked at" in file.warnings[0]


@pytest.mark.parametrize("path", ["/etc/pve/storage.cfg", "/etc/network/interfaces"])
def test_what_proxmox_keeps_itself_is_refused_in_preview(file: Driver, path: str) -> None:
    assert f"{path} is Proxmox's own" in file.problems({**EXAMPLE, "path": path})["path"]
