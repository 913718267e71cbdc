"""Drives a handler against a simulator as the bridge does, without the engine: check, then create, update and so on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.checking import Check
from providers._runtime.client import Client
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values, declared
from providers._runtime.ownership import Owner
from providers._runtime.registry import handler_of
from tests.conftest import Simulator
from tests.runtime.doors import access_to, connection_to


@dataclass
class Driver:
    """One resource of a program; `again()` is the same one in the next run."""

    simulator: Simulator
    kind: str
    name: str = "it"
    stack: str = "test"
    inputs: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)
    id: str = ""
    warnings: list[str] = field(default_factory=list)
    ssh: bool = True
    """Whether the connection says how to log in to the nodes."""

    def __post_init__(self) -> None:
        connection = connection_to(self.simulator, ssh=access_to(self.simulator) if self.ssh else None)
        self.handler = handler_of(self.kind)
        self.owner = Owner.of_urn(f"urn:pulumi:{self.stack}::proxmox::{self.kind}::{self.name}")
        self.client = Client("lab", connection, 4)
        self.facts = Facts(self.client)

    def log_in_as_root(self) -> None:
        """Use root's password from here on, and no token."""
        credentials = json.loads((self.simulator.running.home / "credentials.json").read_text())
        root = {"username": "root@pam", "password": SecretStr(credentials["password"])}
        connection = self.client.connection.model_copy(update={"token_id": None, "token_secret": None, **root})
        self.client = Client("lab", connection, 4)
        self.again()

    def behind(self, connection: str) -> None:
        """Talk to the host behind another of the simulator's connections from here on."""
        simulated = self.simulator.running.connections[connection]
        given = {"token_id": simulated.token_id, "token_secret": simulated.token_secret}
        there = connection_to(self.simulator, endpoints=simulated.endpoints, ca_file=simulated.ca_file, **given)
        self.client = Client(connection, there, 4)
        self.again()

    def again(self) -> None:
        """A new run: nothing is remembered but the state."""
        self.facts = Facts(self.client)
        self.warnings.clear()

    @property
    def api(self) -> Api:
        """What one call works with."""
        deadline = time.monotonic() + 60
        return Api(self.client, self.facts, self.owner, deadline, warn=self.warnings.append, recorded=self.outputs)

    def check(self, args: Mapping[str, Any], unknown: frozenset[str] = frozenset()) -> tuple[Values, list[Problem]]:
        """What a preview says."""
        return Check(self.handler, self.facts, self.owner, self.warnings.append).run(self.inputs, dict(args), unknown)

    def problems(self, args: Mapping[str, Any]) -> dict[str, str]:
        """What a preview refuses."""
        return dict(self.check(args)[1])

    def up(self, args: Mapping[str, Any]) -> Values:
        """Check and carry out; returns the outputs."""
        inputs, problems = self.check(args)
        assert problems == []
        wanted = declared(self.handler.inputs, inputs)
        if self.id:
            self.outputs = lifecycle.update(self.handler, self.api, self.id, self.outputs, wanted)
        else:
            self.id, self.outputs = lifecycle.create(self.handler, self.api, wanted)
        self.inputs = inputs
        return self.outputs

    def drift(self) -> Values:
        """What a refresh finds different from the inputs: field -> actual value."""
        self.again()
        wanted = declared(self.handler.inputs, self.inputs)
        seen = lifecycle.read(self.handler, self.api, self.id, wanted)
        if seen is None:
            return {"gone": True}
        return {name: seen.get(name) for name in wanted if seen.get(name) != wanted[name]}

    def refresh(self) -> None:
        """Take what is there into the state, as `pulumi refresh` does."""
        self.again()
        seen = lifecycle.read(self.handler, self.api, self.id, declared(self.handler.inputs, self.inputs))
        assert seen is not None
        self.outputs, self.inputs = seen, {**self.inputs, **declared(self.handler.inputs, seen)}

    def delete(self) -> None:
        """Remove it."""
        self.again()
        self.handler.delete(self.api, self.id, self.outputs)

    def config(self) -> Values:
        """As somebody else reads it."""
        path = self.api.facts.node_of(int(self.id.split("/")[1]))
        found: Values = self.simulator.by_hand("GET", f"/nodes/{path}/{self.id}/config")
        return found


def tasks(simulator: Simulator) -> list[str]:
    """What was changed, as method and the end of the path."""
    return [
        f"{row['method']} {row['path'].rpartition('/')[2]}" for row in simulator.requests() if row["method"] != "GET"
    ]
