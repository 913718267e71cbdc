"""Property strings of the datacenter's options."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.markers import ServerDefault
from providers._runtime.wire import Part


def _cidr(text: str) -> str:
    """A network, which need not be written by its lowest address."""
    ipaddress.ip_interface(text)
    if "/" not in text:
        raise ValueError("it is no network: write it like 10.0.0.0/24")
    return text


class Traffic(Part):
    """How guests travel between the nodes."""

    default_key: ClassVar[str | None] = "type"
    type: Literal["secure", "insecure"] = Field(
        default="secure", description="`secure`: through SSH; `insecure` is faster, and for private networks only."
    )
    network: Annotated[str, AfterValidator(_cidr)] | None = Field(
        default=None, description="The network that is used, as a CIDR."
    )


class Scheduling(Part):
    """How the HA managers choose a node."""

    ha: Annotated[Literal["basic", "static", "dynamic"] | None, ServerDefault(value="basic")] = Field(
        default=None, description="By the number of guests, by what they may use, or by what they do use."
    )
    ha_rebalance_on_start: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, alias="ha-rebalance-on-start", description="Whether a node is chosen when a guest is started."
    )
    ha_auto_rebalance: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, alias="ha-auto-rebalance", description="Whether guests are moved so that all nodes do as much."
    )
    ha_auto_rebalance_method: Annotated[Literal["bruteforce", "topsis"] | None, ServerDefault(value="bruteforce")] = (
        Field(default=None, alias="ha-auto-rebalance-method", description="How moves are scored.")
    )
    ha_auto_rebalance_threshold: Annotated[float | None, ServerDefault(value=30)] = Field(
        default=None,
        alias="ha-auto-rebalance-threshold",
        ge=0,
        le=100,
        description="Imbalance in percent that is borne.",
    )
    ha_auto_rebalance_margin: Annotated[float | None, ServerDefault(value=10)] = Field(
        default=None,
        alias="ha-auto-rebalance-margin",
        ge=0,
        le=100,
        description="Gain in percent that a move is worth.",
    )
    ha_auto_rebalance_hold_duration: Annotated[float | None, ServerDefault(value=3)] = Field(
        default=None, alias="ha-auto-rebalance-hold-duration", ge=0, description="Rounds that an imbalance has to last."
    )

    @model_validator(mode="after")
    def _rebalancing_is_on(self) -> Scheduling:
        for name in sorted(self.model_fields_set):
            if name.startswith("ha_auto_rebalance_") and getattr(self, name) is not None and not self.ha_auto_rebalance:
                raise InvalidValue(f"{name} needs ha_auto_rebalance")
        return self


class HaSettings(Part):
    """What HA does when a node is shut down."""

    shutdown_policy: Literal["freeze", "failover", "conditional", "migrate"] = Field(
        default="conditional",
        description="`freeze`: its guests wait for it; `failover`: others start them; `conditional`: the first at a "
        "reboot and the second otherwise; `migrate`: they leave before.",
    )


class NextId(Part):
    """VMIDs that Proxmox proposes for new guests."""

    lower: Annotated[int | None, ServerDefault(value=100)] = Field(
        default=None, ge=100, le=999999999, description="The first one."
    )
    upper: Annotated[int | None, ServerDefault(value=1000000)] = Field(
        default=None, ge=100, le=1000000000, description="The one after the last."
    )

    @model_validator(mode="after")
    def _lower_is_lower(self) -> NextId:
        if (self.lower or 100) > (self.upper or 1000000):
            raise InvalidValue("lower is above upper")
        return self


class Notifications(Part):
    """Who was told of what before there were notification targets."""

    package_updates: Annotated[Literal["auto", "always", "never"] | None, ServerDefault(value="auto")] = Field(
        default=None, alias="package-updates", description="When updates of packages are told of."
    )
    fencing: Literal["always", "never"] | None = Field(default=None, description="No longer used by Proxmox.")
    replication: Literal["always", "never"] | None = Field(default=None, description="No longer used by Proxmox.")
    target_fencing: str | None = Field(default=None, alias="target-fencing", description="No longer used by Proxmox.")
    target_package_updates: str | None = Field(
        default=None, alias="target-package-updates", description="No longer used by Proxmox."
    )
    target_replication: str | None = Field(
        default=None, alias="target-replication", description="No longer used by Proxmox."
    )


class TagStyle(Part):
    """How tags look on Proxmox's pages."""

    shape: Annotated[Literal["full", "circle", "dense", "none"] | None, ServerDefault(value="circle")] = Field(
        default=None, description="How much of a tag is drawn in the tree."
    )
    color_map: str | None = Field(
        default=None, alias="color-map", description="Colours: `prod:ff0000;test:00ff00:000000` (background, text)."
    )
    ordering: Annotated[Literal["config", "alphabetical"] | None, ServerDefault(value="alphabetical")] = Field(
        default=None, description="In which order a guest's tags stand."
    )
    case_sensitive: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, alias="case-sensitive", description="Whether `Web` and `web` are two tags."
    )


class UserTagAccess(Part):
    """Which tags users may set who may not change the datacenter."""

    user_allow: Annotated[Literal["none", "list", "existing", "free"] | None, ServerDefault(value="free")] = Field(
        default=None, alias="user-allow", description="None, those of the list, also those that exist, or all."
    )
    user_allow_list: str | None = Field(
        default=None, alias="user-allow-list", description="The list, its tags separated by `;`."
    )


class U2f(Part):
    """The older kind of security keys."""

    appid: str | None = Field(default=None, description="The application's URL, where it is not the page's own.")
    origin: str | None = Field(default=None, description="The page's URL, where it is not the one in the browser.")


class Webauthn(Part):
    """Security keys; a change may make those that are registered useless."""

    rp: str | None = Field(default=None, description="Name of who asks for the key.")
    origin: str | None = Field(default=None, description="URL of the page, with `https://`.")
    id: str | None = Field(default=None, description="Domain of the page.")
    allow_subdomains: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, alias="allow-subdomains", description="Whether the page may be on a subdomain."
    )
