"""The fields that virtual machines and containers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pulumi
from pydantic import Field, model_validator

from providers._guests.values import Archive, Clone, DnsName, Mac, PlainText, Startup, Tag, VmId, VmIdRange
from providers._runtime.bridge import CommonArgs
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Action, Carrier, Immutable, Local, Needs, Separated, ServerDefault, Takes
from providers._runtime.model import Inputs, Values

_OPTION = Needs("VM.Config.Options")
ADDRESSES = "Where others reach it: the addresses that are fixed, and those that were there when `wait_for` had waited."


class GuestInputs(Inputs):
    """A guest as declared."""

    node: Annotated[str, Action(), Field(min_length=1)] = Field(
        description="The node that it is on; another one migrates it."
    )
    vmid: Annotated[VmId | None, Immutable()] = Field(
        default=None, description="Its number in the cluster; planned where not declared, and known in a preview."
    )
    clone: Annotated[Clone | None, Local(), Immutable()] = Field(
        default=None, description="The guest that it is cloned from; without it, it is made from scratch."
    )
    archive: Annotated[Archive | None, Local(), Immutable()] = Field(
        default=None, description="The backup that it is restored from."
    )
    vmid_range: Annotated[VmIdRange | None, Local()] = Field(
        default=None,
        description="Where its number is planned, such as `5000-5999`; a number that it has already stays.",
    )
    pool: Annotated[str | None, Action(), Field(min_length=1)] = Field(
        default=None, description="The resource pool that it is in."
    )
    description: Annotated[PlainText | None, Carrier(), ServerDefault(value="")] = Field(
        default=None, description="Notes, shown in the web interface."
    )
    tags: Annotated[list[Tag] | None, _OPTION, Separated(";", ordered=False), ServerDefault(value=[])] = Field(
        default=None, description="Tags; Proxmox keeps them in lower case."
    )
    onboot: Annotated[bool | None, _OPTION, ServerDefault(value=False)] = Field(
        default=None, description="Whether it starts with its node."
    )
    startup: Annotated[Startup | None, _OPTION] = Field(default=None, description="Its place in the order of starting.")
    protection: Annotated[bool | None, _OPTION, ServerDefault(value=False)] = Field(
        default=None, description="Whether it and its volumes are protected from removal."
    )
    template: Annotated[bool | None, Action(), ServerDefault(value=False), Takes("stop-start")] = Field(
        default=None, description="Make it a template; a template never becomes a guest again."
    )
    started: Annotated[bool | None, Action(), Needs("VM.PowerMgmt")] = Field(
        default=None, description="Whether it runs; true, unless it is a template."
    )
    macs: Annotated[dict[str, Mac] | None, Action()] = Field(
        default=None,
        description="MAC address of each declared NIC; planned from the resource's name where not declared in `net`.",
    )
    nameserver: Annotated[list[str] | None, Separated(" "), Needs("VM.Config.Network"), Takes("reboot")] = Field(
        default=None, min_length=1, description="DNS servers; those of the node where not set."
    )
    searchdomain: Annotated[DnsName | None, Needs("VM.Config.Network"), Takes("reboot")] = Field(
        default=None, description="DNS search domain."
    )
    on_reboot_needed: Annotated[Literal["pending", "reboot", "fail"] | None, Local()] = Field(
        default=None,
        description="What happens when a change needs a reboot of the running guest: it stays `pending` and is "
        "reported (the default), the guest is rebooted (`reboot`), or the change is refused (`fail`). A move to "
        "another node for which the guest has to be stopped is refused unless this is `reboot`.",
    )
    on_disk_removed: Annotated[Literal["detach", "delete", "keep"] | None, Local()] = Field(
        default=None,
        description="What happens to a volume that is declared no longer: it is detached and stays as an unused one "
        "(`detach`, the default), it is destroyed (`delete`), or it stays where it is (`keep`).",
    )
    replace_allowed: Annotated[bool | None, Local()] = Field(
        default=None, description="Allow a change that destroys the guest with its data and makes it anew."
    )
    wait_seconds: Annotated[float | None, Local(), Field(gt=0)] = Field(
        default=None, description="How long `wait_for` may take; 300 seconds where not set."
    )

    @model_validator(mode="after")
    def _one_source(self) -> GuestInputs:
        if self.clone is not None and self.archive is not None:
            raise InvalidValue("give either clone or archive: it has one source")
        return self

    @property
    def brings_its_own(self) -> bool:
        """Whether volumes and settings come along with its source, so that they need not be declared."""
        return self.clone is not None or self.archive is not None or (self.adopt or "never") != "never"

    @classmethod
    def completed(cls, values: Values, unknown: frozenset[str]) -> Values:
        """A guest is there to run; a template can't."""
        if values.get("started") is not None or unknown & {"started", "template"}:
            return values
        return {**values, "started": not values.get("template")}


class GuestArgs(CommonArgs):
    """Arguments that virtual machines and containers have in common."""

    node: pulumi.Input[str]
    vmid: NotRequired[pulumi.Input[int] | None]
    clone: NotRequired[pulumi.Input[Clone | CloneArgs] | None]
    pool: NotRequired[pulumi.Input[str] | None]
    description: NotRequired[pulumi.Input[str] | None]
    tags: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    onboot: NotRequired[pulumi.Input[bool] | None]
    startup: NotRequired[pulumi.Input[Startup | StartupArgs] | None]
    protection: NotRequired[pulumi.Input[bool] | None]
    template: NotRequired[pulumi.Input[bool] | None]
    started: NotRequired[pulumi.Input[bool] | None]
    macs: NotRequired[pulumi.Input[dict[str, pulumi.Input[str]]] | None]
    on_reboot_needed: NotRequired[pulumi.Input[str] | None]
    on_disk_removed: NotRequired[pulumi.Input[str] | None]
    replace_allowed: NotRequired[pulumi.Input[bool] | None]
    vmid_range: NotRequired[pulumi.Input[str] | None]
    wait_seconds: NotRequired[pulumi.Input[float] | None]
    archive: NotRequired[pulumi.Input[Archive | Mapping[str, Any]] | None]
    nameserver: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    searchdomain: NotRequired[pulumi.Input[str] | None]


class CloneArgs(TypedDict, total=False):
    """What a guest is cloned from, as a plain map."""

    vmid: pulumi.Input[int]
    name: pulumi.Input[str]
    full: pulumi.Input[bool]
    storage: pulumi.Input[str]
    format: pulumi.Input[str]
    snapname: pulumi.Input[str]
    bwlimit: pulumi.Input[int]


class StartupArgs(TypedDict, total=False):
    """An order of starting, as a plain map."""

    order: pulumi.Input[int]
    up: pulumi.Input[int]
    down: pulumi.Input[int]
