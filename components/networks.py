"""Networks as a program plans them: VLAN, addresses, and which of these DHCP gives out."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

VLANS = range(1, 4095)


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network."""

    cidr: str
    """Such as `10.7.0.0/24`."""
    vlan: int | None = None
    """Its VLAN; a network without one is untagged."""
    gateway: str | None = None
    """Where its guests send what is for others; the first address where not set."""
    mtu: int | None = None
    dhcp: tuple[str, str] | None = None
    """The first and the last address that are given out."""

    def __post_init__(self) -> None:
        network = ipaddress.ip_network(self.cidr)
        if self.vlan is not None and self.vlan not in VLANS:
            raise ValueError(f"there is no VLAN {self.vlan}: they are {VLANS.start} to {VLANS.stop - 1}")
        for address in (self.router, *(self.dhcp or ())):
            if ipaddress.ip_address(address) not in network:
                raise ValueError(f"{address} is not in {self.cidr}")
        if self.dhcp is not None:
            first, router, last = (
                int(ipaddress.ip_address(each)) for each in (self.dhcp[0], self.router, self.dhcp[1])
            )
            if first > last:
                raise ValueError(f"the addresses that DHCP gives out in {self.cidr} end before they begin")
            if first <= router <= last:
                raise ValueError(f"DHCP would give out {self.router}, the gateway of {self.cidr}")

    @property
    def router(self) -> str:
        """The address of its gateway."""
        return self.gateway or str(ipaddress.ip_network(self.cidr)[1])

    def interface(self, address: str) -> str:
        """One of its addresses as an interface has it: with the prefix length."""
        network = ipaddress.ip_network(self.cidr)
        if ipaddress.ip_address(address) not in network:
            raise ValueError(f"{address} is not in {self.cidr}")
        return f"{address}/{network.prefixlen}"


def check(networks: Mapping[str, Network]) -> None:
    """Refuse networks that can't be beside each other on one host."""
    for clash in clashes(networks):
        raise ValueError(clash)


def clashes(networks: Mapping[str, Network]) -> Iterator[str]:
    """Which networks have addresses or a VLAN in common."""
    for (one, first), (other, second) in itertools.combinations(networks.items(), 2):
        here, there = ipaddress.ip_network(first.cidr), ipaddress.ip_network(second.cidr)
        if here.version == there.version and here.overlaps(there):
            yield f"{one} ({here}) and {other} ({there}) have addresses in common"
        if first.vlan is not None and first.vlan == second.vlan:
            yield f"{one} and {other} are both VLAN {first.vlan}"
