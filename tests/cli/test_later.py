"""A command's module is loaded when it is called; the overview and a shell's completion need none."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.later import Later
from cli.main import COMMANDS, app

SLOW = {"pulumi", "requests", "grpc", "policies", "components", "providers"}
TELLS = """
import sys
from cli.main import app
try:
    app(prog_name="proxmox-labs")
finally:
    print("loaded:", *{name.partition(".")[0] for name in sys.modules})
"""


def run(*arguments: str, **variables: str) -> tuple[str, set[str]]:
    """What the program says in a process of its own, and which packages that takes."""
    environment = {**os.environ, "COLUMNS": "200", **variables}
    command = [sys.executable, "-c", TELLS, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    said, _, loaded = done.stdout.partition("loaded: ")
    return said, set(loaded.split())


def test_the_overview_loads_no_command() -> None:
    said, loaded = run("--help")

    assert all(f" {name} " in said for name in COMMANDS)
    assert "Create or change what the stack describes" in said
    assert "The Proxmox VE simulator." in said
    assert "typer" in loaded
    assert not loaded & SLOW


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("proxmox-labs pre", ["preview"]), ("proxmox-labs up --stack dem", ["demo"])],
)
def test_a_shell_completes_without_loading_what_commands_work_with(typed: str, offered: list[str]) -> None:
    said, loaded = run(_PROXMOX_LABS_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=str(len(typed.split()) - 1))

    assert said.split() == offered
    assert not loaded & SLOW


def test_up_loads_no_policies_where_a_stack_has_none() -> None:
    said, loaded = run("up", "--stack", "there-is-none")

    assert not said
    assert "toolchain" in loaded
    assert not loaded & SLOW


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_said_of_a_command_is_what_it_says_itself(name: str) -> None:
    command = Later(name, COMMANDS[name])

    assert command.help == command.load().help


def test_a_slip_of_the_pen_is_answered_with_what_may_be_meant() -> None:
    result = CliRunner().invoke(app, ["previw"])

    assert result.exit_code == 2
    assert "Did you mean 'preview'?" in result.output
