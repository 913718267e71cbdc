"""Who is where in a lab of three hosts: the host and the address of each guest, which follow from the page alone."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from components.addresses import AddressPlan
from components.ha_args import HAServiceNetworkArgs
from components.placement import Room, Wish, mebibytes, place


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Where everything is."""

    hosts: dict[str, str]
    """Guest -> host."""
    addresses: dict[str, str]
    """Guest -> its address without the prefix length; desktops have none of their own."""
    groups: dict[str, list[str]]
    """What a guest's name begins with -> the guests."""

    def of(self, group: str) -> list[str]:
        """The guests of a group; none if there is no such group."""
        return self.groups.get(group, [])


def names(group: str, count: int) -> list[str]:
    """What the guests of a group are called; the only one that can be is called as the group."""
    return [group] if group == "monitor" else [f"{group}-{number}" for number in range(1, count + 1)]


def plan(lab: HAServiceNetworkArgs) -> Plan:
    """Members of a group are on different hosts as long as there are enough of these."""
    groups = {group: names(group, sort.count) for group, sort in lab.groups}
    hosts = place({name: host.room for name, host in lab.hosts.items()}, wishes(lab))
    if lab.routers.run_on == "containers":
        groups = {"router": [f"router-{host}" for host in lab.hosts], **groups}
    fixed = [guest for group, guests in groups.items() if group != "desktop" for guest in guests]
    return Plan(hosts=hosts, addresses=_addresses(lab, fixed), groups=groups)


def wishes(lab: HAServiceNetworkArgs) -> list[Wish]:
    """What each guest takes; a router stays with its host."""
    found = []
    if lab.routers.run_on == "containers":
        takes = Room(memory=lab.routers.memory, disk=mebibytes(lab.routers.disk))
        found += [Wish(name=f"router-{host}", takes=takes, group="router", host=host) for host in lab.hosts]
    for group, sort in lab.groups:
        takes = Room(memory=sort.memory, disk=mebibytes(sort.disk))
        found += [
            Wish(name=name, takes=takes, group=group, number=number)
            for number, name in enumerate(names(group, sort.count))
        ]
    return found


def _addresses(lab: HAServiceNetworkArgs, guests: list[str]) -> dict[str, str]:
    """By name alone, so that a guest that is added changes nobody's."""
    start = int(ipaddress.ip_network(lab.network.cidr).network_address)
    first, last = (int(ipaddress.ip_address(end)) - start for end in lab.network.static)
    given = AddressPlan(lab.network.cidr, first=first, last=last)
    return {guest: given.of(guest).partition("/")[0] for guest in guests}
