"""An entry of the access control list: gives one user, group or token the privileges of a role on a path.

API: `/access/acl`. Entries on a path stand side by side, and this owns the one that it names; on a deeper path an entry
takes the place of all that comes from above. There is no room for a mark in one, so a died run's entry is known again
by being exactly as declared. Proxmox removes the entries of a user, group, token or role together with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._access.names import FullTokenId, GroupId, RoleId, UserId
from providers._access.there import lacking
from providers._runtime.api import Api, quoted
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, ApiRefused, InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Immutable, ServerDefault, Wire
from providers._runtime.model import Changes, Inputs, Problem, Values, declared, to_wire
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need, granted

LIST = "/access/acl"
SUBJECTS = ("user", "group", "token")
NAME = r"[A-Za-z0-9._-]+"
PATH = (
    rf"/|/access(/groups(/{NAME})?|/realm(/{NAME})?)?|/nodes(/{NAME})?|/pool(/{NAME}){{0,3}}|/storage(/{NAME})?"
    r"|/vms(/[1-9][0-9]{2,})?|/sdn(/[a-z-]+(/[^/\s]+){0,3})?|/mapping(/[a-z]+(/[^/\s]+)?)?"
)
"""The kinds of paths that Proxmox knows; it refuses others when the entry is made."""
ALSO_BY = {"pool": "Pool.Allocate", "storage": "Datastore.Allocate", "vms": "VM.Allocate"}
"""Area -> the privilege with which one may hand on there what one has oneself."""


class AclInputs(Inputs):
    """An entry as declared."""

    path: Annotated[str, Immutable(), Field(pattern=rf"^({PATH})$")] = Field(
        description="Where it holds, such as `/vms/100` or `/pool/prod`."
    )
    roleid: Annotated[RoleId, Wire("roles"), Immutable()] = Field(
        description="The role, one of Proxmox's own or of this program's."
    )
    user: Annotated[UserId | None, Wire("users"), Immutable()] = Field(default=None, description="The user who has it.")
    group: Annotated[GroupId | None, Wire("groups"), Immutable()] = Field(
        default=None, description="The group whose users have it."
    )
    token: Annotated[FullTokenId | None, Wire("tokens"), Immutable()] = Field(
        default=None, description="The API token that has it, as `ci@pve!labs`."
    )
    propagate: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, description="Whether it holds below the path as well."
    )

    @model_validator(mode="after")
    def _for_exactly_one(self) -> AclInputs:
        named = [kind for kind in SUBJECTS if getattr(self, kind)]
        if len(named) != 1:
            raise InvalidValue(f"{named[-1] if named else 'user'}: an entry is for exactly one user, group or token")
        return self


class AclOutputs(AclInputs):
    """An entry as it is."""


class AclHandler(Handler):
    """Entries as Proxmox keeps them: rows of one list."""

    inputs: ClassVar = AclInputs
    outputs: ClassVar = AclOutputs
    coverage: ClassVar = Coverage(
        methods=("PUT /access/acl",),
        left_out={"delete": "a destroy removes the entry"},
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """The row for the same path, role and subject."""
        return self.read(api, _id(wanted))

    def create(self, api: Api, wanted: Values) -> str:
        """Proxmox takes an entry that is there already without a word."""
        id_ = _id(wanted)
        if self.read(api, id_) is not None:
            raise AlreadyThere(f"{id_} already exists")
        api.put(LIST, to_wire(self.inputs, wanted))
        return id_

    def read(self, api: Api, id_: str) -> Found | None:
        """One answer serves all that are read at the same moment."""
        for row in api.facts.list_now(LIST):
            values = _values(row)
            if _id(values) == id_:
                return Found(id_, values, raw=row)
        return None

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """The same method, which overwrites."""
        if todo:
            api.put(LIST, to_wire(self.inputs, {"propagate": True, **wanted}))

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """One that is gone is none for Proxmox either; without its role there is none."""
        try:
            api.put(LIST, {**to_wire(self.inputs, declared(self.inputs, values)), "delete": "1"})
        except ApiRefused as refused:
            if not refused.says(r"role '.*' does not exist"):
                raise

    def needs(self, wanted: Values) -> list[Need]:
        """The right to change permissions there, which some areas have in another privilege too."""
        if "path" not in wanted:
            return []
        also = ALSO_BY.get(wanted["path"].split("/")[1])
        return [(wanted["path"], f"Permissions.Modify|{also}" if also else "Permissions.Modify")]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The role and the subject are there, and the role has nothing that the identity may not hand on."""
        for field, kind in (("roleid", "role"), ("user", "user"), ("group", "group")):
            if field in wanted and (why := lacking(facts, kind, wanted[field])):
                yield field, why
        if "token" in wanted and (why := _no_token(facts, wanted["token"])):
            yield "token", why
        if {"path", "roleid"} <= set(wanted):
            yield from _beyond_own(facts, wanted["path"], wanted["roleid"])


def _id(wanted: Values) -> str:
    """`access/acl/vms/100|user|ci@pve|PVEVMUser`."""
    kind = next(kind for kind in SUBJECTS if wanted.get(kind))
    return f"{LIST[1:]}{wanted['path']}|{kind}|{wanted[kind]}|{wanted['roleid']}"


def _values(row: Mapping[str, Any]) -> Values:
    return {
        "path": row["path"],
        "roleid": row["roleid"],
        str(row["type"]): row["ugid"],
        "propagate": bool(int(row.get("propagate") or 0)),
    }


def _no_token(facts: Facts, token: str) -> str:
    """What is wrong with naming that token; nothing where its user may not be asked for."""
    userid, _, tokenid = token.partition("!")
    rows = facts.look(f"/access/users/{quoted(userid)}/token")
    if rows is None or tokenid in {row["tokenid"] for row in rows} or facts.announced("token", token):
        return ""
    return f"there is no token {token!r} on the host, and none in this program"


def _beyond_own(facts: Facts, path: str, roleid: str) -> Iterator[Problem]:
    """Who may not change all permissions can only hand on what he has himself."""
    permissions = facts.permissions()
    if granted(permissions, path, "Permissions.Modify"):
        return
    rows = {row["roleid"]: str(row.get("privs") or "") for row in facts.look("/access/roles") or ()}
    privileges = filter(None, rows.get(roleid, "").split(","))
    beyond = [name for name in privileges if not granted(permissions, path, name)]
    if beyond:
        yield "roleid", f"it has what the connection itself does not have on {path}: {', '.join(beyond)}"


class AclArgs(CommonArgs):
    """Arguments of `Acl`."""

    path: pulumi.Input[str]
    roleid: pulumi.Input[str]
    user: NotRequired[pulumi.Input[str] | None]
    group: NotRequired[pulumi.Input[str] | None]
    token: NotRequired[pulumi.Input[str] | None]
    propagate: NotRequired[pulumi.Input[bool] | None]


class Acl(Resource, kind="acl"):
    """An entry of the access control list."""

    path: pulumi.Output[str]
    roleid: pulumi.Output[str]

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[AclArgs]) -> None:
        super().__init__(resource_name, args, opts)
