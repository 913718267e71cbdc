"""Inside a node: over SSH, as the user that the connection logs in as; the API has no way to do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from providers._inside.machine import InsideHandler, Machine
from providers._nodes.setting import node_problems
from providers._runtime.api import Api
from providers._runtime.command import Finished
from providers._runtime.facts import Facts
from providers._runtime.markers import Immutable
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner


class NodeTarget(Inputs):
    """Which node it is that something is inside of."""

    node: Annotated[str, Immutable()] = Field(description="The node that it is on.")


class _Node(Machine):
    """The inside of one node."""

    def __init__(self, api: Api, node: str) -> None:
        self.api, self.node = api, node
        self.id, self.named = f"nodes/{node}", {"node": node}

    def run(self, command: Sequence[str], stdin: bytes = b"") -> Finished:
        """As a session of SSH."""
        return self.api.client.ssh.run(self.node, command, stdin, deadline=self.api.deadline)

    def fill(self, folder: str, data: bytes) -> None:
        """One file, by SFTP."""
        self.api.client.ssh.write(self.node, f"{folder}/part-0", data, 0o600, deadline=self.api.deadline)


class OnNode(InsideHandler):
    """Types of what is inside a node."""

    def machine(self, api: Api, wanted: Values) -> Machine:
        """Whether it is there shows when it is asked."""
        return _Node(api, wanted["node"])

    def machine_of(self, api: Api, id_: str, seconds: float | None) -> Machine:
        """A node that does not answer is not gone."""
        return _Node(api, id_.split("/")[1])

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The node has to be there, and a way into it."""
        unknown = node_problems(facts, wanted)
        yield from unknown
        if "node" in wanted and not unknown and not facts.client.ssh.reaches(wanted["node"]):
            yield "node", f"only SSH leads into a node: give the connection `ssh`, with {wanted['node']} in `ssh.hosts`"
