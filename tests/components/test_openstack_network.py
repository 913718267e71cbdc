"""The network of a lab for OpenStack: as its first description has it, and as it is made where nothing is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.openstack_args import Network, OpenStackLabArgs
from components.openstack_network import others, router
from components.router import interfaces_of
from providers._network.plan import target
from providers._network.settings import Network as Interfaces
from providers._network.text import printed, read
from tests.components.openstack_labs import LAB, SPREAD

CARDS = ("eno1", "eno2", "eno3", "eno4", "ens1f0", "ens1f1")
INSTALLED: Interfaces = {name: {"type": "eth"} for name in CARDS} | {
    "vmbr0": {
        "type": "bridge", "autostart": True, "bridge_ports": ["eno1"], "cidr": "192.0.2.10/24", "gateway": "192.0.2.1",
    }
}  # fmt: skip
"""What the installer leaves."""

DESCRIBED = {
    "vlan6i": ("OVSIntPort", "10.6.0.1/24", None, 9000),
    "vlan7i": ("OVSIntPort", "10.7.0.1/24", 7, 9000),
    "vlan8i": ("OVSIntPort", "10.8.0.1/24", 8, 9000),
    "vlan10i": ("OVSIntPort", "10.10.0.1/24", 10, 9000),
    "vlan18i": ("OVSIntPort", "10.18.0.1/24", 18, 9000),
    "outside": ("OVSIntPort", "192.0.2.10/24", None, 9000),
    "vmbr0": ("OVSBridge", None, None, 9000),
    "ens1f0": ("OVSPort", None, None, 9000),
    **{card: ("eth", None, None, None) for card in CARDS if card != "ens1f0"},
}
"""Interface -> type, address, tag, size; as the lab's first description has them."""


def text(lab: OpenStackLabArgs) -> str:
    """The first host's file."""
    return printed(target(INSTALLED, {}, {}, interfaces_of(router(lab))))


def table(found: Interfaces) -> dict[str, tuple[Any, ...]]:
    """The same columns of a file."""
    return {
        name: tuple(settings.get(key) for key in ("type", "cidr", "ovs_tag", "mtu")) for name, settings in found.items()
    }


def test_taken_literally_it_is_as_it_was_described() -> None:
    written = text(replace(LAB, literal=True))
    found = read(written)

    assert table(found) == DESCRIBED
    assert found["outside"]["gateway"] == "192.0.2.1"
    assert found["vmbr0"]["comments"] == "Web Management"
    assert found["vmbr0"]["ovs_ports"] == sorted([*DESCRIBED.keys() - {*CARDS, "vmbr0"}, "ens1f0"])
    assert found["vmbr0"]["options"] == [
        "post-up iptables -t nat -A POSTROUTING -o vmbr0 -j MASQUERADE",
        "post-up iptables -t nat -A POSTROUTING -j MASQUERADE",
    ]
    assert "\tovs_extra set interface ${IFACE} external-ids:iface-id=$(hostname -s)\n" in written
    assert "FORWARD" not in written
    assert written.count("MASQUERADE") == 2


def test_where_nothing_is_said_each_network_has_its_tag_its_rule_and_no_way_to_another() -> None:
    written = text(LAB)
    found = read(written)

    assert table(found) == {
        **DESCRIBED,
        "vlan6i": ("OVSIntPort", "10.6.0.1/24", 6, 9000),
        "outside": ("OVSIntPort", "192.0.2.10/24", None, 1500),
    }
    assert sorted(found["outside"]["masquerade"]) == sorted(f"10.{vlan}.0.0/24" for vlan in (6, 7, 8, 10, 18))
    assert {name for name, settings in found.items() if settings.get("forward_only_to") == "outside"} == {
        name for name in DESCRIBED if name.startswith("vlan")
    }
    assert "ovs_extra" not in written
    assert "-j MASQUERADE" not in written.replace("-o outside -j MASQUERADE", "")


@pytest.mark.parametrize(
    ("changes", "size"), [({}, 1500), ({"literal": True}, 9000), ({"literal": True, "external_mtu": 1400}, 1400)]
)
def test_how_large_packets_outside_are_can_be_said(changes: dict[str, Any], size: int) -> None:
    assert read(text(replace(LAB, **changes)))["outside"]["mtu"] == size


def test_further_hosts_carry_the_networks_and_have_no_address_in_them() -> None:
    lab = replace(LAB, hosts=SPREAD, router="one")

    found = {name: interfaces_of(args) for name, args in others(lab).items()}

    assert {name: set(interfaces) for name, interfaces in found.items()} == {
        "two": {"vmbr0", "ens1f0", "outside"},
        "three": {"vmbr0", "ens2f0", "outside"},
    }
    assert found["two"]["vmbr0"]["mtu"] == found["two"]["ens1f0"]["mtu"] == 9000
    assert found["three"]["outside"]["cidr"] == "192.0.2.12/24"
    assert not any("masquerade" in each and each["masquerade"] for each in found["two"].values())
    assert table(read(text(lab))) == table(read(text(LAB)))


@given(vlans=st.sets(st.integers(1, 250).filter(lambda vlan: vlan != 192), min_size=1, max_size=8))
def test_each_network_is_on_the_host_once_with_one_rule(vlans: set[int]) -> None:
    networks = {f"n{vlan}": Network(vlan=vlan, roles=()) for vlan in vlans}

    found = read(text(replace(LAB, networks=networks)))

    inner = {name: settings for name, settings in found.items() if name.startswith("vlan")}
    assert {settings["ovs_tag"] for settings in inner.values()} == vlans
    assert {settings["cidr"] for settings in inner.values()} == {f"10.{vlan}.0.1/24" for vlan in vlans}
    assert sorted(found["outside"]["masquerade"]) == sorted(f"10.{vlan}.0.0/24" for vlan in vlans)
