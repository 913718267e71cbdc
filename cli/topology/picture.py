"""What is in the picture of a lab: hosts with their guests, networks, virtual addresses, and who is in which of them.

Each guest is in one row. A lab of many guests has rows of several that are alike, so that its picture stays one.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cli.topology.address import in_order, short, within
from lab_outputs import Guest, Host, Lab, Network, Nic, Vip

ROWS = 40
"""More rows than that are hard to follow: then guests that are alike share one."""
WIDTH = 28
"""Letters in a line of what a network is for."""
ELSEWHERE = "other networks"
PALETTE = ("#0969da", "#1a7f37", "#bc4c00", "#8250df", "#bf3989", "#0b7a75", "#9a6700", "#cf222e")
"""The networks' colours, which can be told from each other and from a bright page; the ninth has the first again."""
TYPES = {"qemu": "VM", "lxc": "CT"}


@dataclass(frozen=True)
class Line:
    """A network or a virtual address, which others are attached to."""

    name: str
    notes: tuple[str, ...]
    colour: int | None
    """Place in the palette; a virtual address has its network's."""


@dataclass(frozen=True)
class End:
    """That the guests of a row, or a host, are in a network."""

    network: int
    """Its place among the networks."""
    addresses: tuple[str, ...]
    """The fixed ones, as short as the network allows; in ascending order."""

    def label(self, alone: bool) -> str:
        """What stands at the end: the addresses of one guest, and from where to where those of several are."""
        if alone or len(self.addresses) < 2:  # noqa: PLR2004 - one address is no range
            return ", ".join(self.addresses)
        return f"{self.addresses[0]}-{self.addresses[-1]}"


@dataclass(frozen=True)
class Row:
    """A guest, or several that are alike."""

    guests: Mapping[str, Guest]
    ends: tuple[End, ...]
    ranks: Mapping[int, int]
    """Place of a virtual address -> how soon this guest has it: the first one has it as long as it can."""

    @property
    def label(self) -> str:
        """The guest's name, or those of the first and the last one."""
        names = list(self.guests)
        return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"

    @property
    def detail(self) -> str:
        """Which guest it is, or how many they are."""
        guests = list(self.guests.values())
        kind = TYPES[guests[0].type]
        return f"{kind} {guests[0].vmid}" if len(guests) == 1 else f"{len(guests)} {kind}s"


@dataclass(frozen=True)
class Box:
    """A host, and what was made on it."""

    name: str
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    ends: tuple[End, ...]
    """The networks that its own address is in."""
    ranks: Mapping[int, int]


@dataclass(frozen=True)
class Picture:
    """All of it."""

    title: str
    networks: tuple[Line, ...]
    vips: tuple[Line, ...]
    boxes: tuple[Box, ...]

    @property
    def summary(self) -> str:
        """How much of everything there is."""
        guests = sum(len(row.guests) for box in self.boxes for row in box.rows)
        counts = {
            "host": len(self.boxes),
            "guest": guests,
            "network": len(self.networks),
            "virtual address": len(self.vips),
        }
        return ", ".join(_counted(number, what) for what, number in counts.items() if number)


def picture_of(lab: Lab, title: str) -> Picture:
    """The picture of a lab; the same lab has the same one, in whatever order it tells things."""
    names = networks_of(lab)
    places = {name: place for place, name in enumerate(names)}
    vips = {name: lab.vips[name] for name in sorted(lab.vips, key=natural)}
    hosts = sorted({*lab.hosts, *(guest.host for guest in lab.guests.values())}, key=natural)
    rows = _rows(lab, places, vips)
    lines = [Line(name, _network_notes(name, lab.networks[name]), places[name] % len(PALETTE)) for name in names]
    if any(end.network == len(names) for row in rows for end in row.ends):
        lines.append(Line(ELSEWHERE, (), None))
    return Picture(
        title=title,
        networks=tuple(lines),
        vips=tuple(Line(name, _vip_notes(vip, lab), _colour(vip, places)) for name, vip in vips.items()),
        boxes=tuple(
            Box(
                name=host,
                notes=_host_notes(host, lab.hosts.get(host)),
                rows=tuple(row for row in rows if next(iter(row.guests.values())).host == host),
                ends=tuple(_host_ends(lab.hosts.get(host), [lab.networks[name] for name in names])),
                ranks={} if host in lab.guests else _ranks(host, vips),
            )
            for host in hosts
        ),
    )


def _colour(vip: Vip, places: Mapping[str, int]) -> int | None:
    place = places.get(vip.network or "")
    return None if place is None else place % len(PALETTE)


def networks_of(lab: Lab) -> list[str]:
    """The networks by their names: first those without a VLAN, then the others by its number."""
    return sorted(lab.networks, key=lambda name: (lab.networks[name].vlan or 0, natural(name)))


def natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    """To sort by: `web-2` comes before `web-10`."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", text)
    return [(0, int(digits), "") if digits else (1, 0, word) for digits, word in parts], text


def _rows(lab: Lab, places: Mapping[str, int], vips: Mapping[str, Vip]) -> list[Row]:
    """Each guest by itself; where these are too many, those that are alike together, in a wider sense if need be."""
    names = sorted(lab.guests, key=natural)

    def nets(name: str) -> tuple[str | None, ...]:
        return tuple(sorted({nic.network for nic in lab.guests[name].nics.values()}, key=str))

    def alike(name: str) -> Hashable:
        guest = lab.guests[name]
        return guest.host, guest.type, nets(name), name if _ranks(name, vips) else None

    senses: list[Callable[[str], Hashable]] = [
        lambda name: name,
        lambda name: (alike(name), re.sub(r"-?[0-9]+$", "", name), lab.guests[name].groups),
        alike,
    ]
    found: list[list[str]] = []
    for sense in senses:
        found = _together(names, sense)
        if len(found) <= ROWS:
            break
    return [_row({name: lab.guests[name] for name in group}, lab, places, vips) for group in found]


def _together(names: Iterable[str], sense: Callable[[str], Hashable]) -> list[list[str]]:
    groups: dict[Hashable, list[str]] = {}
    for name in names:
        groups.setdefault(sense(name), []).append(name)
    return list(groups.values())


def _row(guests: Mapping[str, Guest], lab: Lab, places: Mapping[str, int], vips: Mapping[str, Vip]) -> Row:
    attached: dict[int, list[Nic]] = {}
    for guest in guests.values():
        for nic in guest.nics.values():
            attached.setdefault(places.get(nic.network or "", len(places)), []).append(nic)
    ends = tuple(_end(place, attached[place], lab) for place in sorted(attached))
    return Row(guests, ends, _ranks(next(iter(guests)), vips))


def _end(place: int, nics: Iterable[Nic], lab: Lab) -> End:
    found = in_order(nic.address for nic in nics if nic.address)
    cidrs = [lab.networks[name].cidr for name in networks_of(lab)]
    cidr = cidrs[place] if place < len(cidrs) else None
    return End(place, tuple(short(address, cidr) for address in found))


def _host_ends(host: Host | None, networks: Sequence[Network]) -> Iterator[End]:
    for place, network in enumerate(networks):
        if host and host.address and within(host.address, network.cidr):
            yield End(place, (short(host.address, network.cidr),))


def _ranks(name: str, vips: Mapping[str, Vip]) -> dict[int, int]:
    return {place: vip.members.index(name) + 1 for place, vip in enumerate(vips.values()) if name in vip.members}


def _network_notes(name: str, network: Network) -> tuple[str, ...]:
    bridge = f"VNet {network.bridge}" if network.vnet and network.bridge else network.bridge
    wire = [*([bridge] if bridge else []), *([f"VLAN {network.vlan}"] if network.vlan else [])]
    dhcp = "-".join(short(address, network.cidr) for address in network.dhcp or ())
    roles = ", ".join(role for role in network.roles if role != name)
    return (
        *textwrap.wrap(roles, WIDTH),
        *([" · ".join(wire)] if wire else []),
        *([network.cidr] if network.cidr else []),
        *([f"gateway {short(network.gateway, network.cidr)}"] if network.gateway else []),
        *([f"DHCP {dhcp}"] if dhcp else []),
        *([f"MTU {network.mtu}"] if network.mtu else []),
        *([network.domain] if network.domain else []),
    )


def _vip_notes(vip: Vip, lab: Lab) -> tuple[str, ...]:
    others = [name for name in vip.members if name not in lab.guests and name not in lab.hosts]
    network = [f"in {vip.network}"] if vip.network else []
    return (vip.address, *network, *(f"also {name}" for name in others))


def _host_notes(name: str, host: Host | None) -> tuple[str, ...]:
    if host is None:
        return ()
    return (
        *([f"node {host.node}"] if host.node != name else []),
        *([host.address] if host.address else []),
        *([f"connection {host.connection}"] if host.connection and host.connection != name else []),
    )


def _counted(number: int, what: str) -> str:
    plural = f"{what}es" if what.endswith("s") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"
