"""Networks of nodes by roles: what they ask for, the shapes that documents describe, and what can't be."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.interfaces import Bond, Bridge, Card, Vlan
from components.node_networks import NodeLink, NodeNetworks, NodeNetworksArgs, interfaces_of
from providers._runtime.model import canonical
from providers.node_network import NodeNetworkInputs
from tests.components.asked import Asked, asked
from tests.conftest import Simulator
from tests.engine import Program
from tests.providers import networks

BLACK = NodeLink(cidr="192.0.2.0/24", link=Bridge(name="vmbr0", over="eno1"), gateway="192.0.2.1")
GREEN = NodeLink(cidr="10.1.0.0/24", link=Bond(slaves=["ens1f0", "ens1f1"], mode="802.3ad"), mtu=9000)
NODES = {f"pve{number}": {"black": f"192.0.2.1{number}", "green": f"10.1.0.1{number}"} for number in (1, 2, 3)}
LAB = NodeNetworksArgs(networks={"black": BLACK, "green": GREEN}, nodes=NODES)


def asked_for(args: NodeNetworksArgs) -> Asked:
    """What the networks ask for."""

    def make() -> dict[str, Any]:
        made = NodeNetworks("lab", args)
        return {"addresses": made.addresses, "cidrs": made.cidrs}

    return asked(make)


def settings(interfaces: dict[str, Any]) -> Any:
    """Interfaces as the resource has them, without what only explains."""
    wanted, problems = canonical(NodeNetworkInputs, {"node": "pve1", "interfaces": interfaces}, frozenset())
    assert problems == []
    plain = ("comments", "autostart")
    return {
        name: {key: value for key, value in item.items() if key not in plain}
        for name, item in wanted["interfaces"].items()
    }


def test_each_node_has_one_network_and_ceph_is_on_green_where_nothing_else_is_said() -> None:
    found = asked_for(LAB)

    assert list(found.inputs) == ["lab-pve1", "lab-pve2", "lab-pve3"]
    assert found.inputs["lab-pve2"]["interfaces"]["bond0"]["cidr"] == "10.1.0.12/24"
    assert found.outputs["cidrs"]["ceph-cluster"] == found.outputs["cidrs"]["management"] == "10.1.0.0/24"
    assert found.outputs["addresses"]["guests"] == {node: places["black"] for node, places in NODES.items()}


def test_both_halves_of_ceph_can_have_networks_of_their_own() -> None:
    red = {f"red{tag}": NodeLink(cidr=f"10.{tag}.0.0/24", link=Vlan(on="bond0", tag=tag), mtu=9000) for tag in (50, 51)}
    nodes = {
        node: {**at, "red50": f"10.50.0.{n}", "red51": f"10.51.0.{n}"} for n, (node, at) in enumerate(NODES.items(), 1)
    }
    roles = {**LAB.roles, "ceph-public": "red50", "ceph-cluster": "red51"}

    found = asked_for(replace(LAB, networks={**LAB.networks, **red}, nodes=nodes, roles=roles))

    vlan = found.inputs["lab-pve1"]["interfaces"]["bond0.51"]
    assert vlan == {"type": "vlan", "cidr": "10.51.0.1/24", "mtu": 9000, "comments": "ceph-cluster"}
    assert found.outputs["cidrs"]["ceph-public"] == "10.50.0.0/24"


WAY_IN = NodeLink(cidr="192.0.2.0/24", link=Bridge(name="vmbr0", over="eno1"), gateway="192.0.2.1")
BONDED = replace(WAY_IN, link=Bridge(name="vmbr0", over=Bond(slaves=["eno1", "eno2"])))
AWARE = replace(WAY_IN, link=Bridge(name="vmbr0", over="eno1", vlan_aware=True))
VLANS = {f"v{tag}": NodeLink(cidr=f"10.0.{tag}.0/24", link=Vlan(on="vmbr0", tag=tag)) for tag in (10, 20, 30)}
VLANS["v30"] = replace(VLANS["v30"], mtu=1400)


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({"black": WAY_IN}, networks.BRIDGE),
        ({"black": BONDED}, networks.BOND),
        ({"black": AWARE, **VLANS}, networks.VLAN_BRIDGE),
    ],
)
def test_a_bridge_a_bond_below_it_and_vlans_on_it_are_said_in_a_line_each(
    links: dict[str, NodeLink], expected: dict[str, Any]
) -> None:
    places = {name: "192.0.2.10" if name == "black" else f"10.0.{name[1:]}.1" for name in links}
    args = NodeNetworksArgs(networks=links, nodes={"pve1": places}, roles={"management": "black"})

    assert settings(interfaces_of("pve1", args)) == settings(expected)


@given(count=st.integers(1, 20), with_ceph=st.booleans())
def test_every_address_is_on_one_interface_of_its_node(count: int, with_ceph: bool) -> None:
    links = {"black": BLACK, "green": GREEN}
    if with_ceph:
        links["red"] = NodeLink(cidr="10.50.0.0/24", link=Card(name="ens6f0np0"), mtu=9000)
    nodes = {
        f"pve{place}": {name: str(ipaddress.ip_network(link.cidr)[10 + place]) for name, link in links.items()}
        for place in range(count)
    }
    args = NodeNetworksArgs(networks=links, nodes=nodes)

    for node, places in nodes.items():
        there = [item["cidr"].partition("/")[0] for item in interfaces_of(node, args).values() if "cidr" in item]
        assert sorted(there) == sorted(places.values())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"networks": {"black": BLACK, "green": replace(GREEN, cidr="192.0.0.0/16")}}, "have addresses in common"),
        ({"networks": {"black": BLACK, "green": replace(GREEN, gateway="10.1.0.1")}}, "have a gateway each"),
        ({"networks": {"black": BLACK, "green": replace(GREEN, link=Bridge(name="vmbr0"))}}, "are both on vmbr0"),
        ({"roles": {"management": "blue"}}, "management is on 'blue'"),
        ({"nodes": {"pve1": {"black": "192.0.2.11"}}}, "pve1 has no address in green, which is for management"),
        ({"nodes": {**NODES, "pve2": NODES["pve1"]}}, "pve1 and pve2 have the same address"),
        ({"nodes": {"pve1": {**NODES["pve1"], "black": "192.0.2.1"}}}, "which is the gateway's"),
        ({"nodes": {"pve1": {**NODES["pve1"], "blue": "10.9.0.1"}}}, "pve1 has an address in 'blue'"),
    ],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(LAB, **wrong)


HOSTS = """
datacenters:
  lab:
    nodes:
      pve1: {ip: 192.0.2.11, nics: [eno1, ens1f0, ens1f1]}
      pve2: {ip: 192.0.2.12, nics: [eno1, ens1f0, ens1f1]}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso"}
"""
MAIN = """\
import pulumi

from components.interfaces import Bond, Vlan
from components.node_networks import NodeLink, NodeNetworks, NodeNetworksArgs

green = NodeLink(cidr="10.1.0.0/24", link=Bond(slaves=["ens1f0", "ens1f1"]), mtu=9000)
red = NodeLink(cidr="10.50.0.0/24", link=Vlan(on="bond0", tag=50), mtu=9000)
made = NodeNetworks("lab", NodeNetworksArgs(
    networks={"green": green, "red": red},
    nodes={f"pve{n}": {"green": f"10.1.0.1{n}", "red": f"10.50.0.1{n}"} for n in (1, 2)},
    roles={"management": "green", "ceph-public": "red"}))
pulumi.export("addresses", made.addresses)
"""


@pytest.mark.engine
def test_one_node_comes_after_the_other_and_all_are_then_again_as_they_were(
    tmp_path: Path, program_on: Callable[[Simulator], Program]
) -> None:
    with networks.lab(tmp_path, HOSTS) as hosts:
        program = program_on(hosts)
        (program.folder / "__main__.py").write_text(MAIN)
        before = [networks.file_of(hosts, node) for node in ("pve1", "pve2")]

        first = program.up()

        assert first.changes == {"create": 3}, first.text
        changed = [row["path"] for row in hosts.requests() if row["method"] in ("POST", "PUT")]
        written = [path.partition("/nodes/")[2].partition("/")[0] for path in changed]
        assert [node for node, _ in itertools.groupby(written)] == ["pve1", "pve2"]
        again = program.up()
        assert not again.changes, again.text
        gone = program.destroy()
        assert gone.code == 0, gone.text
        assert [networks.file_of(hosts, node) for node in ("pve1", "pve2")] == before
