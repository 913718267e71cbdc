"""A simulated world inside the test's own process, for tests that make many calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import api
from simulator.certificates import Certificates
from simulator.inside.plain import PlainInside
from simulator.records import Guest, Task, Volume
from simulator.router import Request, Router
from simulator.routing import ROUTES, RouteTree
from simulator.seeding import seed
from simulator.state import Datacenter, World
from simulator.tasks import TaskRunner
from simulator.topology import load

assert api.__all__

SECRET = "00000000-1111-2222-3333-444444444444"
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"


@dataclass
class Bench:
    """A world, its tasks, and short ways to call it."""

    world: World
    datacenter: Datacenter
    tasks: TaskRunner
    router: Router
    node: str

    @classmethod
    def open(cls, place: Path, topology: str = "standalone") -> Bench:
        """Make a world from a topology."""
        world, spec = World(place / "state.sqlite"), load(topology)
        world.inside = PlainInside
        Certificates(world.authority.parent).server_context()
        first = spec.datacenters[0]
        for other in spec.datacenters:
            world.add(other.name)
        datacenter = world.datacenters[first.name]
        seed(world, spec, "password", {other.name: SECRET for other in spec.datacenters})
        tasks = TaskRunner(world)
        return cls(world, datacenter, tasks, Router(world, tasks, RouteTree(ROUTES)), first.nodes[0].name)

    def call(self, method: str, path: str, /, **values: Any) -> Any:
        """Call a method as root's token; names may be written with underscores for the dashes in them."""
        return self.by(f"root@pam!labs={SECRET}")(method, path, **values)

    def by(self, token: str) -> Callable[..., Any]:
        """Return what calls methods as the owner of a token."""

        def call(method: str, path: str, /, **values: Any) -> Any:
            return asyncio.run(self.router.answer(self._request(method, path, values, token))).data

        return call

    def _request(self, method: str, path: str, values: dict[str, Any], token: str) -> Request:
        plain = {name.replace("_", "-"): value for name, value in values.items()}
        if not path.startswith(("/storage", "/nodes", "/pools", "/cluster", "/access")):
            path = f"/nodes/{self.node}/{path}"
        return Request(
            method=method, path=path, values=plain, datacenter=self.datacenter, node=self.node,
            token=token,
        )  # fmt: skip

    def run(self, method: str, path: str, /, **values: Any) -> Task:
        """Call a method that starts a task, and return the task."""
        upid = self.call(method, path, **values)
        assert isinstance(upid, str)
        return self.datacenter.tasks[upid]

    def ok(self, method: str, path: str, /, **values: Any) -> Task:
        """Call a method that starts a task, and insist that it ends well."""
        task = self.run(method, path, **values)
        assert task.exitstatus == "OK", task.log
        return task

    def hold(self) -> None:
        """Let tasks wait until `pass_time` moves them on."""
        self.world.clock.set_mode("held")

    def pass_time(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.world.clock.advance(seconds)
        self.tasks.run_due(released=True)

    def task(self, upid: str) -> Task:
        """Return a task as it is now."""
        return self.datacenter.tasks[upid]

    def guest(self, vmid: int) -> Guest:
        """Return a guest."""
        return self.datacenter.guests[vmid]

    def volumes(self, vmid: int) -> list[Volume]:
        """Return the volumes that bear a guest's number."""
        found: list[Volume] = self.datacenter.volumes.by("vmid", vmid)
        return sorted(found, key=lambda volume: volume.volid)

    def create(self, vmid: int, **values: Any) -> Task:
        """Make a machine."""
        return self.ok("POST", "qemu", vmid=vmid, **values)

    def container(self, vmid: int, **values: Any) -> Task:
        """Make a container."""
        settings = {"ostemplate": TEMPLATE, "rootfs": "local-lvm:4"} | values
        return self.ok("POST", "lxc", vmid=vmid, **settings)
