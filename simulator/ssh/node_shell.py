"""The shell of a node: it knows the node, the state of its datacenter, and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.access import ROOT, signer_of
from simulator.guests.inside import Programs
from simulator.router import Request, Router
from simulator.ssh.shell import Program, Shell, Streams
from simulator.ssh.tree import Tree
from simulator.state import Datacenter


@dataclass(slots=True, kw_only=True)
class NodeShell(Shell):
    """A shell as root on a node."""

    tree: Tree
    router: Router

    @property
    def node(self) -> str:
        """Return the node on which this runs."""
        return self.tree.node

    @property
    def datacenter(self) -> Datacenter:
        """Return the state of the node's datacenter."""
        return self.tree.datacenter

    @property
    def real(self) -> Programs | None:
        """Return what runs the programs of this node's packages; None where they are only modelled."""
        return self.tree.world.on_node(self.datacenter, self.node)

    def brought(self, path: str) -> Program:
        """Return the program that a package has brought: the real one where there is one."""
        real = self.real
        if real is None or not real.has(path):
            return Shell.brought(self, path)

        async def run(_shell: NodeShell, args: list[str], streams: Streams) -> int:
            return streams.end(await real.run([path, *args], streams.input.left))

        return run

    async def wait(self, seconds: float) -> None:
        """Let time pass on the simulator's clock, which may stand still until somebody moves it on."""
        end = self.tree.now + seconds
        while (left := end - self.tree.now) > 0:
            await self.tree.changed(left)

    async def api(self, method: str, path: str, values: Mapping[str, object] | None = None) -> Any:
        """Call a method of the API as root@pam."""
        world = self.tree.world
        signer, now = signer_of(world, self.datacenter), world.clock.now()
        request = Request(
            method=method, path=path, values=dict(values or {}), datacenter=self.datacenter, node=self.node,
            ticket=signer.ticket(ROOT, now), csrf=signer.csrf(ROOT, now),
        )  # fmt: skip
        return (await self.router.answer(request)).data
