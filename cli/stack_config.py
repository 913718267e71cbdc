"""What a stack's page says, for commands that go to its hosts themselves."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from cli.page import problem_with
from cli.report.masks import leaves
from providers._runtime import connection as connections
from toolchain.environment import pulumi_environment
from toolchain.errors import ToolchainError
from toolchain.stacks import mirror


def config_of(directory: Path, stack: str) -> dict[str, Any]:
    """The stack's configuration; where the connections are in it, Pulumi decrypts them."""
    file = mirror(directory, stack)
    if unreadable := problem_with(directory, stack):
        raise ToolchainError(unreadable)
    config: dict[str, Any] = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("config") or {}
    if connections.CONNECTIONS_KEY not in config:
        return config
    return {**config, connections.CONNECTIONS_KEY: _asked(directory, stack, file, "get", connections.CONNECTIONS_KEY)}


def secret_words(directory: Path, stack: str) -> list[str]:
    """What is secret in the stack's configuration, in plain text; of a connection not its addresses and users."""
    file = mirror(directory, stack)
    if "secure:" not in file.read_text(encoding="utf-8"):
        return []
    config = json.loads(_asked(directory, stack, file, "--json", "--show-secrets"))
    hidden = {name: row.get("objectValue", row["value"]) for name, row in config.items() if row["secret"]}
    given = hidden.pop(connections.CONNECTIONS_KEY, None)
    found = connections.load({connections.CONNECTIONS_KEY: given}, directory) if given else {}
    return [*leaves(hidden), *(word for each in found.values() for word in _secrets_of(each.model_dump()))]


def _secrets_of(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets_of(inner)


def _asked(directory: Path, stack: str, file: Path, *words: str) -> str:
    """What Pulumi says of the configuration."""
    environment = pulumi_environment(directory)
    program = shutil.which("pulumi", path=environment["PATH"])
    if program is None:
        raise ToolchainError("Pulumi is not set up in this checkout: run `make setup`")
    command = [program, "config", *words, "--stack", stack, "--config-file", str(file)]
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolchainError(f"the secrets of stack {stack} can't be read: {done.stderr.strip()}")
    return done.stdout
