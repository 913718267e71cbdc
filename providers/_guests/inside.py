"""Inside a running guest: by the agent of a virtual machine, and by `pct` in a container."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from providers._guests import power
from providers._guests.agent import CHUNK, GuestAgent
from providers._guests.patience import BUDGET
from providers._guests.place import Place
from providers._guests.target import missing, needed, row_of, target, vmid_in
from providers._guests.values import VmId
from providers._inside.machine import InsideHandler, Machine
from providers._runtime import privileges
from providers._runtime.api import Api
from providers._runtime.command import Finished
from providers._runtime.errors import InvalidValue, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.markers import Immutable, Local
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner

FIRST_LOOK, LONGEST_PAUSE = 0.05, 1.0
MOST_INPUT = 65536
"""Bytes of input that Proxmox takes for the agent."""
MOST = 4 << 20
"""Bytes of a file that goes in by the agent: about ninety requests."""
TOO_MUCH = f"{{}} bytes are too many for the agent, by which {MOST} can go in; let the guest fetch the file by itself"


class GuestTarget(Inputs):
    """Which guest it is that something is inside of."""

    vmid: Annotated[VmId, Immutable()] = Field(description="The guest that it is in.")
    wait_seconds: Annotated[float | None, Local(), Field(gt=0)] = Field(
        default=None,
        description="How long the agent of a virtual machine is waited for; 300 seconds where not set. What is done "
        "inside may take as long as `timeouts` say.",
    )


class _Inside(Machine):
    """The inside of one guest."""

    def __init__(self, api: Api, place: Place) -> None:
        self.api, self.place = api, place
        self.id, self.named = place.id, {"vmid": place.vmid}


class _ByAgent(_Inside):
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
        if len(data) > MOST:
            raise InvalidValue(TOO_MUCH.format(len(data)))
        for number, start in enumerate(range(0, len(data) or 1, CHUNK)):
            self._agent.write(f"{folder}/part-{number:06}", data[start : start + CHUNK])


class _ByPct(_Inside):
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


def _inside(api: Api, place: Place, seconds: float | None) -> Machine:
    """The way into a guest, of which an agent may be waited for so long; one that does not run says so at once."""
    if not power.is_running(api, place):
        raise InvalidValue(f"{place.id} does not run, so nothing can be done inside; start it")
    return _ByPct(api, place) if place.kind == "lxc" else _ByAgent(api, place, seconds or BUDGET)


def _problems(facts: Facts, wanted: Values) -> Iterator[Problem]:
    """What a preview can tell: the guest is there, there is a way into it, and it may be gone."""
    yield from missing(facts, wanted)
    row = row_of(facts, wanted["vmid"]) if "vmid" in wanted else None
    if row and row["type"] == "qemu":
        yield from privileges.missing(facts, [(f"/vms/{wanted['vmid']}", "VM.GuestAgent.Unrestricted")])
    elif row and not facts.client.ssh.available:
        yield "vmid", "only SSH leads into a container (`pct exec`): give the connection `ssh`"


class InGuest(InsideHandler):
    """Types of what is inside a guest."""

    def machine(self, api: Api, wanted: Values) -> Machine:
        """The guest has to be there."""
        return _inside(api, needed(api, wanted["vmid"]), wanted.get("wait_seconds"))

    def machine_of(self, api: Api, id_: str, seconds: float | None) -> Machine:
        """By its number."""
        return _inside(api, needed(api, vmid_in(id_)), seconds)

    def is_gone(self, api: Api, id_: str) -> bool:
        """Whether there is no such guest."""
        return target(api, vmid_in(id_)) is None

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What can be told of the guest from outside."""
        return _problems(facts, wanted)
