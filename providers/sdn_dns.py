"""A name server that zones write their guests' names to: PowerDNS.

API: `/cluster/sdn/dns`. A change takes effect at once, and Proxmox tries the server before it takes it. There is no
room for a mark, so a died run's is known again by being exactly as declared.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.markers import Immutable, Sensitive
from providers._runtime.model import Inputs
from providers._sdn.handler import LEFT_OUT, SingleObject
from providers._sdn.parts import Fingerprint, ServiceName, Url


class SdnDnsInputs(Inputs):
    """A name server as declared."""

    dns: Annotated[ServiceName, Immutable()] = Field(description="Name of the name server.")
    type: Annotated[Literal["powerdns"], Immutable()] = Field(description="What it is.")
    url: Url = Field(description="Where its API is.")
    key: Annotated[str, Sensitive()] = Field(description="Key of its API.")
    ttl: Annotated[int | None, Field(ge=0)] = Field(default=None, description="Seconds that a name may be remembered.")
    reversemaskv6: Annotated[int | None, Field(ge=0, le=128)] = Field(
        default=None, description="Bits of an IPv6 address that name the zone of the reverse names."
    )
    fingerprint: Fingerprint | None = Field(default=None, description="SHA-256 fingerprint of its certificate.")


class SdnDnsOutputs(SdnDnsInputs):
    """A name server as it is."""


class SdnDnsHandler(SingleObject):
    """Name servers as Proxmox keeps them."""

    inputs: ClassVar = SdnDnsInputs
    outputs: ClassVar = SdnDnsOutputs
    kind = "dns"
    key = "dns"
    at_once = True
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/dns", "PUT /cluster/sdn/dns/{dns}"),
        carried={"delete": "(what is declared no longer)"},
        left_out={**LEFT_OUT, "reversev6mask": "another name of reversemaskv6, which only the POST takes"},
    )


class SdnDnsArgs(CommonArgs):
    """Arguments of `SdnDns`."""

    dns: pulumi.Input[str]
    type: pulumi.Input[str]
    url: pulumi.Input[str]
    key: pulumi.Input[str]
    ttl: NotRequired[pulumi.Input[int] | None]
    reversemaskv6: NotRequired[pulumi.Input[int] | None]
    fingerprint: NotRequired[pulumi.Input[str] | None]


class SdnDns(Resource, kind="sdn_dns"):
    """A name server."""

    dns: pulumi.Output[str]
    type: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnDnsArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
