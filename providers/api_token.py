"""An API token of a user: what a program logs in with.

API: `/access/users/{userid}/token`. Proxmox tells the secret once, when it is made; from then on it is in the state, as
a Pulumi secret, and a refresh keeps it. A change of `triggers` makes a new secret (Proxmox VE 9.2), with which the old
one stops working. As nobody can read the secret of a token that is there already, none is taken over; one whose secret
was lost with a run that died is given a new one. Proxmox removes the tokens of a user together with him.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._access.names import TokenId, UserId
from providers._access.there import lacking
from providers._access.unset import with_blanks
from providers._runtime.api import Api, quoted
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, ApiRefused, InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject, Found
from providers._runtime.markers import Action, Carrier, Immutable, Sensitive, ServerDefault
from providers._runtime.model import Changes, Inputs, Problem, Values, to_wire
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

BLANKS = {"expire": "0", "privsep": "1"}


class ApiTokenInputs(Inputs):
    """A token as declared."""

    userid: Annotated[UserId, Immutable()] = Field(description="The user whose token it is.")
    tokenid: Annotated[TokenId, Immutable()] = Field(description="Name of the token.")
    privsep: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None,
        description="Whether it has only the privileges that it is given itself and that its user has as well; "
        "otherwise it has all of its user's.",
    )
    expire: Annotated[int | None, ServerDefault(value=0), Field(ge=0)] = Field(
        default=None, description="When it stops working, in seconds since 1970; 0 for never."
    )
    comment: Annotated[str | None, Carrier()] = Field(default=None, description="What it is for.")
    triggers: Annotated[dict[str, str] | None, Action()] = Field(
        default=None, description="Texts of your own; when one of them changes, the token gets a new secret."
    )

    @model_validator(mode="after")
    def _can_not_be_adopted(self) -> ApiTokenInputs:
        if self.adopt not in (None, "never"):
            raise InvalidValue("adopt: the secret of a token is told once, so one that is there can't be taken over")
        return self


class ApiTokenOutputs(ApiTokenInputs):
    """A token as it is."""

    full_tokenid: str | None = Field(default=None, description="The token as a connection names it, `ci@pve!labs`.")
    secret: Annotated[str | None, Sensitive()] = Field(default=None, description="Its secret.")


class ApiTokenHandler(ConfigObject):
    """Tokens as Proxmox keeps them, each below its user."""

    inputs: ClassVar = ApiTokenInputs
    outputs: ClassVar = ApiTokenOutputs
    path = "/access/users"
    key = "full_tokenid"
    missing = r"no such token|no such user"
    exists = r"Token already exists"
    coverage: ClassVar = Coverage(
        methods=("POST /access/users/{userid}/token/{tokenid}", "PUT /access/users/{userid}/token/{tokenid}"),
        carried={"regenerate": "triggers"},
        left_out={"delete": "Proxmox's own value for none is written"},
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its user and name."""
        return self.read(api, self.id_of(_full(wanted)))

    def create(self, api: Api, wanted: Values) -> str:
        """The answer is the only one that ever tells the secret."""
        name = _full(wanted)
        parameters = self.with_mark(api, wanted, _settings(to_wire(self.inputs, wanted)))
        try:
            made = api.post(self.object_path(name), parameters)
        except ApiRefused as refused:
            if refused.says(self.exists):
                raise AlreadyThere(f"the token {name} already exists") from None
            raise
        api.recorded = {**wanted, "secret": made["value"]}
        return self.id_of(name)

    def read(self, api: Api, id_: str) -> Found | None:
        """With what only the state knows."""
        found = super().read(api, id_)
        if found is None:
            return None
        userid, _, tokenid = self.name_of(id_).partition("!")
        known = {name: api.recorded[name] for name in ("secret", "triggers") if api.recorded.get(name)}
        found.values = {**found.values, "userid": userid, "tokenid": tokenid, **known}
        return found

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """A new secret where it is asked for, or where nobody knows the one that there is."""
        if "triggers" in todo.names() or not api.recorded.get("secret"):
            made = api.put(self.object_path(self.name_of(found.id)), {"regenerate": "1"})
            api.recorded = {**wanted, "secret": made["value"]}
        super().update(api, found, wanted, todo)

    def change(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """Without `delete`."""
        super().change(api, name, with_blanks(parameters, BLANKS))

    def id_of(self, name: str) -> str:
        """`access/users/ci@pve/token/labs`."""
        userid, _, tokenid = name.partition("!")
        return f"{self.path[1:]}/{userid}/token/{tokenid}"

    def name_of(self, id_: str) -> str:
        """The token's full name."""
        userid, _, tokenid = id_.removeprefix(f"{self.path[1:]}/").rpartition("/token/")
        return f"{userid}!{tokenid}"

    def object_path(self, name: str) -> str:
        """Below its user."""
        userid, _, tokenid = name.partition("!")
        return f"{self.path}/{quoted(userid)}/token/{quoted(tokenid)}"

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Permissions name it."""
        return [("token", _full(wanted))] if {"userid", "tokenid"} <= set(wanted) else []

    def needs(self, wanted: Values) -> list[Need]:
        """The right to its user."""
        return [("/access/groups", "User.Modify")]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Its user is there."""
        if "userid" in wanted and not before and (why := lacking(facts, "user", wanted["userid"])):
            yield "userid", why


def _full(wanted: Values) -> str:
    """`ci@pve!labs`."""
    return f"{wanted['userid']}!{wanted['tokenid']}"


def _settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without those that are in the path."""
    return {name: value for name, value in parameters.items() if name not in ("userid", "tokenid")}


class ApiTokenArgs(CommonArgs):
    """Arguments of `ApiToken`."""

    userid: pulumi.Input[str]
    tokenid: pulumi.Input[str]
    privsep: NotRequired[pulumi.Input[bool] | None]
    expire: NotRequired[pulumi.Input[int] | None]
    comment: NotRequired[pulumi.Input[str] | None]
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]


class ApiToken(Resource, kind="api_token"):
    """An API token."""

    userid: pulumi.Output[str]
    tokenid: pulumi.Output[str]
    full_tokenid: pulumi.Output[str]
    secret: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[ApiTokenArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
