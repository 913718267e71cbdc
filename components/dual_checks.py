"""What in a lab of two hosts does not fit together, told before anything is made."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from components.answer_file import install_problems
from components.dual_args import DualHypervisorArgs, Guest, Network
from components.dual_outputs import LAN
from components.placement import NoRoomError, mebibytes, place
from components.problem import Problem

HOSTS = 2


def problems(lab: DualHypervisorArgs) -> Iterator[Problem]:
    """All that is wrong; placing comes last, since it needs all else to be right."""
    found = [*_hosts(lab), *_template(lab), *_networks(lab), *_names(lab), *_guests(lab), *_addresses(lab)]
    yield from found or _places(lab)


def _hosts(lab: DualHypervisorArgs) -> Iterator[Problem]:
    if len(lab.hosts) != HOSTS:
        reason = "this lab has two hosts; three are enough for a cluster with a quorum, which is another kind of lab"
        yield Problem("hosts", list(lab.hosts), reason)
    for (one, first), (other, second) in combinations(lab.hosts.items(), 2):
        if first.connection == second.connection:
            reason = f"{one} has that connection already; hosts that are in no cluster have one each"
            yield Problem(f"hosts.{other}.connection", second.connection, reason)
    for name, host in lab.hosts.items():
        yield from host.problems(f"hosts.{name}")
        for key, reason in install_problems(host.install) if host.install else ():
            yield Problem(f"hosts.{name}.install.{key}", getattr(host.install, key), reason)


def _template(lab: DualHypervisorArgs) -> Iterator[Problem]:
    if (lab.template.image is None) == (lab.template.guest is None):
        yield Problem("template", lab.template.name, "it is made of an `image` or of a `guest`; give one of them")
    vm = lab.opnsense.vm
    if vm is not None and vm.host not in lab.hosts:
        yield Problem("opnsense.vm.host", vm.host, _no_such_host(lab))


def _networks(lab: DualHypervisorArgs) -> Iterator[Problem]:
    networks = _all_networks(lab)
    good: dict[str, Network] = {}
    for key, network in networks.items():
        wrong = list(_network(key, network))
        yield from wrong
        if not wrong:
            good[key] = network
    for (one, first), (other, second) in combinations(good.items(), 2):
        if ipaddress.ip_network(first.subnet).overlaps(ipaddress.ip_network(second.subnet)):
            yield Problem(f"{other}.subnet", second.subnet, f"it overlaps {one}.subnet ({first.subnet}); take another")
    for field in ("vlan", "name"):
        seen: dict[Any, int] = {}
        for number, tenant in enumerate(lab.tenants):
            value = getattr(tenant, field)
            if value == LAN:
                yield Problem(f"tenants.{number}.{field}", value, "the hosts' own network is called so; take another")
            if seen.setdefault(value, number) != number:
                reason = f"tenants.{seen[value]} has it already; each tenant has its own"
                yield Problem(f"tenants.{number}.{field}", value, reason)


def _all_networks(lab: DualHypervisorArgs) -> dict[str, Network]:
    tenants: dict[str, Network] = {f"tenants.{number}": tenant for number, tenant in enumerate(lab.tenants)}
    return {**({"lan": lab.lan} if lab.lan else {}), **tenants}


def _network(key: str, network: Network) -> Iterator[Problem]:
    try:
        subnet = ipaddress.IPv4Network(network.subnet)
    except ValueError as error:
        yield Problem(f"{key}.subnet", network.subnet, f"{error}; write it like 10.20.0.0/24")
        return
    if subnet.num_addresses < 8:  # noqa: PLR2004 - the network, the router, the broadcast, and some guests
        yield Problem(f"{key}.subnet", network.subnet, "it is too small for a router and guests; take a /29 or larger")
        return
    hosts = (subnet[1], subnet[-2])
    try:
        gateway, (first, last) = ipaddress.IPv4Address(network.gateway), network.pool
    except ValueError as error:
        yield Problem(key, f"{network.gateway}, {network.dhcp_pool}", f"{error}; write addresses like {subnet[1]}")
        return
    if not hosts[0] <= gateway <= hosts[1]:
        yield Problem(f"{key}.router", network.router, f"it is no address of {subnet}; take one of its own")
    if not hosts[0] <= first <= last <= hosts[1]:
        reason = f"it has to go upwards from {hosts[0]} or later to {hosts[1]} or earlier, inside of {subnet}"
        yield Problem(f"{key}.dhcp_pool", network.dhcp_pool, reason)
    elif first <= gateway <= last:
        reason = f"it holds the router's address {gateway}; leave that out"
        yield Problem(f"{key}.dhcp_pool", network.dhcp_pool, reason)


def _names(lab: DualHypervisorArgs) -> Iterator[Problem]:
    vm = lab.opnsense.vm
    seen = {lab.template.name: "the template"}
    if vm is not None and seen.setdefault(vm.name, "the router") != "the router":
        yield Problem("opnsense.vm.name", vm.name, "the template is called so already; take another name")
    for number, guest in enumerate(lab.guests):
        for name in guest.names:
            if name in seen:
                reason = f"{name!r} is the name of {seen[name]} already; take another"
                yield Problem(f"guests.{number}.name", guest.name, reason)
            seen[name] = f"guests.{number}"


def _guests(lab: DualHypervisorArgs) -> Iterator[Problem]:
    tenants = {tenant.name for tenant in lab.tenants}
    for number, guest in enumerate(lab.guests):
        if mebibytes(guest.disk) < mebibytes(lab.template.disk):
            reason = f"it is a clone of the template, whose disk has {lab.template.disk}; take as much, or more"
            yield Problem(f"guests.{number}.disk", guest.disk, reason)
        if guest.host is not None and guest.host not in lab.hosts:
            yield Problem(f"guests.{number}.host", guest.host, _no_such_host(lab))
        if (guest.workload == "tenant") != (guest.tenant is not None):
            reason = "a guest of workload `tenant` names its tenant, and no other does"
            yield Problem(f"guests.{number}.tenant", guest.tenant, reason)
        elif guest.tenant is not None and guest.tenant not in tenants:
            there = ", ".join(sorted(tenants)) or "none"
            yield Problem(f"guests.{number}.tenant", guest.tenant, f"there is no such tenant; there are: {there}")


def _no_such_host(lab: DualHypervisorArgs) -> str:
    return f"there is no such host; there are: {', '.join(lab.hosts)}"


def _addresses(lab: DualHypervisorArgs) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, guest in enumerate(lab.guests):
        key = f"guests.{number}.addresses"
        if guest.addresses and len(guest.addresses) != len(guest.names):
            yield Problem(key, list(guest.addresses), f"there are {len(guest.names)} guests; give one each, or none")
        for address in guest.addresses:
            reason = _address(address, lab.network_of(guest), guest)
            if reason:
                yield Problem(key, address, reason)
            elif address in seen:
                yield Problem(key, address, f"guests.{seen[address]} has it already; take another")
            seen[address] = number


def _address(address: str, network: Network | None, guest: Guest) -> str | None:
    """Why a network can't reserve an address."""
    if network is None:
        return "nothing is known of that network; declare " + ("the tenant" if guest.tenant else "`lan`")
    if list(_network("", network)):
        return None
    try:
        wanted = ipaddress.IPv4Address(address)
    except ValueError as error:
        return f"{error}; write it like {network.gateway}"
    subnet, (first, last) = ipaddress.IPv4Network(network.subnet), network.pool
    if not subnet[1] <= wanted <= subnet[-2] or str(wanted) == network.gateway:
        return f"it is no address for a guest in {subnet}, where the router is {network.gateway}"
    if first <= wanted <= last:
        return f"it is in the pool {network.dhcp_pool}, from which anybody may get it; take one outside"
    return None


def _places(lab: DualHypervisorArgs) -> Iterator[Problem]:
    try:
        place({name: host.room for name, host in lab.hosts.items()}, lab.wishes)
    except NoRoomError as error:
        numbers = (f"guests.{number}" for number, guest in enumerate(lab.guests) if error.wish.name in guest.names)
        key, wish = next(numbers, "opnsense.vm"), error.wish
        yield Problem(key, wish.name, f"{error}; take less, or give the host more or reserve less of it")
