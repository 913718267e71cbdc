"""A controller: what exchanges routes, for the EVPN zones of a cluster or on one of its nodes.

API: `/cluster/sdn/controllers`. A cluster has one of type `evpn`; those of type `bgp` and `isis` are a node's each. It
is staged and applied together with all other changes of the network in the run, as `SdnZone` says. There is no room for
a mark, so a died run's controller is known again by being exactly as declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.markers import Immutable, Separated, ServerDefault, Wire
from providers._runtime.model import Problem, Values
from providers._runtime.ownership import Owner
from providers._sdn import preflight
from providers._sdn.handler import LEFT_OUT, SdnInputs, SingleObject
from providers._sdn.parts import Address
from providers._sdn.type_fields import check_fields

FIELDS = {
    "evpn": ("asn", "peers fabric"),
    "bgp": ("asn node peers", "ebgp ebgp_multihop bgp_multipath_as_path_relax loopback"),
    "isis": ("node isis_domain isis_ifaces isis_net", "loopback"),
}


class SdnControllerInputs(SdnInputs):
    """A controller as declared."""

    controller: Annotated[
        str, Immutable(), Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]*[a-zA-Z0-9]$", min_length=2, max_length=64)
    ] = Field(description="Name of the controller.")
    type: Annotated[Literal["evpn", "bgp", "isis"], Immutable()] = Field(description="Its protocol.")
    asn: Annotated[int | None, Field(ge=0, le=4294967295)] = Field(
        default=None, description="evpn, bgp: number of the autonomous system."
    )
    peers: Annotated[list[Address] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="evpn, bgp: addresses that it exchanges routes with."
    )
    fabric: str | None = Field(default=None, description="evpn: fabric whose nodes are the peers, instead of `peers`.")
    node: Annotated[str | None, Immutable()] = Field(default=None, description="bgp, isis: the node that it is on.")
    ebgp: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="bgp: whether the peers are in another autonomous system."
    )
    ebgp_multihop: Annotated[int | None, Wire("ebgp-multihop"), Field(ge=1, le=255)] = Field(
        default=None, description="bgp: how many hops away peers of another autonomous system may be."
    )
    bgp_multipath_as_path_relax: Annotated[
        bool | None, Wire("bgp-multipath-as-path-relax"), ServerDefault(value=False)
    ] = Field(default=None, description="bgp: whether paths through other systems count as equal if as long.")
    loopback: str | None = Field(default=None, description="bgp, isis: interface whose address names the router.")
    isis_domain: Annotated[str | None, Wire("isis-domain")] = Field(default=None, description="isis: its domain.")
    isis_ifaces: Annotated[list[str] | None, Wire("isis-ifaces"), Separated(ordered=False)] = Field(
        default=None, min_length=1, description="isis: interfaces that take part."
    )
    isis_net: Annotated[
        str | None,
        Wire("isis-net"),
        Field(pattern=r"^[a-fA-F0-9]{2}(\.[a-fA-F0-9]{4}){3,9}\.[a-fA-F0-9]{2}$", min_length=20, max_length=50),
    ] = Field(default=None, description="isis: the node's network entity title.")

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> SdnControllerInputs:
        check_fields(self, "controller", self.type, FIELDS)
        if self.type == "evpn" and (self.peers is None) == (self.fabric is None):
            raise InvalidValue("peers: a controller of type evpn needs either peers or fabric")
        return self


class SdnControllerOutputs(SdnControllerInputs):
    """A controller as it is."""


class SdnControllerHandler(SingleObject):
    """Controllers as Proxmox keeps them."""

    inputs: ClassVar = SdnControllerInputs
    outputs: ClassVar = SdnControllerOutputs
    kind = "controllers"
    key = "controller"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/controllers", "PUT /cluster/sdn/controllers/{controller}"),
        carried={"delete": "(what is declared no longer)"},
        left_out=LEFT_OUT,
    )

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Its node and fabric, and a second one for the whole cluster."""
        yield from super().preflight(facts, owner, before, wanted)
        yield from preflight.named(facts, "fabrics", "fabric", wanted)
        if wanted.get("node") and (why := facts.no_node(wanted["node"])):
            yield "node", why
        for row in (facts.look("/cluster/sdn/controllers") or ()) if wanted.get("type") == "evpn" else ():
            if row.get("type") == "evpn" and row["controller"] != wanted.get("controller"):
                yield "type", f"there is a controller of type evpn already, {row['controller']}, and a cluster has one"


class SdnControllerArgs(CommonArgs):
    """Arguments of `SdnController`."""

    controller: pulumi.Input[str]
    type: pulumi.Input[str]
    apply_foreign: NotRequired[pulumi.Input[bool] | None]
    asn: NotRequired[pulumi.Input[int] | None]
    peers: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    fabric: NotRequired[pulumi.Input[str] | None]
    node: NotRequired[pulumi.Input[str] | None]
    ebgp: NotRequired[pulumi.Input[bool] | None]
    ebgp_multihop: NotRequired[pulumi.Input[int] | None]
    bgp_multipath_as_path_relax: NotRequired[pulumi.Input[bool] | None]
    loopback: NotRequired[pulumi.Input[str] | None]
    isis_domain: NotRequired[pulumi.Input[str] | None]
    isis_ifaces: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    isis_net: NotRequired[pulumi.Input[str] | None]


class SdnController(Resource, kind="sdn_controller"):
    """A controller."""

    controller: pulumi.Output[str]
    type: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnControllerArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
