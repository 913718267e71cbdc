"""What cloud-init finds in a virtual machine: users, keys, addresses, and files of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

import pulumi
from pydantic import Field, model_validator

from providers._guests.values import Address4, Address6, DnsName, Gateway, PublicKey, VolumeId
from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Local, Needs, Separated, ServerDefault, Slots, Takes, WriteOnly
from providers._runtime.model import Inputs
from providers._runtime.wire import Part

IpConfigSlot = Annotated[str, Field(pattern=r"^ipconfig([12]?\d|3[01])$")]
FIELDS = frozenset(
    {"cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "ipconfig", "nameserver", "searchdomain", "sshkeys"}
)
"""The fields that the cloud-init drive is made from."""
_CLOUDINIT = Needs("VM.Config.Cloudinit|VM.Config.Network")
_AT_BOOT = Takes("pending")


class IpConfig(Part):
    """The addresses that cloud-init gives one NIC."""

    ip: Address4 | None = Field(default=None, description="IPv4 address with prefix, or `dhcp`.")
    gw: Gateway | None = Field(default=None, description="IPv4 gateway.")
    ip6: Address6 | None = Field(default=None, description="IPv6 address with prefix, `auto` or `dhcp`.")
    gw6: Gateway | None = Field(default=None, description="IPv6 gateway.")

    @model_validator(mode="after")
    def _gateways_belong_to_addresses(self) -> IpConfig:
        for gateway, address in (("gw", self.ip), ("gw6", self.ip6)):
            if getattr(self, gateway) and (address is None or "/" not in address):
                raise InvalidValue(f"{gateway}: a gateway is for a fixed address")
        return self


class CiCustom(Part):
    """Files of one's own in place of those that Proxmox makes; each is a snippet, such as `local:snippets/web.yaml`."""

    user: VolumeId | None = Field(default=None, description="User data.")
    network: VolumeId | None = Field(default=None, description="Network configuration.")
    meta: VolumeId | None = Field(default=None, description="Metadata.")
    vendor: VolumeId | None = Field(default=None, description="Vendor data, merged below the user data.")


class CloudInitInputs(Inputs):
    """cloud-init as declared."""

    ciuser: Annotated[str | None, _CLOUDINIT, _AT_BOOT, Field(min_length=1)] = Field(
        default=None, description="cloud-init: the user that is made."
    )
    cipassword: Annotated[str | None, WriteOnly(), _CLOUDINIT, _AT_BOOT, Field(min_length=5)] = Field(
        default=None, description="cloud-init: that user's password; a key is the better way."
    )
    sshkeys: Annotated[list[PublicKey] | None, _CLOUDINIT, _AT_BOOT] = Field(
        default=None, min_length=1, description="cloud-init: that user's public SSH keys."
    )
    citype: Annotated[Literal["nocloud", "configdrive2", "opennebula"] | None, _CLOUDINIT, _AT_BOOT] = Field(
        default=None, description="cloud-init: the form of its drive."
    )
    ciupgrade: Annotated[bool | None, _CLOUDINIT, _AT_BOOT, ServerDefault(value=True)] = Field(
        default=None, description="cloud-init: whether packages are upgraded at the first start."
    )
    cicustom: Annotated[CiCustom | None, _CLOUDINIT, _AT_BOOT] = Field(
        default=None, description="cloud-init: files of one's own in place of the generated ones."
    )
    ipconfig: Annotated[dict[IpConfigSlot, IpConfig] | None, Slots(r"ipconfig\d+"), _CLOUDINIT, _AT_BOOT] = Field(
        default=None, description="cloud-init: addresses by slot; `ipconfig0` is for `net0`."
    )
    nameserver: Annotated[list[str] | None, Separated(" "), _CLOUDINIT, _AT_BOOT] = Field(
        default=None, min_length=1, description="cloud-init: DNS servers; those of the node where not set."
    )
    searchdomain: Annotated[DnsName | None, _CLOUDINIT, _AT_BOOT] = Field(
        default=None, description="cloud-init: DNS search domain."
    )
    on_cloud_init_change: Annotated[Literal["regenerate", "reboot", "ignore"] | None, Local()] = Field(
        default=None,
        description="What happens when cloud-init is to find something else in a running guest: its drive is written "
        "anew and read at the guest's next boot (`regenerate`, the default), the guest is rebooted (`reboot`), or "
        "the drive stays as it is until Proxmox starts the guest again (`ignore`).",
    )


class CloudInitArgs(TypedDict, total=False):
    """Arguments of `VirtualMachine` for cloud-init."""

    ciuser: pulumi.Input[str] | None
    cipassword: pulumi.Input[str] | None
    sshkeys: pulumi.Input[Sequence[pulumi.Input[str]]] | None
    citype: pulumi.Input[str] | None
    ciupgrade: pulumi.Input[bool] | None
    cicustom: pulumi.Input[CiCustom | Mapping[str, Any]] | None
    ipconfig: pulumi.Input[Mapping[str, pulumi.Input[IpConfig | Mapping[str, Any]]]] | None
    on_cloud_init_change: pulumi.Input[str] | None
