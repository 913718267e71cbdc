"""Addresses that a program gives out by name."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.addresses import AddressPlan
from providers.vm import IpConfig

NAMES = st.lists(st.text(min_size=1), min_size=1, max_size=60, unique=True)


@given(NAMES)
def test_every_name_has_an_address_of_its_own_that_a_guest_can_have(names: list[str]) -> None:
    plan = AddressPlan("192.0.2.0/24")
    found = [ipaddress.ip_interface(plan.of(name)) for name in names]

    assert len(set(found)) == len(names)
    assert all(10 <= int(address.ip) - int(address.network.network_address) <= 254 for address in found)


@given(NAMES)
def test_the_next_run_gives_out_the_same(names: list[str]) -> None:
    first, second = AddressPlan("192.0.2.0/24"), AddressPlan("192.0.2.0/24")

    assert (
        [first.of(name) for name in names] == [second.of(name) for name in names] == [first.of(name) for name in names]
    )


def test_a_name_that_is_added_leaves_the_others_alone() -> None:
    before, after = AddressPlan("10.0.0.0/16"), AddressPlan("10.0.0.0/16")
    after.of("new")

    assert [before.of(f"web-{n}") for n in range(9)] == [after.of(f"web-{n}") for n in range(9)]


def test_it_is_what_cloud_init_takes() -> None:
    assert AddressPlan("192.0.2.0/24", first=7, last=7).ipconfig("a") == {"ip": "192.0.2.7/24", "gw": "192.0.2.1"}
    assert AddressPlan("192.0.2.0/24", first=7, last=7, gateway=None).ipconfig("a") == {"ip": "192.0.2.7/24"}
    assert AddressPlan("2001:db8::/64").of("a").startswith("2001:db8::")
    assert AddressPlan("2001:db8::/64", first=7, last=7).ipconfig("a") == {
        "ip6": "2001:db8::7/64",
        "gw6": "2001:db8::1",
    }
    assert IpConfig.model_validate(AddressPlan("192.0.2.0/24").ipconfig("a"))


def test_the_gateway_is_given_to_nobody() -> None:
    plan = AddressPlan("192.0.2.0/30", first=1, last=2)

    assert (plan.of("only"), plan.gateway) == ("192.0.2.2/30", "192.0.2.1")
    with pytest.raises(ValueError, match=r"all addresses of 192\.0\.2\.0/30 .* 'one too many' has none"):
        plan.of("one too many")


@pytest.mark.parametrize(("first", "last"), [(0, 9), (9, 8), (250, 256)])
def test_places_that_are_not_in_the_network_are_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="there are no places"):
        AddressPlan("192.0.2.0/24", first=first, last=last)
