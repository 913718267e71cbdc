"""What in a lab for OpenStack does not fit together is told, by its key and with what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.openstack_args import NAMES, Network, Nodes, OpenStackLabArgs
from components.openstack_checks import problems
from components.openstack_deployers import DEPLOYERS, Machine
from components.openstack_plan import guests, placed
from components.placement import Reserve
from tests.components.openstack_labs import HOST, LAB, SECOND, SPREAD

NETWORKS = dict(LAB.networks)
LARGE = Machine(cores=8, memory=65536, disk="80G")


def networks(**changes: Network) -> dict[str, Network]:
    """The usual ones, some of them changed."""
    return {**NETWORKS, **changes}


def host(**changes: Any) -> dict[str, Any]:
    """One host, changed."""
    return {"host1": replace(HOST, **changes)}


def lab(**changes: Any) -> OpenStackLabArgs:
    """The lab, changed."""
    return replace(LAB, **changes)


WRONG: list[tuple[OpenStackLabArgs, str, str]] = [
    (lab(hosts={"a": HOST, "b": replace(SECOND, node="pve1")}), "hosts.b.node", "a is that node already"),
    (lab(hosts={"a": HOST, "b": replace(SECOND, outside=HOST.outside)}), "hosts.b.outside", "a has that address"),
    (lab(hosts=host(outside="192.0.2.10")), "hosts.host1.outside", "no prefix length"),
    (lab(hosts=host(outside="192.0.2")), "hosts.host1", "write them like 192.0.2.10/24"),
    (lab(hosts=host(gateway="192.0.3.1")), "hosts.host1.gateway", "no other address of 192.0.2.0/24"),
    (lab(hosts=host(gateway="192.0.2.10")), "hosts.host1.gateway", "no other address of 192.0.2.0/24"),
    (lab(hosts=host(reserve=Reserve(memory="128G"))), "hosts.host1.reserve.memory", "take less"),
    (lab(hosts=host(outside="10.7.0.9/16", gateway="10.7.0.1")), "hosts.host1.outside", "overlaps networks.management"),
    (lab(networks=networks(storage=Network(vlan=8, cidr="10.8.0.1/24"))), "networks.storage", "host bits set"),
    (lab(networks=networks(storage=Network(vlan=8, cidr="10.8.0.0/26"))), "networks.storage", "write cidr like"),
    (
        lab(networks=networks(storage=Network(vlan=8, cidr="10.8.0.0/26", pool="10.8.0.30-10.8.0.40"))),
        "networks.storage.cidr",
        "take a /24 or larger",
    ),
    (lab(networks=networks(storage=Network(vlan=300))), "networks.storage", "write cidr like"),
    (
        lab(networks=networks(storage=Network(vlan=8, pool="10.8.0.99-10.8.0.50"))),
        "networks.storage.pool",
        "from 10.8.0.2 or later to 10.8.0.254 or earlier",
    ),
    (
        lab(networks=networks(storage=Network(vlan=8, pool="10.8.0.12-10.8.0.13"))),
        "networks.storage.pool",
        "it holds 10.8.0.12, which is for juju",
    ),
    (lab(networks=networks(storage=Network(vlan=7, cidr="10.8.0.0/24", roles=()))), "networks", "are both VLAN 7"),
    (lab(networks=networks(storage=Network(vlan=8, cidr="10.7.0.0/24"))), "networks", "have addresses in common"),
    (lab(networks=networks(outside=Network(vlan=9))), "networks", "is called so already"),
    (lab(networks=networks(boot=Network(vlan=6, roles=()))), "networks", "maas-juju needs a network for boot"),
    (lab(networks=networks(more=Network(vlan=9, roles=("storage",)))), "networks", "2 of them are for storage"),
    (lab(networks=networks(boot=Network(vlan=5, roles=("boot",))), literal=True), "literal", "VLAN 6 has no tag"),
    (lab(mtu=1400), "external_mtu", "the bridge lets 1400 bytes through"),
    (lab(router="host9"), "router", "there are: host1"),
    (lab(placement={"node-9": "host1"}), "placement.node-9", "there are: maas, juju, ansible, proxy, node-1"),
    (lab(numbers={"juju": 11}), "numbers.juju", "maas has it already"),
    (lab(numbers={"juju": 5}), "numbers.juju", "the internal address of the load balancer has it"),
    (lab(numbers={"juju": 255}), "numbers.juju", "has no such place"),
    (lab(deployer="kolla", numbers={"maas": 99}), "numbers.maas", "there is no such guest"),
    (lab(machines={"node-1": LARGE}), "machines.node-1", "the nodes' is nodes.size"),
    (lab(machines={"maas": replace(LARGE, disk="5G")}), "machines.maas.disk", "take as much, or more"),
    (lab(proxy_outside="192.0.3.9/24"), "proxy_outside", "no free address of 192.0.2.0/24"),
    (lab(proxy_outside="192.0.2.1/24"), "proxy_outside", "no free address of 192.0.2.0/24"),
    (lab(proxy_outside="x"), "proxy_outside", "write it like 192.0.2.20/24"),
    (lab(nodes=Nodes(size=LARGE)), "hosts", "takes 65536 MiB of memory"),
]


def test_labs_that_are_right_have_no_problem() -> None:
    for right in (LAB, lab(literal=True), lab(hosts=SPREAD), lab(proxy_outside="192.0.2.20/24")):
        assert list(problems(right)) == []
    for deployer in DEPLOYERS:
        assert list(problems(lab(deployer=deployer))) == []


@pytest.mark.parametrize(("wrong", "key", "reason"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_does_not_fit_is_told_by_its_key(wrong: OpenStackLabArgs, key: str, reason: str) -> None:
    told = list(problems(wrong))

    assert {problem.key for problem in told} == {key}
    assert reason in told[0].reason


@given(
    deployer=st.sampled_from(sorted(DEPLOYERS)),
    hosts=st.sampled_from([{"host1": HOST}, SPREAD]),
    nodes=st.builds(Nodes, count=st.integers(1, 6), osd_disks=st.integers(0, 3), osd_size=st.just("20G")),
    names=st.permutations(list(NAMES.items())),
    literal=st.booleans(),
)
def test_a_lab_without_problems_has_a_place_and_addresses_of_its_own_for_everybody(
    deployer: Any, hosts: Any, nodes: Nodes, names: list[tuple[int, str]], literal: bool
) -> None:
    wanted = {name: Network(vlan=vlan) for vlan, name in names}
    found = lab(deployer=deployer, hosts=hosts, nodes=nodes, networks=wanted, literal=literal)
    if list(problems(found)):
        return

    there = guests(found)
    assert set(placed(found)) == set(there)
    fixed = [card.address for guest in there.values() for card in guest.cards if card.address]
    assert len(fixed) == len(set(fixed))
    for guest in there.values():
        assert len({card.network for card in guest.cards}) == len(guest.cards)
        assert sum(card.gateway is not None for card in guest.cards) <= 1
    for guest in (there[name] for name in nodes.names):
        assert {card.network for card in guest.cards} == set(wanted)
        assert guest.net_boot == (deployer == "maas-juju")
        assert not guest.net_boot or guest.cards[0].network == "boot"
