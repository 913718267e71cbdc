"""A zone of the software-defined network with its VNets and their subnets, changed as one transaction.

API: `/cluster/sdn/zones`, `/cluster/sdn/vnets` and `/cluster/sdn/vnets/{vnet}/subnets`. Proxmox only writes changes
down until they are applied, for the whole cluster. All resources of a run that change the network at the same moment
are applied together and once: under Proxmox's lock (9.0 and later), after a dry run whose diffs are logged, until every
node that is online has taken it over. If one does not, everything is taken back and the running configuration is as it
was. A destroy is applied too. The mark stands in the aliases of the VNets; a zone without any is known again by being
exactly as declared.

VNets of a zone that belongs to somebody else are `SdnVnet`s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import Found
from providers._runtime.markers import Action, Immutable, Separated, ServerDefault, Wire
from providers._runtime.model import Problem, Values, from_wire, to_wire
from providers._runtime.ownership import Owner, owner_in, unmarked
from providers._runtime.privileges import Need
from providers._sdn import preflight
from providers._sdn.handler import LEFT_OUT, RUNNING, SdnHandler, SdnInputs, allocate, audit, confirm_gone
from providers._sdn.objects import Ask, Objects, SdnObject, objects, read_objects, subnet_id
from providers._sdn.parts import Address, DnsName, Mac, Name, Subnet, Vnet, overlapping
from providers._sdn.zone_kinds import ZONE_KINDS


class SdnZoneInputs(SdnInputs):
    """A zone as declared."""

    zone: Annotated[Name, Immutable()] = Field(description="Name of the zone.")
    type: Annotated[Literal["simple", "vlan", "qinq", "vxlan", "evpn"], Immutable()] = Field(
        description="How its VNets reach other nodes: `simple` not at all, by VLANs of a bridge, or by tunnels."
    )
    nodes: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Nodes that have it; all of them where this is not set."
    )
    mtu: Annotated[int | None, Field(ge=576, le=65520)] = Field(
        default=None, description="MTU of its VNets; a VXLAN takes 50 bytes of the network's below, a service VLAN 4."
    )
    ipam: str | None = Field(default=None, description="IP address management that it uses: `pve` is built in.")
    dns: str | None = Field(default=None, description="Name server that guests' names are written to.")
    reversedns: str | None = Field(default=None, description="Name server that guests' addresses are written to.")
    dnszone: DnsName | None = Field(default=None, description="Domain of the guests' names.")
    vnets: Annotated[dict[Name, Vnet] | None, Action()] = Field(
        default=None, description="Its VNets by their names, owned as a whole."
    )

    dhcp: Literal["dnsmasq"] | None = Field(default=None, description="simple: what gives addresses out.")
    bridge: str | None = Field(default=None, description="vlan, qinq: the bridge whose VLANs it uses.")
    bridge_disable_mac_learning: Annotated[
        bool | None, Wire("bridge-disable-mac-learning"), ServerDefault(value=False)
    ] = Field(default=None, description="vlan: whether the bridge is told the guests' addresses instead of learning.")
    tag: Annotated[int | None, Field(ge=0, le=4096)] = Field(default=None, description="qinq: tag of the service VLAN.")
    vlan_protocol: Annotated[
        Literal["802.1q", "802.1ad"] | None, Wire("vlan-protocol"), ServerDefault(value="802.1q")
    ] = Field(default=None, description="qinq: protocol of the service VLAN.")
    peers: Annotated[list[Address] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="vxlan: addresses of all its nodes; or else `fabric`."
    )
    fabric: str | None = Field(default=None, description="vxlan: fabric through which its nodes reach each other.")
    vxlan_port: Annotated[int | None, Wire("vxlan-port"), Field(ge=1, le=65535), ServerDefault(value=4789)] = Field(
        default=None, description="vxlan: UDP port of the tunnels."
    )
    controller: str | None = Field(default=None, description="evpn: its controller.")
    vrf_vxlan: Annotated[int | None, Wire("vrf-vxlan"), Field(ge=1, le=16777215)] = Field(
        default=None, description="evpn: VXLAN tag of the routes between its VNets; no other zone may have it."
    )
    mac: Mac | None = Field(default=None, description="evpn: MAC address of the gateways; Proxmox makes one up.")
    exitnodes: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="evpn: nodes through which it reaches other networks."
    )
    exitnodes_local_routing: Annotated[bool | None, Wire("exitnodes-local-routing"), ServerDefault(value=False)] = (
        Field(default=None, description="evpn: whether those nodes themselves reach the guests.")
    )
    exitnodes_primary: Annotated[str | None, Wire("exitnodes-primary")] = Field(
        default=None, description="evpn: the exit node that is taken first."
    )
    advertise_subnets: Annotated[bool | None, Wire("advertise-subnets"), ServerDefault(value=False)] = Field(
        default=None, description="evpn: whether whole subnets are announced, for guests that are silent."
    )
    disable_arp_nd_suppression: Annotated[
        bool | None, Wire("disable-arp-nd-suppression"), ServerDefault(value=False)
    ] = Field(default=None, description="evpn: whether ARP and neighbour discovery pass the tunnels.")
    rt_import: Annotated[list[str] | None, Wire("rt-import"), Separated(ordered=False)] = Field(
        default=None, min_length=1, description="evpn: route targets to import, such as `65000:100`."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> SdnZoneInputs:
        kind = ZONE_KINDS[self.type]
        for name in sorted(kind.required):
            if getattr(self, name) is None:
                raise InvalidValue(f"{name}: a zone of type {self.type} needs it")
        for name in sorted(self.model_fields_set - kind.fields):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: a zone of type {self.type} has no such field")
        if self.type == "vxlan" and (self.peers is None) == (self.fabric is None):
            raise InvalidValue("peers: a zone of type vxlan needs either peers or fabric")
        return self

    @model_validator(mode="after")
    def _vnets_fit(self) -> SdnZoneInputs:
        kind, tags = ZONE_KINDS[self.type], dict[int, str]()
        for name, vnet in (self.vnets or {}).items():
            problem = preflight.tag_problem(self.type, vnet.tag)
            if problem:
                raise InvalidValue(f"vnets.{name}.tag: {problem}")
            if vnet.tag is not None and (other := tags.setdefault(vnet.tag, name)) != name:
                raise InvalidValue(f"vnets.{name}.tag: {other} has the tag {vnet.tag} already")
        if kind.routed:
            cidrs = [cidr for vnet in (self.vnets or {}).values() for cidr in vnet.subnets or ()]
            for problem in overlapping(cidrs):
                raise InvalidValue(f"vnets: {problem}")
        return self


class SdnZoneOutputs(SdnZoneInputs):
    """A zone as it is."""


class SdnZoneHandler(SdnHandler):
    """Zones as Proxmox keeps them."""

    inputs: ClassVar = SdnZoneInputs
    outputs: ClassVar = SdnZoneOutputs
    kind = "zones"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/sdn/zones", "PUT /cluster/sdn/zones/{zone}"),
        carried={"delete": "(what is declared no longer)"},
        left_out={**LEFT_OUT, "dp-id": "of zones of type faucet, which Proxmox has no controller for any more"},
    )

    def name_of(self, values: Values) -> str:
        """The zone's own name."""
        return str(values["zone"])

    def objects_of(self, values: Values, owner: Owner) -> Objects:
        """The zone, its VNets, and their subnets."""
        zone = values["zone"]
        options = {name: text for name, text in to_wire(SdnZoneInputs, values).items() if name not in ("zone", "type")}
        found = [SdnObject("zones", zone, str(values.get("type", "")), options)]
        for name, vnet in (values.get("vnets") or {}).items():
            found.append(SdnObject("vnets", name, "vnet", {**to_wire(Vnet, vnet), "zone": zone}, owner=owner))
            for cidr, subnet in (vnet.get("subnets") or {}).items():
                found.append(SdnObject("subnets", subnet_id(zone, cidr), "subnet", to_wire(Subnet, subnet), name))
        return objects(*found)

    def read(self, api: Api, id_: str) -> Found | None:
        """Of a zone whose VNets are not declared nobody wants to know the subnets, but of those that it just got."""
        name = id_.removeprefix(self.prefix)
        whole = not api.recorded or "vnets" in api.recorded
        there = self.objects_there(api.facts.listing, name, RUNNING, None if whole else api.owner)
        if not there:
            confirm_gone(api, id_)
        return self.found(name, there)

    def objects_there(self, ask: Ask, name: str, view: Mapping[str, Any], owner: Owner | None = None) -> Objects:
        """By one list of all zones, one of all VNets, and one of subnets for each VNet, or for an owner's own."""
        zone = read_objects(ask, ["zones"], view, ()).get(("zones", name))
        if zone is None:
            return {}
        vnets = [each for each in read_objects(ask, ["vnets"], view, ()).values() if each.options.get("zone") == name]
        asked = [each.id for each in vnets if owner in (None, owner_in(each.options.get("alias")))]
        return {**objects(zone, *vnets), **read_objects(ask, ["subnets"], view, asked)}

    def values_of(self, name: str, there: Objects) -> Values:
        """The maps are there even if they are empty: they are owned whole."""
        zone = there["zones", name]
        values = {**from_wire(SdnZoneInputs, dict(zone.options)), "zone": name, "type": zone.type, "vnets": {}}
        for (kind, id_), each in sorted(there.items(), key=lambda item: item[0][0] == "subnets"):
            if kind == "vnets":
                vnet = {**from_wire(Vnet, dict(each.options)), "alias": unmarked(each.options.get("alias"))}
                values["vnets"][id_] = {**{field: value for field, value in vnet.items() if value is not None}}
            elif kind == "subnets":
                cidr = "/".join(id_.split("-")[1:])
                subnet = from_wire(Subnet, dict(each.options))
                values["vnets"][each.parent].setdefault("subnets", {})[cidr] = subnet
        return values

    def field_of(self, kind: str, id_: str) -> str:
        """`vnets.web`."""
        return f"vnets.{id_}" if kind == "vnets" else "vnets" if kind == "subnets" else "zone"

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests name its VNets as bridges."""
        zone = [("zone", str(wanted["zone"]))] if "zone" in wanted else []
        return [*zone, *(("vnet", name) for name in wanted.get("vnets") or ())]

    def needs(self, wanted: Values) -> list[Need]:
        """A new zone takes the right to all of them, and what is in it that to the zone and to each VNet."""
        return allocate("/sdn/zones", *_paths(wanted))

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """The right to it, and to each of its VNets."""
        return audit(*_paths(wanted))

    def needs_to_change(self, before: Values, wanted: Values) -> list[Need]:
        """One that is there takes the right to itself."""
        return allocate(*_paths(before), *_paths(wanted))

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Names and tags, what it is built on, and who uses what it gives up."""
        yield from super().preflight(facts, owner, before, wanted)
        yield from preflight.zone_problems(facts, before, wanted)
        yield from preflight.vnet_problems(facts, wanted.get("zone"), wanted.get("vnets") or {})
        gone = set(before.get("vnets") or ()) - set(wanted.get("vnets") or ())
        yield from preflight.still_used(facts, gone)

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """What the network below has no room for."""
        yield from super().advice(facts, owner, before, wanted)
        yield from preflight.mtu_hints(facts, wanted)
        yield from preflight.peer_hints(facts, wanted)


def _paths(values: Values) -> list[str]:
    """Where permissions on the zone and on its VNets are given."""
    if "zone" not in values:
        return []
    zone, vnets = f"/sdn/zones/{values['zone']}", values.get("vnets") or {}
    return [zone, *(f"{zone}/{vnet}" for vnet in vnets)]


class SdnZoneArgs(CommonArgs):
    """Arguments of `SdnZone`."""

    zone: pulumi.Input[str]
    type: pulumi.Input[str]
    apply_foreign: NotRequired[pulumi.Input[bool] | None]
    nodes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    mtu: NotRequired[pulumi.Input[int] | None]
    ipam: NotRequired[pulumi.Input[str] | None]
    dns: NotRequired[pulumi.Input[str] | None]
    reversedns: NotRequired[pulumi.Input[str] | None]
    dnszone: NotRequired[pulumi.Input[str] | None]
    vnets: NotRequired[pulumi.Input[Mapping[str, Vnet | Mapping[str, Any]]] | None]
    dhcp: NotRequired[pulumi.Input[str] | None]
    bridge: NotRequired[pulumi.Input[str] | None]
    bridge_disable_mac_learning: NotRequired[pulumi.Input[bool] | None]
    tag: NotRequired[pulumi.Input[int] | None]
    vlan_protocol: NotRequired[pulumi.Input[str] | None]
    peers: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    fabric: NotRequired[pulumi.Input[str] | None]
    vxlan_port: NotRequired[pulumi.Input[int] | None]
    controller: NotRequired[pulumi.Input[str] | None]
    vrf_vxlan: NotRequired[pulumi.Input[int] | None]
    mac: NotRequired[pulumi.Input[str] | None]
    exitnodes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    exitnodes_local_routing: NotRequired[pulumi.Input[bool] | None]
    exitnodes_primary: NotRequired[pulumi.Input[str] | None]
    advertise_subnets: NotRequired[pulumi.Input[bool] | None]
    disable_arp_nd_suppression: NotRequired[pulumi.Input[bool] | None]
    rt_import: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]


class SdnZone(Resource, kind="sdn_zone"):
    """A zone with its VNets and subnets."""

    zone: pulumi.Output[str]
    type: pulumi.Output[str]
    vnets: pulumi.Output[dict[str, Any] | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SdnZoneArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
