"""A group of users, which permissions can be given to.

API: `/access/groups`. Its members are not declared here: a user names its groups. Removing a group removes what was
permitted to it, and no user.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._access.names import GroupId
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Carrier, Immutable
from providers._runtime.model import Inputs, Values
from providers._runtime.privileges import Need


class GroupInputs(Inputs):
    """A group as declared."""

    groupid: Annotated[GroupId, Immutable()] = Field(description="Name of the group.")
    comment: Annotated[str | None, Carrier()] = Field(default=None, description="What the group is for.")


class GroupOutputs(GroupInputs):
    """A group as it is."""


class GroupHandler(ConfigObject):
    """Groups as Proxmox keeps them."""

    inputs: ClassVar = GroupInputs
    outputs: ClassVar = GroupOutputs
    path = "/access/groups"
    key = "groupid"
    missing = r"group '.*' does not exist"
    coverage: ClassVar = Coverage(methods=("POST /access/groups", "PUT /access/groups/{groupid}"))

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Users and permissions name it."""
        return [("group", wanted["groupid"])] if "groupid" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """The right to all groups; there is none to a single one."""
        return [("/access/groups", "Group.Allocate")]


class GroupArgs(CommonArgs):
    """Arguments of `Group`."""

    groupid: pulumi.Input[str]
    comment: NotRequired[pulumi.Input[str] | None]


class Group(Resource, kind="group"):
    """A group of users."""

    groupid: pulumi.Output[str]
    comment: pulumi.Output[str | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[GroupArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
