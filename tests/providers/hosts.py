"""Hosts that are in no cluster yet, and what a program with a connection to each of them would do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.checking import Check
from providers._runtime.client import Client
from providers._runtime.connection import Connection
from providers._runtime.errors import ConfigProblem
from providers._runtime.facts import Facts
from providers._runtime.model import Values, declared
from providers._runtime.ownership import Owner
from providers._runtime.registry import handler_of
from tests.conftest import Simulator
from tests.runtime.doors import password_of

OWNER = Owner.of_urn("urn:pulumi:test::proxmox::hosts::it")


def logins(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """A connection to each host, as root with his password, as a stack's configuration has them."""
    return {
        name: {
            "endpoints": list(simulated.endpoints),
            "username": "root@pam",
            "password": password_of(simulator),
            "ca_file": str(simulated.ca_file),
        }
        for name, simulated in simulator.running.connections.items()
    }


@dataclass
class Hosts:
    """The connections of one run."""

    clients: dict[str, Client]
    known: dict[str, Facts] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def facts(self, name: str) -> Facts:
        """What the run knows of one of them."""
        if name not in self.clients:
            raise ConfigProblem(f"there is no connection {name!r}")
        return self.known.setdefault(name, Facts(self.clients[name], self.facts))

    def again(self) -> None:
        """A new run."""
        self.known.clear()
        self.warnings.clear()

    def api(self, name: str = "pve1", recorded: Mapping[str, Any] | None = None) -> Api:
        """What one call works with."""
        deadline, facts = time.monotonic() + 60, self.facts(name)
        return Api(facts.client, facts, OWNER, deadline, warn=self.warnings.append, recorded=recorded or {})

    def problems(
        self,
        kind: str,
        args: Mapping[str, Any],
        connection: str = "pve1",
        before: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """What a preview refuses, as `field: reason`."""
        check = Check(handler_of(kind), self.facts(connection), OWNER, self.warnings.append)
        return [f"{name}: {why}" for name, why in check.run(dict(before or {}), dict(args), frozenset())[1]]

    def up(self, kind: str, args: Mapping[str, Any], connection: str = "pve1") -> Values:
        """Check and make; returns the outputs."""
        assert self.problems(kind, args, connection) == []
        handler = handler_of(kind)
        wanted = declared(handler.inputs, dict(args))
        return lifecycle.create(handler, self.api(connection), wanted)[1]

    def get(self, name: str, path: str) -> Any:
        """What a host answers."""
        return self.api(name).get(path)

    def members(self) -> dict[str, int]:
        """The nodes as the first one sees them, with whether they are online."""
        rows = self.get("pve1", "/cluster/status")
        return {row["name"]: row["online"] for row in rows if row["type"] == "node"}


@contextmanager
def opened(simulator: Simulator, **changes: Mapping[str, Any]) -> Iterator[Hosts]:
    """Connections to all hosts, some of them changed; closed at the end."""
    described = {name: {**values, **changes.get(name, {})} for name, values in logins(simulator).items()}
    plain = {
        name: {key: value for key, value in values.items() if value is not None} for name, values in described.items()
    }
    made = Hosts({name: Client(name, Connection.model_validate(values), 4) for name, values in plain.items()})
    try:
        yield made
    finally:
        for client in made.clients.values():
            client._session.close()
