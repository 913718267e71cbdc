"""What a stack's page says, for commands that go to its hosts themselves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from providers._runtime import connection as connections
from toolchain.environment import pulumi_environment
from toolchain.errors import ToolchainError
from toolchain.stacks import mirror


def config_of(directory: Path, stack: str) -> dict[str, Any]:
    """The stack's configuration; where the connections are in it, Pulumi decrypts them."""
    file = mirror(directory, stack)
    config: dict[str, Any] = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config") or {}
    if connections.CONNECTIONS_KEY not in config:
        return config
    environment = pulumi_environment(directory)
    program = shutil.which("pulumi", path=environment["PATH"])
    if program is None:
        raise ToolchainError("Pulumi is not set up in this checkout: run `make setup`")
    command = [program, "config", "get", connections.CONNECTIONS_KEY, "--stack", stack, "--config-file", str(file)]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolchainError(f"the connections of stack {stack} can't be read: {done.stderr.strip()}")
    return {**config, connections.CONNECTIONS_KEY: done.stdout}
