"""The time zone of a node.

API: `/nodes/{node}/time`.
"""

from __future__ import annotations

import zoneinfo
from typing import Annotated, ClassVar, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._nodes.setting import Before, NodeSetting
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Immutable
from providers._runtime.model import Inputs


def _zone(name: str) -> str:
    """A zone that this machine knows as well; one that knows none leaves it to the node."""
    known = zoneinfo.available_timezones()
    if known and name not in known:
        raise InvalidValue(f"there is no time zone {name!r}; they are named like Europe/Berlin")
    return name


class NodeTimeInputs(Inputs):
    """A time zone as declared."""

    node: Annotated[str, Immutable()] = Field(description="The node.")
    timezone: Annotated[str, AfterValidator(_zone)] = Field(description="Its time zone, such as `Europe/Berlin`.")


class NodeTimeOutputs(NodeTimeInputs, Before):
    """A time zone as it is."""


class NodeTimeHandler(NodeSetting):
    """The time zone as a node keeps it."""

    inputs: ClassVar = NodeTimeInputs
    outputs: ClassVar = NodeTimeOutputs
    setting = "time"
    coverage: ClassVar = Coverage(methods=("PUT /nodes/{node}/time",))


class NodeTimeArgs(CommonArgs):
    """Arguments of `NodeTime`."""

    node: pulumi.Input[str]
    timezone: pulumi.Input[str]


class NodeTime(Resource, kind="node_time"):
    """The time zone of a node."""

    node: pulumi.Output[str]
    timezone: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[NodeTimeArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
