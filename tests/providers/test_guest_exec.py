"""Commands inside guests: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers._guests import patience
from providers._runtime.errors import CommandFailed, InvalidValue, Missing, TookTooLong
from providers._runtime.model import canonical
from providers.guest_exec import GuestExecInputs
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver
from tests.providers.inside import CONTAINER, MACHINE, SETUP, agent, prepare
from tests.runtime.doors import connection_to

__all__ = ["SETUP"]

EXCLUSIVE = False
MARK = "/etc/made"
EXAMPLE: dict[str, Any] = {
    "vmid": MACHINE,
    "command": ["sh", "-c", f"cat > {MARK}; echo done"],
    "input": "one\n",
    "creates": MARK,
    "unless": ["grep", "-q", "o", MARK],
    "delete_command": ["rm", "-f", MARK],
}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "triggers": {"version": "2"}},
    {**EXAMPLE, "command": ["sh", "-c", f'echo "$WORD" > {MARK}'], "environment": {"WORD": "two"}},
]
DRIFT = [
    (
        "POST",
        f"/nodes/pve1/qemu/{MACHINE}/agent/file-write",
        {"file": MARK, "content": "x"},
    )
]
BOTH = pytest.mark.parametrize("vmid", [MACHINE, CONTAINER])


@pytest.fixture
def command(simulator: Simulator) -> Driver:
    """A command of a program, with both guests running."""
    prepare(simulator)
    return Driver(simulator, "guest_exec")


@BOTH
def test_it_tells_what_was_said_and_how_it_ended(command: Driver, vmid: int) -> None:
    said = {"command": ["sh", "-c", "echo out; echo grün >&2; exit 3"], "success_codes": [0, 3]}

    outputs = command.up({"vmid": vmid, **said})

    assert (outputs["exit_code"], outputs["stdout"], outputs["stderr"]) == (3, "out\n", "grün\n")
    assert command.drift() == {}


@BOTH
def test_words_reach_it_as_they_are(command: Driver, vmid: int) -> None:
    words = ["a b", "it's", "$HOME", "*", "--", "-n"]

    assert command.up({"vmid": vmid, "command": ["printf", "%s\\n", *words]})["stdout"] == "".join(
        f"{w}\n" for w in words
    )


@BOTH
def test_variables_and_input_go_in_without_a_word_on_the_command_line(command: Driver, vmid: int) -> None:
    given = {"environment": {"PASSWORD": "pa$s 'word' \\n", "OTHER": "="}, "input": "line 1\n\nline 3"}
    shell = {"command": ["sh", "-c", 'echo "$PASSWORD$OTHER"; cat']}

    outputs = command.up({"vmid": vmid, **shell, **given})

    assert outputs["stdout"] == "pa$s 'word' \\n=\nline 1\n\nline 3"


@BOTH
def test_a_guard_that_is_content_leaves_nothing_to_do(command: Driver, vmid: int) -> None:
    outputs = command.up({"vmid": vmid, "command": ["false"], "creates": "/etc/hostname", "unless": ["true"]})

    assert "exit_code" not in outputs
    assert command.drift() == {}


def test_it_runs_again_when_a_trigger_changes_and_not_for_anything_else(command: Driver, simulator: Simulator) -> None:
    counts = {"vmid": MACHINE, "command": ["sh", "-c", "echo >> /root/runs"], "creates": "/root/runs"}
    command.up({**counts, "triggers": {"config": "1"}})
    command.again()
    command.up({**counts, "triggers": {"config": "2"}})
    command.again()
    command.up({**counts, "triggers": {"config": "2"}, "delete_command": ["true"], "unless": ["true"]})

    assert agent(simulator, ["wc", "-l", "/root/runs"]).split()[0] == "2"


def test_what_a_guard_finds_undone_is_done_again(command: Driver, simulator: Simulator) -> None:
    command.up({"vmid": MACHINE, "command": ["touch", "/root/lock"], "unless": ["test", "-e", "/root/lock"]})
    agent(simulator, ["rm", "/root/lock"])

    assert command.drift() == {"unless": None}
    inputs = dict(command.inputs)
    command.refresh()
    command.up(inputs)

    assert command.drift() == {}


def test_without_what_it_made_it_is_gone(command: Driver, simulator: Simulator) -> None:
    command.up(EXAMPLE)
    agent(simulator, ["rm", MARK])

    assert command.drift() == {"gone": True}


@BOTH
def test_a_failure_is_told_in_its_own_words_without_the_secret(command: Driver, vmid: int) -> None:
    fails = {"command": ["sh", "-c", 'echo "$KEY is wrong" >&2; exit 2'], "environment": {"KEY": "wonderland"}}

    with pytest.raises(CommandFailed, match=r"`sh` in \w+/\d+ ended with 2: \*\*\* is wrong"):
        command.up({"vmid": vmid, **fails})


def test_one_that_does_not_make_what_it_should_fails(command: Driver) -> None:
    with pytest.raises(Missing, match="ended well, but /root/nothing is not there"):
        command.up({"vmid": MACHINE, "command": ["true"], "creates": "/root/nothing"})
    with pytest.raises(Missing, match="ended well, but `unless` still says"):
        command.up({"vmid": MACHINE, "command": ["true"], "unless": ["false"]})


@pytest.mark.parametrize("kind", ["qemu", "lxc"])
def test_a_guest_that_does_not_run_says_so_at_once(command: Driver, simulator: Simulator, kind: str) -> None:
    vmid = {"qemu": MACHINE, "lxc": CONTAINER}[kind]
    simulator.by_hand("POST", f"/nodes/pve1/{kind}/{vmid}/status/stop")

    with pytest.raises(InvalidValue, match="does not run"):
        command.up({"vmid": vmid, "command": ["true"]})


def test_a_machine_without_an_agent_says_so_at_once(command: Driver, simulator: Simulator) -> None:
    path = f"/nodes/pve1/qemu/{MACHINE}"
    simulator.by_hand("POST", f"{path}/status/stop")
    simulator.by_hand("PUT", f"{path}/config", {"agent": "0"})
    simulator.by_hand("POST", f"{path}/status/start")

    with pytest.raises(InvalidValue, match="will never answer"):
        command.up({"vmid": MACHINE, "command": ["true"]})


def test_an_agent_is_waited_for_with_a_budget_of_its_own(
    command: Driver, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE", 0.05)
    simulator.by_hand("POST", f"/nodes/pve1/qemu/{MACHINE}/status/suspend")

    with pytest.raises(TookTooLong, match=r"waiting for its agent has taken more than 0.2 s"):
        command.up({"vmid": MACHINE, "command": ["true"], "wait_seconds": 0.2})


def test_a_refresh_of_a_guest_that_is_off_keeps_what_is_known(command: Driver, simulator: Simulator) -> None:
    command.up(EXAMPLE)
    simulator.by_hand("POST", f"/nodes/pve1/qemu/{MACHINE}/status/stop")

    assert command.drift() == {}
    assert "guards were not asked" in command.warnings[0]


def test_a_guest_that_is_not_there_is_refused_in_preview(command: Driver) -> None:
    assert "there is no guest 555" in command.problems({"vmid": 555, "command": ["true"]})["vmid"]


def test_a_container_without_ssh_is_refused_in_preview(command: Driver) -> None:
    command.client.ssh = type(command.client.ssh)("lab", connection_to(command.simulator))

    assert "only SSH leads into a container" in command.problems({"vmid": CONTAINER, "command": ["true"]})["vmid"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"command": []}, "at least 1 item"),
        ({"environment": {"A": "two\nlines"}}, "a variable is one line"),
        ({"environment": {"1A": ""}}, "pattern"),
        ({"creates": "made"}, "no absolute path"),
    ],
)
def test_what_can_not_be_is_refused_without_a_host(change: dict[str, Any], words: str) -> None:
    _, problems = canonical(GuestExecInputs, {**EXAMPLE, **change}, frozenset())

    assert words in problems[0][1]


@pytest.mark.engine
def test_neither_a_secret_nor_what_is_said_to_it_is_plain_in_the_state(program: Program, simulator: Simulator) -> None:
    prepare(simulator)
    echo = {"vmid": CONTAINER, "command": ["sh", "-c", 'cat; echo "$WORD"']}
    secrets = {"input": "wonder", "environment": {"WORD": "land"}}
    program.declare({"it": Resource("providers.guest_exec.GuestExec", {**echo, **secrets})})

    assert program.up().code == 0

    state = json.dumps(program.state())
    assert "wonder" not in state
    assert "land" not in state
    assert program.refresh().changes == {}
