"""DNS: a zone file (RFC 1035) with the names of guests, hosts and virtual addresses.

The zone is the domain of the lab's networks; where some of them are in domains below it, so are their guests. Its name
server is what the lab has in its group `dns`, or else `localhost.`. The serial number is always the same: who serves
the zone to secondaries sets it when it is published.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from components.handoff import NothingForItError
from lab_outputs.models import Lab

FILE = "zone.db"
SERVERS = "dns"
"""The group of those that serve names."""
TIMES = "1 3600 600 604800 300"
"""Serial, refresh, retry, expire, and how long it is remembered that there is no such name."""


def render(lab: Lab) -> str:
    """The start of authority, the name servers, and one address for each name; of two alike the first is meant."""
    zone = _zone(lab)
    guests, names = _guests(lab, zone), dict[str, str]()
    for name, address in (*guests.values(), *_vips(lab, zone), *_hosts(lab)):
        names.setdefault(name, address)
    if not names:
        raise NothingForItError(f"nothing in {zone} has a fixed address")
    servers = [name for guest, (name, _) in guests.items() if SERVERS in lab.guests[guest].groups] or ["localhost."]
    lines = [f"$ORIGIN {zone}.", "$TTL 300", f"@ IN SOA {servers[0]} hostmaster {TIMES}"]
    lines += [f"@ IN NS {name}" for name in servers]
    lines += [f"{name} IN {_type(address)} {address}" for name, address in names.items()]
    return "\n".join(lines) + "\n"


def _zone(lab: Lab) -> str:
    """The domain that all others are in."""
    domains = sorted(
        {network.domain for network in lab.networks.values() if network.domain}, key=lambda name: (len(name), name)
    )
    if not domains:
        raise NothingForItError("none of its networks has a domain")
    apart = [name for name in domains if not f".{name}".endswith(f".{domains[0]}")]
    if apart:
        raise NothingForItError(f"a file is one zone, and its networks are in {domains[0]} and {', '.join(apart)}")
    return domains[0]


def _guests(lab: Lab, zone: str) -> dict[str, tuple[str, str]]:
    """Guest -> its name in the zone and its address: the first of its fixed ones in a domain."""
    found: dict[str, tuple[str, str]] = {}
    for name, guest in lab.guests.items():
        for nic in guest.nics.values():
            network = lab.networks.get(nic.network or "")
            if nic.address and network and network.domain:
                found.setdefault(name, (_within(name, network.domain, zone), nic.address))
    return found


def _vips(lab: Lab, zone: str) -> Iterator[tuple[str, str]]:
    for name, vip in lab.vips.items():
        network = lab.networks.get(vip.network or "")
        if network and network.domain:
            yield _within(name, network.domain, zone), vip.address


def _hosts(lab: Lab) -> Iterator[tuple[str, str]]:
    """Those that are known by an address; one that is known by a name has it elsewhere."""
    for name, host in lab.hosts.items():
        if host.address is not None and _type(host.address):
            yield name, host.address


def _within(name: str, domain: str, zone: str) -> str:
    """A name as it is written in the zone."""
    return f"{name.removesuffix(f'.{domain}')}.{domain}".removesuffix(f".{zone}")


def _type(address: str) -> str:
    """The type of the record for an address; empty if it is none."""
    try:
        return {4: "A", 6: "AAAA"}[ipaddress.ip_address(address).version]
    except ValueError:
        return ""
