"""A resource pool: a named set of guests and storages that permissions can be given on.

API: `/pools`. Members are not declared here: a guest names its pool. Proxmox 9 nests pools up to three levels deep
(`prod/web`), so a pool's name may hold slashes, and it is addressed by a query and not by a path.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Carrier, Immutable
from providers._runtime.model import Inputs, Values
from providers._runtime.privileges import Need


class PoolInputs(Inputs):
    """A pool as declared."""

    poolid: Annotated[str, Immutable(), Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}$")] = Field(
        description="Name of the pool; a nested one as `parent/child`, at most three levels."
    )
    comment: Annotated[str | None, Carrier()] = Field(default=None, description="What the pool is for.")


class PoolOutputs(PoolInputs):
    """A pool as it is."""


class PoolHandler(ConfigObject):
    """Pools as Proxmox keeps them."""

    inputs = PoolInputs
    outputs = PoolOutputs
    path = "/pools"
    key = "poolid"
    missing = r"pool '.*' does not exist"

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests name it."""
        return [("pool", wanted["poolid"])] if "poolid" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """Making, changing and removing it take the same."""
        return [(f"/pool/{wanted['poolid']}", "Pool.Allocate")] if "poolid" in wanted else []

    def fetch(self, api: Api, name: str) -> Values:
        """The query form answers with a list of one."""
        rows: list[dict[str, Any]] = api.get(self.path, {"poolid": name})
        return rows[0]

    def change(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """The query form takes the name as a parameter."""
        api.put(self.path, {"poolid": name, **parameters})

    def remove(self, api: Api, name: str) -> None:
        """Proxmox refuses this while the pool has members."""
        api.delete(self.path, {"poolid": name})


class PoolArgs(CommonArgs):
    """Arguments of `Pool`."""

    poolid: pulumi.Input[str]
    comment: NotRequired[pulumi.Input[str] | None]


class Pool(Resource, kind="pool"):
    """A resource pool."""

    poolid: pulumi.Output[str]
    comment: pulumi.Output[str | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[PoolArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
