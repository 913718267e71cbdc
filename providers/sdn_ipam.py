"""An IP address management that zones can use: Proxmox's own, NetBox or phpIPAM.

API: `/cluster/sdn/ipams`. A change takes effect at once, and Proxmox tries the service before it takes it. `pve` is
always there. There is no room for a mark, so a died run's is known again by being exactly as declared.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.markers import Immutable, Sensitive
from providers._runtime.model import Inputs
from providers._sdn.handler import LEFT_OUT, SingleObject
from providers._sdn.parts import Fingerprint, ServiceName, Url
from providers._sdn.type_fields import check_fields

FIELDS = {"pve": ("", ""), "netbox": ("url token", "fingerprint"), "phpipam": ("url token section", "fingerprint")}


class SdnIpamInputs(Inputs):
    """An IP address management as declared."""

    ipam: Annotated[ServiceName, Immutable()] = Field(description="Name of the IP address management.")
    type: Annotated[Literal["pve", "netbox", "phpipam"], Immutable()] = Field(description="What it is.")
    url: Url | None = Field(default=None, description="netbox, phpipam: where its API is.")
    token: Annotated[str | None, Sensitive()] = Field(default=None, description="netbox, phpipam: token of its API.")
    section: int | None = Field(default=None, description="phpipam: number of the section.")
    fingerprint: Fingerprint | None = Field(
        default=None, description="netbox, phpipam: SHA-256 fingerprint of its certificate."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> SdnIpamInputs:
        check_fields(self, "IP address management", self.type, FIELDS)
        return self


class SdnIpamOutputs(SdnIpamInputs):
    """An IP address management as it is."""


class SdnIpamHandler(SingleObject):
    """IP address managements as Proxmox keeps them."""

    inputs: ClassVar = SdnIpamInputs
    outputs: ClassVar = SdnIpamOutputs
    kind = "ipams"
    key = "ipam"
    at_once = True
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/ipams", "PUT /cluster/sdn/ipams/{ipam}"),
        carried={"delete": "(what is declared no longer)"},
        left_out=LEFT_OUT,
    )


class SdnIpamArgs(CommonArgs):
    """Arguments of `SdnIpam`."""

    ipam: pulumi.Input[str]
    type: pulumi.Input[str]
    url: NotRequired[pulumi.Input[str] | None]
    token: NotRequired[pulumi.Input[str] | None]
    section: NotRequired[pulumi.Input[int] | None]
    fingerprint: NotRequired[pulumi.Input[str] | None]


class SdnIpam(Resource, kind="sdn_ipam"):
    """An IP address management."""

    ipam: pulumi.Output[str]
    type: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnIpamArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
