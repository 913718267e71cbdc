"""The one shape of a resource's values: made from what a program wrote, sent to Proxmox and read back."""

from __future__ import annotations

import pytest
from hypothesis import given

from providers._runtime.model import (
    Changes,
    Values,
    as_declared,
    canonical,
    declared,
    from_wire,
    to_wire,
    update_parameters,
)
from tests.runtime.sample import CONFIG, SampleInputs

NOTHING: frozenset[str] = frozenset()


def shape(unknown: frozenset[str] = NOTHING, **values: object) -> Values:
    """Values in canonical form, of which nothing may be wrong."""
    made, problems = canonical(SampleInputs, dict(values), unknown)
    assert problems == []
    return made


def wrong(*unknown: str, **values: object) -> list[tuple[str, str]]:
    """What is wrong with values."""
    return canonical(SampleInputs, dict(values), frozenset(unknown))[1]


@given(CONFIG)
def test_what_is_canonical_stays_as_it_is(values: Values) -> None:
    once = shape(**values)

    assert shape(**once) == once


def test_numbers_that_come_as_floats_are_what_they_are_declared_as() -> None:
    made = shape(name="it", memory=512.0, net={"net0": {"bridge": "vmbr0", "mtu": 1500.0}})

    assert repr(made) == "{'name': 'it', 'memory': 512, 'net': {'net0': {'bridge': 'vmbr0', 'mtu': 1500}}}"


def test_what_is_not_set_is_not_there() -> None:
    assert shape(name="it", memory=None) == {"name": "it"}


def test_an_empty_text_is_the_same_as_none() -> None:
    assert shape(name="it", comment="", pin="") == {"name": "it"}


def test_a_text_that_carries_the_mark_ends_with_its_last_word() -> None:
    assert shape(name="it", comment="line one\nline two \n")["comment"] == "line one\nline two"


def test_a_list_without_order_is_the_same_in_any_order() -> None:
    assert shape(name="it", tags=["b", "A", "b"]) == shape(name="it", tags=["a", "b"])


def test_a_list_with_order_keeps_it() -> None:
    assert shape(name="it", order=[3, 1, 2])["order"] == [3, 1, 2]


@pytest.mark.parametrize(
    ("values", "field", "reason"),
    [
        ({"name": "it", "memroy": 1}, "memroy", "there is no such field"),
        ({}, "name", "it is required"),
        ({"name": "it", "memory": 13}, "memory", "Input should be greater than or equal to 16"),
        ({"name": "it", "net": {"net0": {"bridg": "x"}}}, "net.net0.bridg", "there is no such field"),
        ({"name": "it", "mode": "safe"}, "", "memory: mode safe needs at least 512"),
        ({"name": "it", "adopt": "maybe"}, "adopt", "Input should be 'never', 'if-exists' or 'required'"),
        ({"name": "it", "timeouts": {"create": 0}}, "timeouts.create", "Input should be greater than 0"),
    ],
)
def test_what_is_wrong_is_told_by_field(values: Values, field: str, reason: str) -> None:
    assert (field, reason) in wrong(**values)


def test_a_value_that_is_not_known_yet_is_not_missing_and_not_wrong() -> None:
    assert shape(frozenset({"name"}), memory=512.0) == {"memory": 512}
    assert wrong("memory", name="it", mode="safe") == []


def test_what_is_known_is_checked_while_other_values_are_not_known_yet() -> None:
    assert [field for field, _ in wrong("name", memory=13)] == ["memory"]
    assert shape(frozenset({"name"}), tags=["B", "a"]) == {"tags": ["a", "b"]}


@given(CONFIG)
def test_what_is_sent_is_read_back_as_the_same(values: Values) -> None:
    sent = shape(**values)

    assert from_wire(SampleInputs, to_wire(SampleInputs, sent)) == sent


def test_values_are_sent_with_proxmoxs_names_and_in_its_formats() -> None:
    sent = shape(
        name="it",
        mode="fast",
        onboot=True,
        tags=["b", "a"],
        order=[2, 1],
        net={"net1": {"bridge": "vmbr0", "firewall": True}},
        startup={"order": 1},
    )

    assert to_wire(SampleInputs, sent) == {
        "name": "it",
        "io-mode": "fast",
        "onboot": "1",
        "tags": "a;b",
        "order": "2,1",
        "net1": "vmbr0,firewall=1",
        "startup": "order=1",
    }


def test_what_is_no_parameter_is_not_sent() -> None:
    sent = shape(name="it", started=True, replace_allowed=True, adopt="if-exists", connection="lab", timeouts={})

    assert to_wire(SampleInputs, sent) == {"name": "it"}


def test_what_perl_gives_as_a_number_is_read_as_what_it_is() -> None:
    assert from_wire(SampleInputs, {"name": "it", "pin": 1234, "memory": "512", "onboot": 1}) == {
        "name": "it",
        "pin": "1234",
        "memory": 512,
        "onboot": True,
    }


def test_a_read_never_fails_on_what_this_version_does_not_know() -> None:
    raw = {"name": "It!", "io-mode": "turbo", "memory": "lots", "brand-new": 1, "startup": "any", "net0": "a,b"}

    assert from_wire(SampleInputs, raw) == {
        "name": "It!",
        "mode": "turbo",
        "memory": "lots",
        "startup": "any",
        "net": {"net0": "a,b"},
    }


def test_an_empty_parameter_is_not_set() -> None:
    assert from_wire(SampleInputs, {"name": "it", "comment": "", "tags": None}) == {"name": "it"}


def test_only_own_fields_with_a_value_are_declared() -> None:
    assert declared(SampleInputs, {"name": "it", "comment": None, "serial": "x", "impact": "y"}) == {"name": "it"}


def test_what_is_not_declared_stays_the_servers() -> None:
    actual = {"name": "it", "memory": 512, "pin": "1", "net": {"net0": {"bridge": "vmbr0"}}}

    assert as_declared(SampleInputs, {"name": "it", "memory": 1024}, actual) == {"name": "it", "memory": 512}


def test_a_map_of_slots_is_owned_whole_and_a_slot_by_its_declared_keys() -> None:
    wanted = {"net": {"net0": {"bridge": "vmbr0"}}}
    actual = {"net": {"net0": {"bridge": "vmbr9", "mtu": 9000}, "net5": {"bridge": "vmbr1", "mtu": 1}}}

    assert as_declared(SampleInputs, wanted, actual) == {
        "net": {"net0": {"bridge": "vmbr9"}, "net5": {"bridge": "vmbr1", "mtu": 1}}
    }
    assert as_declared(SampleInputs, wanted, {}) == {"net": {}}


def test_a_field_that_the_server_leaves_out_reads_as_its_default() -> None:
    wanted = {"onboot": True, "memory": 512, "net": {"net0": {"firewall": True}}}

    assert as_declared(SampleInputs, wanted, {"net": {"net0": {}}}) == {
        "onboot": False,
        "net": {"net0": {"firewall": False}},
    }


def test_what_can_not_be_read_back_is_what_was_applied_last() -> None:
    wanted = {"password": "secret", "replace_allowed": True}

    assert as_declared(SampleInputs, wanted, {"password": "**********"}) == wanted


def test_a_text_that_can_not_be_taken_apart_is_shown_as_it_is() -> None:
    wanted = {"startup": {"order": 1}, "net": {"net0": {"bridge": "vmbr0"}}}

    assert as_declared(SampleInputs, wanted, {"startup": "any", "net": {"net0": "a,b"}}) == {
        "startup": "any",
        "net": {"net0": "a,b"},
    }


def test_an_update_sets_clears_and_drops_in_one_request() -> None:
    todo = Changes(set={"memory": 512}, cleared=["mode", "started"], dropped={"net": ["net1", "net2"]})

    assert update_parameters(SampleInputs, todo) == {"memory": "512", "delete": "io-mode,net1,net2"}
