"""The smallest lab: a pool and a storage of its own, a group of virtual machines, and a container."""

from __future__ import annotations

from typing import Any, Literal

import pulumi
import pulumi_random
from pydantic import BaseModel, ConfigDict, Field

from components.guest_group import GuestGroup, GuestGroupArgs
from components.outputs import Exports, guest_output, login
from lab_outputs import Host, Network
from providers.container import Container
from providers.pool import Pool
from providers.storage import Storage
from providers.vm import VirtualMachine
from stacks.settings import Lab

Size = Field(pattern=r"^\d+[MGT]$", description="Such as 16G.")


class Web(BaseModel):
    """The group of virtual machines."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    count: int = Field(ge=0, le=50)
    cores: int = Field(ge=1)
    memory: int = Field(ge=64, description="MiB each.")
    disk: str = Size


class Box(BaseModel):
    """The container."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ostemplate: str
    memory: int = Field(ge=16, description="MiB.")
    disk: str = Size


class Demo(Lab):
    """Settings of the demo."""

    kind: Literal["demo"]
    node: str
    bridge: str
    storage: str = "local-lvm"
    template: int = Field(ge=100, description="VMID of the template.")
    web: Web
    container: Box

    def compose(self) -> dict[str, Any]:
        """A pool, a storage for backups, the web machines, and a container with a password of its own."""
        pool = Pool("demo", poolid="demo", comment="The demo lab")
        Storage("backups", storage="demo-backups", type="dir", path="/srv/demo", content=["backup"])
        web = GuestGroup("web", self._web(pool))
        password = pulumi_random.RandomPassword("password", length=20)
        container = Container(
            "dns",
            hostname="dns",
            node=self.node,
            ostemplate=self.container.ostemplate,
            memory=self.container.memory,
            rootfs={"storage": self.storage, "size": self.container.disk},
            net={"net0": {"name": "eth0", "bridge": self.bridge, "ip": "dhcp"}},
            unprivileged=True,
            pool=pool.poolid,
            password=password.result,
        )
        machines = {name: self._told(machine, "web") for name, machine in web.machines.items()}
        return Exports(
            hosts={self.node: Host(node=self.node)},
            guests={**machines, "dns": self._told(container, "dns")},
            networks={"lan": Network(bridge=self.bridge)},
            templates={self.node: self.template},
            credentials={"dns": login("root", password)},
        ).of(self.kind)

    def _told(self, machine: VirtualMachine | Container, group: str) -> pulumi.Output[dict[str, Any]]:
        """A guest in the lab's only network, which gives it an address."""
        return guest_output(machine, host=self.node, nics={"net0": ("lan", None)}, groups=(group,))

    def _web(self, pool: Pool) -> GuestGroupArgs:
        return GuestGroupArgs(
            count=self.web.count,
            node=self.node,
            template=self.template,
            cores=self.web.cores,
            memory=self.web.memory,
            disk=self.web.disk,
            storage=self.storage,
            bridge=self.bridge,
            pool=pool.poolid,
            tags=("demo", "web"),
        )
