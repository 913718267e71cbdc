"""A Python for the engine's programs that has the libraries loaded already.

Each run of the engine starts three Pythons: one lists the packages, one is the program, one the provider. Most of what
they do is to load Pulumi's SDK and what belongs to it, each time the same. So a test process has one server that loads
those libraries, and nothing of this project; each program is a fork of it. What makes a stack's Python else, toolchain
and all, is shown by the tests that run `make up`.
"""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = Path(__file__).parent / "python"


@functools.cache
def warm_python() -> dict[str, str]:
    """The environment in which the language host takes this Python; the first call starts the server."""
    folder = tempfile.TemporaryDirectory(prefix="warm-python-")
    socket = Path(folder.name) / "socket"
    command = [sys.executable, "-u", "-m", "tests.warm_python.server", str(socket)]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(_end, server, folder)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n", "the server of the warm Python did not start"
    return {
        "PULUMI_PYTHON_CMD": str(CLIENT),
        "WARM_PYTHON_SOCKET": str(socket),
        "WARM_PYTHON_ELSE": str(ROOT / "toolchain" / "host-python"),
    }


def _end(server: subprocess.Popen[str], folder: tempfile.TemporaryDirectory[str]) -> None:
    """The server ends when nobody can ask it any more, which it sees by its input."""
    server.communicate()
    folder.cleanup()
