"""Addresses in a picture: in ascending order, and without what the network says of them already."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

IPV4 = 4


def short(address: str, cidr: str | None) -> str:
    """The part of an address that its network leaves open: `.11` of 10.7.0.11 in 10.7.0.0/24."""
    if not within(address, cidr):
        return address
    network, wanted = ipaddress.ip_network(cidr or "", strict=False), ipaddress.ip_address(address)
    if wanted.version == IPV4:
        same = min(network.prefixlen // 8, 3)
        return "." * bool(same) + ".".join(str(wanted).split(".")[same:])
    prefix = str(network.network_address).removesuffix("::")
    return str(wanted).removeprefix(prefix)


def within(address: str, cidr: str | None) -> bool:
    """Whether an address is in a network; what is no address is in none."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(cidr or "", strict=False)
    except ValueError:
        return False


def in_order(addresses: Iterable[str]) -> list[str]:
    """Numbers by their size, and what is no number at the end."""

    def size(address: str) -> tuple[int, int, str]:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return 9, 0, address
        return found.version, int(found), address

    return sorted(addresses, key=size)
