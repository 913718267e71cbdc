"""Maps whose slots hold maps, and lists of parts: a VNet has subnets, and a subnet ranges of addresses."""

from __future__ import annotations

from typing import Annotated

import pytest

from providers._runtime import lifecycle
from providers._runtime.markers import Action, Immutable, Repeated, ServerDefault, Wire
from providers._runtime.model import Inputs, Values, as_declared, fields_of, from_wire, to_wire
from providers._runtime.wire import Part


class Range(Part):
    """Addresses from one to another."""

    first: str
    last: str


class Subnet(Part):
    """What a slot's slot has."""

    gateway: str | None = None
    snat: Annotated[bool | None, ServerDefault(value=False)] = None
    ranges: Annotated[list[Range] | None, Wire("dhcp-range"), Repeated()] = None


class Vnet(Part):
    """What a slot has."""

    tag: int | None = None
    subnets: Annotated[dict[str, Subnet] | None, Action()] = None


class ZoneInputs(Inputs):
    """As declared."""

    name: Annotated[str, Immutable()]
    vnets: Annotated[dict[str, Vnet] | None, Action()] = None


WANTED: Values = {"name": "it", "vnets": {"web": {"subnets": {"10.1.0.0/24": {"snat": False}}}}}
ACTUAL: Values = {
    "name": "it",
    "vnets": {
        "web": {"tag": 7, "subnets": {"10.1.0.0/24": {"gateway": "10.1.0.1"}, "10.2.0.0/24": {}}},
        "extra": {"tag": 8},
    },
}


def test_a_map_in_a_slot_is_owned_whole_and_its_slots_by_their_declared_keys() -> None:
    assert as_declared(ZoneInputs, WANTED, ACTUAL)["vnets"] == {
        "web": {"subnets": {"10.1.0.0/24": {"snat": False}, "10.2.0.0/24": {}}},
        "extra": {"tag": 8},
    }


def test_a_map_in_a_slot_that_the_server_does_not_have_is_empty() -> None:
    shown = as_declared(ZoneInputs, WANTED, {"name": "it", "vnets": {"web": {"tag": 7}}})

    assert shown["vnets"] == {"web": {"subnets": {}}}


def test_what_nobody_declared_is_left_out_after_a_change() -> None:
    kept = lifecycle._declared_slots(ZoneInputs, WANTED, ACTUAL)

    assert kept["vnets"] == {"web": {"tag": 7, "subnets": {"10.1.0.0/24": {"gateway": "10.1.0.1"}}}}


@pytest.mark.parametrize("form", [{"first": "1", "last": "9"}, "first=1,last=9"])
def test_a_list_of_parts_is_sent_as_texts_and_read_in_either_form(form: object) -> None:
    values = {"ranges": [{"first": "1", "last": "9"}]}

    assert to_wire(Subnet, values) == {"dhcp-range": ["first=1,last=9"]}
    assert from_wire(Subnet, {"dhcp-range": [form]}) == values
    assert fields_of(Subnet)["ranges"].item is Range
