"""A VNet in a zone that belongs to somebody else; an `SdnZone` has its own VNets as a map.

API: `/cluster/sdn/vnets`. It is staged and applied together with all other changes of the network in the run, as
`SdnZone` says. Its alias carries the mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.facts import Facts
from providers._runtime.markers import Immutable
from providers._runtime.model import Problem, Values, to_wire
from providers._runtime.ownership import Owner, unmarked
from providers._runtime.privileges import Need
from providers._sdn import preflight
from providers._sdn.handler import LEFT_OUT, SdnInputs, SingleObject, allocate, audit
from providers._sdn.objects import Objects, SdnObject, objects
from providers._sdn.parts import Name, VnetFields


class SdnVnetInputs(SdnInputs, VnetFields):
    """A VNet as declared."""

    vnet: Annotated[Name, Immutable()] = Field(description="Name of the VNet, which guests give as their bridge.")
    zone: Annotated[Name, Immutable()] = Field(description="The zone that it is in.")


class SdnVnetOutputs(SdnVnetInputs):
    """A VNet as it is."""


class SdnVnetHandler(SingleObject):
    """VNets as Proxmox keeps them."""

    inputs: ClassVar = SdnVnetInputs
    outputs: ClassVar = SdnVnetOutputs
    kind = "vnets"
    key = "vnet"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/vnets", "PUT /cluster/sdn/vnets/{vnet}"),
        carried={"delete": "(what is declared no longer)"},
        left_out={**LEFT_OUT, "type": "there is one, `vnet`"},
    )

    def objects_of(self, values: Values, owner: Owner) -> Objects:
        """One, whose alias carries the mark."""
        options = {name: value for name, value in to_wire(SdnVnetInputs, values).items() if name != "vnet"}
        return objects(SdnObject("vnets", str(values["vnet"]), "vnet", options, owner=owner))

    def values_of(self, name: str, there: Objects) -> Values:
        """Without the mark."""
        values = super().values_of(name, there)
        alias = unmarked(values.pop("alias", None))
        return {**values, "alias": alias} if alias else values

    def needs(self, wanted: Values) -> list[Need]:
        """A VNet is its zone's."""
        return allocate(f"/sdn/zones/{wanted['zone']}") if "zone" in wanted else []

    def needs_to_change(self, before: Values, wanted: Values) -> list[Need]:
        """One that is there takes the right to itself."""
        return allocate(f"/sdn/zones/{before['zone']}/{before['vnet']}")

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """The right to it."""
        known = "zone" in wanted and "vnet" in wanted
        return audit(f"/sdn/zones/{wanted['zone']}/{wanted['vnet']}") if known else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Its zone, and a tag that fits there."""
        yield from super().preflight(facts, owner, before, wanted)
        yield from preflight.named(facts, "zones", "zone", wanted)
        zones = {str(row["zone"]): str(row["type"]) for row in facts.look("/cluster/sdn/zones") or ()}
        if wanted.get("zone") in zones:
            problem = preflight.tag_problem(zones[wanted["zone"]], wanted.get("tag"))
            if problem:
                yield "tag", problem
        for row in facts.look("/cluster/sdn/vnets") or ():
            same_zone = row.get("zone") == wanted.get("zone") and row["vnet"] != wanted.get("vnet")
            if same_zone and "tag" in wanted and str(row.get("tag")) == str(wanted["tag"]):
                yield "tag", f"VNet {row['vnet']} of the same zone has the tag {wanted['tag']} already"


class SdnVnetArgs(CommonArgs):
    """Arguments of `SdnVnet`."""

    vnet: pulumi.Input[str]
    zone: pulumi.Input[str]
    apply_foreign: NotRequired[pulumi.Input[bool] | None]
    tag: NotRequired[pulumi.Input[int] | None]
    alias: NotRequired[pulumi.Input[str] | None]
    vlanaware: NotRequired[pulumi.Input[bool] | None]
    isolate_ports: NotRequired[pulumi.Input[bool] | None]


class SdnVnet(Resource, kind="sdn_vnet"):
    """A VNet."""

    vnet: pulumi.Output[str]
    zone: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnVnetArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
