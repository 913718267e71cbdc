"""A subnet of a VNet that belongs to somebody else; an `SdnZone` has the subnets of its VNets in its map.

API: `/cluster/sdn/vnets/{vnet}/subnets`. It is staged and applied together with all other changes of the network in the
run, as `SdnZone` says. There is no room for a mark, so a died run's subnet is known again by being exactly as declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import ApiRefused, InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.markers import Action, Immutable
from providers._runtime.model import Problem, Values, from_wire, to_wire
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._sdn import preflight
from providers._sdn.handler import LEFT_OUT, SdnHandler, SdnInputs, allocate
from providers._sdn.objects import Ask, Objects, SdnObject, objects, read_objects, subnet_id
from providers._sdn.parts import Cidr, DhcpRange, Name, SubnetFields, overlapping, subnet_problems

OF_THE_VNET = "/subnets/"


class SdnSubnetInputs(SdnInputs, SubnetFields):
    """A subnet as declared."""

    zone: Annotated[Name, Immutable(), Action()] = Field(description="The zone of its VNet.")
    vnet: Annotated[Name, Immutable()] = Field(description="The VNet that it is on.")
    subnet: Annotated[Cidr, Immutable()] = Field(description="Its network, such as `10.0.0.0/24`.")

    @model_validator(mode="after")
    def _addresses_are_inside(self) -> SdnSubnetInputs:
        for problem in subnet_problems(self.subnet, self.model_dump(exclude_none=True)):
            raise InvalidValue(problem)
        return self


class SdnSubnetOutputs(SdnSubnetInputs):
    """A subnet as it is."""


class SdnSubnetHandler(SdnHandler):
    """Subnets as Proxmox keeps them."""

    inputs: ClassVar = SdnSubnetInputs
    outputs: ClassVar = SdnSubnetOutputs
    kind = "subnets"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/vnets/{vnet}/subnets", "PUT /cluster/sdn/vnets/{vnet}/subnets/{subnet}"),
        carried={"delete": "(what is declared no longer)"},
        left_out={**LEFT_OUT, "type": "there is one, `subnet`"},
    )

    @property
    def prefix(self) -> str:
        """A subnet is addressed below its VNet."""
        return "sdn/vnets/"

    def name_of(self, values: Values) -> str:
        """`web/subnets/lab-10.0.0.0-24`."""
        return f"{values['vnet']}{OF_THE_VNET}{subnet_id(values['zone'], values['subnet'])}"

    def objects_of(self, values: Values, owner: Owner) -> Objects:
        """One, on its VNet."""
        named = ("vnet", "subnet")
        options = {name: value for name, value in to_wire(SdnSubnetInputs, values).items() if name not in named}
        id_ = subnet_id(values["zone"], values["subnet"])
        return objects(SdnObject("subnets", id_, "subnet", options, str(values["vnet"])))

    def objects_there(self, ask: Ask, name: str, view: Mapping[str, Any]) -> Objects:
        """By the list of its VNet's; a VNet that is not there has none."""
        vnet, _, id_ = name.partition(OF_THE_VNET)
        try:
            found = read_objects(ask, ["subnets"], view, [vnet]).get(("subnets", id_))
        except ApiRefused as refused:
            if not refused.says("does not exist"):
                raise
            return {}
        return objects(found) if found else {}

    def values_of(self, name: str, there: Objects) -> Values:
        """The ID says zone and network."""
        one = next(iter(there.values()))
        zone, network, mask = one.id.split("-")
        own = {**one.options, "vnet": one.parent, "subnet": f"{network}/{mask}"}
        return {**from_wire(SdnSubnetInputs, own), "zone": zone}

    def needs(self, wanted: Values) -> list[Need]:
        """A subnet is its VNet's."""
        known = "zone" in wanted and "vnet" in wanted
        return allocate(f"/sdn/zones/{wanted['zone']}/{wanted['vnet']}") if known else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Its VNet, which is in that zone and not vlanaware; and other subnets of it."""
        yield from super().preflight(facts, owner, before, wanted)
        yield from preflight.named(facts, "vnets", "vnet", wanted)
        rows = facts.look("/cluster/sdn/vnets") or ()
        row = next((row for row in rows if row["vnet"] == wanted.get("vnet")), None)
        if row is None or "subnet" not in wanted:
            return
        if "zone" in wanted and row.get("zone") != wanted["zone"]:
            yield "zone", f"VNet {row['vnet']} is in zone {row.get('zone')}"
            return
        if row.get("vlanaware"):
            yield "vnet", f"VNet {row['vnet']} is vlanaware, and can have no subnets"
        others = facts.look(f"/cluster/sdn/vnets/{row['vnet']}/subnets") or ()
        cidrs = {str(other["cidr"]) for other in others} | {wanted["subnet"]}
        for problem in overlapping(sorted(cidrs)):
            yield "subnet", problem.removeprefix("subnets: ")


class SdnSubnetArgs(CommonArgs):
    """Arguments of `SdnSubnet`."""

    zone: pulumi.Input[str]
    vnet: pulumi.Input[str]
    subnet: pulumi.Input[str]
    apply_foreign: NotRequired[pulumi.Input[bool] | None]
    gateway: NotRequired[pulumi.Input[str] | None]
    snat: NotRequired[pulumi.Input[bool] | None]
    dhcp_range: NotRequired[pulumi.Input[list[pulumi.Input[DhcpRange | dict[str, str]]]] | None]
    dhcp_dns_server: NotRequired[pulumi.Input[str] | None]
    dnszoneprefix: NotRequired[pulumi.Input[str] | None]


class SdnSubnet(Resource, kind="sdn_subnet"):
    """A subnet."""

    vnet: pulumi.Output[str]
    subnet: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnSubnetArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
