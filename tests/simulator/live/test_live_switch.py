"""What the switch of a node is made of: every kind of interface of `/etc/network/interfaces` has its place in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.live.network import Network, network_of
from simulator.live.switch import Bridge, Port
from simulator.records import Interface, Node
from simulator.state import World

_CARDS = {"eno1": {"type": "eth"}, "eno2": {"type": "eth"}}


def _network(folder: Path, **interfaces: dict[str, str]) -> Network:
    datacenter = World(folder / "state.sqlite").add("lab")
    datacenter.nodes.put(Node(name="pve1", nodeid=1, ip="192.0.2.1", cpus=1, memory=1, disk=1))
    for name, options in (_CARDS | interfaces).items():
        rest = {key.replace("__", "-"): value for key, value in options.items() if key != "type"}
        name = name.replace("__", ".")  # noqa: PLW2901 - a dot is no letter of a keyword
        datacenter.interfaces.put(Interface(node="pve1", iface=name, type=options["type"], options=rest))
    return network_of(datacenter, "pve1")


def _patch(number: int, peer: int, tag: int | None = None) -> Port:
    return Port(name=f"patch{number}", type="patch", tag=tag, options=(("peer", f"patch{peer}"),))


@pytest.mark.parametrize(
    ("interfaces", "bridges"),
    [
        (
            {"vmbr0": {"type": "bridge", "bridge_ports": "eno1", "mtu": "9000"}},
            [Bridge("vmbr0", (Port(name="eno1"),), 9000)],
        ),
        (
            {"vmbr0": {"type": "bridge", "bridge_ports": "eno1", "bridge_vlan_aware": "1", "bridge_vids": "2-4 9"}},
            [Bridge("vmbr0", (Port(name="eno1", trunks=(0, 2, 3, 4, 9)),))],
        ),
        (
            {
                "bond0": {"type": "bond", "slaves": "eno1 eno2", "bond_mode": "active-backup"},
                "vmbr0": {"type": "bridge", "bridge_ports": "bond0"},
            },
            [Bridge("vmbr0", (Port(name="bond0", members=("eno1", "eno2"), bond_mode="active-backup"),))],
        ),
        (
            {"bond0": {"type": "bond", "slaves": "eno1 eno2", "bond_mode": "802.3ad", "cidr": "192.0.2.1/24"}},
            [Bridge("bond0", (Port(name="bond0-m", members=("eno1", "eno2"), bond_mode="balance-slb"),))],
        ),
        (
            {
                "vmbr0": {"type": "bridge", "bridge_ports": "eno1"},
                "vmbr0__7": {"type": "vlan", "vlan__raw__device": "vmbr0", "vlan__id": "7", "cidr": "10.7.0.1/24"},
            },
            [Bridge("vmbr0", (Port(name="eno1"), Port(name="vmbr0.7", type="internal", tag=7)))],
        ),
        (
            {
                "eno1__8": {"type": "vlan", "vlan__raw__device": "eno1", "vlan__id": "8"},
                "vmbr8": {"type": "bridge", "bridge_ports": "eno1.8"},
            },
            [
                Bridge("vmbr8", (_patch(1, 0),)),
                Bridge("on-eno1", (Port(name="eno1"), _patch(0, 1, tag=8))),
            ],
        ),
        (
            {
                "vmbr0": {"type": "OVSBridge", "ovs_ports": "eno1 mgmt bond1"},
                "eno1": {"type": "OVSPort", "ovs_bridge": "vmbr0", "ovs_options": "trunks=5,6"},
                "mgmt": {"type": "OVSIntPort", "ovs_tag": "4", "cidr": "10.4.0.1/24"},
                "bond1": {"type": "OVSBond", "ovs_bonds": "eno2 eno3", "bond_mode": "balance-slb", "ovs_tag": "3"},
            },
            [
                Bridge(
                    "vmbr0",
                    (
                        Port(name="eno1", trunks=(5, 6)),
                        Port(name="mgmt", type="internal", tag=4),
                        Port(name="bond1", members=("eno2", "eno3"), bond_mode="balance-slb", tag=3),
                    ),
                )
            ],
        ),
    ],
)
def test_interfaces_become_bridges_and_ports(
    tmp_path: Path, interfaces: dict[str, dict[str, str]], bridges: list[Bridge]
) -> None:
    assert list(_network(tmp_path, **interfaces).bridges) == bridges


def test_addresses_gateways_and_sizes_of_frames_are_those_of_the_interfaces(tmp_path: Path) -> None:
    network = _network(
        tmp_path,
        eno1={"type": "eth", "cidr": "198.51.100.1/24", "mtu": "9000"},
        vmbr0={"type": "bridge", "bridge_ports": "eno2", "cidr6": "2001:db8::1/64", "gateway6": "2001:db8::ff"},
    )
    assert network.cards == (("eno1", 9000), ("eno2", 1500))
    assert network.addresses == (("eno1", "198.51.100.1/24"), ("vmbr0", "2001:db8::1/64"))
    assert network.gateways == (("vmbr0", "2001:db8::ff"),)


@pytest.mark.parametrize(
    ("port", "settings"),
    [
        (Port(name="p"), ["tag=[]", "trunks=[]", "vlan_mode=[]"]),
        (Port(name="p", tag=5), ["tag=5", "trunks=[]", "vlan_mode=access"]),
        (Port(name="p", trunks=(0, 5)), ["tag=[]", "trunks=0,5", "vlan_mode=[]"]),
        (Port(name="p", tag=5, trunks=(6, 7)), ["tag=5", "trunks=6,7", "vlan_mode=native-untagged"]),
    ],
)
def test_tag_and_trunks_say_how_a_port_deals_with_vlans(port: Port, settings: list[str]) -> None:
    assert port.commands("vmbr0")[-3:] == settings
