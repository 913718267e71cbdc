"""Inside a running guest: commands and files, by the agent of a virtual machine, and by `pct` in a container.

What is secret goes in by a command's input or by a file that only root can read: command lines are for all to see.
"""

from __future__ import annotations

import abc
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence

from providers._guests import power
from providers._guests.agent import CHUNK, GuestAgent
from providers._guests.patience import BUDGET
from providers._guests.place import Place
from providers._guests.target import missing, row_of
from providers._runtime import privileges
from providers._runtime.api import Api
from providers._runtime.command import Finished
from providers._runtime.errors import CommandFailed, InvalidValue, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values

FIRST_LOOK, LONGEST_PAUSE = 0.05, 1.0
WITH_ENVIRONMENT = 'while IFS= read -r _given_ && [ -n "$_given_" ]; do export "$_given_"; done; exec "$@"'
"""Reads `NAME=value` lines up to an empty one from the input, which is the command's own from there on."""
LOOK_SECONDS = 5.0
"""How long an agent is waited for by somebody who only looks."""
MOST_INPUT = 65536
"""Bytes of input that Proxmox takes for the agent."""


class Inside(abc.ABC):
    """The inside of one guest, during one operation."""

    def __init__(self, api: Api, place: Place) -> None:
        self.api = api
        self.place = place

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
            raise CommandFailed(f"`{command[0]}` in {self.place.id}", done.code, done.error or done.out)
        return done.out

    def run_with(self, environment: Mapping[str, str], command: Sequence[str], stdin: bytes) -> Finished:
        """A command with variables, which travel by its input."""
        if not environment:
            return self.run(command, stdin)
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        return self.run(["sh", "-c", WITH_ENVIRONMENT, "sh", *command], f"{lines}\n".encode() + stdin)


class _ByAgent(Inside):
    """A virtual machine."""

    def __init__(self, api: Api, place: Place, seconds: float) -> None:
        super().__init__(api, place)
        self._agent = GuestAgent(api, place, seconds)

    def run(self, command: Sequence[str], stdin: bytes = b"") -> Finished:
        """Started and looked after until its end: the agent does not wait."""
        if len(stdin) > MOST_INPUT:
            raise InvalidValue(f"input: {len(stdin)} bytes with the environment; the agent takes {MOST_INPUT}")
        pid, pause = self._agent.start(command, stdin), FIRST_LOOK
        while (done := self._agent.ended(pid)) is None:
            if time.monotonic() + pause > self.api.deadline:
                raise TookTooLong(f"`{command[0]}` in {self.place.id} is still running, as process {pid} there")
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return done

    def fill(self, folder: str, data: bytes) -> None:
        """As many files as the agent needs."""
        for number, start in enumerate(range(0, len(data) or 1, CHUNK)):
            self._agent.write(f"{folder}/part-{number:06}", data[start : start + CHUNK])


class _ByPct(Inside):
    """A container, over SSH on its node."""

    def run(self, command: Sequence[str], stdin: bytes = b"") -> Finished:
        """`pct exec`."""
        words = ["pct", "exec", str(self.place.vmid), "--", *command]
        return self.api.client.ssh.run(self.place.node, words, stdin, deadline=self.api.deadline)

    def fill(self, folder: str, data: bytes) -> None:
        """One file, by way of the node's memory."""
        ssh, node, deadline = self.api.client.ssh, self.place.node, self.api.deadline
        beside = f"/run/pct-push-{uuid.uuid4().hex}"
        ssh.write(node, beside, data, 0o600, deadline=deadline)
        try:
            push = ["pct", "push", str(self.place.vmid), beside, f"{folder}/part-0", "--perms", "0600"]
            ssh.check(node, push, deadline=deadline)
        finally:
            ssh.remove(node, beside, deadline=deadline)


def inside(api: Api, place: Place, seconds: float | None) -> Inside:
    """The way into a guest, of which an agent may be waited for so long; one that does not run says so at once."""
    if not power.is_running(api, place):
        raise InvalidValue(f"{place.id} does not run, so nothing can be done inside; start it")
    return _ByPct(api, place) if place.kind == "lxc" else _ByAgent(api, place, seconds or BUDGET)


def problems(facts: Facts, wanted: Values) -> Iterator[Problem]:
    """What a preview can tell: the guest is there, there is a way into it, and it may be gone."""
    yield from missing(facts, wanted)
    row = row_of(facts, wanted["vmid"]) if "vmid" in wanted else None
    if row and row["type"] == "qemu":
        yield from privileges.missing(facts, [(f"/vms/{wanted['vmid']}", "VM.GuestAgent.Unrestricted")])
    elif row and not facts.client.ssh.available:
        yield "vmid", "only SSH leads into a container (`pct exec`): give the connection `ssh`"
