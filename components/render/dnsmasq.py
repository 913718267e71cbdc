"""The configuration of dnsmasq: names and addresses for the guests of one network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

Span = tuple[IPv4Address, IPv4Address]
"""First and last address, both included."""
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_LEASE = re.compile(r"\d+[smhdw]?|infinite")


@dataclass(frozen=True, kw_only=True)
class DnsHost:
    """A guest that has a name and an address of its own."""

    name: str
    """Without the domain."""
    address: str
    """Without a prefix length."""
    mac: str | None = None
    """Of a guest that asks for its address by DHCP."""

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name of a host: letters, digits and hyphens")
        if self.mac is not None and not _MAC.fullmatch(self.mac):
            raise ValueError(f"{self.mac!r} is no MAC address: write it like BC:24:11:00:00:01")
        ipaddress.IPv4Address(self.address)


@dataclass(frozen=True, kw_only=True)
class DnsZone:
    """What all servers of a network have in common."""

    domain: str
    network: str
    """Such as 192.0.2.0/24."""
    first: str
    """First address that may be given out."""
    last: str
    router: str
    """What guests take as their way out: a gateway, or an address that several routers share."""
    hosts: Sequence[DnsHost] = ()
    taken: Collection[str] = ()
    """Other addresses of the network that are never given out."""
    lease: str = "48h"
    upstream: Sequence[str] = ()
    """The servers that know all other names; where there is none, only the domain's are known."""

    def __post_init__(self) -> None:
        network = ipaddress.IPv4Network(self.network)
        first, last = IPv4Address(self.first), IPv4Address(self.last)
        if not (first <= last and first > network.network_address and last < network.broadcast_address):
            raise ValueError(f"{first} to {last} is no range of addresses of {network}")
        for address in (self.router, *(host.address for host in self.hosts)):
            if IPv4Address(address) not in network:
                raise ValueError(f"{address} is not in {network}")
        if not all(_LABEL.fullmatch(label) for label in self.domain.split(".")):
            raise ValueError(f"{self.domain!r} is no domain")
        if not _LEASE.fullmatch(self.lease):
            raise ValueError(f"{self.lease!r} is no time of a lease: write it like 48h or 30m")
        for what in ("name", "address"):
            values = [str(getattr(host, what)).lower() for host in self.hosts]
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"two hosts have the same {what}: {', '.join(twice)}")


def free(first: IPv4Address, last: IPv4Address, taken: Collection[IPv4Address]) -> list[Span]:
    """A range without what is taken: the stretches that are left, in their order."""
    edges = sorted({address for address in taken if first <= address <= last})
    starts = [int(first), *(int(address) + 1 for address in edges)]
    ends = [*(int(address) - 1 for address in edges), int(last)]
    return [(IPv4Address(start), IPv4Address(end)) for start, end in zip(starts, ends, strict=True) if start <= end]


def split(spans: Sequence[Span], servers: int) -> list[list[Span]]:
    """Addresses for each of several servers, as many for one as for another, and none for two of them."""
    total = sum(_size(span) for span in spans)
    if total < servers:
        raise ValueError(f"{total} free addresses are too few for {servers} servers")
    left = list(spans)
    return [
        list(_taken_from(left, total * (place + 1) // servers - total * place // servers)) for place in range(servers)
    ]


def _size(span: Span) -> int:
    return int(span[1]) - int(span[0]) + 1


def _taken_from(left: list[Span], count: int) -> Iterator[Span]:
    """So many addresses off the front of what is left."""
    while count:
        first, last = left.pop(0)
        if _size((first, last)) > count:
            left.insert(0, (first + count, last))
            last = first + (count - 1)
        count -= _size((first, last))
        yield first, last


def config(zone: DnsZone, place: int, interface: str, servers: Sequence[str]) -> str:
    """What one of the servers is told; `servers` are the addresses of all of them."""
    fixed = {host.address for host in zone.hosts} | {zone.router, *zone.taken, *servers}
    spans = free(IPv4Address(zone.first), IPv4Address(zone.last), {IPv4Address(address) for address in fixed})
    mask = ipaddress.IPv4Network(zone.network).netmask
    lines = [
        "port=53",
        f"interface={interface}",
        "bind-interfaces",
        "no-resolv",
        "no-hosts",
        "domain-needed",
        "bogus-priv",
        "expand-hosts",
        f"domain={zone.domain}",
        f"local=/{zone.domain}/",
        *(f"server={server}" for server in zone.upstream),
        *(f"dhcp-range={first},{last},{mask},{zone.lease}" for first, last in split(spans, len(servers))[place]),
        f"dhcp-option=option:router,{zone.router}",
        f"dhcp-option=option:dns-server,{','.join([servers[place], *_others(servers, place)])}",
        f"dhcp-option=option:domain-search,{zone.domain}",
        *([] if len(servers) > 1 else ["dhcp-authoritative"]),
        *(f"host-record={host.name}.{zone.domain},{host.name},{host.address}" for host in zone.hosts),
        *(f"dhcp-host={host.mac},{host.address},{host.name}" for host in zone.hosts if host.mac),
    ]
    return "".join(f"{line}\n" for line in lines)


def _others(servers: Sequence[str], place: int) -> list[str]:
    """The servers that a guest asks when this one does not answer."""
    return [server for other, server in enumerate(servers) if other != place]
