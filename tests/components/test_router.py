"""A node as a router: its interfaces and rules, and that the engine makes it and puts the node back as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.networks import Network
from components.router import InnerBridge, Outside, Router, RouterArgs, interfaces_of
from tests.components.asked import asked
from tests.components.test_node_networks import settings
from tests.conftest import Simulator
from tests.engine import Program
from tests.providers import networks

INSIDE = {f"vlan{tag}i": Network(cidr=f"10.{tag}.0.0/24", vlan=tag, mtu=9000) for tag in networks.VLANS}
OUTSIDE = Outside(name="outside", type="OVSIntPort", cidr="192.0.2.10/24", gateway="192.0.2.1", mtu=1500)
SWITCH = InnerBridge(name="vmbr0", type="OVSBridge", ports=["ens1f0"], comments="Web Management")
OPENSTACK = RouterArgs(
    node="pve1",
    bridge=SWITCH,
    outside=OUTSIDE,
    inside=INSIDE,
    further={"vlan6i": {"options": networks.OPENSTACK_LAB["vlan6i"]["options"]}},
)
PLAIN = RouterArgs(
    node="pve1",
    bridge=InnerBridge(name="vmbr1"),
    outside=Outside(name="vmbr0", type="bridge"),
    inside={"vmbr1": Network(cidr="10.0.1.0/24"), "vmbr1.7": Network(cidr="10.7.0.0/24", vlan=7)},
)


def test_an_open_vswitch_with_a_port_for_each_network_and_one_outside_is_said_by_its_networks() -> None:
    assert settings(interfaces_of(OPENSTACK)) == settings(networks.OPENSTACK_LAB)


def test_it_forwards_and_its_guests_know_their_gateways() -> None:
    found = asked(lambda: {"gateways": Router("router", OPENSTACK).gateways})

    assert found.inputs["router-network"]["ip_forward"] is True
    assert found.outputs["gateways"]["10.18.0.0/24"] == "10.18.0.1"


def test_on_a_linux_bridge_networks_are_its_vlans_and_the_bridge_itself() -> None:
    found = settings(interfaces_of(replace(PLAIN, addresses={"vmbr1": "10.0.1.11"})))

    assert found["vmbr1"]["cidr"] == "10.0.1.11/24"
    assert found["vmbr1.7"] == {"type": "vlan", "cidr": "10.7.0.1/24"}
    assert found["vmbr0"] == {"type": "bridge", "masquerade": ["10.0.1.0/24", "10.7.0.0/24"]}


def test_the_bridge_of_the_inner_networks_may_be_the_way_out_too() -> None:
    inside = {"vmbr0.7": Network(cidr="10.7.0.0/24", vlan=7)}
    found = interfaces_of(replace(PLAIN, bridge=InnerBridge(name="vmbr0", ports=["eno1"]), inside=inside))

    assert settings(found)["vmbr0"] == {
        "type": "bridge",
        "bridge_ports": ["eno1"],
        "bridge_vlan_aware": True,
        "masquerade": ["10.7.0.0/24"],
    }


def test_inner_networks_that_are_apart_lead_outside_alone() -> None:
    found = interfaces_of(replace(OPENSTACK, apart=True))

    assert {name for name, item in found.items() if item.get("forward_only_to") == "outside"} == set(INSIDE)


@given(tags=st.sets(st.integers(2, 250), min_size=1, max_size=9))
def test_each_network_leaves_by_one_rule_and_none_by_two(tags: set[int]) -> None:
    inside = {f"vlan{tag}i": Network(cidr=f"10.{tag}.0.0/24", vlan=tag) for tag in tags}

    found = interfaces_of(replace(OPENSTACK, inside=inside, further={}))

    rules = [rule for item in found.values() for rule in item.get("masquerade", ())]
    assert sorted(rules) == sorted(network.cidr for network in inside.values())
    assert {item["ovs_tag"] for item in found.values() if "ovs_tag" in item} == tags


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"inside": {"vlan7i": Network(cidr="10.7.0.0/24", vlan=7)}},
            r"vlan7i is no interface in 10\.7\.0\.0/24: that is vmbr1\.7",
        ),
        ({"inside": {"vlan7i": Network(cidr="10.7.0.0/24")}}, "that is vmbr1$"),
        ({"bridge": InnerBridge(name="vmbr1", type="OVSBridge")}, "vmbr1 is an Open vSwitch"),
        ({"addresses": {"vmbr9": "10.0.1.2"}}, "there is an address for vmbr9"),
        (
            {"inside": {"vmbr1": Network(cidr="10.0.0.0/8"), "vmbr1.7": Network(cidr="10.7.0.0/24", vlan=7)}},
            "in common",
        ),
    ],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(PLAIN, **wrong)


MAIN = """\
import pulumi

from components.networks import Network
from components.router import InnerBridge, Outside, Router, RouterArgs

router = Router("router", RouterArgs(
    node="pve1",
    bridge=InnerBridge(name="vmbr7"),
    outside=Outside(name="vmbr0", type="bridge"),
    inside={"vmbr7": Network(cidr="10.0.1.0/24"), "vmbr7.7": Network(cidr="10.7.0.0/24", vlan=7)},
    options={"adopt": "if-exists"}))
pulumi.export("gateways", router.gateways)
"""


@pytest.mark.engine
def test_a_node_becomes_a_router_and_is_then_again_what_it_was(
    tmp_path: Path, program_on: Callable[[Simulator], Program]
) -> None:
    with networks.lab(tmp_path) as host:
        program, before = program_on(host), networks.file_of(host)
        (program.folder / "__main__.py").write_text(MAIN)

        first = program.up()

        assert first.changes == {"create": 2}, first.text
        names = {row["iface"] for row in host.by_hand("GET", "/nodes/pve1/network")}
        assert {"vmbr7", "vmbr7.7"} <= names
        assert networks.on_node(host, "sysctl -n net.ipv4.ip_forward").strip() == "1"
        again = program.up()
        assert not again.changes, again.text
        gone = program.destroy()
        assert gone.code == 0, gone.text
        assert networks.file_of(host) == before
