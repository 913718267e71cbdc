"""What in a lab of three hosts does not fit together, told before anything is made."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from components.ha_args import ClusterMesh, HAServiceNetworkArgs
from components.ha_plan import plan
from components.placement import NoRoomError
from components.problem import Problem
from components.tinc import ROOM

HOSTS = 3


def problems(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    """All that is wrong; what is planned comes last, since it needs all else to be right."""
    found = list(_addresses_are_readable(lab)) or [
        *_hosts(lab),
        *_ranges(lab),
        *_taken(lab),
        *_meshes(lab),
        *_routers(lab),
        *_machines(lab),
    ]
    yield from found or _places(lab)


def _addresses_are_readable(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    """Everything else looks into them."""
    network, cluster = lab.network, lab.cluster
    texts = {"network.vip": network.vip, "balancers.vip": lab.balancers.vip}
    for key in ("static", "dhcp"):
        texts |= {f"network.{key}.{place}": text for place, text in enumerate(getattr(network, key))}
    for node, host in lab.hosts.items():
        texts |= {f"hosts.{node}.{key}": getattr(host, key) for key in ("address", "link")}
    for key, text in texts.items():
        try:
            IPv4Address(text or "0.0.0.0")  # noqa: S104 - nobody listens: it stands for one that is not set
        except ValueError as error:
            yield Problem(key, text, f"{error}; write it like 10.0.1.1")
    nets = {"network.cidr": network.cidr}
    nets |= {"cluster.mesh.network": cluster.mesh.network} if cluster and cluster.mesh else {}
    for key, text in nets.items():
        try:
            IPv4Network(text)
        except ValueError as error:
            yield Problem(key, text, f"{error}; write it like 10.0.1.0/24")


def _hosts(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    if len(lab.hosts) < HOSTS:
        reason = "a cluster that goes on when one host dies has three or more; add hosts, or take `dual-hypervisor`"
        yield Problem("hosts", list(lab.hosts), reason)
    for key in ("endpoint", "address", "link", *(("connection",) if lab.cluster else ())):
        for (one, first), (other, second) in combinations(lab.hosts.items(), 2):
            value = getattr(second, key)
            if value is not None and value == getattr(first, key):
                yield Problem(f"hosts.{other}.{key}", value, f"{one} has it already; each host has its own")
    if lab.cluster is None and len({host.connection for host in lab.hosts.values()}) > 1:
        reason = "hosts that are in one cluster already have one connection; say the same one, or say `cluster`"
        yield Problem("hosts", [host.connection for host in lab.hosts.values()], reason)


def _ranges(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    network, subnet = lab.network, IPv4Network(lab.network.cidr)
    ends = {key: tuple(map(IPv4Address, getattr(network, key))) for key in ("static", "dhcp")}
    for key, (first, last) in ends.items():
        if not subnet[1] <= first <= last <= subnet[-2]:
            reason = f"it has to go upwards from {subnet[1]} or later to {subnet[-2]} or earlier, inside of {subnet}"
            yield Problem(f"network.{key}", list(getattr(network, key)), reason)
    if ends["static"][0] <= ends["dhcp"][1] and ends["dhcp"][0] <= ends["static"][1]:
        reason = f"it overlaps network.static ({' to '.join(network.static)}); take another range"
        yield Problem("network.dhcp", list(network.dhcp), reason)


def _taken(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    """Addresses that somebody has may not be given out, and are there once."""
    network, subnet = lab.network, IPv4Network(lab.network.cidr)
    own = {"network.vip": network.vip, **{f"hosts.{node}.address": host.address for node, host in lab.hosts.items()}}
    own |= {"balancers.vip": lab.balancers.vip} if lab.balancers.vip else {}
    seen: dict[str, str] = {}
    for key, text in own.items():
        address = IPv4Address(text)
        if not subnet[1] <= address <= subnet[-2]:
            yield Problem(key, text, f"it is no address of {subnet}; take one of its own")
        for name in ("static", "dhcp"):
            first, last = map(IPv4Address, getattr(network, name))
            if first <= address <= last:
                reason = f"it is inside of network.{name} ({first} to {last}), which gives it to others; take another"
                yield Problem(key, text, reason)
        other = seen.setdefault(text, key)
        if other != key and not (other.startswith("hosts") and key.startswith("hosts")):
            yield Problem(key, text, f"{other} has it already; take another")


def _meshes(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    cluster, services = lab.cluster.mesh if lab.cluster else None, lab.network.mesh
    if services and lab.network.ports:
        yield Problem("network.ports", list(lab.network.ports), "the mesh joins the bridges; give one of both")
    if not services and not lab.network.ports:
        reason = "nothing joins the hosts' bridges; give `mesh: {}`, or the cards of a network between the hosts"
        yield Problem("network.ports", [], reason)
    if cluster and services:
        for key in ("name", "port"):
            if getattr(cluster, key) == getattr(services, key):
                reason = "the mesh of the cluster has it already; the two are apart"
                yield Problem(f"network.mesh.{key}", getattr(services, key), reason)
    if services and lab.network.mtu > ROOM:
        reason = f"what tinc adds does not fit into the Internet's 1500 with it; take {ROOM} or less"
        yield Problem("network.mtu", lab.network.mtu, reason)
    if cluster:
        yield from _links(lab, cluster)


def _links(lab: HAServiceNetworkArgs, mesh: ClusterMesh) -> Iterator[Problem]:
    """The hosts' addresses in the mesh that corosync talks over."""
    network = IPv4Network(mesh.network)
    for node, host in lab.hosts.items():
        if host.link is None:
            yield Problem(f"hosts.{node}.link", None, "corosync talks over the mesh; give the host an address in it")
        elif IPv4Address(host.link) not in network:
            reason = f"it is not in {network}, the network of the mesh; take one of its own"
            yield Problem(f"hosts.{node}.link", host.link, reason)
    if network.overlaps(IPv4Network(lab.network.cidr)):
        reason = f"it overlaps network.cidr ({lab.network.cidr}), and the two are apart; take another"
        yield Problem("cluster.mesh.network", mesh.network, reason)


def _routers(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    if lab.balancers.vip and lab.balancers.virtual_router_id == lab.routers.virtual_router_id:
        reason = "the routers have it already, in the same network; take another"
        yield Problem("balancers.virtual_router_id", lab.balancers.virtual_router_id, reason)
    if lab.kubernetes is not None and lab.kubernetes.port in (80, lab.balancers.metrics_port):
        yield Problem("kubernetes.port", lab.kubernetes.port, "the balancers have something else there; take another")


def _machines(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    wanted = [key for key in ("kubernetes", "desktops") if getattr(lab, key) is not None]
    if wanted and lab.template is None:
        yield Problem("template", None, f"`{wanted[0]}` are virtual machines, which are clones of it; say what it is")
    if lab.template and not wanted:
        reason = "nothing is a clone of it; take it out, or say `kubernetes` or `desktops`"
        yield Problem("template", lab.template.name, reason)


def _places(lab: HAServiceNetworkArgs) -> Iterator[Problem]:
    try:
        plan(lab)
    except NoRoomError as error:
        yield Problem("hosts", error.wish.name, f"{error}; take fewer or smaller guests, or hosts with more")
    except ValueError as error:
        yield Problem("network.static", list(lab.network.static), f"{error}; make it larger")
