"""`pulumi new` with this repository's template makes a project of one's own that runs on a simulated host."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator import daemon
from tests.engine import LIMIT, ROOT
from toolchain.environment import pulumi_environment

pytestmark = pytest.mark.engine
TEMPLATE = ROOT / "template"
GUIDE = ROOT / "docs" / "guides" / "own-program.md"
UNASKED = {"new": ["--yes", "--offline"], "stack": ["--non-interactive"], "up": ["--yes", "--skip-preview"]}
"""What answers the questions that Pulumi asks a person."""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command of the guide in the new project, whose virtual environment is its own."""
    (tmp_path / "state").mkdir()
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "VIRTUAL_ENV"))}
    environment = {
        **settings,
        "PATH": pulumi_environment(ROOT)["PATH"],
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "mine",
        "PULUMI_HOME": str(ROOT / ".toolchain" / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def command(*words: str, folder: Path = tmp_path) -> str:
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return command


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Path]:
    """The folder of the new project; its simulated host is stopped at the end."""
    folder = tmp_path / "mine"
    yield folder
    daemon.stop(folder / ".simulator" / "standalone")


def guide() -> list[list[str]]:
    """The commands of the guide as words, with this checkout in place of the reader's."""
    block = re.search(r"```console\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    assert block is not None
    return [shlex.split(re.sub(r"(\.\./)+proxmox-labs", str(ROOT), line)) for line in block[1].splitlines()]


def test_a_new_project_comes_up_on_a_simulated_host_and_goes_again(run: Run, mine: Path, tmp_path: Path) -> None:
    folder, told = tmp_path, ""
    for program, command, *rest in guide():
        if program == "cd":
            folder = folder / command
        else:
            told = run(program, command, *rest, *UNASKED.get(command, []), folder=folder)

    assert folder == mine
    assert "+ 3 created" in told
    assert "runs" in run(".venv/bin/proxmox-labs", "sim", "status", folder=mine)
    assert "- 3 deleted" in run("pulumi", "destroy", "--yes", "--skip-preview", folder=mine)
    written = {file.name for file in mine.iterdir()}
    assert {file.name for file in TEMPLATE.iterdir()} < written, "all of the template is there"
    assert "${" not in "".join((mine / name).read_text() for name in ("Pulumi.yaml", "README.md", "pyproject.toml"))
