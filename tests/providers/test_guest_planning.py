"""VMIDs and MAC addresses that are decided before a guest exists."""

from __future__ import annotations

from itertools import islice
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._guests import planning
from providers._guests.values import mac_address
from providers._runtime.facts import Facts
from providers._runtime.ownership import Owner

OWNER = Owner("proxmox/demo", "0123456789ab")
FIRST, SECOND, THIRD = islice(planning.candidates(OWNER), 3)


class Known:
    """Facts about a host with some guests, each with its description."""

    def __init__(self, guests: dict[int, str], names: dict[int, str] | None = None) -> None:
        self.guests = guests
        self.names = names or {}
        self.looked = 0
        self.reserved: dict[object, str] = {}

    def of_type(self, *_types: str, **_age: float) -> list[dict[str, Any]]:
        return [
            {"type": "qemu", "vmid": vmid, "node": "pve1", "name": self.names.get(vmid, f"VM {vmid}")}
            for vmid in self.guests
        ]

    def look(self, path: str) -> dict[str, str]:
        self.looked += 1
        return {"description": self.guests[int(path.split("/")[-2])]}

    def reserve(self, what: object, key: str) -> bool:
        return self.reserved.setdefault(what, key) == key


def planned(known: Known, name: str | None = None) -> int:
    """The VMID that is planned there."""
    return planning.vmid(cast("Facts", known), OWNER, "qemu", name)


@given(st.integers(0, 16**12 - 1))
def test_every_planned_vmid_has_six_digits(key: int) -> None:
    numbers = list(planning.candidates(Owner("p/s", f"{key:012x}")))

    assert all(100_000 <= number <= 999_999 for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_the_vmid_is_the_same_with_and_without_the_host() -> None:
    assert planning.vmid(None, OWNER, "qemu", None) == planned(Known({})) == FIRST


def test_a_number_that_somebody_has_is_passed_by() -> None:
    assert planned(Known({FIRST: "somebody's"})) == SECOND


def test_a_number_that_another_resource_of_the_run_has_is_passed_by() -> None:
    known = Known({})
    known.reserve(FIRST, "another")

    assert planned(known) == SECOND


def test_a_guest_that_a_died_run_made_is_found_by_its_mark() -> None:
    assert planned(Known({FIRST: "theirs", SECOND: f"text {OWNER.mark}\n"})) == SECOND


def test_a_guest_that_a_died_run_made_is_found_by_its_name_where_its_number_is_unexpected() -> None:
    assert planned(Known({777: OWNER.mark}, {777: "web"}), "web") == 777
    assert planned(Known({777: "not ours"}, {777: "web"}), "web") == FIRST


def test_only_a_few_guests_are_looked_at() -> None:
    known = Known(dict.fromkeys(islice(planning.candidates(OWNER), 30), "theirs"))

    assert planned(known) == list(islice(planning.candidates(OWNER), 31))[-1]
    assert known.looked == planning.LOOKED_AT


def test_a_lost_race_goes_on_with_the_next_number() -> None:
    known = cast("Facts", Known({SECOND: "theirs"}))

    assert planning.next_vmid(known, OWNER, FIRST) == THIRD
    assert planning.next_vmid(known, OWNER, 100) is None, "one that was declared has no substitute"


def test_a_program_may_say_where_its_vmids_are() -> None:
    within = range(5000, 5003)
    numbers = list(planning.candidates(OWNER, within))

    assert sorted(numbers) == [5000, 5001, 5002]
    assert planning.vmid(cast("Facts", Known({numbers[0]: "theirs"})), OWNER, "qemu", None, within) == numbers[1]


def test_two_nics_of_a_run_never_get_one_address() -> None:
    facts = cast("Facts", Known({}))
    facts.reserve(planning.mac(OWNER, "net0"), "another NIC")

    assert planning.mac(OWNER, "net0", facts) != planning.mac(OWNER, "net0")
    assert planning.mac(OWNER, "net0", facts) == planning.mac(OWNER, "net0", facts)


@given(st.text("0123456789abcdef", min_size=12, max_size=12), st.integers(0, 31))
def test_a_planned_address_is_one_that_a_nic_can_have_and_stays(key: str, slot: int) -> None:
    first = planning.mac(Owner("p/s", key), f"net{slot}")

    assert mac_address(first) == first == planning.mac(Owner("p/s", key), f"net{slot}")
    assert first.startswith("BC:24:11:")


def test_the_nics_of_a_guest_have_different_addresses() -> None:
    assert len({planning.mac(OWNER, f"net{slot}") for slot in range(32)}) == 32


@pytest.mark.parametrize("text", ["", "BC:24:11", "01:00:00:00:00:02", "ZZ:24:11:00:00:01"])
def test_what_no_nic_can_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"MAC|multicast"):
        mac_address(text)
