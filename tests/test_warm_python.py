"""The Python that has the libraries loaded does what Python does, and starts with nothing of this project loaded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.warm_python import CLIENT, warm_python

LIMIT = 60
TELLS = """
import json, os, sys
print(json.dumps({
    "arguments": sys.argv[1:], "place": os.path.dirname(sys.argv[0]), "name": __name__, "here": sys.path[0],
    "folder": os.getcwd(), "said": os.environ.get("SAID"), "read": sys.stdin.read(),
    "ours": sorted(name for name in sys.modules if name.partition(".")[0] in ("providers", "components", "stacks")),
}))
print("to the other stream", file=sys.stderr)
sys.exit(7)
"""
HEEDS = """
import time
try:
    print("here", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts it in a folder of its own."""
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix, **warm_python(), "SAID": "a word"}

    def run(*arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [str(CLIENT), *arguments]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    return run


@pytest.mark.parametrize("how", [["-u", "-m", "tells"], ["tells.py"]])
def test_a_program_finds_what_its_process_was_given(
    how: list[str], start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "tells.py").write_text(TELLS)

    with start(*how, "x y", "") as process:
        said, complained = process.communicate("typed in", timeout=LIMIT)

    assert json.loads(said) == {
        "arguments": ["x y", ""],
        "place": str(tmp_path) if "-m" in how else "",
        "name": "__main__",
        "here": str(tmp_path),
        "folder": str(tmp_path),
        "said": "a word",
        "read": "typed in",
        "ours": [],
    }
    assert complained == "to the other stream\n"
    assert process.returncode == 7


def test_a_program_that_fails_says_so(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text("raise ValueError('a fault')")

    with start("fails.py") as process:
        _, complained = process.communicate(timeout=LIMIT)

    assert complained.endswith("ValueError: a fault\n")
    assert process.returncode == 1


def test_a_program_is_killed_with_what_was_started(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    (tmp_path / "lasts.py").write_text("import time; print('here', flush=True); time.sleep(600)")

    with start("lasts.py") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()
        assert process.stdout.read() == "", "its streams are closed only when it is gone"


def test_a_signal_reaches_the_program(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    (tmp_path / "heeds.py").write_text(HEEDS)

    with start("heeds.py") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=LIMIT)

    assert (said, complained, process.returncode) == ("interrupted\n", "", 0)


def test_what_no_program_is_goes_to_the_real_python(start: Callable[..., subprocess.Popen[str]]) -> None:
    with start("--version") as process:
        said, _ = process.communicate(timeout=LIMIT)

    assert said == f"Python {sys.version.split()[0]}\n"
