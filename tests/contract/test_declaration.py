"""What every resource module has to say of itself, and what can be asked of it without an engine."""

from __future__ import annotations

import sys

import pytest
from pydantic import BaseModel, ValidationError

from providers._runtime.model import canonical, fields_of
from tests.contract.kinds import KINDS, kind

pytestmark = pytest.mark.parametrize("name", KINDS)


def test_the_constructor_takes_exactly_the_inputs(name: str) -> None:
    it = kind(name)
    unpacked = it.resource.__init__.__annotations__["args"]
    args = getattr(sys.modules[it.resource.__module__], unpacked.removeprefix("Unpack[").removesuffix("]"))

    assert args.__required_keys__ | args.__optional_keys__ == set(fields_of(it.handler.inputs))


def parts_of(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The parts that the fields of a model hold."""
    return {part for spec in fields_of(model).values() for part in (spec.part, spec.item) if part}


def test_every_field_is_described(name: str) -> None:
    model = kind(name).handler.outputs
    models: set[type[BaseModel]] = {model}
    while held := {part for each in models for part in parts_of(each)} - models:
        models |= held

    undescribed = [
        f"{described.__name__}.{field}"
        for described in models
        for field, info in described.model_fields.items()
        if not (info.description or "").strip()
    ]

    assert undescribed == []


def test_inputs_in_canonical_form_stay_as_they_are(name: str) -> None:
    it = kind(name)
    for args in (it.example, *it.updates):
        once, problems = canonical(it.handler.inputs, dict(args), frozenset())
        assert problems == []
        assert canonical(it.handler.inputs, once, frozenset()) == (once, [])


def test_any_one_value_may_be_unknown(name: str) -> None:
    it = kind(name)
    for field in it.example:
        known = {other: value for other, value in it.example.items() if other != field}
        values, problems = canonical(it.handler.inputs, known, frozenset({field}))
        assert problems == []
        assert set(values) == set(known)


def test_a_field_that_does_not_exist_is_refused_by_name(name: str) -> None:
    it = kind(name)
    _, problems = canonical(it.handler.inputs, {**it.example, "no_such_field": 1}, frozenset())

    assert ("no_such_field", "there is no such field") in problems


def test_the_outputs_hold_all_inputs(name: str) -> None:
    it = kind(name)

    assert set(fields_of(it.handler.inputs)) <= set(fields_of(it.handler.outputs))
    with pytest.raises(ValidationError):
        it.handler.inputs.model_validate({"no_such_field": 1})
