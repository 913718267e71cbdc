"""Whole lives of small programs, handler by handler, with an identity that is allowed what a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from providers._runtime import lifecycle
from providers._runtime.client import Client
from providers._runtime.errors import ProxmoxError
from providers._runtime.facts import Facts
from providers._runtime.least_privilege import Privileges, of_resource, smallest
from providers._runtime.model import Problem, Values, declared
from tests.conftest import Simulator
from tests.providers.guests import Driver

USER = "allowed@pve"


@dataclass(frozen=True)
class Piece:
    """One resource of a program."""

    kind: str
    args: Mapping[str, Any]
    changes: Mapping[str, Any]
    """What is declared otherwise later on."""


Program = Mapping[str, Piece]


class Life:
    """A program against a simulator that begins anew, by a reset unless a test has more to prepare."""

    def __init__(self, simulator: Simulator, program: Program, begin: Callable[[], object] | None = None) -> None:
        self._simulator = simulator
        self._begin = begin or (lambda: simulator.control("POST", "reset"))
        self._program = program
        self._drivers = {name: Driver(simulator, piece.kind, name) for name, piece in program.items()}
        self._inputs: dict[str, Values] = {}
        self._changed: dict[str, Values] = {}
        self._as(self.client)
        for name, piece in program.items():
            self._inputs[name] = self._checked(name, piece.args)
        for name, piece in program.items():
            self._drivers[name].inputs = self._inputs[name]
            self._changed[name] = self._checked(name, {**piece.args, **piece.changes})

    def _checked(self, name: str, args: Mapping[str, Any]) -> Values:
        inputs, problems = self._drivers[name].check(args)
        assert problems == [], name
        return declared(self._drivers[name].handler.inputs, inputs)

    @property
    def client(self) -> Client:
        """Whom it logs in as."""
        return next(iter(self._drivers.values())).client

    def _as(self, client: Client) -> None:
        facts = Facts(client)
        for driver in self._drivers.values():
            driver.client, driver.facts = client, facts

    def privileges(self) -> Privileges:
        """What the program needs, as it is at first and with its changes."""
        return smallest(
            need
            for name, driver in self._drivers.items()
            for before, wanted in (({}, self._inputs[name]), (self._inputs[name], self._changed[name]))
            for need in of_resource(driver.handler, before, wanted)
        )

    def allow(self, privileges: Privileges) -> None:
        """Go on from the beginning as somebody who is allowed just that."""
        self._begin()
        self.log_in(*permitted(self._simulator, privileges))

    def log_in(self, token_id: str, secret: str) -> None:
        """Go on with a token."""
        token = {"token_id": token_id, "token_secret": SecretStr(secret)}
        self._as(Client("lab", self.client.connection.model_copy(update=token), 4))

    def preview(self) -> dict[str, list[Problem]]:
        """What a preview of the program as new refuses."""
        found = {}
        for name, piece in self._program.items():
            self._drivers[name].inputs = {}
            problems = self._drivers[name].check(piece.args)[1]
            found.update({name: problems} if problems else {})
        return found

    def run(self) -> str:
        """Make, read, change and remove all of it, without asking beforehand; returns what Proxmox refused."""
        for step in (self._make, self._read, self._change, self._remove):
            order = list(self._drivers)
            for name in reversed(order) if step == self._remove else order:
                try:
                    step(name, self._drivers[name])
                except ProxmoxError as error:
                    return f"{name}: {error}"
            self._as(self.client)
        return ""

    def _make(self, name: str, driver: Driver) -> None:
        driver.outputs = {}
        driver.id, driver.outputs = lifecycle.create(driver.handler, driver.api, self._inputs[name])

    def _read(self, name: str, driver: Driver) -> None:
        assert lifecycle.read(driver.handler, driver.api, driver.id, self._inputs[name]) is not None

    def _change(self, name: str, driver: Driver) -> None:
        driver.outputs = lifecycle.update(driver.handler, driver.api, driver.id, driver.outputs, self._changed[name])

    def _remove(self, _name: str, driver: Driver) -> None:
        driver.handler.delete(driver.api, driver.id, driver.outputs)


def permitted(simulator: Simulator, privileges: Privileges) -> tuple[str, str]:
    """A new token with those privileges and no others, and its secret."""
    simulator.by_hand("POST", "/access/users", {"userid": USER})
    made = simulator.by_hand("POST", f"/access/users/{USER}/token/labs", {"privsep": 0})
    for number, (path, names) in enumerate(privileges.items()):
        role = f"role{number}"
        simulator.by_hand("POST", "/access/roles", {"roleid": role, "privs": ",".join(names)})
        entry = {"path": path.removesuffix("/*"), "propagate": int(path.endswith("/*"))}
        simulator.by_hand("PUT", "/access/acl", {**entry, "users": USER, "roles": role})
    return made["full-tokenid"], made["value"]


def without(privileges: Privileges, path: str, name: str) -> Privileges:
    """All of them but that one."""
    rest = {at: [each for each in names if (at, each) != (path, name)] for at, names in privileges.items()}
    return {at: names for at, names in rest.items() if names}
