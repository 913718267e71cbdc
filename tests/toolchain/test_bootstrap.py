"""The first step of the set-up, which runs before there is a virtual environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("bash", "cat", "cksum", "cp", "dirname", "mkdir", "mktemp", "rm", "mv", "sleep")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the set-up on a machine that has nothing but the basic tools."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "toolchain", root / "toolchain", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, root / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return root


def provide(checkout: Path, name: str, script: str) -> Path:
    program = checkout.parent / "bin" / name
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)
    return program


def provide_all(checkout: Path) -> None:
    """Python and git as they are; a uv and a `python -m toolchain` which only note that they were called."""
    provide(checkout, "git", "exit 0")
    provide(checkout, "python3", f'exec {sys.executable} "$@"')
    made = provide(checkout, "made", "echo tools >>calls; mkdir -p .toolchain/bin; cp -p $0 .toolchain/bin/pulumi")
    provide(checkout, "uv", f'echo "uv $1" >>calls; mkdir -p .venv/bin; cp -p {made} .venv/bin/python')


def bootstrap(checkout: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)}
    command = [str(checkout / "toolchain" / "bootstrap")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def calls(checkout: Path) -> list[str]:
    return (checkout / "calls").read_text().splitlines()


def test_each_missing_prerequisite_is_one_line_with_its_remedy(checkout: Path) -> None:
    done = bootstrap(checkout)
    assert done.returncode == 1
    python, git = done.stderr.splitlines()
    assert python.startswith("Python 3.11 or newer is missing: install it")
    assert git.startswith("git is missing: install it")


def test_an_old_python_counts_as_missing(checkout: Path) -> None:
    provide_all(checkout)
    provide(checkout, "python3", "exit 1")
    assert "Python 3.11 or newer is missing" in bootstrap(checkout).stderr


def test_a_python_without_venv_is_reported_if_uv_has_to_be_fetched(checkout: Path) -> None:
    provide_all(checkout)
    provide(checkout, "python3", f'[[ $2 == *ensurepip* ]] && exit 1; exec {sys.executable} "$@"')
    assert bootstrap(checkout).returncode == 0
    shutil.rmtree(checkout / ".toolchain")
    (checkout.parent / "bin" / "uv").unlink()
    assert "Python's venv module is missing" in bootstrap(checkout).stderr


def test_a_second_run_does_nothing(checkout: Path) -> None:
    provide_all(checkout)
    assert bootstrap(checkout).returncode == 0, calls(checkout)
    second = bootstrap(checkout)
    assert (second.returncode, second.stderr) == (0, "")
    assert calls(checkout) == ["uv sync", "tools"]


@pytest.mark.parametrize("changed", ["uv.lock", "pyproject.toml", "toolchain/pulumi.py", "toolchain/pulumi-cli/go.sum"])
def test_a_change_of_what_the_set_up_depends_on_runs_it_again(checkout: Path, changed: str) -> None:
    provide_all(checkout)
    bootstrap(checkout)
    with (checkout / changed).open("a") as file:
        file.write(os.linesep)
    bootstrap(checkout)
    assert calls(checkout) == ["uv sync", "tools"] * 2


def test_a_set_up_that_failed_is_not_taken_for_done(checkout: Path) -> None:
    provide_all(checkout)
    provide(checkout, "uv", "echo no network >&2; exit 2")
    failed = bootstrap(checkout)
    assert failed.returncode != 0
    assert "no network" in failed.stderr
    assert not (checkout / ".toolchain" / "stamp").exists()
