"""What in a lab for OpenStack does not fit together, told before anything is made."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from components.networks import Network as Plain
from components.networks import clashes
from components.openstack_args import UNTAGGED, Host, Network, OpenStackLabArgs
from components.openstack_network import OUTSIDE
from components.openstack_plan import guests, numbers, placed
from components.placement import NoRoomError, mebibytes
from components.problem import Problem

SMALLEST = 24


def problems(lab: OpenStackLabArgs) -> Iterator[Problem]:
    """All that is wrong; what needs the networks and names to be right comes after these, and placing last."""
    found = [*_hosts(lab), *_networks(lab)]
    found = found or [*_between(lab), *_roles(lab)]
    found = found or [*_names(lab), *_addresses(lab), *_sizes(lab), *_proxy(lab)]
    yield from found or _places(lab)


def _hosts(lab: OpenStackLabArgs) -> Iterator[Problem]:
    for (one, first), (other, second) in combinations(lab.hosts.items(), 2):
        if (first.connection, first.node) == (second.connection, second.node):
            yield Problem(f"hosts.{other}.node", second.node, f"{one} is that node already; a host is named once")
        if first.address == second.address:
            yield Problem(f"hosts.{other}.outside", second.outside, f"{one} has that address already; take another")
    if (lab.template.image is None) == (lab.template.guest is None):
        yield Problem("template", lab.template.name, "it is made of an `image` or of a `guest`; give one of them")
    if lab.router is not None and lab.router not in lab.hosts:
        yield Problem("router", lab.router, _no_such_host(lab))
    for name, host in lab.hosts.items():
        yield from _outside(f"hosts.{name}", host)
        yield from host.problems(f"hosts.{name}")


def _no_such_host(lab: OpenStackLabArgs) -> str:
    return f"there is no such host; there are: {', '.join(lab.hosts)}"


def _outside(key: str, host: Host) -> Iterator[Problem]:
    try:
        own, gateway = ipaddress.IPv4Interface(host.outside), ipaddress.IPv4Address(host.gateway)
    except ValueError as error:
        yield Problem(key, f"{host.outside}, {host.gateway}", f"{error}; write them like 192.0.2.10/24 and 192.0.2.1")
        return
    if "/" not in host.outside:
        yield Problem(f"{key}.outside", host.outside, "it has no prefix length; write it like 192.0.2.10/24")
    elif gateway not in own.network or gateway == own.ip:
        reason = f"it is no other address of {own.network}, where the host is; take the router's"
        yield Problem(f"{key}.gateway", host.gateway, reason)


def _networks(lab: OpenStackLabArgs) -> Iterator[Problem]:
    if OUTSIDE in lab.networks:
        yield Problem("networks", OUTSIDE, "what is outside of the lab is called so already; take another name")
    for name, network in lab.networks.items():
        key = f"networks.{name}"
        try:
            subnet, (first, last) = network.subnet, network.given_out
        except (ValueError, IndexError) as error:
            value = f"{network.cidr or f'VLAN {network.vlan}'}, {network.pool}"
            yield Problem(key, value, f"{error}; write cidr like 10.20.0.0/24 and pool like 10.20.0.100-10.20.0.199")
            continue
        if subnet.prefixlen > SMALLEST:
            yield Problem(
                f"{key}.cidr", str(subnet), f"it is too small for all of the lab; take a /{SMALLEST} or larger"
            )
        elif not subnet[1] < first <= last < subnet[-1]:
            reason = f"it has to go upwards from {subnet[2]} or later to {subnet[-2]} or earlier, inside of {subnet}"
            yield Problem(f"{key}.pool", network.pool, reason)
    if lab.outside_mtu > lab.mtu:
        reason = f"the bridge lets {lab.mtu} bytes through; take no more than that, or raise mtu"
        yield Problem("external_mtu", lab.outside_mtu, reason)


def _between(lab: OpenStackLabArgs) -> Iterator[Problem]:
    plain = {f"networks.{name}": Plain(cidr=str(each.subnet), vlan=each.vlan) for name, each in lab.networks.items()}
    for clash in clashes(plain):
        yield Problem("networks", list(lab.networks), f"{clash}; give each its own")
    for host, each in lab.hosts.items():
        for name, network in lab.networks.items():
            if network.subnet.overlaps(ipaddress.IPv4Interface(each.outside).network):
                reason = f"it overlaps networks.{name} ({network.subnet}); take another inner network"
                yield Problem(f"hosts.{host}.outside", each.outside, reason)
    if lab.literal and UNTAGGED not in {network.vlan for network in lab.networks.values()}:
        reason = f"taken literally, VLAN {UNTAGGED} has no tag, and there is none; declare it, or leave `literal` out"
        yield Problem("literal", lab.literal, reason)


def _roles(lab: OpenStackLabArgs) -> Iterator[Problem]:
    given = Counter(role for name in lab.networks for role in lab.roles(name))
    for role in lab.kit.needs:
        if not given[role]:
            yield Problem(
                "networks", list(lab.networks), f"{lab.deployer} needs a network for {role}; give one that role"
            )
    for role, times in given.items():
        if times > 1:
            yield Problem(
                "networks", list(lab.networks), f"{times} of them are for {role}; leave the role to one of them"
            )


def _names(lab: OpenStackLabArgs) -> Iterator[Problem]:
    there = guests(lab)
    known = f"there are: {', '.join(there)}"
    for key in ("placement", "numbers", "machines"):
        sized = [name for name, guest in there.items() if name not in lab.nodes.names]
        for name in getattr(lab, key):
            if name not in (sized if key == "machines" else there):
                told = f"there are: {', '.join(sized)}; the nodes' is nodes.size" if key == "machines" else known
                yield Problem(f"{key}.{name}", getattr(lab, key)[name], f"there is no such guest; {told}")
    for name, host in lab.placement.items():
        if host not in lab.hosts:
            yield Problem(f"placement.{name}", host, _no_such_host(lab))


def _addresses(lab: OpenStackLabArgs) -> Iterator[Problem]:
    """Fixed ones are no two alike, and none is given out."""
    taken = {number: f"the {vip} address of the load balancer" for vip, number in lab.kit.vips.items()}
    for name, number in numbers(lab).items():
        if number in taken:
            yield Problem(f"numbers.{name}", number, f"{taken[number]} has it already; take another")
        taken.setdefault(number, name)
    for key, network in lab.networks.items():
        first, last = network.given_out
        for number, owner in taken.items():
            yield from _fixed(f"networks.{key}", network, number, owner, (int(first), int(last)))


def _fixed(key: str, network: Network, number: int, owner: str, pool: tuple[int, int]) -> Iterator[Problem]:
    if number >= network.subnet.num_addresses - 1:
        yield Problem(f"numbers.{owner}", number, f"{network.subnet} of {key} has no such place; take a smaller one")
    elif pool[0] <= int(network.subnet[number]) <= pool[1]:
        reason = f"it holds {network.subnet[number]}, which is for {owner}; leave that out"
        yield Problem(f"{key}.pool", network.pool, reason)


def _sizes(lab: OpenStackLabArgs) -> Iterator[Problem]:
    """A clone's disk is as large as the template's, or larger."""
    for name, guest in guests(lab).items():
        if guest.type == "qemu" and not guest.net_boot and mebibytes(guest.size.disk) < mebibytes(lab.template.disk):
            key = "nodes.size.disk" if name in lab.nodes.names else f"machines.{name}.disk"
            reason = f"it is a clone of the template, whose disk has {lab.template.disk}; take as much, or more"
            yield Problem(key, guest.size.disk, reason)


def _proxy(lab: OpenStackLabArgs) -> Iterator[Problem]:
    """Its address outside is in the hosts' own network, and nobody else's."""
    if lab.proxy_outside is None:
        return
    outside = [ipaddress.IPv4Interface(host.outside) for host in lab.hosts.values()]
    taken = {str(each.ip) for each in outside} | {host.gateway for host in lab.hosts.values()}
    try:
        own = ipaddress.IPv4Interface(lab.proxy_outside)
    except ValueError as error:
        yield Problem("proxy_outside", lab.proxy_outside, f"{error}; write it like 192.0.2.20/24")
        return
    if str(own.ip) in taken or own.network not in {each.network for each in outside}:
        there = ", ".join(sorted({str(each.network) for each in outside}))
        yield Problem("proxy_outside", lab.proxy_outside, f"it is no free address of {there}; take another")


def _places(lab: OpenStackLabArgs) -> Iterator[Problem]:
    try:
        placed(lab)
    except NoRoomError as error:
        yield Problem("hosts", error.wish.name, f"{error}; take less, or give the hosts more or reserve less of them")
