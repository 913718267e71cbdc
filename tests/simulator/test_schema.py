"""Parameters are taken and refused in Proxmox's own words."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import propstring
from simulator.schema import Param, PropertyString, array, boolean, check, expand, integer, number, string
from simulator.upid import Upid, parse

NET = PropertyString(
    {
        "model": string(enum=("e1000", "virtio"), default_key=True),
        "macaddr": string(format="mac-addr", optional=True),
        "virtio": string(alias="macaddr", key_alias="model", optional=True),
        "bridge": string(optional=True),
        "tag": integer(minimum=1, maximum=4094, optional=True),
        "firewall": boolean(optional=True),
        "trunks": string(optional=True, requires="bridge"),
    }
)


def _refusal(param: Param, value: Any) -> str | None:
    return check({"p": param}, {"p": value})[1].get("p")


@pytest.mark.parametrize(
    ("param", "value", "text"),
    [
        (integer(), "x", "type check ('integer') failed - got 'x'"),
        (integer(), "1.5", "type check ('integer') failed - got '1.5'"),
        (integer(), True, "type check ('integer') failed - got JSON::PP::Boolean"),
        (number(), "1e", "type check ('number') failed - got '1e'"),
        (boolean(), "yes", "type check ('boolean') failed - got 'yes'"),
        (boolean(), "2", "type check ('boolean') failed - got '2'"),
        (string(), ["a", "b"], "type check ('string') failed - got ARRAY"),
        (string(), {"a": 1}, "type check ('string') failed - got HASH"),
        (integer(minimum=1), "0", "value must have a minimum value of 1"),
        (number(maximum=8192), "9000", "value must have a maximum value of 8192"),
        (string(min_length=5), "abc", "value must be at least 5 characters long"),
        (string(max_length=2), "abc", "value may only be 2 characters long"),
        (string(pattern="[a-z]+"), "A", "value does not match the regex pattern"),
        (string(enum=("a", "b")), "c", "value 'c' does not have a value in the enumeration 'a, b'"),
        (string(format="pve-vmid"), "5", "invalid format - value does not look like a valid VM ID\n"),
        (string(format="pve-tag-list"), "ok;bad tag!", "invalid format - invalid characters in tag\n"),
    ],
)
def test_a_wrong_value_is_refused_with_the_words_of_proxmox(param: Param, value: Any, text: str) -> None:
    assert _refusal(param, value) == text


@pytest.mark.parametrize(
    ("param", "value", "typed"),
    [
        (integer(), "-5", -5),
        (number(), "1.5e2", 150.0),
        (boolean(), "1", True),
        (boolean(), False, False),
        (string(), 12345, "12345"),
        (string(format="pve-tag-list"), ["a", "b"], "a,b"),
        (array(string()), "one", ["one"]),
        (array(integer()), ["1", "2"], [1, 2]),
        (string(optional=True), None, None),
    ],
)
def test_a_right_value_gets_its_type(param: Param, value: Any, typed: Any) -> None:
    assert check({"p": param}, {"p": value}) == ({"p": typed}, {})


def test_missing_unknown_and_required_parameters_are_each_named() -> None:
    params = {"a": string(), "append": boolean(optional=True, requires="groups"), "groups": string(optional=True)}
    assert check(params, {"append": "1", "bogus": "1"})[1] == {
        "a": "property is missing and it is not optional",
        "groups": "missing property required by 'append'",
        "bogus": "property is not defined in schema and the schema does not allow additional properties",
    }


def test_numbered_parameters_are_written_out() -> None:
    assert list(expand({"net[n]": string(count=3)})) == ["net0", "net1", "net2"]


def test_a_property_string_is_taken_apart_with_its_default_key_and_aliases() -> None:
    typed = NET.parse("virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5,firewall=1", "net0")
    assert typed == {
        "model": "virtio", "macaddr": "BC:24:11:00:00:01", "bridge": "vmbr0", "tag": 5, "firewall": True
    }  # fmt: skip
    assert NET.parse("e1000")["model"] == "e1000"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("bridge=vmbr0", "net0.model: property is missing and it is not optional\n"),
        ("virtio,foo=1", "net0.foo: property is not defined in schema and the schema does not allow"
         " additional properties\n"),
        ("virtio=ZZ:00:00:00:00:02", "net0.macaddr: invalid format - value does not look like a valid unicast MAC"
         " address\n\n"),
        ("virtio,tag=9999", "net0.tag: value must have a maximum value of 4094\n"),
        ("virtio,trunks=5", "net0.bridge: missing property required by 'net0.trunks'\n"),
    ],
)  # fmt: skip
def test_a_wrong_property_string_is_refused_in_full(text: str, refusal: str) -> None:
    _, errors = check({"net0": string(format=NET)}, {"net0": text})
    assert errors == {"net0": f"invalid format - format error\n{refusal}"}


_KEYS = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=5)
_VALUES = st.text(st.characters(exclude_characters=",="), min_size=1, max_size=8)


@given(st.dictionaries(_KEYS, _VALUES, min_size=1), st.booleans())
def test_what_is_joined_splits_into_the_same(values: dict[str, str], with_default: bool) -> None:
    default = min(values) if with_default else None
    assert propstring.split(propstring.join(values, default), default) == values


@given(st.text(max_size=60))
def test_no_text_breaks_the_property_string_parser(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert NET.parse(text, "net0")["model"] in ("e1000", "virtio")


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c", "unknown"]), st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=4,
    ))
)  # fmt: skip
def test_whatever_json_holds_the_check_answers(values: dict[str, Any]) -> None:
    params = {"a": integer(minimum=1), "b": string(format=NET, optional=True), "c": boolean(optional=True)}
    typed, errors = check(params, values)
    assert errors or isinstance(typed["a"], int)


_NUMBERS = st.integers(0, 0xFFFFFFFF)
_WORDS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(st.builds(Upid, _WORDS, _NUMBERS, _NUMBERS, _NUMBERS, _WORDS, _WORDS | st.just(""), st.just("a@pve!t")))
def test_a_upid_reads_back_as_it_was_written(upid: Upid) -> None:
    assert parse(str(upid)) == upid


@given(st.text(max_size=80))
def test_no_other_text_is_a_upid(text: str) -> None:
    assert parse(text) is None or text.startswith("UPID:")
