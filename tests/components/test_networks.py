"""Planned networks: what is refused of one, and of several together."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.networks import Network, check, clashes

CIDRS = st.builds(
    lambda place, length: str(ipaddress.ip_network((place, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(16, 29),
)


@given(cidr=CIDRS)
def test_the_gateway_is_the_first_address_and_an_interface_has_the_prefix_length(cidr: str) -> None:
    network = Network(cidr=cidr)

    assert ipaddress.ip_interface(network.interface(network.router)).network == ipaddress.ip_network(cidr)
    assert network.router == str(ipaddress.ip_network(cidr)[1])


@given(cidrs=st.lists(CIDRS, max_size=5))
def test_networks_clash_exactly_where_one_lies_in_another(cidrs: list[str]) -> None:
    networks = {f"n{place}": Network(cidr=cidr, vlan=place + 1) for place, cidr in enumerate(cidrs)}
    sizes = [ipaddress.ip_network(cidr).num_addresses for cidr in cidrs]
    joined = ipaddress.collapse_addresses(ipaddress.IPv4Network(cidr) for cidr in cidrs)

    apart = sum(sizes) == sum(network.num_addresses for network in joined)

    assert (not list(clashes(networks))) is apart


def test_a_vlan_has_one_network() -> None:
    with pytest.raises(ValueError, match="one and other are both VLAN 7"):
        check({"one": Network(cidr="10.7.0.0/24", vlan=7), "other": Network(cidr="10.8.0.0/24", vlan=7)})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"vlan": 4095}, "there is no VLAN 4095"),
        ({"gateway": "10.8.0.1"}, "10.8.0.1 is not in 10.7.0.0/24"),
        ({"dhcp": ("10.7.0.9", "10.8.0.9")}, "10.8.0.9 is not in 10.7.0.0/24"),
        ({"dhcp": ("10.7.0.9", "10.7.0.8")}, "end before they begin"),
        ({"dhcp": ("10.7.0.1", "10.7.0.8")}, "DHCP would give out 10.7.0.1"),
    ],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Network(cidr="10.7.0.0/24", **wrong)


def test_an_address_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.8\.0\.1 is not in"):
        Network(cidr="10.7.0.0/24").interface("10.8.0.1")
