"""A user, as Proxmox knows him: the entry that permissions are given to, in a realm that says who he is.

API: `/access/users`. Only a user of the realm `pve` has his password here; one of `pam` is an account of the nodes and
has to be there already, and other realms know the passwords themselves. A user without a password can't log in, and
may have API tokens all the same.

Seen on Proxmox VE 9.2: it takes a new password from nobody who comes with an API token, and from anybody but root@pam
only with his own password beside it. A new user may be given one by a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._access.names import GroupId, UserId, realm_of
from providers._access.there import lacking
from providers._access.unset import with_blanks
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject, Found
from providers._runtime.markers import Carrier, Immutable, Separated, ServerDefault, WriteOnly
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

WITH_PASSWORDS = ("pam", "pve")
"""Types of realms in which Proxmox can set a password."""
BLANKS = {"enable": "1", "expire": "0"}


class UserInputs(Inputs):
    """A user as declared."""

    userid: Annotated[UserId, Immutable()] = Field(description="The user and his realm, such as `ci@pve`.")
    password: Annotated[str | None, WriteOnly(), Field(min_length=8, max_length=64)] = Field(
        default=None, description="His password, in the realm `pve`."
    )
    groups: Annotated[list[GroupId] | None, Separated(ordered=False), ServerDefault(value=[])] = Field(
        default=None, description="The groups that he is in."
    )
    enable: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, description="Whether he may log in."
    )
    expire: Annotated[int | None, ServerDefault(value=0), Field(ge=0)] = Field(
        default=None, description="When he may no longer, in seconds since 1970; 0 for never."
    )
    email: Annotated[str | None, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")] = Field(
        default=None, description="Where mail to him goes."
    )
    firstname: Annotated[str | None, Field(max_length=1024)] = Field(default=None, description="His first name.")
    lastname: Annotated[str | None, Field(max_length=1024)] = Field(default=None, description="His last name.")
    comment: Annotated[str | None, Carrier(), Field(max_length=2000)] = Field(
        default=None, description="Who or what it is."
    )
    keys: Annotated[str | None, Field(pattern=r"^[0-9a-zA-Z!=]{1,4096}$")] = Field(
        default=None, description="Yubico keys, where his realm asks for them as a second factor."
    )


class UserOutputs(UserInputs):
    """A user as he is."""


class UserHandler(ConfigObject):
    """Users as Proxmox keeps them."""

    inputs: ClassVar = UserInputs
    outputs: ClassVar = UserOutputs
    path = "/access/users"
    key = "userid"
    missing = r"no such user"
    coverage: ClassVar = Coverage(
        methods=("POST /access/users", "PUT /access/users/{userid}", "PUT /access/password"),
        left_out={
            "append": "groups are owned whole",
            "confirmation-password": "the password that the connection logs in with",
        },
    )

    def fetch(self, api: Api, name: str) -> Values:
        """Proxmox answers with the groups as a list."""
        raw = super().fetch(api, name)
        return {**raw, "groups": ",".join(raw.get("groups") or ())}

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """A password is changed by a method of its own, and can't be unset."""
        if "password" in todo.set:
            _set_password(api, wanted)
        rest = {name: value for name, value in todo.set.items() if name != "password"}
        super().update(
            api, found, wanted, replace(todo, set=rest, cleared=[name for name in todo.cleared if name != "password"])
        )

    def change(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """Without `delete`."""
        super().change(api, name, with_blanks(parameters, BLANKS))

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Permissions and tokens name him."""
        return [("user", wanted["userid"])] if "userid" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """The right to users of his realm, and to each of his groups; to all groups where he is in none."""
        if "userid" not in wanted:
            return []
        groups: list[Need] = [
            (f"/access/groups/{group}", "User.Modify", "/access/groups") for group in wanted.get("groups", ())
        ]
        realm = f"/access/realm/{realm_of(wanted['userid'])}"
        return [(realm, "Realm.AllocateUser"), *(groups or [("/access/groups", "User.Modify")])]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """His realm and his groups are there, and his password can be set."""
        realm = realm_of(wanted.get("userid", ""))
        no_realm = realm and not before and lacking(facts, "realm", realm)
        if no_realm:
            yield "userid", no_realm
        for group in wanted.get("groups", ()):
            if why := lacking(facts, "group", group):
                yield "groups", why
        if "password" in wanted and before.get("password") != wanted["password"]:
            yield from _password_problems(facts, realm, changed=bool(before))


def _password_problems(facts: Facts, realm: str, *, changed: bool) -> Iterator[Problem]:
    types = {row["realm"]: row["type"] for row in facts.look("/access/domains") or ()}
    if types.get(realm, "pve") not in WITH_PASSWORDS:
        yield "password", f"the realm {realm} knows the passwords of its users itself: leave it out"
    elif changed and facts.client.connection.token_id:
        yield (
            "password",
            "Proxmox takes a new password from no API token: use a connection that logs in with username and password",
        )


def _set_password(api: Api, wanted: Values) -> None:
    """Whoever is not root@pam proves that it is he who asks."""
    own = api.client.connection.password
    proof = {"confirmation-password": own.get_secret_value()} if own else {}
    api.put("/access/password", {"userid": wanted["userid"], "password": wanted["password"], **proof})


class UserArgs(CommonArgs):
    """Arguments of `User`."""

    userid: pulumi.Input[str]
    password: NotRequired[pulumi.Input[str] | None]
    groups: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    enable: NotRequired[pulumi.Input[bool] | None]
    expire: NotRequired[pulumi.Input[int] | None]
    email: NotRequired[pulumi.Input[str] | None]
    firstname: NotRequired[pulumi.Input[str] | None]
    lastname: NotRequired[pulumi.Input[str] | None]
    comment: NotRequired[pulumi.Input[str] | None]
    keys: NotRequired[pulumi.Input[str] | None]


class User(Resource, kind="user"):
    """A user."""

    userid: pulumi.Output[str]
    groups: pulumi.Output[list[str] | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[UserArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
