"""The README, tried: its two commands in a checkout of their own, and its program on the simulator."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.engine import ROOT, Program

pytestmark = pytest.mark.engine

PAGE = (ROOT / "README.md").read_text()
LIMIT = 280


def blocks(kind: str) -> list[str]:
    """The code blocks of a kind, without the indentation of a list."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```", PAGE, flags=re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def masked(text: str) -> str:
    """What a run printed, without ports, times and trailing blanks."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"Duration: \d+s", "Duration: …", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A copy of what is in the repository, as `git clone` makes it; its simulator is stopped at the end."""
    root = tmp_path / "checkout"
    tracked = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").split("\n")
    for name in filter(None, tracked):
        if (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "Start")
    yield root
    if (root / ".venv/bin/proxmox-labs").exists():
        run(root, [".venv/bin/proxmox-labs", "sim", "stop"])


def git(folder: Path, *arguments: str) -> str:
    """Run git."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def run(folder: Path, command: list[str], **variables: str) -> str:
    """Run a command of the README as a user with an empty home, but with the cache that the tests have filled."""
    ours = ("PULUMI_", "VIRTUAL_ENV", "MAKE", "MFLAGS")  # of this run of the tests, not of a user's shell
    settings = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    environment: Mapping[str, str] = {**settings, "HOME": str(home), "XDG_CACHE_HOME": cache, **variables}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (home / ".pulumi").exists(), "the user's own settings are left alone"
    return done.stdout


def test_make_up_brings_the_demo_up_and_prints_what_the_readme_says(checkout: Path) -> None:
    first = run(checkout, ["make", "up"])
    (printed,) = blocks("text")
    assert masked(first).endswith(masked(printed))

    began = time.monotonic()
    second = run(checkout, ["make", "up"])
    assert "8 unchanged" in second
    assert time.monotonic() - began < 30, "a second time it is ready within seconds"
    assert "8 unchanged" in run(checkout, ["make", "preview"])
    assert "8 unchanged" in run(checkout, ["make", "refresh"])

    page = checkout / "stacks/Pulumi.demo.yaml"
    page.write_text(page.read_text().replace("count: 2", "count: 3"))
    assert "+ 1 to create" in run(checkout, ["make", "preview"])
    assert "+ 1 created" in run(checkout, ["make", "up"], STACK="demo")
    page.write_text(page.read_text().replace("count: 3", "count: 2"))

    assert "deleted" in run(checkout, ["make", "down"])
    assert git(checkout, "status", "--short") == ""


def test_plain_pulumi_works_in_the_checkout_with_a_backend_of_ones_own(checkout: Path, tmp_path: Path) -> None:
    run(checkout, ["make", "setup"])
    (tmp_path / "mine").mkdir()
    tools = os.pathsep.join([f"{checkout}/.venv/bin", f"{checkout}/.toolchain/bin", os.environ["PATH"]])
    mine = {
        "PATH": tools,
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/mine",
        "PULUMI_CONFIG_PASSPHRASE": "mine",
        "PULUMI_HOME": f"{checkout}/.toolchain/pulumi-home",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    run(checkout, ["pulumi", "stack", "init", "demo", "--non-interactive"], **mine)

    up = run(checkout, ["pulumi", "up", "-s", "demo", "--yes", "--non-interactive"], **mine)

    assert "+ 8 created" in up


def test_the_program_of_the_readme_runs(program: Program) -> None:
    _reads_a_lab, source = blocks("python")  # the first one is part of the tests of lab_outputs
    (program.folder / "__main__.py").write_text(source)

    assert program.up().changes == {"create": 1}
    assert program.up().changes == {}


def test_every_command_of_the_readme_exists() -> None:
    known = {"make up", "make test", "make preview", "make down"}
    asked = [line.removeprefix("$ ") for text in blocks("console") for line in text.splitlines()]
    ours = [line for line in asked if line.startswith(("make", "proxmox-labs"))]

    assert set(ours) <= known
