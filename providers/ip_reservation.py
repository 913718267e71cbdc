"""An address that Proxmox's own IP address management keeps for a MAC address on a VNet.

API: `/cluster/sdn/vnets/{vnet}/ips`. It takes effect at once, and the zone has to use the IPAM `pve`. With a `vmid`
Proxmox takes away whatever other address the MAC address has on the VNet. There is no room for a mark, so a died run's
reservation is known again by being exactly as declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._runtime.api import Api, quoted
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, ApiRefused
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.markers import Immutable
from providers._runtime.model import Changes, Inputs, Problem, Values, from_wire, to_wire
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._sdn import preflight
from providers._sdn.handler import confirm_gone
from providers._sdn.objects import Ask
from providers._sdn.parts import Address, Mac, Name, inside

STATUS = "/cluster/sdn/ipams/pve/status"
GONE = r"does not exist|can't find any subnet"


class IpReservationInputs(Inputs):
    """A reservation as declared."""

    zone: Annotated[Name, Immutable()] = Field(description="The VNet's zone.")
    vnet: Annotated[Name, Immutable()] = Field(description="The VNet.")
    ip: Annotated[Address, Immutable()] = Field(description="The address, in one of the VNet's subnets.")
    mac: Annotated[Mac, AfterValidator(str.upper)] = Field(description="The MAC address that it is kept for.")
    vmid: Annotated[int | None, Field(ge=100, le=999999999)] = Field(
        default=None, description="The guest that the MAC address belongs to, for people who look."
    )


class IpReservationOutputs(IpReservationInputs):
    """A reservation as it is."""


class IpReservationHandler(Handler):
    """Reservations as Proxmox keeps them."""

    inputs: ClassVar = IpReservationInputs
    outputs: ClassVar = IpReservationOutputs
    coverage: ClassVar = Coverage(methods=("POST /cluster/sdn/vnets/{vnet}/ips", "PUT /cluster/sdn/vnets/{vnet}/ips"))

    def find(self, api: Api, wanted: Values) -> Found | None:
        """In the list of all that are given out."""
        return self._found(api.get, wanted["zone"], wanted["vnet"], wanted["ip"])

    def read(self, api: Api, id_: str) -> Found | None:
        """All that read at the same time share the list."""
        _, zone, vnet, _, ip = id_.split("/")
        found = self._found(api.facts.listing, zone, vnet, ip)
        if found is None:
            confirm_gone(api, f"sdn/vnets/{vnet}")
        return found

    def _found(self, ask: Ask, zone: str, vnet: str, ip: str) -> Found | None:
        for row in ask(STATUS, {}):
            if row.get("zone") == zone and row.get("vnet") == vnet and row.get("ip") == ip and not row.get("gateway"):
                values = from_wire(IpReservationInputs, row)
                return Found(_id(values), values)
        return None

    def create(self, api: Api, wanted: Values) -> str:
        """Proxmox says itself that an address is given out already."""
        self._write(api, wanted)
        return _id(wanted)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Proxmox changes the address of a MAC address, and not the other way round."""
        if todo:
            self.delete(api, found.id, found.values)
            self._write(api, wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """One that is gone, with its subnet or without, is no error."""
        try:
            api.delete(_path(values), {name: values[name] for name in ("zone", "ip", "mac")})
        except ApiRefused as refused:
            if not refused.says(GONE):
                raise
        api.facts.forget()

    @staticmethod
    def _write(api: Api, wanted: Values) -> None:
        parameters = {name: text for name, text in to_wire(IpReservationInputs, wanted).items() if name != "vnet"}
        try:
            (api.put if "vmid" in wanted else api.post)(_path(wanted), parameters)
        except ApiRefused as refused:
            if refused.says("already exist"):
                raise AlreadyThere(f"the address {wanted['ip']} already exists in {STATUS}") from None
            raise
        api.facts.forget()

    def claims(self, wanted: Values) -> Iterator[Claim]:
        """An address is given out once in a zone."""
        if "zone" in wanted and "ip" in wanted:
            words = f"another resource of this program reserves {wanted['ip']} as well"
            yield Claim("ip", ("sdn", "ips", wanted["zone"], wanted["ip"]), words)

    def needs(self, wanted: Values) -> list[Need]:
        """An address is its VNet's."""
        known = "zone" in wanted and "vnet" in wanted
        return [(f"/sdn/zones/{wanted['zone']}/{wanted['vnet']}", "SDN.Allocate")] if known else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The VNet with a subnet around the address, in a zone that uses Proxmox's own IPAM."""
        yield from preflight.named(facts, "zones", "zone", wanted)
        yield from preflight.named(facts, "vnets", "vnet", wanted)
        for row in facts.look("/cluster/sdn/zones") or ():
            if row["zone"] == wanted.get("zone") and row.get("ipam") != "pve":
                yield "zone", f"zone {row['zone']} does not use the IPAM pve, so nothing is kept for it"
        vnet, ip = wanted.get("vnet"), wanted.get("ip")
        rows = facts.look(f"/cluster/sdn/vnets/{quoted(vnet)}/subnets") if vnet and ip else None
        cidrs = [str(row["cidr"]) for row in rows or ()]
        if rows is not None and not facts.announced("vnet", str(vnet)) and not any(inside(str(ip), c) for c in cidrs):
            yield "ip", f"{ip} is in none of the subnets of {vnet}: {', '.join(cidrs) or 'it has none'}"


def _id(values: Values) -> str:
    return f"sdn/{values['zone']}/{values['vnet']}/ips/{values['ip']}"


def _path(values: Values) -> str:
    return f"/cluster/sdn/vnets/{quoted(values['vnet'])}/ips"


class IpReservationArgs(CommonArgs):
    """Arguments of `IpReservation`."""

    zone: pulumi.Input[str]
    vnet: pulumi.Input[str]
    ip: pulumi.Input[str]
    mac: pulumi.Input[str]
    vmid: NotRequired[pulumi.Input[int] | None]


class IpReservation(Resource, kind="ip_reservation"):
    """A reservation."""

    ip: pulumi.Output[str]
    mac: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[IpReservationArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
