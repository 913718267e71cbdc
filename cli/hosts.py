"""The hosts of a stack, for commands that go to them themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cli.stack import error
from cli.stack_config import config_of
from providers._runtime import connection as connections
from providers._runtime.client import Client
from providers._runtime.errors import ProxmoxError
from toolchain.errors import ToolchainError

PARALLEL = 8
"""Requests at once to one connection."""
PATIENCE = 30.0
"""Seconds for what the hosts say of themselves."""


@contextmanager
def clients_of(config: Mapping[str, Any], directory: Path) -> Iterator[dict[str, Client]]:
    """One for each connection of a stack."""
    with ExitStack() as open_:
        clients = {
            name: Client(name, connection, PARALLEL) for name, connection in connections.load(config, directory).items()
        }
        for client in clients.values():
            open_.callback(client.close)
        yield clients


def resources_of(clients: Mapping[str, Client]) -> dict[str, list[dict[str, Any]]]:
    """Connection -> what `/cluster/resources` says there; all are asked at once."""

    def rows(client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.request("GET", "/cluster/resources", deadline=time.monotonic() + PATIENCE)
        return found

    with ThreadPoolExecutor(max(1, len(clients))) as pool:
        return dict(zip(clients, pool.map(rows, clients.values()), strict=True))


@contextmanager
def hosts_of(directory: Path, stack: str) -> Iterator[dict[str, Client]]:
    """The same for a stack by its name; what goes wrong with the hosts meanwhile is one line."""
    try:
        with clients_of(config_of(directory, stack), directory) as clients:
            yield clients
    except (ProxmoxError, ToolchainError) as problem:
        raise error(problem) from None
