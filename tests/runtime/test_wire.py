"""Proxmox's wire format: property strings, sizes and typed parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from providers._runtime.errors import InvalidValue
from providers._runtime.wire import (
    Part,
    parse_property_string,
    print_property_string,
    size_bytes,
    size_text,
    to_text,
)

KEYS = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_characters=",\n", exclude_categories=["Cs", "Cc"]), max_size=12)


class Nic(Part):
    """A part with a default key, an alias and several types."""

    default_key = "model"
    model: str | None = None
    link_down: bool | None = None
    rate: float | None = Field(default=None, ge=0)
    queues: int | None = None
    mac: str | None = Field(default=None, alias="hw-addr")


@given(st.dictionaries(KEYS, TEXTS, max_size=6), st.one_of(st.none(), KEYS))
def test_what_is_printed_is_parsed_again(values: dict[str, str], default_key: str | None) -> None:
    printed = print_property_string(values, default_key)

    assert parse_property_string(printed, default_key) == values


@given(st.dictionaries(KEYS, TEXTS, min_size=1, max_size=6))
def test_the_default_key_goes_first_and_bare(values: dict[str, str]) -> None:
    default_key = list(values)[-1]
    printed = print_property_string(values, default_key)

    bare = values[default_key]
    assert printed.split(",")[0] == (bare if bare and "=" not in bare else f"{default_key}={bare}")


@pytest.mark.parametrize("value", ["a,b", "a\nb"])
def test_a_value_that_would_break_the_string_is_refused_by_its_key(value: str) -> None:
    with pytest.raises(InvalidValue, match=r"^name: a comma or a new line"):
        print_property_string({"name": value})


def test_a_bare_value_without_default_key_is_refused() -> None:
    with pytest.raises(InvalidValue, match="does not define a default key"):
        parse_property_string("size=8G,what")


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match="duplicate key"):
        parse_property_string("virtio0,model=x", "model")


def test_empty_pieces_mean_nothing() -> None:
    assert parse_property_string(",size=8G,,", None) == {"size": "8G"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "1"), (False, "0"), (3.0, "3"), (0.5, "0.5"), ([1, True, "x"], "1;1;x"), ("as it is", "as it is")],
)
def test_values_are_written_as_proxmox_takes_them(value: object, text: str) -> None:
    assert to_text(value) == text


@given(st.integers(min_value=0, max_value=1 << 70))
def test_a_size_is_printed_so_that_it_is_read_as_the_same(size: int) -> None:
    assert size_bytes(size_text(size)) == size


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("528K", 528 << 10), ("2.5G", 2560 << 20), ("4T", 4 << 40), ("1", 1)]
)
def test_sizes_are_read_as_proxmox_writes_them(text: str, size: int) -> None:
    assert size_bytes(text) == size


def test_a_size_is_printed_in_the_largest_unit_that_divides_it() -> None:
    assert [size_text(size_bytes(text)) for text in ("2.5G", "1024M", "1025K")] == ["2560M", "1G", "1025K"]


@pytest.mark.parametrize("text", ["", "32GB", "-1G", "8 G", "G", "1.G", "8G\n", "٣G"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is no size"):
        size_bytes(text)


NICS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["virtio", "e1000"]),
        "link_down": st.booleans(),
        "rate": st.floats(min_value=0, max_value=1e6, allow_nan=False).map(lambda x: round(x, 2)),
        "queues": st.integers(0, 64),
        "mac": st.just("BC:24:11:00:00:01"),
    },
)


@given(NICS)
def test_a_part_is_read_back_as_it_was_written(values: dict[str, object]) -> None:
    assert Nic.parse(Nic.print(values)) == values


def test_a_part_is_written_with_proxmoxs_names_and_read_with_ours() -> None:
    text = Nic.print({"mac": "BC:24:11:00:00:01", "model": "virtio", "link_down": True})

    assert text == "virtio,link_down=1,hw-addr=BC:24:11:00:00:01"
    assert Nic.parse("model=virtio,hw-addr=BC:24:11:00:00:01") == {"model": "virtio", "mac": "BC:24:11:00:00:01"}


def test_a_part_keeps_a_key_that_a_later_proxmox_has() -> None:
    values = Nic.parse("virtio,brand-new=7")

    assert values == {"model": "virtio", "brand-new": "7"}
    assert Nic.print({**values, "queues": 2}) == "virtio,queues=2,brand-new=7"


def test_a_part_keeps_a_value_that_a_later_proxmox_has() -> None:
    assert Nic.parse("virtio,queues=auto,link_down=1") == {"model": "virtio", "queues": "auto", "link_down": True}


def test_a_program_writes_a_part_with_our_names_or_with_proxmoxs() -> None:
    assert Nic(mac="x").as_dict() == Nic.model_validate({"hw-addr": "x"}).as_dict() == {"mac": "x"}
