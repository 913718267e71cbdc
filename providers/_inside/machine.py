"""A machine with a way into it, and the types whose resources are inside of one.

What is secret goes in by a command's input or by a file that only root can read: command lines are for all to see.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence

from providers._runtime.api import Api
from providers._runtime.command import Finished
from providers._runtime.errors import CommandFailed
from providers._runtime.handler import Handler
from providers._runtime.model import Values

WITH_ENVIRONMENT = 'while IFS= read -r _given_ && [ -n "$_given_" ]; do export "$_given_"; done; exec "$@"'
"""Reads `NAME=value` lines up to an empty one from the input, which is the command's own from there on."""
LOOK_SECONDS = 5.0
"""How long a machine is waited for by somebody who only looks."""


class Machine(abc.ABC):
    """The inside of one machine, during one operation."""

    id: str
    """As it begins the IDs of what is inside: `qemu/100`, `nodes/pve1`."""
    named: Values
    """How a resource names it: `{"vmid": 100}`, `{"node": "pve1"}`."""

    @abc.abstractmethod
    def run(self, command: Sequence[str], stdin: bytes = b"") -> Finished:
        """A command, whatever its end."""

    @abc.abstractmethod
    def fill(self, folder: str, data: bytes) -> None:
        """Files `part-…` in a folder that together, in the order of their names, are the data."""

    def check(self, command: Sequence[str], stdin: bytes = b"") -> bytes:
        """What a command prints; raises CommandFailed where it does not succeed."""
        done = self.run(command, stdin)
        if done.code:
            raise CommandFailed(f"`{command[0]}` in {self.id}", done.code, done.error or done.out)
        return done.out

    def run_with(self, environment: Mapping[str, str], command: Sequence[str], stdin: bytes) -> Finished:
        """A command with variables, which travel by its input."""
        if not environment:
            return self.run(command, stdin)
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        return self.run(["sh", "-c", WITH_ENVIRONMENT, "sh", *command], f"{lines}\n".encode() + stdin)


class InsideHandler(Handler):
    """Something inside a machine; a subclass says by which way."""

    @abc.abstractmethod
    def machine(self, api: Api, wanted: Values) -> Machine:
        """The machine that is declared, which has to be there."""

    @abc.abstractmethod
    def machine_of(self, api: Api, id_: str, seconds: float | None) -> Machine:
        """The machine of a resource that is there, waited for so long; raises InvalidValue where it does not run."""

    def is_gone(self, api: Api, id_: str) -> bool:
        """Whether the machine of a resource is no longer there, and so nothing inside it."""
        return False
