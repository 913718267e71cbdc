"""Every parameter with which Proxmox makes and changes an object has a field, or a reason why it has none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from cli.parameters import carriers, parameters_of
from providers._runtime.coverage import Coverage
from providers._runtime.handler import Handler
from providers._runtime.markers import Slots
from providers._runtime.model import FieldSpec, fields_of
from providers._runtime.registry import handler_of
from tests.contract.kinds import KINDS
from tests.simulator.oracles import api_schema

COMPARED = [name for name in KINDS if handler_of(name).coverage is not None]
IN_THE_NAME = {"file", "volume", "size"}
"""Keys of a volume's text that say which one it is."""

pytestmark = pytest.mark.parametrize("name", COMPARED)


def known(name: str) -> tuple[Handler, Coverage, dict[str, dict[str, Any]]]:
    """A type, what it says of its parameters, and the parameters that Proxmox lists."""
    handler = handler_of(name)
    assert handler.coverage is not None
    listed: dict[str, dict[str, Any]] = {}
    for method in handler.coverage.methods:
        verb, _, path = method.partition(" ")
        listed |= listed_in(api_schema()[verb, path]["parameters"])
    return handler, handler.coverage, listed


def listed_in(parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters of a schema; some methods take others for each type, and list them apart."""
    parts = [*parameters.get("allOf", ()), *parameters.get("oneOf", ())]
    if not parts:
        return dict(parameters.get("properties", parameters))
    found = {name: schema for part in parts for name, schema in listed_in(part).items()}
    return found | ({parameters["type-property"]: {}} if "type-property" in parameters else {})


def counted(parameter: str, schema: dict[str, Any]) -> set[str]:
    """`serial[n]` as the four names that it stands for."""
    return {parameter.replace("[n]", str(number)) for number in range(int(schema.get("count", 1)))}


def test_every_parameter_is_carried_by_a_field_or_left_out_with_a_reason(name: str) -> None:
    handler, coverage, listed = known(name)
    carried = carriers(handler)

    homeless = [
        parameter
        for parameter, schema in listed.items()
        if parameter not in coverage.left_out
        and parameter not in carried
        and not (parameter.endswith("[n]") and counted(parameter, schema) <= set(carried))
    ]

    assert homeless == []


def test_what_is_said_of_parameters_is_true(name: str) -> None:
    handler, coverage, listed = known(name)
    fields = {parameter for spec in fields_of(handler.inputs).values() for parameter in parameters_of(spec)}

    names = {
        counted_name for parameter, about in listed.items() for counted_name in (parameter, *counted(parameter, about))
    }
    assert set(coverage.left_out) | set(carriers(handler)) <= names
    assert not (set(coverage.left_out) | set(coverage.carried)) & fields
    for field in coverage.carried.values():
        if " " not in field:
            assert has_field(handler, field), field


def has_field(handler: Handler, path: str) -> bool:
    """Whether there is a field, or a part of one, by that name."""
    field, _, key = path.partition(".")
    spec = fields_of(handler.inputs)[field]
    return not key or spec.is_map or (spec.part is not None and key in spec.part.model_fields)


def test_every_slot_that_proxmox_has_can_be_declared_and_no_other(name: str) -> None:
    handler, _, listed = known(name)
    for spec in fields_of(handler.inputs).values():
        if not spec.marker(Slots) or spec.part is None:
            continue
        for parameter in parameters_of(spec):
            slots = counted(parameter, listed[parameter])
            beyond = parameter.replace("[n]", str(len(slots)))
            assert {slot for slot in slots if not takes(spec, slot)} == set()
            assert not takes(spec, beyond)


def takes(spec: FieldSpec, slot: str) -> bool:
    """Whether the field can have that slot, whatever else is wrong with it."""
    try:
        spec.adapter.validate_python({slot: {}})
    except ValidationError as error:
        return not any("[key]" in map(str, problem["loc"]) for problem in error.errors())
    return True


def test_every_key_of_a_property_string_is_typed(name: str) -> None:
    handler, _, listed = known(name)
    untyped = []
    for parameter, schema in listed.items():
        field = carriers(handler).get(parameter, "").partition(".")[0]
        part = fields_of(handler.inputs)[field].part if re.fullmatch(r"\w+", field) else None
        if part is None or not isinstance(schema.get("format"), dict):
            continue
        keys = {key for key, about in schema["format"].items() if "alias" not in about}
        untyped += [f"{parameter}: {key}" for key in keys - set(part.wire_keys().values()) - IN_THE_NAME]

    assert untyped == []
