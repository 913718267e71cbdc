"""A role: a named set of privileges, which an entry of the access control list (`Acl`) gives to somebody on a path.

API: `/access/roles`. Proxmox's own roles are not declared, only named. There is no room for a mark in a role, so a died
run's role is known again by being exactly as declared. Removing a role removes the entries that give it to somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._access.names import RoleId
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Immutable, Separated
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need


def _not_reserved(roleid: str) -> str:
    if roleid.upper().startswith("PVE"):
        raise InvalidValue("Proxmox keeps names that begin with PVE, in whatever case, for its own roles")
    return roleid


class RoleInputs(Inputs):
    """A role as declared."""

    roleid: Annotated[RoleId, AfterValidator(_not_reserved), Immutable()] = Field(description="Name of the role.")
    privs: Annotated[list[str], Separated(ordered=False)] = Field(
        min_length=1, description="Its privileges, such as `VM.Audit`."
    )


class RoleOutputs(RoleInputs):
    """A role as it is."""


class RoleHandler(ConfigObject):
    """Roles as Proxmox keeps them."""

    inputs: ClassVar = RoleInputs
    outputs: ClassVar = RoleOutputs
    path = "/access/roles"
    key = "roleid"
    missing = r"role '.*' does not exist"
    coverage: ClassVar = Coverage(
        methods=("POST /access/roles", "PUT /access/roles/{roleid}"),
        left_out={"append": "privs are owned whole"},
    )

    def fetch(self, api: Api, name: str) -> Values:
        """Proxmox answers with the privileges as keys."""
        return {"privs": ",".join(api.get(self.object_path(name)))}

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Permissions name it."""
        return [("role", wanted["roleid"])] if "roleid" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """Roles are the whole cluster's."""
        return [("/access", "Sys.Modify")]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Every privilege is one that this host knows: they differ between versions of Proxmox."""
        rows = facts.look("/access/roles")
        known = {privilege for row in rows or () for privilege in str(row.get("privs") or "").split(",")}
        for privilege in wanted.get("privs", ()):
            if known and privilege not in known:
                yield "privs", f"this host knows no privilege {privilege!r}{_alike(privilege, known)}"


def _alike(privilege: str, known: set[str]) -> str:
    """The one that may have been meant: the same in another case, or those of the same area."""
    same = [name for name in known if name.lower() == privilege.lower()]
    area = sorted(name for name in known if name.partition(".")[0] == privilege.partition(".")[0])
    found = same or area
    return f"; there is {', '.join(found)}" if found else ""


class RoleArgs(CommonArgs):
    """Arguments of `Role`."""

    roleid: pulumi.Input[str]
    privs: pulumi.Input[list[pulumi.Input[str]]]


class Role(Resource, kind="role"):
    """A named set of privileges."""

    roleid: pulumi.Output[str]
    privs: pulumi.Output[list[str]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[RoleArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
