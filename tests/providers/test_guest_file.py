"""Files inside guests: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._guests.inside import MOST
from providers._runtime.errors import AlreadyThere, CommandFailed, InvalidValue
from providers._runtime.model import canonical
from providers.guest_file import GuestFileInputs
from tests.conftest import Simulator
from tests.engine import Program
from tests.providers.guests import Driver
from tests.providers.inside import CONTAINER, MACHINE, SETUP, agent, prepare

__all__ = ["SETUP"]

PATH = "/etc/lab.conf"
EXAMPLE: dict[str, Any] = {"vmid": MACHINE, "path": PATH, "content": "one\nzwölf\n", "mode": "600"}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "content": "two\n"},
    {**EXAMPLE, "content": "two\n", "mode": "0644", "owner": "1", "group": "1"},
    {"vmid": MACHINE, "path": PATH, "content_base64": base64.b64encode(bytes(range(256))).decode()},
]
DRIFT = [("POST", f"/nodes/pve1/qemu/{MACHINE}/agent/file-write", {"file": PATH, "content": "by hand"})]
BOTH = pytest.mark.parametrize("vmid", [MACHINE, CONTAINER])


@pytest.fixture
def file(simulator: Simulator) -> Driver:
    """A file of a program, with both guests running."""
    prepare(simulator)
    return Driver(simulator, "guest_file")


def look(file: Driver, vmid: int, *command: str) -> str:
    """What somebody else sees inside."""
    if vmid == MACHINE:
        return agent(file.simulator, list(command))
    words = ["pct", "exec", str(vmid), "--", *command]
    return file.client.ssh.check("pve1", words, deadline=file.api.deadline).decode("latin-1")


@BOTH
def test_it_lies_there_as_declared_and_nothing_beside_it(file: Driver, vmid: int) -> None:
    data = bytes(range(256)) * 200  # more than one request of the agent takes

    outputs = file.up({"vmid": vmid, "path": "/srv/data.bin", "content_base64": base64.b64encode(data).decode()})

    assert outputs["sha256"] == hashlib.sha256(data).hexdigest()
    assert look(file, vmid, "sha256sum", "/srv/data.bin").split()[0] == outputs["sha256"]
    assert look(file, vmid, "stat", "-c", "%a %u %g", "/srv/data.bin") == "644 0 0\n"
    assert look(file, vmid, "ls", "-A", "/srv").split() == ["data.bin"]
    assert file.drift() == {}


@BOTH
def test_what_is_not_declared_stays_as_somebody_made_it(file: Driver, vmid: int) -> None:
    file.up({"vmid": vmid, "path": PATH, "content": "one"})
    look(file, vmid, "chown", "7:8", PATH)
    look(file, vmid, "chmod", "640", PATH)
    assert file.drift() == {}
    file.again()

    file.up({"vmid": vmid, "path": PATH, "content": "two"})

    assert look(file, vmid, "stat", "-c", "%a %u %g", PATH) == "640 7 8\n"
    assert look(file, vmid, "cat", PATH) == "two"


@BOTH
def test_each_thing_that_somebody_changes_is_named_and_set_right(file: Driver, vmid: int) -> None:
    declared = {"vmid": vmid, "path": PATH, "content": "one", "mode": "0600", "owner": "root", "group": "0"}
    file.up(declared)
    look(file, vmid, "chown", "1:1", PATH)
    look(file, vmid, "chmod", "666", PATH)
    look(file, vmid, "sh", "-c", f"echo two > {PATH}")

    assert file.drift() == {"content": None, "mode": "0666", "owner": "daemon", "group": "1"}
    file.refresh()
    file.inputs |= file.check(declared)[0]
    file.up(declared)

    assert file.drift() == {}


@BOTH
def test_it_is_removed_with_its_resource_and_gone_when_somebody_else_removes_it(file: Driver, vmid: int) -> None:
    file.up({"vmid": vmid, "path": PATH, "content": "one"})
    look(file, vmid, "rm", PATH)
    assert file.drift() == {"gone": True}

    Driver(file.simulator, "guest_file").up({"vmid": vmid, "path": PATH, "content": "two"})
    file.delete()

    assert look(file, vmid, "ls", "/etc").split().count("lab.conf") == 0


def test_one_that_is_there_already_is_not_overwritten_unseen(file: Driver) -> None:
    hostname = {"vmid": MACHINE, "path": "/etc/hostname", "content": "mine\n"}
    with pytest.raises(AlreadyThere, match=r"file/etc/hostname already exists"):
        file.up(hostname)

    file.up({**hostname, "adopt": "if-exists"})

    assert file.drift() == {}


@BOTH
def test_without_a_content_it_is_only_made(file: Driver, vmid: int) -> None:
    file.up({"vmid": vmid, "path": PATH, "mode": "0600"})
    look(file, vmid, "sh", "-c", f"echo theirs > {PATH}")

    assert file.drift() == {}
    assert look(file, vmid, "stat", "-c", "%a", PATH) == "600\n"


@BOTH
def test_a_failure_leaves_nothing_behind(file: Driver, vmid: int) -> None:
    with pytest.raises(CommandFailed, match="invalid user"):
        file.up({"vmid": vmid, "path": "/srv/data", "content": "one", "owner": "nobody-knows"})

    assert look(file, vmid, "ls", "-A", "/srv") == ""


def test_a_folder_that_is_not_there_is_told(file: Driver) -> None:
    with pytest.raises(CommandFailed, match=r"`mktemp` in qemu/100 ended with 1: .*No such file"):
        file.up({"vmid": MACHINE, "path": "/no/where/file", "content": "one"})


def test_more_than_the_agent_can_take_is_refused_in_preview(file: Driver) -> None:
    large = {"path": PATH, "content": "x" * (MOST + 1)}

    assert f"by which {MOST} can go in" in file.problems({"vmid": MACHINE, **large})["content"]
    assert file.problems({"vmid": CONTAINER, **large}) == {}


def test_a_guest_that_is_off_can_be_refreshed_and_left(file: Driver, simulator: Simulator) -> None:
    file.up(EXAMPLE)
    simulator.by_hand("POST", f"/nodes/pve1/qemu/{MACHINE}/status/stop")

    assert file.drift() == {}
    file.delete()

    assert "stays" in file.warnings[-1]
    with pytest.raises(InvalidValue, match="does not run"):
        file.up({**EXAMPLE, "content": "two"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"content_base64": "QQ=="}, "give either"),
        ({"content": None, "content_base64": "Q"}, "it is no base64"),
        ({"mode": "rw-r--r--"}, "is no mode"),
        ({"mode": 644}, "is a number"),
        ({"owner": "a b"}, "neither a name"),
        ({"path": "etc/motd"}, "no absolute path"),
    ],
)
def test_what_can_not_be_is_refused_without_a_host(change: dict[str, Any], words: str) -> None:
    given_ = {name: value for name, value in {**EXAMPLE, **change}.items() if value is not None}

    _, problems = canonical(GuestFileInputs, given_, frozenset())

    assert words in problems[0][1]


@given(mode=st.integers(0, 0o7777), data=st.binary(max_size=100))
def test_any_mode_and_any_bytes_have_one_form(mode: int, data: bytes) -> None:
    text = base64.encodebytes(data).decode()
    values = {"vmid": 100, "path": "/x", "mode": f"{mode:03o}", "content_base64": text}

    found, problems = canonical(GuestFileInputs, values, frozenset())

    assert problems == []
    assert int(found["mode"], 8) == mode
    assert len(found["mode"]) == 4
    assert base64.b64decode(found.get("content_base64", "")) == data


PROGRAM = f"""
import pulumi
from providers.guest_file import GuestFile

GuestFile("it", vmid={MACHINE}, path="{PATH}", content=pulumi.Output.secret("wonderland"))
"""


@pytest.mark.engine
def test_a_content_that_is_a_secret_is_never_plain_in_the_state(program: Program, simulator: Simulator) -> None:
    prepare(simulator)
    (program.folder / "__main__.py").write_text(PROGRAM)

    assert program.up().code == 0
    assert "wonderland" not in json.dumps(program.state())
    refresh = program.refresh()
    assert refresh.changes == {}, refresh.text
    assert "wonderland" not in json.dumps(program.state())
