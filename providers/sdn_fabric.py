"""A fabric: a routed network between nodes, on which VXLAN and EVPN zones can lie; with the nodes that are part of it.

API: `/cluster/sdn/fabrics/fabric` and `/cluster/sdn/fabrics/node`, since Proxmox VE 9.0. It is staged and applied
together with all other changes of the network in the run, as `SdnZone` says; Proxmox takes removals only without its
lock, which is given back for them for a moment. There is no room for a mark, so a died run's fabric is known again by
being exactly as declared. A prefix can be changed and not unset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.markers import Action, Immutable, Repeated, Wire
from providers._runtime.model import Problem, Values, from_wire, to_wire
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._runtime.wire import Part
from providers._sdn.handler import LEFT_OUT, SdnHandler, SdnInputs, allocate
from providers._sdn.objects import Ask, Objects, SdnObject, objects, read_objects
from providers._sdn.parts import Address, Cidr, inside
from providers._sdn.type_fields import check_fields

FIELDS = {"openfabric": ("", "hello_interval csnp_interval"), "ospf": ("area", "")}
Seconds = Annotated[float | None, Field(ge=1, le=600)]


class FabricInterface(Part):
    """An interface by which a node takes part."""

    name: str = Field(description="The interface.")
    ip: str | None = Field(default=None, description="IPv4 address and mask of its own; without it, the node's.")
    ip6: str | None = Field(default=None, description="openfabric: IPv6 address and mask of its own.")
    hello_multiplier: int | None = Field(
        default=None, ge=2, le=100, description="openfabric: hellos that may be missed before a neighbour is gone."
    )


class FabricNode(Part):
    """A node of a fabric; the key is its name."""

    ip: Address | None = Field(default=None, description="Its IPv4 address, in ip_prefix.")
    ip6: Address | None = Field(default=None, description="Its IPv6 address, in ip6_prefix.")
    interfaces: Annotated[list[FabricInterface], Repeated()] = Field(
        min_length=1, description="Interfaces by which it takes part."
    )


class SdnFabricInputs(SdnInputs):
    """A fabric as declared."""

    fabric: Annotated[str, Wire("id"), Immutable(), Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]{0,6}[a-zA-Z0-9]$")] = (
        Field(description="Name of the fabric.")
    )
    protocol: Annotated[Literal["openfabric", "ospf"], Immutable()] = Field(description="Its routing protocol.")
    ip_prefix: Cidr | None = Field(default=None, description="Network of the nodes' IPv4 addresses.")
    ip6_prefix: Cidr | None = Field(default=None, description="Network of the nodes' IPv6 addresses.")
    area: str | None = Field(default=None, description="ospf: the area, as a number or an IPv4 address.")
    hello_interval: Seconds = Field(default=None, description="openfabric: seconds between hellos.")
    csnp_interval: Seconds = Field(default=None, description="openfabric: seconds between lists of all routes.")
    nodes: Annotated[dict[str, FabricNode] | None, Action()] = Field(
        default=None, description="Its nodes by their names, owned as a whole."
    )

    @model_validator(mode="after")
    def _fields_fit(self) -> SdnFabricInputs:
        check_fields(self, "fabric", self.protocol, FIELDS)
        if self.ip_prefix is None and self.ip6_prefix is None:
            raise InvalidValue("ip_prefix: a fabric needs ip_prefix or ip6_prefix")
        addresses: dict[str, str] = {}
        for name, node in (self.nodes or {}).items():
            for address, prefix in ((node.ip, self.ip_prefix), (node.ip6, self.ip6_prefix)):
                if address is None:
                    continue
                if prefix is not None and not inside(address, prefix):
                    raise InvalidValue(f"nodes.{name}: {address} is not in {prefix}")
                if (other := addresses.setdefault(address, name)) != name:
                    raise InvalidValue(f"nodes.{name}: {other} has the address {address} already")
        return self


class SdnFabricOutputs(SdnFabricInputs):
    """A fabric as it is."""


class SdnFabricHandler(SdnHandler):
    """Fabrics as Proxmox keeps them."""

    inputs: ClassVar = SdnFabricInputs
    outputs: ClassVar = SdnFabricOutputs
    kind = "fabrics"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/fabrics/fabric", "PUT /cluster/sdn/fabrics/fabric/{id}"),
        carried={"delete": "(what is declared no longer)"},
        left_out=LEFT_OUT,
    )

    def name_of(self, values: Values) -> str:
        """The fabric's own name."""
        return str(values["fabric"])

    def objects_of(self, values: Values, owner: Owner) -> Objects:
        """The fabric and its nodes."""
        name, protocol = str(values["fabric"]), str(values.get("protocol", ""))
        own = {key: value for key, value in to_wire(SdnFabricInputs, values).items() if key not in ("id", "protocol")}
        nodes = [
            SdnObject("fabric_nodes", f"{name}_{node}", protocol, to_wire(FabricNode, part), name)
            for node, part in (values.get("nodes") or {}).items()
        ]
        return objects(SdnObject("fabrics", name, protocol, own), *nodes)

    def objects_there(self, ask: Ask, name: str, view: Mapping[str, Any]) -> Objects:
        """By the lists of all fabrics and of all their nodes."""
        found = read_objects(ask, ["fabrics", "fabric_nodes"], view, ())
        return {key: each for key, each in found.items() if key == ("fabrics", name) or each.parent == name}

    def values_of(self, name: str, there: Objects) -> Values:
        """The map of nodes is there even if it is empty: it is owned whole."""
        own = there["fabrics", name]
        nodes = {
            each.id.removeprefix(f"{name}_"): from_wire(FabricNode, dict(each.options))
            for each in there.values()
            if each.kind == "fabric_nodes"
        }
        values = from_wire(SdnFabricInputs, {**own.options, "id": name, "protocol": own.type})
        return {**values, "nodes": nodes}

    def field_of(self, kind: str, id_: str) -> str:
        """`nodes.pve1`."""
        return f"nodes.{id_.partition('_')[2]}" if kind == "fabric_nodes" else "fabric"

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Zones and controllers name it."""
        return [("fabric", str(wanted["fabric"]))] if "fabric" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """A new fabric takes the right to all of them, and its nodes one on each node."""
        return [*allocate("/sdn/fabrics"), *_on_nodes(wanted)]

    def needs_to_change(self, before: Values, wanted: Values) -> list[Need]:
        """One that is there takes the right to itself."""
        return [*allocate(f"/sdn/fabrics/{before['fabric']}"), *_on_nodes(before), *_on_nodes(wanted)]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Nodes that there are; and what Proxmox has no way to unset."""
        yield from super().preflight(facts, owner, before, wanted)
        for name in ("ip_prefix", "ip6_prefix"):
            if name in before and name not in wanted:
                yield name, "Proxmox can't unset it: declare it, or make another fabric"
        for name in wanted.get("nodes") or ():
            if why := facts.no_node(name):
                yield f"nodes.{name}", why


def _on_nodes(values: Values) -> list[Need]:
    return [(f"/nodes/{name}", "Sys.Modify") for name in values.get("nodes") or ()]


class SdnFabricArgs(CommonArgs):
    """Arguments of `SdnFabric`."""

    fabric: pulumi.Input[str]
    protocol: pulumi.Input[str]
    apply_foreign: NotRequired[pulumi.Input[bool] | None]
    ip_prefix: NotRequired[pulumi.Input[str] | None]
    ip6_prefix: NotRequired[pulumi.Input[str] | None]
    area: NotRequired[pulumi.Input[str] | None]
    hello_interval: NotRequired[pulumi.Input[float] | None]
    csnp_interval: NotRequired[pulumi.Input[float] | None]
    nodes: NotRequired[pulumi.Input[Mapping[str, FabricNode | Mapping[str, Any]]] | None]


class SdnFabric(Resource, kind="sdn_fabric"):
    """A fabric with its nodes."""

    fabric: pulumi.Output[str]
    protocol: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnFabricArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
