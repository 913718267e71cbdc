"""The datacenter's options: what holds for a whole cluster, or for a host that is in none.

API: `/cluster/options` (`datacenter.cfg`). The file is always there: what a program declares is set, and a destroy
unsets just that; everything else stays as it is. So several stacks may each have options of their own, and the file
carries no mark of any. Of two changes at the same moment the later one stands: Proxmox has no digest for it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._cluster.options import (
    HaSettings,
    NextId,
    Notifications,
    Scheduling,
    TagStyle,
    Traffic,
    U2f,
    UserTagAccess,
    Webauthn,
)
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import ProxmoxError
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Separated, ServerDefault, Wire
from providers._runtime.model import Changes, Inputs, Values, changes, declared, from_wire, update_parameters
from providers._runtime.privileges import Need
from providers._runtime.wire import to_text
from providers._storages.parts import BandwidthLimits

PATH = "/cluster/options"
ID = "cluster/options"
KEYBOARDS = Literal[
    "de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja", "lt",
    "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr",
]  # fmt: skip
LANGUAGES = Literal[
    "ar", "ca", "da", "de", "en", "es", "eu", "fa", "fr", "hr", "he", "it", "ja", "ka", "kr", "nb", "nl", "nn", "pl",
    "pt_BR", "ru", "sl", "sv", "tr", "ukr", "zh_CN", "zh_TW",
]  # fmt: skip
Lines = Annotated[str, Field(max_length=65536), AfterValidator(lambda text: text.rstrip("\n"))]
"""A text of several lines; Proxmox writes it with a new line at its end."""


class ClusterOptionsInputs(Inputs):
    """The options that a program sets."""

    bwlimit: BandwidthLimits | None = Field(default=None, description="Bandwidth that work on disks may take.")
    migration: Traffic | None = Field(default=None, description="How guests are migrated.")
    replication: Traffic | None = Field(default=None, description="How volumes are replicated.")
    ha: HaSettings | None = Field(default=None, description="What HA does when a node is shut down.")
    crs: Scheduling | None = Field(default=None, description="How HA chooses a node.")
    fencing: Annotated[Literal["watchdog", "hardware", "both"] | None, ServerDefault(value="watchdog")] = Field(
        default=None, description="How HA makes sure that a lost node is off; all but `watchdog` is experimental."
    )
    max_workers: Annotated[int | None, Field(ge=1)] = Field(
        default=None, description="How many guests of a node are started, stopped or moved at once."
    )
    next_id: Annotated[NextId | None, Wire("next-id")] = Field(
        default=None, description="VMIDs that Proxmox proposes for new guests."
    )
    mac_prefix: Annotated[
        str | None,
        ServerDefault(value="BC:24:11"),
        Field(pattern=r"^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){0,2}:?$"),
    ] = Field(default=None, description="What the MAC addresses of new NICs begin with.")
    console: Literal["vv", "html5", "xtermjs"] | None = Field(
        default=None, description="What opens a guest's console: a SPICE viewer, noVNC or xterm.js."
    )
    keyboard: KEYBOARDS | None = Field(default=None, description="Keyboard of VNC servers.")
    language: LANGUAGES | None = Field(default=None, description="Language of Proxmox's pages.")
    http_proxy: Annotated[str | None, Field(pattern="^http://")] = Field(
        default=None, description="The proxy that nodes download through, as `http://proxy:3128/`."
    )
    email_from: str | None = Field(default=None, description="Whom mails of the nodes are from.")
    registered_tags: Annotated[list[str] | None, Wire("registered-tags"), Separated(by=";", ordered=False)] = Field(
        default=None, min_length=1, description="Tags that only who may change the datacenter may set."
    )
    tag_style: Annotated[TagStyle | None, Wire("tag-style")] = Field(default=None, description="How tags look.")
    user_tag_access: Annotated[UserTagAccess | None, Wire("user-tag-access")] = Field(
        default=None, description="Which tags other users may set."
    )
    consent_text: Annotated[Lines | None, Wire("consent-text")] = Field(
        default=None, description="What is shown before a login."
    )
    description: Lines | None = Field(default=None, description="The datacenter's notes.")
    location: str | None = Field(
        default=None, description="Where the cluster is, as `latitude=…,longitude=…,name=…`; from Proxmox VE 9.2 on."
    )
    u2f: U2f | None = Field(default=None, description="The older kind of security keys.")
    webauthn: Webauthn | None = Field(default=None, description="Security keys.")
    notify: Notifications | None = Field(
        default=None, description="What is told of; notification targets and matchers have taken its place."
    )


class ClusterOptionsOutputs(ClusterOptionsInputs):
    """The options as they are."""


class ClusterOptionsHandler(Handler):
    """The datacenter's options as Proxmox keeps them."""

    inputs: ClassVar = ClusterOptionsInputs
    outputs: ClassVar = ClusterOptionsOutputs
    coverage: ClassVar = Coverage(
        methods=("PUT /cluster/options",),
        carried={"delete": "(what is declared no longer)"},
        left_out={"migration_unsecure": "the old word for migration's type"},
    )

    def needs(self, wanted: Values) -> list[Need]:
        """Setting and unsetting any of them."""
        return [("/", "Sys.Modify")]

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """Without it, Proxmox tells of hardly any."""
        return [("/", "Sys.Audit")]

    def find(self, api: Api, wanted: Values) -> Found:
        """They are always there."""
        return self._read(api)

    def create(self, api: Api, wanted: Values) -> str:
        """Set what is declared, beside what is there."""
        found = self._read(api)
        self.update(api, found, wanted, changes(self.inputs, {}, found.values, wanted))
        return ID

    def read(self, api: Api, id_: str) -> Found | None:
        """Gone where nothing is set any more of what was declared."""
        found = self._read(api)
        owned = declared(self.inputs, {k: v for k, v in api.recorded.items() if k not in Inputs.model_fields})
        return None if owned and not self.shown(owned, found.values) else found

    def _read(self, api: Api) -> Found:
        """Some options come taken apart, and lists of tags as lists."""
        raw: dict[str, Any] = api.get(PATH)
        if "description" not in raw:
            raise ProxmoxError("Proxmox does not tell of the datacenter's options: reading them needs Sys.Audit on /")
        joined = {name: to_text(value) if isinstance(value, list) else value for name, value in raw.items()}
        return Found(ID, from_wire(self.inputs, joined), raw=raw)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """One PUT, with `delete` for what is declared no longer."""
        if todo:
            api.put(PATH, update_parameters(self.inputs, todo))
        api.recorded = dict(wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Unset what was declared, and nothing else of what stands in the same property string."""
        there, todo = self._read(api).values, Changes()
        for name, value in declared(self.inputs, values).items():
            if name in Inputs.model_fields or name not in there:
                continue
            others = {key: there[name][key] for key in set(there[name]) - set(value)} if isinstance(value, dict) else {}
            if others:
                todo.set[name] = others
            else:
                todo.cleared.append(name)
        self.update(api, Found(id_, there), {}, todo)


class ClusterOptionsArgs(CommonArgs):
    """Arguments of `ClusterOptions`."""

    bwlimit: NotRequired[pulumi.Input[BandwidthLimits | dict[str, float]] | None]
    migration: NotRequired[pulumi.Input[Traffic | dict[str, str]] | None]
    replication: NotRequired[pulumi.Input[Traffic | dict[str, str]] | None]
    ha: NotRequired[pulumi.Input[HaSettings | dict[str, str]] | None]
    crs: NotRequired[pulumi.Input[Scheduling | dict[str, str | bool | float]] | None]
    fencing: NotRequired[pulumi.Input[str] | None]
    max_workers: NotRequired[pulumi.Input[int] | None]
    next_id: NotRequired[pulumi.Input[NextId | dict[str, int]] | None]
    mac_prefix: NotRequired[pulumi.Input[str] | None]
    console: NotRequired[pulumi.Input[str] | None]
    keyboard: NotRequired[pulumi.Input[str] | None]
    language: NotRequired[pulumi.Input[str] | None]
    http_proxy: NotRequired[pulumi.Input[str] | None]
    email_from: NotRequired[pulumi.Input[str] | None]
    registered_tags: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    tag_style: NotRequired[pulumi.Input[TagStyle | dict[str, str | bool]] | None]
    user_tag_access: NotRequired[pulumi.Input[UserTagAccess | dict[str, str]] | None]
    consent_text: NotRequired[pulumi.Input[str] | None]
    description: NotRequired[pulumi.Input[str] | None]
    location: NotRequired[pulumi.Input[str] | None]
    u2f: NotRequired[pulumi.Input[U2f | dict[str, str]] | None]
    webauthn: NotRequired[pulumi.Input[Webauthn | dict[str, str | bool]] | None]
    notify: NotRequired[pulumi.Input[Notifications | dict[str, str]] | None]


class ClusterOptions(Resource, kind="cluster_options"):
    """The datacenter's options."""

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[ClusterOptionsArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
