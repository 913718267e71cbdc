"""VNets and their subnets, as a zone's maps and as resources of their own have them."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from providers._runtime.errors import InvalidValue
from providers._runtime.markers import Action, Carrier, Repeated, ServerDefault, Wire
from providers._runtime.wire import Part

ROOM_FOR_THE_MARK = 176
"""Characters of an alias that are left for its text; Linux takes 256."""


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise InvalidValue(f"it is no network: {error}") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise InvalidValue(str(error)) from None


Cidr = Annotated[str, AfterValidator(_network)]
Address = Annotated[str, AfterValidator(_address)]
Name = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]$", min_length=2, max_length=8)]
Mac = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$")]
ServiceName = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]$", min_length=2)]
Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
Fingerprint = Annotated[str, Field(pattern=r"^([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}$")]
DnsName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]


class DhcpRange(Part):
    """Addresses that are given out by DHCP."""

    start_address: Address = Field(alias="start-address", description="The first address.")
    end_address: Address = Field(alias="end-address", description="The last address.")


class SubnetFields(BaseModel):
    """What a subnet has besides its network."""

    gateway: Address | None = Field(
        default=None, description="Address of the gateway, which the nodes have on a VNet of a `simple` or `evpn` zone."
    )
    snat: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether packets that leave it get the node's own address."
    )
    dhcp_range: Annotated[list[DhcpRange] | None, Wire("dhcp-range"), Repeated()] = Field(
        default=None, min_length=1, description="Ranges of addresses that are given out by DHCP."
    )
    dhcp_dns_server: Annotated[Address | None, Wire("dhcp-dns-server")] = Field(
        default=None, description="Name server that DHCP tells."
    )
    dnszoneprefix: DnsName | None = Field(
        default=None, description="Put between a guest's name and the zone's domain, such as `adm`."
    )


class Subnet(SubnetFields, Part):
    """One subnet of a VNet; the key is its network, such as `10.0.0.0/24`."""


class VnetFields(BaseModel):
    """What a VNet has besides its name."""

    tag: Annotated[int | None, Field(ge=1, le=16777215)] = Field(
        default=None, description="VLAN or VXLAN tag; a `simple` zone has none, all others need one."
    )
    alias: Annotated[
        str | None, Carrier(), Field(max_length=ROOM_FOR_THE_MARK, pattern=r"^[()*+,./:;<=>?@\[\]\\^\w\s-]*$")
    ] = Field(default=None, description="What the VNet is for.")
    vlanaware: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether guests may tag VLANs of their own in it; then it can have no subnets."
    )
    isolate_ports: Annotated[bool | None, Wire("isolate-ports"), ServerDefault(value=False)] = Field(
        default=None, description="Whether guests on it can't reach each other."
    )


class Vnet(VnetFields, Part):
    """One VNet of a zone; the key is its name, which guests give as their bridge."""

    subnets: Annotated[dict[Cidr, Subnet] | None, Action()] = Field(
        default=None, description="Its subnets by their networks."
    )

    @model_validator(mode="after")
    def _subnets_fit(self) -> Vnet:
        if self.vlanaware and self.subnets:
            raise InvalidValue("a VNet that is vlanaware can have no subnets")
        for problem in overlapping(list(self.subnets or ())):
            raise InvalidValue(problem)
        for cidr, subnet in (self.subnets or {}).items():
            for problem in subnet_problems(cidr, subnet.model_dump(exclude_none=True)):
                raise InvalidValue(f"subnets.{cidr}.{problem}")
        return self


def subnet_problems(cidr: str, subnet: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a subnet's addresses, as `field: reason`."""
    network = ipaddress.ip_network(cidr)
    gateway = subnet.get("gateway")
    if gateway and network.num_addresses > 1 and ipaddress.ip_address(gateway) not in network:
        yield f"gateway: {gateway} is not in {cidr}"
    ranges = []
    for each in subnet.get("dhcp_range", ()):
        first, last = (ipaddress.ip_address(each[name]) for name in ("start_address", "end_address"))
        for address in (first, last):
            if address not in network:
                yield f"dhcp_range: {address} is not in {cidr}"
        if int(first) > int(last):
            yield f"dhcp_range: {first} is behind {last}"
        ranges.append((int(first), int(last), f"{first} to {last}"))
    ranges.sort()
    for (_, end, one), (begin, _, other) in itertools.pairwise(ranges):
        if begin <= end:
            yield f"dhcp_range: {one} and {other} have addresses in common"


def inside(address: str, cidr: str) -> bool:
    """Whether an address lies in a network."""
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False)


def overlapping(cidrs: list[str]) -> Iterator[str]:
    """Which networks have addresses in common."""
    networks = sorted((ipaddress.ip_network(cidr) for cidr in cidrs), key=lambda each: (each.version, each))
    for one, other in itertools.pairwise(networks):
        if one.version == other.version and one.overlaps(other):
            yield f"subnets: {one} and {other} have addresses in common"
