"""The commands of day two on a small checkout, with the real engine and a host that has the lab's guests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from lab_outputs import Guest, Host, Lab, Network, Nic
from tests.conftest import Simulator
from tests.providers.inside import CONTAINER, MACHINE, agent, prepare
from tests.toolchain.checkout import ROOT, Checkout, forget_pulumi_settings, make_checkout

PLACE = {"node": "pve1", "host": "pve1"}
NIC = Nic(mac="BC:24:11:00:00:01", network="lan", address="10.7.0.11")
LAB = Lab(
    kind="small",
    hosts={"pve1": Host(node="pve1", address="192.0.2.1")},
    guests={
        "web": Guest(name="web", type="qemu", vmid=MACHINE, nics={"net0": NIC}, **PLACE),
        "sql": Guest(name="sql", type="lxc", vmid=CONTAINER, groups=("database",), **PLACE),
    },
    networks={"lan": Network(domain="example.lab")},
)
PROGRAM = """
import json

import pulumi

for name, value in json.loads({lab!r}).items():
    pulumi.export(name, value)
"""


@pytest.fixture
def checkout(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """One whose lab is on the simulator."""
    forget_pulumi_settings(monkeypatch)
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(simulator.base))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    program = PROGRAM.format(lab=LAB.model_dump_json(exclude={"credentials", "secret_files"}))
    return make_checkout(tmp_path, program, "config: {proxmox:simulator: standalone}\n")


def run(checkout: Checkout, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What a command prints, and what it says beside; it runs in this process, which is quicker."""
    done = CliRunner().invoke(app, [*arguments, "--directory", str(checkout.root)])
    assert done.exit_code == code, done.stderr
    return done.stdout, done.stderr


def told(checkout: Checkout, *arguments: str, code: int = 0) -> Any:
    """What a command says in JSON."""
    return json.loads(run(checkout, *arguments, "--json", code=code)[0])


@pytest.mark.engine
def test_a_lab_that_is_up_is_looked_after_in_json_and_where_a_guest_fails(
    checkout: Checkout, simulator: Simulator
) -> None:
    prepare(simulator)
    assert checkout.labs("up").returncode == 0

    assert told(checkout, "snapshot", "demo", "take", "before")["done"] == ["web", "sql"]
    agent(simulator, ["touch", "/root/changed"])
    assert run(checkout, "snapshot", "demo", "rollback", "before", code=1) == (
        "",
        "error: all that has happened in demo since before will be lost: say --yes if that is what you want\n",
    )
    assert "changed" in agent(simulator, ["ls", "/root"])
    assert told(checkout, "snapshot", "demo", "rollback", "before", "--yes")["done"] == ["sql", "web"]
    assert "changed" not in agent(simulator, ["ls", "/root"])

    simulator.fail(action="fail", method="DELETE", path=r".*/snapshot/before", count=1, status=500, reason="no")
    half = told(checkout, "snapshot", "demo", "remove", "before", code=2)
    (left,) = half["failed"]
    (row,) = told(checkout, "snapshot", "demo", "list")
    assert (row["name"], row["guests"]) == ("before", [left])
    again = run(checkout, "snapshot", "demo", "remove", "before")
    assert again == ("remove before: through for 1 of 1\n", f"{left}: removed\n")

    levels = {each["check"]: each["level"] for each in told(checkout, "doctor", code=2)}
    assert {check for check, level in levels.items() if level != "fine"} == {"privileges"}
    assert told(checkout, "cost") == {"hosts": [], "storages": []}
    page, _ = run(checkout, "topology", "--format", "html")
    assert "<td>lan 10.7.0.11</td>" in page
    target, _ = json.loads(run(checkout, "inventory", "--format", "prometheus")[0])
    assert target["targets"] == ["10.7.0.11:9100"]
    assert "web IN A 10.7.0.11\n" in run(checkout, "inventory", "--format", "dns-zone")[0]
    assert checkout.git_status() == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("list", "before"), "error: `list` takes no name\n"),
        (("take",), "error: `take` takes the name of a snapshot\n"),
        (("take", "1st"), "error: '1st' is no name of a snapshot: a letter, then 1 to 39 letters, digits, _ or -\n"),
    ],
)
def test_a_slip_is_told_before_anybody_is_asked(words: tuple[str, ...], error: str) -> None:
    done = CliRunner().invoke(app, ["snapshot", "demo", *words])

    assert (done.exit_code, done.stdout, done.stderr) == (1, "", error)


def test_bash_completes_commands_and_the_names_of_stacks(tmp_path: Path) -> None:
    script = """
    proxmox-labs --install-completion >/dev/null && . ~/.bashrc
    offered() {
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _proxmox_labs_completion proxmox-labs
        echo "${COMPREPLY[*]}"
    }
    offered proxmox-labs doc; offered proxmox-labs doctor --stack ha; offered proxmox-labs snapshot teach
    """
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"}

    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)

    offered = [set(line.split()) for line in done.stdout.splitlines()]
    assert offered == [{"docs", "doctor"}, {"ha-services"}, {"teaching-cluster"}], done.stderr


def test_zsh_completes_the_names_of_stacks() -> None:
    asked = {"_PROXMOX_LABS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "proxmox-labs doctor --stack ha"}

    done = CliRunner().invoke(app, [], env=asked, prog_name="proxmox-labs")

    assert "ha-services" in done.stdout
