"""Values of a resource: their one shape, Proxmox's wire format of them, and what differs between two of them.

A resource's values have one shape everywhere (inputs, state, read-back): plain JSON types keyed by field name,
canonical, and only what is set. This module makes that shape, turns it into Proxmox's wire format and back, and
compares two of them. It knows neither Pulumi nor the network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from providers._runtime.errors import InvalidValue
from providers._runtime.fields import FieldSpec, Inputs, Problem, Timeouts, Values, fields_of
from providers._runtime.markers import Carrier, Immutable, Repeated, Separated, ServerDefault, Slots, WriteOnly
from providers._runtime.ownership import unmarked
from providers._runtime.wire import Part, to_text

__all__ = [
    "Changes",
    "FieldSpec",
    "Inputs",
    "Problem",
    "Timeouts",
    "Values",
    "as_declared",
    "canonical",
    "changes",
    "declared",
    "fields_of",
    "from_wire",
    "to_wire",
    "update_parameters",
]
"""The fields' own names too, so that a resource module finds all of the model in one place."""


# ---------------------------------------------------------------- what a program wrote


def canonical(model: type[Inputs], values: Values, unknown: frozenset[str]) -> tuple[Values, list[Problem]]:
    """The values in canonical form, and what is wrong with them as (field, reason).

    Fields in `unknown` have no value yet (it comes from a resource that is still to be made): they are left out,
    and nothing that depends on them is called wrong.
    """
    values = model.completed(values, unknown)
    try:
        checked = model.model_validate(values)
    except ValidationError as error:
        problems = [_problem(item) for item in error.errors() if not _excused(item, unknown)]
        return ({}, problems) if problems else (_field_by_field(model, values), [])
    return _normal(model, checked.model_dump(mode="json", exclude_none=True)), []


def _excused(item: Any, unknown: frozenset[str]) -> bool:
    """Whether an error of pydantic is only due to a value that is not known yet."""
    return bool(unknown) and (not item["loc"] or item["loc"][0] in unknown)


def _problem(item: Any) -> Problem:
    """An error of pydantic as (field path, reason)."""
    reason = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        reason = "there is no such field"
    elif item["type"] == "missing":
        reason = "it is required"
    return ".".join(str(step) for step in item["loc"]), reason


def _field_by_field(model: type[Inputs], values: Values) -> Values:
    """Canonical values where some are unknown, so that the model as a whole can't be made."""
    specs = fields_of(model)
    known = {name: specs[name].adapter.validate_python(value) for name, value in values.items()}
    dumped = {
        name: specs[name].adapter.dump_python(value, mode="json", exclude_none=True) for name, value in known.items()
    }
    return _normal(model, {name: value for name, value in dumped.items() if value is not None})


def _normal(model: type[BaseModel], values: Values) -> Values:
    """To Proxmox an empty text is the same as none, and a text that carries the mark has nothing behind it."""
    for name, spec in fields_of(model).items():
        if spec.marker(Carrier) and isinstance(values.get(name), str):
            values[name] = unmarked(values[name]) or ""
        if values.get(name) == "" and not model.model_fields[name].is_required():
            del values[name]
    return _in_order(model, values)


def _in_order(model: type[BaseModel], values: Values) -> Values:
    """Lists whose order means nothing get one order, so that two of them compare."""
    specs = fields_of(model)
    for name, value in values.items():
        separated = specs[name].marker(Separated)
        if separated and not separated.ordered:
            values[name] = sorted(set(value))
    return values


# ---------------------------------------------------------------- Proxmox's wire format


def to_wire(model: type[BaseModel], values: Values) -> dict[str, Any]:
    """Values as parameters of a request: texts, and lists of texts for what is repeated."""
    parameters: dict[str, Any] = {}
    for name, value in values.items():
        spec = fields_of(model)[name]
        if not spec.in_config or value is None:
            continue
        if spec.marker(Slots) and spec.part:
            parameters.update({slot: spec.part.print(part) for slot, part in value.items()})
        else:
            parameters[spec.wire] = _to_parameter(spec, value)
    return parameters


def _to_parameter(spec: FieldSpec, value: Any) -> str | list[str]:
    if spec.has(Repeated):
        return [spec.item.print(item) if spec.item else to_text(item) for item in value]
    separated = spec.marker(Separated)
    if separated:
        return separated.by.join(to_text(item) for item in value)
    if spec.part:
        return spec.part.print(value)
    return to_text(value)


def from_wire(model: type[BaseModel], raw: Values) -> Values:
    """What Proxmox answered, as values; parameters that the model doesn't have are left out."""
    values: Values = {}
    for name, spec in fields_of(model).items():
        if not spec.in_config:
            continue
        slots = spec.marker(Slots)
        if slots and spec.part:
            found = {slot: _part(spec.part, raw[slot]) for slot in raw if re.fullmatch(slots.pattern, slot)}
            if found:
                values[name] = found
        elif raw.get(spec.wire) not in (None, ""):
            values[name] = _from_parameter(spec, raw[spec.wire])
    return _in_order(model, values)


def _from_parameter(spec: FieldSpec, raw: Any) -> Any:
    """One parameter as a value; one that this version doesn't know stays as it is: a read never fails on it."""
    if spec.part and not spec.is_map:
        return _part(spec.part, raw)
    if spec.item and isinstance(raw, list):
        return [_part(spec.item, item) for item in raw]
    if spec.marker(Separated):
        raw = [item for item in re.split(r"[;,\s\0]+", str(raw)) if item]
    for form in (raw, str(raw)):  # Perl may give the text "12" as a number
        try:
            return spec.adapter.dump_python(spec.adapter.validate_python(form), mode="json")
        except ValidationError:
            continue
    return raw


def _part(part: type[Part], raw: Any) -> Any:
    """A property string as a dict; as the text that it is where it can't be taken apart.

    Some of Proxmox's methods (`/cluster/backup`) take it apart themselves.
    """
    if isinstance(raw, dict):
        return part.from_keys({key: to_text(value) for key, value in raw.items()})
    try:
        return part.parse(str(raw))
    except InvalidValue:
        return str(raw)


# ---------------------------------------------------------------- comparing


def declared(model: type[Inputs], values: Values) -> Values:
    """Only the model's own fields of a bag that also holds computed ones."""
    return {name: value for name, value in values.items() if name in fields_of(model) and value is not None}


def as_declared(model: type[Inputs], wanted: Values, actual: Values) -> Values:
    """The actual values of what is declared, and of nothing else.

    A map of slots is owned whole, so a slot that somebody added shows; inside a slot only the declared keys do.
    What can't be read back is what was last applied.
    """
    shown: Values = {}
    for name, value in wanted.items():
        spec = fields_of(model)[name]
        default = spec.marker(ServerDefault)
        if spec.local or spec.has(WriteOnly):
            shown[name] = value
        elif name in actual:
            shown[name] = _part_as_declared(spec, value, actual[name])
        elif default:
            shown[name] = default.value
        elif spec.is_map and spec.part:
            shown[name] = {}
    return shown


def _part_as_declared(spec: FieldSpec, wanted: Any, actual: Any) -> Any:
    if not spec.part or not isinstance(actual, dict):
        return actual
    if not spec.is_map:
        return _declared_keys(spec.part, wanted, actual)
    return {
        slot: _declared_keys(spec.part, wanted[slot], part) if slot in wanted and isinstance(part, dict) else part
        for slot, part in sorted(actual.items())
    }


def _declared_keys(part: type[Part], wanted: Values, actual: Values) -> Values:
    """Of one property string, the keys that are declared; a map in it is owned whole."""
    specs = fields_of(part)
    shown: Values = {}
    for key, value in wanted.items():
        default = specs[key].marker(ServerDefault) if key in specs else None
        if key in specs and specs[key].local:
            shown[key] = value
        elif key in actual:
            shown[key] = _part_as_declared(specs[key], value, actual[key]) if key in specs else actual[key]
        elif default:
            shown[key] = default.value
        elif key in specs and specs[key].is_map:
            shown[key] = {}
    return shown


@dataclass
class Changes:
    """What has to be done to an object so that it is as declared."""

    set: Values = field(default_factory=dict)
    """Field -> value to write; of a map of slots only the slots to write, each merged into what is there."""
    cleared: list[str] = field(default_factory=list)
    """Fields that are declared no longer and still have a value."""
    dropped: dict[str, list[str]] = field(default_factory=dict)
    """Map of slots -> slots that are there and not declared."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.set or self.cleared or self.dropped)

    def names(self) -> list[str]:
        """The fields concerned."""
        return sorted({*self.set, *self.cleared, *self.dropped})


def changes(model: type[Inputs], before: Values, actual: Values, wanted: Values) -> Changes:
    """From what is there (`actual`) to what is wanted; `before` says what was owned until now."""
    todo = Changes()
    for name, spec in fields_of(model).items():
        if spec.local or spec.has(Immutable):
            continue
        if name not in wanted:
            _given_up(todo, spec, before, actual)
        elif spec.is_map and spec.part:
            _map_changes(todo, spec, before.get(name) or {}, actual.get(name) or {}, wanted[name])
        elif spec.part:
            merged = _merged(before.get(name), actual.get(name), wanted[name])
            if _differs(spec, actual.get(name), wanted[name], merged):
                todo.set[name] = merged
        elif spec.has(WriteOnly):
            if before.get(name) != wanted[name]:
                todo.set[name] = wanted[name]
        elif _scalar(spec, actual.get(name)) != wanted[name]:
            todo.set[name] = wanted[name]
    return todo


def _given_up(todo: Changes, spec: FieldSpec, before: Values, actual: Values) -> None:
    """A field that was declared and is no longer: what this program had set is unset, and nothing else."""
    if spec.name not in before or not (spec.name in actual or spec.has(WriteOnly)):
        return
    if spec.is_map and spec.part:
        ours = sorted(set(before[spec.name]) & set(actual[spec.name]))
        todo.dropped.update({spec.name: ours} if ours else {})
    else:
        todo.cleared.append(spec.name)


def _scalar(spec: FieldSpec, value: Any) -> Any:
    default = spec.marker(ServerDefault)
    return default.value if value is None and default else value


def _merged(before: Any, actual: Any, wanted: Values) -> Values:
    """A property string to write: what is declared over what the server has, less what was given up."""
    given_up = set(_keys(before)) - set(wanted)
    return {key: value for key, value in {**_keys(actual), **wanted}.items() if key not in given_up}


def _keys(part: Any) -> Values:
    """The keys of a property string; none where it is not there, or is a text that could not be taken apart."""
    return part if isinstance(part, dict) else {}


def _differs(spec: FieldSpec, actual: Any, wanted: Values, merged: Values) -> bool:
    """Whether writing is needed: a missing key that reads as its default is no difference."""
    assert spec.part is not None  # noqa: S101 - told to mypy; callers have looked
    if not isinstance(actual, dict):
        return True
    shown = _declared_keys(spec.part, wanted, actual)
    local = {key for key, key_spec in fields_of(spec.part).items() if key_spec.local}
    owned_same = all(shown.get(key) == value for key, value in wanted.items() if key not in local)
    return not owned_same or set(actual) - set(merged) != set()


def _map_changes(todo: Changes, spec: FieldSpec, before: Values, actual: Values, wanted: Values) -> None:
    for slot, part in wanted.items():
        there = actual.get(slot)
        merged = _merged(before.get(slot), there, part)
        if _differs(spec, there, part, merged):
            todo.set.setdefault(spec.name, {})[slot] = merged
    dropped = sorted(set(actual) & set(before) - set(wanted))  # what was never seen is not taken away unseen
    if dropped:
        todo.dropped[spec.name] = dropped


def update_parameters(model: type[Inputs], todo: Changes) -> dict[str, Any]:
    """Changes as the parameters of one PUT, with Proxmox's `delete` for what is to be unset."""
    parameters = to_wire(model, todo.set)
    specs = fields_of(model)
    unset = [specs[name].wire for name in todo.cleared if specs[name].in_config]
    unset += [slot for name, slots in todo.dropped.items() if specs[name].in_config for slot in slots]
    if unset:
        parameters["delete"] = ",".join(unset)
    return parameters
