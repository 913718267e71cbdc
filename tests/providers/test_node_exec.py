"""Commands on nodes: by SSH alone; what all commands promise is in test_guest_exec, the lifecycle in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers._runtime.errors import CommandFailed
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver

EXCLUSIVE = False
SOURCE = "/etc/apt/sources.list.d/lab.sources"
"""A file that the API changes too."""
EXAMPLE: dict[str, Any] = {
    "node": "pve1",
    "command": ["sh", "-c", f"cat > {SOURCE}; echo done"],
    "input": "Types: deb\nURIs: http://deb.example.com\nSuites: stable\n",
    "creates": SOURCE,
    "unless": ["sh", "-c", f"! grep -q Enabled {SOURCE}"],
    "delete_command": ["rm", "-f", SOURCE],
}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "triggers": {"version": "2"}},
    {**EXAMPLE, "command": ["sh", "-c", f'echo "Types: $WORD" > {SOURCE}'], "environment": {"WORD": "deb"}},
]
DRIFT = [("POST", "/nodes/pve1/apt/repositories", {"path": SOURCE, "index": 0, "enabled": 0})]


@pytest.fixture
def command(simulator: Simulator) -> Driver:
    """A command of a program on a host."""
    return Driver(simulator, "node_exec")


def test_it_tells_what_was_said_and_its_words_variables_and_input_arrive_as_they_are(command: Driver) -> None:
    given = {"environment": {"PASSWORD": "pa$s 'word' \\n"}, "input": "line 1\n\nline 3"}

    outputs = command.up({"node": "pve1", "command": ["sh", "-c", 'echo "$PASSWORD$1"; cat', "sh", "a *"], **given})

    assert (outputs["exit_code"], outputs["stdout"]) == (0, "pa$s 'word' \\na *\nline 1\n\nline 3")
    assert command.id == f"nodes/pve1/exec/{command.owner.key}"


def test_a_failure_is_told_in_its_own_words_without_the_secret(command: Driver) -> None:
    fails = {"command": ["sh", "-c", 'echo "$KEY is wrong" >&2; exit 2'], "environment": {"KEY": "wonderland"}}

    with pytest.raises(CommandFailed, match=r"`sh` in nodes/pve1 ended with 2: \*\*\* is wrong"):
        command.up({"node": "pve1", **fails})


def test_a_node_that_is_down_keeps_what_is_known_of_it(command: Driver, simulator: Simulator) -> None:
    command.up(EXAMPLE)
    simulator.control("POST", "nodes", {"node": "pve1", "online": False})

    assert command.drift() == {}
    assert "guards were not asked" in command.warnings[0]


def test_a_node_without_a_way_into_it_is_refused_in_preview(simulator: Simulator) -> None:
    command = Driver(simulator, "node_exec", ssh=False)

    assert "with pve1 in `ssh.hosts`" in command.problems(EXAMPLE)["node"]
    assert "there is no node 'pve7'" in command.problems({**EXAMPLE, "node": "pve7"})["node"]


@pytest.mark.engine
def test_neither_a_secret_nor_what_is_said_to_it_is_plain_in_the_state(program: Program) -> None:
    echo = {"node": "pve1", "command": ["sh", "-c", 'cat; echo "$WORD"']}
    secrets = {"input": "wonder", "environment": {"WORD": "land"}}
    program.declare({"it": Resource("providers.node_exec.NodeExec", {**echo, **secrets})})

    assert program.up().code == 0

    state = json.dumps(program.state())
    assert "wonder" not in state
    assert "land" not in state
