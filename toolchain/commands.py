"""Runs the tools of the set-up and turns their failure into one readable message."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from toolchain.errors import ToolchainError

_LAST_LINES = 15


def find(program: str, remedy: str) -> str:
    """Return the full path of a program on PATH, or say how to get it."""
    path = shutil.which(program)
    if path is None:
        raise ToolchainError(f"{program} is not on PATH: {remedy}")
    return path


def run(
    command: list[str],
    *,
    cwd: Path | None = None,
    extra: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> str:
    """Run a command to its end and return what it printed; its last lines are the error when it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(extra or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolchainError(f"`{' '.join(command)}` took longer than {seconds:.0f} s") from None
    except OSError as problem:
        raise ToolchainError(f"`{command[0]}` could not be started: {problem.strerror}") from None
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-_LAST_LINES:])
        raise ToolchainError(f"`{' '.join(command)}` failed with exit code {done.returncode}:\n{last}")
    return done.stdout.strip()
