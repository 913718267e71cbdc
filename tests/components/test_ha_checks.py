"""What does not fit together in a lab of three hosts is told before anything is made."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.ha_args import (
    Balancers,
    ClusterMesh,
    Containers,
    Desktops,
    HAServiceNetworkArgs,
    Kubernetes,
    Machines,
    Routers,
    ServiceMesh,
)
from components.ha_checks import problems
from components.ha_plan import plan
from tests.components.ha_lab import HOSTS, LAB, NETWORK, TEMPLATE


def wrong(**changes: Any) -> list[str]:
    """What is said of the lab with some of it changed."""
    return [str(problem) for problem in problems(replace(LAB, **changes))]


def with_host(**changes: Any) -> dict[str, Any]:
    """The hosts, the second of them changed."""
    return {"hosts": {**HOSTS, "pve2": replace(HOSTS["pve2"], **changes)}}


def with_network(**changes: Any) -> dict[str, Any]:
    """The network, changed."""
    return {"network": replace(NETWORK, **changes)}


def with_cluster_mesh(mesh: ClusterMesh) -> dict[str, Any]:
    """The cluster with another mesh."""
    assert LAB.cluster is not None
    return {"cluster": replace(LAB.cluster, mesh=mesh)}


def test_what_fits_together_is_not_complained_of() -> None:
    assert wrong() == []
    assert wrong(template=TEMPLATE, kubernetes=Kubernetes(), desktops=Desktops(count=2)) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hosts": {"pve1": HOSTS["pve1"]}}, "hosts: a cluster that goes on when one host dies has three or more"),
        (with_host(address="10.0.1.2"), "hosts.pve2.address: pve1 has it already; each host has its own"),
        (with_host(connection="pve1"), "hosts.pve2.connection: pve1 has it already"),
        ({"cluster": None}, "hosts: hosts that are in one cluster already have one connection"),
        (with_host(address="10.0.1.50"), "hosts.pve2.address: it is inside of network.static"),
        (with_host(link="10.98.0.2"), "hosts.pve2.link: it is not in 10.99.0.0/24, the network of the mesh"),
        (with_host(link=None), "hosts.pve2.link: corosync talks over the mesh; give the host an address in it"),
        (with_host(address="10.0.1"), "hosts.pve2.address: Expected 4 octets in '10.0.1'; write it like 10.0.1.1"),
        (with_network(vip="10.0.1.150"), "network.vip: it is inside of network.dhcp (10.0.1.100 to 10.0.1.199)"),
        (with_network(vip="10.0.2.1"), "network.vip: it is no address of 10.0.1.0/24; take one of its own"),
        (with_network(vip="10.0.1.2"), "hosts.pve1.address: network.vip has it already; take another"),
        (with_network(dhcp=("10.0.1.90", "10.0.1.199")), "network.dhcp: it overlaps network.static"),
        (with_network(dhcp=("10.0.1.199", "10.0.1.100")), "network.dhcp: it has to go upwards from 10.0.1.1 or later"),
        (with_network(cidr="10.0.1.0/33"), "network.cidr: '33' is not a valid netmask; write it like 10.0.1.0/24"),
        (with_network(ports=("eno2",)), "network.ports: the mesh joins the bridges; give one of both"),
        (with_network(mesh=None), "network.ports: nothing joins the hosts' bridges; give `mesh: {}`, or the cards"),
        (with_network(mtu=1500), "network.mtu: what tinc adds does not fit into the Internet's 1500 with it"),
        (with_network(mesh=ServiceMesh(port=655)), "network.mesh.port: the mesh of the cluster has it already"),
        (with_cluster_mesh(ClusterMesh(network="10.0.0.0/16")), "cluster.mesh.network: it overlaps network.cidr"),
        ({"routers": Routers(virtual_router_id=11)}, "balancers.virtual_router_id: the routers have it already"),
        ({"balancers": Balancers(vip="10.0.1.1")}, "balancers.vip: network.vip has it already; take another"),
        ({"kubernetes": Kubernetes()}, "template: `kubernetes` are virtual machines, which are clones of it"),
        ({"template": TEMPLATE}, "template: nothing is a clone of it; take it out"),
        (
            {"template": TEMPLATE, "kubernetes": Kubernetes(port=80)},
            "kubernetes.port: the balancers have something else there; take another",
        ),
        ({"web": replace(LAB.web, memory=40000)}, "hosts: web-1 takes 40000 MiB of memory and 4 GiB of disk"),
        ({"dns": Containers(count=90)}, "network.static: all addresses of 10.0.1.0/24 that may be given out are"),
    ],
)
def test_what_does_not_is_told_with_the_key_and_the_remedy(changes: dict[str, Any], told: str) -> None:
    assert any(line.startswith(told) for line in wrong(**changes)), wrong(**changes)


PAIRS = st.tuples(st.integers(10, 90), st.integers(0, 60)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(PAIRS, st.integers(1, 5), st.integers(1, 5), st.sampled_from(["hosts", "containers"]))
def test_what_is_not_complained_of_has_a_plan_in_which_nobody_shares_an_address(
    static: tuple[int, int], dns: int, web: int, run_on: Any
) -> None:
    ends = (f"10.0.1.{static[0]}", f"10.0.1.{static[1]}")
    network = replace(NETWORK, static=ends, dhcp=("10.0.1.160", "10.0.1.199"))
    lab: HAServiceNetworkArgs = replace(
        LAB,
        network=network,
        dns=Containers(count=dns),
        web=replace(LAB.web, count=web),
        routers=Routers(run_on=run_on),
        template=TEMPLATE,
        desktops=Desktops(count=1),
        kubernetes=Kubernetes(control_plane=Machines(count=1), workers=Machines(count=1)),
    )
    if list(problems(lab)):
        assert static[1] - static[0] + 1 < dns + web + 8
        return

    made = plan(lab)

    given_out = list(made.addresses.values())
    assert len(given_out) == len(set(given_out)) == len(made.hosts) - 1
    assert all(IPv4Address(ends[0]) <= IPv4Address(address) <= IPv4Address(ends[1]) for address in given_out)
    assert set(made.hosts.values()) <= set(HOSTS)
    assert "desktop-1" not in made.addresses
