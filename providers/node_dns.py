"""The name servers of a node, and the domain in which it looks for short names.

API: `/nodes/{node}/dns`. Proxmox writes `/etc/resolv.conf` as a whole, so what is not declared is written as it is.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._nodes.setting import Before, NodeSetting
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.markers import Immutable
from providers._runtime.model import Inputs

Address = Annotated[str, AfterValidator(lambda text: str(ipaddress.ip_address(text)))]


class NodeDnsInputs(Inputs):
    """Name servers as declared."""

    node: Annotated[str, Immutable()] = Field(description="The node.")
    search: str | None = Field(default=None, description="Domain in which a name without a dot is looked for.")
    dns1: Address | None = Field(default=None, description="The name server that is asked first.")
    dns2: Address | None = Field(default=None, description="The one that is asked when the first is silent.")
    dns3: Address | None = Field(default=None, description="The third.")


class NodeDnsOutputs(NodeDnsInputs, Before):
    """Name servers as they are."""


class NodeDnsHandler(NodeSetting):
    """Name servers as a node keeps them."""

    inputs: ClassVar = NodeDnsInputs
    outputs: ClassVar = NodeDnsOutputs
    setting = "dns"
    coverage: ClassVar = Coverage(methods=("PUT /nodes/{node}/dns",))


class NodeDnsArgs(CommonArgs):
    """Arguments of `NodeDns`."""

    node: pulumi.Input[str]
    search: NotRequired[pulumi.Input[str] | None]
    dns1: NotRequired[pulumi.Input[str] | None]
    dns2: NotRequired[pulumi.Input[str] | None]
    dns3: NotRequired[pulumi.Input[str] | None]


class NodeDns(Resource, kind="node_dns"):
    """The name servers of a node."""

    node: pulumi.Output[str]
    search: pulumi.Output[str | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[NodeDnsArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
