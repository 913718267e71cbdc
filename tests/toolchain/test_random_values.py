"""The values that the plugin of pulumi-random makes, and what it refuses."""

from __future__ import annotations

import base64
import string
import uuid
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.random_provider.fields import UNKNOWN
from toolchain.random_provider.generators import SPECIAL
from toolchain.random_provider.resources import RESOURCE_TYPES, ImportProblem, Made, ResourceType


def type_named(name: str) -> ResourceType:
    return RESOURCE_TYPES[f"random:index/{name[0].lower()}{name[1:]}:{name}"]


def make(name: str, **inputs: Any) -> Made:
    assert type_named(name).check(inputs) == []
    return type_named(name).make(type_named(name).plan(inputs))


def import_of(name: str, given_id: str) -> tuple[dict[str, Any], Made]:
    adopt = type_named(name).adopt
    assert adopt is not None
    return adopt(given_id)


@st.composite
def string_inputs(draw: st.DrawFn) -> dict[str, Any]:
    least = {name: draw(st.integers(0, 5)) for name in ("minLower", "minUpper", "minNumeric", "minSpecial")}
    switches = {name: draw(st.booleans()) for name in ("lower", "upper", "numeric", "special")}
    switches[draw(st.sampled_from(sorted(switches)))] = True
    own = draw(st.sampled_from(["", "_", "/@-"]))
    length = draw(st.integers(max(1, sum(least.values())), 40))
    return {"length": length, **least, **switches, **({"overrideSpecial": own} if own else {})}


@given(string_inputs())
def test_a_string_has_its_length_and_what_it_must_contain(inputs: dict[str, Any]) -> None:
    value = make("RandomString", **inputs).outputs["result"]
    special = inputs.get("overrideSpecial") or SPECIAL
    classes = {
        "Lower": string.ascii_lowercase,
        "Upper": string.ascii_uppercase,
        "Numeric": string.digits,
        "Special": special,
    }
    assert len(value) == inputs["length"]
    for name, characters in classes.items():
        found = sum(character in characters for character in value)
        assert found >= inputs[f"min{name}"]
        assert inputs[name.lower()] or found == inputs[f"min{name}"]


@pytest.mark.parametrize("length", [1, 20, 200])
def test_the_hash_of_a_password_fits_the_password(length: int) -> None:
    made = make("RandomPassword", length=length)
    assert made.id == "none"
    assert bcrypt.checkpw(made.outputs["result"].encode()[:72], made.outputs["bcryptHash"].encode())


@given(st.binary(min_size=1, max_size=32), st.sampled_from(["", "web-", "a,b"]))
def test_an_id_is_the_same_number_in_all_notations(raw: bytes, prefix: str) -> None:
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    inputs, made = import_of("RandomId", f"{prefix},{url}" if prefix else url)
    assert made.id == url
    assert inputs["byteLength"] == len(raw)
    assert inputs.get("prefix", "") == prefix
    assert bytes.fromhex(made.outputs["hex"].removeprefix(prefix)) == raw
    assert base64.b64decode(made.outputs["b64Std"].removeprefix(prefix)) == raw
    assert int(made.outputs["dec"].removeprefix(prefix)) == int.from_bytes(raw, "big")


@given(st.integers(-1000, 1000), st.integers(0, 1000), st.sampled_from([None, "a", "b"]))
def test_an_integer_lies_within_its_bounds(minimum: int, width: int, seed: str | None) -> None:
    inputs = {"min": minimum, "max": minimum + width, **({"seed": seed} if seed else {})}
    value = make("RandomInteger", **inputs).outputs["result"]
    assert minimum <= value <= minimum + width
    assert seed is None or value == make("RandomInteger", **inputs).outputs["result"]


@given(st.lists(st.text(max_size=3), max_size=8), st.none() | st.integers(0, 30), st.sampled_from([None, "a"]))
def test_a_shuffle_goes_through_all_items_before_it_repeats_one(
    items: list[str], count: int | None, seed: str | None
) -> None:
    optional = {"resultCount": count, "seed": seed}
    inputs = {"inputs": items, **{name: value for name, value in optional.items() if value is not None}}
    results = make("RandomShuffle", **inputs).outputs["results"]
    assert len(results) == (0 if not items else len(items) if count is None else count)
    for start in range(0, len(results) - len(items) + 1, max(len(items), 1)):
        assert sorted(results[start : start + len(items)]) == sorted(items)
    assert seed is None or results == make("RandomShuffle", **inputs).outputs["results"]


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_pet_has_as_many_words_as_asked_for(length: int) -> None:
    made = make("RandomPet", length=length, separator=".", prefix="my")
    assert len(made.id.split(".")) == length + 1
    assert made.id.startswith("my.")


@pytest.mark.parametrize(("name", "version"), [("RandomUuid", 4), ("RandomUuid4", 4), ("RandomUuid7", 7)])
def test_a_uuid_is_of_its_version_and_standard_variant(name: str, version: int) -> None:
    made = make(name)
    assert uuid.UUID(made.id).version == version
    assert uuid.UUID(made.id).variant == uuid.RFC_4122
    assert made.outputs == {"result": made.id}


def test_bytes_are_their_own_base64_id() -> None:
    made = make("RandomBytes", length=5)
    assert made.id == made.outputs["base64"]
    assert base64.b64decode(made.id).hex() == made.outputs["hex"]


@pytest.mark.parametrize(
    ("name", "inputs", "field"),
    [
        ("RandomString", {}, "length"),
        ("RandomString", {"length": 0}, "length"),
        ("RandomString", {"length": 1.5}, "length"),
        ("RandomString", {"length": "8"}, "length"),
        ("RandomString", {"length": 3, "minUpper": 2, "minLower": 2}, "length"),
        ("RandomString", {"length": 3, "minUpper": -1}, "minUpper"),
        ("RandomString", {"length": 3, "lower": "yes"}, "lower"),
        ("RandomString", {"length": 3, "colour": "red"}, "colour"),
        ("RandomString", {"length": 3, "number": True, "numeric": False}, "number"),
        (
            "RandomPassword",
            {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False},
            "special",
        ),
        ("RandomInteger", {"min": 2, "max": 1}, "max"),
        ("RandomId", {"byteLength": 0}, "byteLength"),
        ("RandomBytes", {"length": 0}, "length"),
        ("RandomPet", {"length": 0}, "length"),
        ("RandomShuffle", {"inputs": "abc"}, "inputs"),
        ("RandomShuffle", {"inputs": ["a"], "resultCount": -1}, "resultCount"),
    ],
)
def test_unusable_inputs_are_refused_and_named(name: str, inputs: dict[str, Any], field: str) -> None:
    assert [place for place, _ in type_named(name).check(inputs)] == [field]


def test_what_is_not_known_yet_is_not_refused() -> None:
    assert type_named("RandomString").check({"length": UNKNOWN, "keepers": {"a": UNKNOWN}}) == []


@pytest.mark.parametrize(
    "same",
    [{}, {"keepers": {}}, {"keepers": {"a": None}}, {"lower": True, "minUpper": 0.0}, {"number": True}],
)
def test_defaults_and_empty_keepers_make_no_difference(same: dict[str, Any]) -> None:
    string_type = type_named("RandomString")
    assert string_type.plan({"length": 3.0, **same}) == string_type.plan({"length": 3})


@pytest.mark.parametrize(
    ("name", "given_id", "inputs", "outputs"),
    [
        ("RandomString", "aBc", {"length": 3}, {"result": "aBc"}),
        ("RandomInteger", "5,1,9", {"min": 1, "max": 9}, {"result": 5}),
        ("RandomInteger", "5,1,9,a,b", {"min": 1, "max": 9, "seed": "a,b"}, {"result": 5}),
        ("RandomBytes", "AQI=", {"length": 2}, {"base64": "AQI=", "hex": "0102"}),
    ],
)
def test_an_existing_value_is_imported(
    name: str, given_id: str, inputs: dict[str, Any], outputs: dict[str, Any]
) -> None:
    assert (import_of(name, given_id)[0], import_of(name, given_id)[1].outputs) == (inputs, outputs)


@pytest.mark.parametrize(
    ("name", "given_id"),
    [("RandomInteger", "5"), ("RandomInteger", "a,1,2"), ("RandomUuid", "x"), ("RandomBytes", "?"), ("RandomId", "?")],
)
def test_an_id_that_cannot_be_imported_is_refused(name: str, given_id: str) -> None:
    with pytest.raises(ImportProblem):
        import_of(name, given_id)
