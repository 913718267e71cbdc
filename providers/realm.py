"""A realm: where users come from, and who says that they are who they claim to be.

API: `/access/domains`. `ldap`, `ad` and `openid` are made and removed; `pam` and `pve` are there always, so that a
declared one is only set, and goes back to what it was by itself when it is removed. There is no mark in a realm, as
its comment is what the login page shows to everybody, so that a died run's realm is known again by being exactly as
declared.

Users and groups of a directory are taken over by a sync, which a change of `triggers` starts, and with
`sync_on_change` any change of the realm. What a sync has brought is not the program's: it stays when the realm goes.
A realm that becomes the default takes that from the one that was it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._access.names import RealmName
from providers._access.realm_kinds import BUILT_IN, KINDS
from providers._access.realm_parts import SecondFactor, SyncAttributes, SyncDefaultsOptions
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, InvalidValue
from providers._runtime.handler import Claim, ConfigObject, Found
from providers._runtime.markers import Action, Immutable, Sensitive, Separated, ServerDefault, Wire, WriteOnly
from providers._runtime.model import Changes, Inputs, Values, changes
from providers._runtime.privileges import Need

SYNCS = ("sync_on_change", "triggers")
Text = Annotated[str | None, Field(max_length=256)]
NoControl = Annotated[str, Field(pattern=r'^[^\x00-\x1F\x7F <>#",]+$')]


class RealmInputs(Inputs):
    """A realm as declared."""

    realm: Annotated[RealmName, Immutable()] = Field(description="Name of the realm.")
    type: Annotated[Literal["ad", "ldap", "openid", "pam", "pve"], Immutable()] = Field(
        description="What kind of realm it is."
    )
    comment: Annotated[str | None, Field(max_length=4096)] = Field(
        default=None, description="What the login page calls it."
    )
    default: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether the login page offers it first; there is one at the most."
    )
    tfa: SecondFactor | None = Field(default=None, description="The second factor that its users need.")

    # a directory: ldap and ad
    server1: Text = Field(default=None, description="Address or name of the server.")
    server2: Text = Field(default=None, description="The server that is asked where the first one does not answer.")
    port: Annotated[int | None, Field(ge=1, le=65535)] = Field(default=None, description="Port of both.")
    mode: Annotated[Literal["ldap", "ldaps", "ldap+starttls"] | None, ServerDefault(value="ldap")] = Field(
        default=None, description="How it is spoken to."
    )
    sslversion: Literal["tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"] | None = Field(
        default=None, description="Version of TLS."
    )
    verify: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether the server's certificate is checked."
    )
    capath: str | None = Field(default=None, description="A path on the nodes: the CA certificates to check against.")
    cert: str | None = Field(default=None, description="A path on the nodes: the client's certificate.")
    certkey: str | None = Field(default=None, description="A path on the nodes: the key to it.")
    domain: Annotated[str | None, Field(max_length=256, pattern=r"^\S+$")] = Field(
        default=None, description="ad: name of the domain."
    )
    base_dn: Text = Field(default=None, description="Below what users are looked for.")
    user_attr: Annotated[str | None, Field(max_length=256, pattern=r"^\S{2,}$")] = Field(
        default=None, description="The attribute that a user's name is in, such as `uid`."
    )
    bind_dn: Text = Field(default=None, description="As whom the directory is asked; without it as nobody.")
    password: Annotated[str | None, WriteOnly()] = Field(default=None, description="Password of `bind_dn`.")
    case_sensitive: Annotated[bool | None, Wire("case-sensitive"), ServerDefault(value=True)] = Field(
        default=None, description="Whether users' names in another case are other users."
    )

    # what a sync takes over from it
    sync_defaults_options: Annotated[SyncDefaultsOptions | None, Wire("sync-defaults-options")] = Field(
        default=None, description="What a sync does."
    )
    sync_attributes: SyncAttributes | None = Field(default=None, description="The directory's names of attributes.")
    filter: Annotated[str | None, Field(max_length=2048)] = Field(
        default=None, description="LDAP filter of the users that are taken over."
    )
    user_classes: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Object classes of users."
    )
    group_dn: Text = Field(default=None, description="Below what groups are looked for; without it below `base_dn`.")
    group_filter: Annotated[str | None, Field(max_length=2048)] = Field(
        default=None, description="LDAP filter of the groups that are taken over."
    )
    group_classes: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Object classes of groups."
    )
    group_name_attr: Text = Field(default=None, description="The attribute that a group's name is in.")
    sync_on_change: Annotated[bool | None, Action()] = Field(
        default=None, description="Whether a new or changed realm is synced at once."
    )
    triggers: Annotated[dict[str, str] | None, Action()] = Field(
        default=None, description="Texts of your own; when one of them changes, the realm is synced."
    )

    # OpenID Connect
    issuer_url: Annotated[Text, Wire("issuer-url")] = Field(default=None, description="Address of the provider.")
    client_id: Annotated[Text, Wire("client-id")] = Field(default=None, description="Proxmox's name at the provider.")
    client_key: Annotated[Text, Wire("client-key"), Sensitive()] = Field(default=None, description="The secret to it.")
    username_claim: Annotated[str | None, Wire("username-claim"), Immutable()] = Field(
        default=None, description="The claim that a user's name is made of, such as `email`."
    )
    autocreate: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether whoever logs in for the first time becomes a user."
    )
    scopes: Annotated[list[str] | None, Separated(by=" ", ordered=False)] = Field(
        default=None, min_length=1, description="What the provider is asked to tell."
    )
    audiences: Annotated[list[NoControl] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Audiences that are accepted besides `client_id`."
    )
    prompt: Annotated[str | None, Field(pattern=r"^\S+$")] = Field(
        default=None, description="Whether the provider asks anew: `none`, `login`, `consent` or `select_account`."
    )
    acr_values: Annotated[NoControl | None, Wire("acr-values")] = Field(
        default=None, description="How strictly the provider is to look."
    )
    query_userinfo: Annotated[bool | None, Wire("query-userinfo"), ServerDefault(value=True)] = Field(
        default=None, description="Whether claims are also asked for after the login."
    )
    groups_claim: Annotated[str | None, Wire("groups-claim"), Field(max_length=256, pattern=r"^[A-Za-z0-9._-]+$")] = (
        Field(default=None, description="The claim that a user's groups are in.")
    )
    groups_autocreate: Annotated[bool | None, Wire("groups-autocreate"), ServerDefault(value=False)] = Field(
        default=None, description="Whether groups that are not there are made."
    )
    groups_overwrite: Annotated[bool | None, Wire("groups-overwrite"), ServerDefault(value=False)] = Field(
        default=None, description="Whether a login takes a user out of all other groups."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> RealmInputs:
        kind = KINDS[self.type]
        for name in sorted(kind.required):
            if getattr(self, name) is None:
                raise InvalidValue(f"{name}: a realm of type {self.type} needs it")
        for name in sorted(self.model_fields_set - kind.fields):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: a realm of type {self.type} has no such field")
        if (self.type in BUILT_IN or self.realm in BUILT_IN) and self.realm != self.type:
            raise InvalidValue("realm: the realms pam and pve are the only ones of their types, and named like them")
        return self

    @model_validator(mode="after")
    def _a_sync_has_a_scope(self) -> RealmInputs:
        scope = self.sync_defaults_options.scope if self.sync_defaults_options else None
        if (self.triggers or self.sync_on_change) and scope is None:
            raise InvalidValue("sync_defaults_options: its `scope` has to say what a sync takes over")
        return self


class RealmOutputs(RealmInputs):
    """A realm as it is."""


class RealmHandler(ConfigObject):
    """Realms as Proxmox keeps them."""

    inputs: ClassVar = RealmInputs
    outputs: ClassVar = RealmOutputs
    path = "/access/domains"
    key = "realm"
    missing = r"domain '.*' does not exist"
    coverage: ClassVar = Coverage(
        methods=("POST /access/domains", "PUT /access/domains/{realm}"),
        carried={"delete": "(what is declared no longer)", "digest": "(always sent)"},
        left_out={
            "check-connection": "a directory that is down for a moment is no reason to fail; a sync tells",
            "secure": "deprecated: mode says it",
        },
    )

    def create(self, api: Api, wanted: Values) -> str:
        """A built-in one is set, unless somebody else has set it already."""
        id_ = self._set_built_in(api, wanted) if wanted["type"] in BUILT_IN else super().create(api, wanted)
        api.created(id_)
        if any(wanted.get(name) for name in SYNCS):
            self._sync(api, wanted)
        api.recorded = dict(wanted)
        return id_

    def read(self, api: Api, id_: str) -> Found | None:
        """With what only the state knows."""
        found = super().read(api, id_)
        if found:
            known = {name: api.recorded[name] for name in SYNCS if api.recorded.get(name) is not None}
            found.values = {**found.values, **known}
        return found

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """One PUT, and a sync where it is due; one that fails is due again."""
        super().update(api, found, wanted, todo)
        if "triggers" in todo.set or (wanted.get("sync_on_change") and todo):
            api.recorded = {}
            self._sync(api, wanted)
        api.recorded = dict(wanted)

    def claims(self, wanted: Values) -> list[Claim]:
        """There is one default."""
        return [Claim("default", "default realm", "another realm is the default")] if wanted.get("default") else []

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Users are in it."""
        return [("realm", wanted["realm"])] if "realm" in wanted else []

    def needs(self, wanted: Values) -> Iterator[Need]:
        """The right to all realms; a sync makes users and groups."""
        yield "/access/realm", "Realm.Allocate"
        if "realm" in wanted and any(wanted.get(name) for name in SYNCS):
            yield f"/access/realm/{wanted['realm']}", "Realm.AllocateUser"
            yield "/access/groups", "User.Modify"

    def deeds(self, before: Values, wanted: Values) -> dict[str, str]:
        """What a change of these says is done."""
        return {"triggers": "syncs"} if wanted.get("triggers") else {}

    def _set_built_in(self, api: Api, wanted: Values) -> str:
        id_ = self.id_of(wanted["realm"])
        found = super().read(api, id_)
        assert found is not None  # noqa: S101 - told to mypy; it is there always
        own = {"realm": wanted["realm"], "type": wanted["type"], "comment": BUILT_IN[wanted["type"]]}
        if found.values != own:
            raise AlreadyThere(f"the realm {wanted['realm']} already exists with settings of its own")
        super().update(api, found, wanted, changes(self.inputs, {}, found.values, wanted))
        return id_

    def _sync(self, api: Api, wanted: Values) -> None:
        api.run(f"syncing the realm {wanted['realm']}", "POST", f"{self.object_path(wanted['realm'])}/sync")
        api.facts.forget()


class RealmArgs(CommonArgs):
    """Arguments of `Realm`."""

    realm: pulumi.Input[str]
    type: pulumi.Input[str]
    comment: NotRequired[pulumi.Input[str] | None]
    default: NotRequired[pulumi.Input[bool] | None]
    tfa: NotRequired[pulumi.Input[SecondFactor | dict[str, str | int]] | None]
    server1: NotRequired[pulumi.Input[str] | None]
    server2: NotRequired[pulumi.Input[str] | None]
    port: NotRequired[pulumi.Input[int] | None]
    mode: NotRequired[pulumi.Input[str] | None]
    sslversion: NotRequired[pulumi.Input[str] | None]
    verify: NotRequired[pulumi.Input[bool] | None]
    capath: NotRequired[pulumi.Input[str] | None]
    cert: NotRequired[pulumi.Input[str] | None]
    certkey: NotRequired[pulumi.Input[str] | None]
    domain: NotRequired[pulumi.Input[str] | None]
    base_dn: NotRequired[pulumi.Input[str] | None]
    user_attr: NotRequired[pulumi.Input[str] | None]
    bind_dn: NotRequired[pulumi.Input[str] | None]
    password: NotRequired[pulumi.Input[str] | None]
    case_sensitive: NotRequired[pulumi.Input[bool] | None]
    sync_defaults_options: NotRequired[pulumi.Input[SyncDefaultsOptions | dict[str, str | bool]] | None]
    sync_attributes: NotRequired[pulumi.Input[SyncAttributes | dict[str, str]] | None]
    filter: NotRequired[pulumi.Input[str] | None]
    user_classes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    group_dn: NotRequired[pulumi.Input[str] | None]
    group_filter: NotRequired[pulumi.Input[str] | None]
    group_classes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    group_name_attr: NotRequired[pulumi.Input[str] | None]
    sync_on_change: NotRequired[pulumi.Input[bool] | None]
    triggers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]] | None]
    issuer_url: NotRequired[pulumi.Input[str] | None]
    client_id: NotRequired[pulumi.Input[str] | None]
    client_key: NotRequired[pulumi.Input[str] | None]
    username_claim: NotRequired[pulumi.Input[str] | None]
    autocreate: NotRequired[pulumi.Input[bool] | None]
    scopes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    audiences: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    prompt: NotRequired[pulumi.Input[str] | None]
    acr_values: NotRequired[pulumi.Input[str] | None]
    query_userinfo: NotRequired[pulumi.Input[bool] | None]
    groups_claim: NotRequired[pulumi.Input[str] | None]
    groups_autocreate: NotRequired[pulumi.Input[bool] | None]
    groups_overwrite: NotRequired[pulumi.Input[bool] | None]


class Realm(Resource, kind="realm"):
    """A realm of users."""

    realm: pulumi.Output[str]
    type: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[RealmArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
