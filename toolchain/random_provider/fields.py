"""The inputs of a resource type, declared once: for checking, for defaults, for comparison and for the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Properties: TypeAlias = dict[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine sends, in a preview, for a value that is not known yet."""


@dataclass(frozen=True)
class Field:
    """One input: its JSON schema type, and what the plugin does when it is not given."""

    type: str
    required: bool = False
    default: int | bool | str | None = None
    at_least: int | None = None

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value, if anything."""
        if not _TYPES[self.type](value):
            return f"expected {self.type}, got {value!r}"
        if self.at_least is not None and value < self.at_least:
            return f"must be at least {self.at_least}, got {value:g}"
        return None

    def schema(self) -> Properties:
        """Describe the field in Pulumi's schema language."""
        items = {"array": {"items": {"type": "string"}}, "object": {"additionalProperties": {"type": "string"}}}
        return {"type": self.type, **items.get(self.type, {})}


_TYPES = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value == int(value),
    "array": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "object": lambda value: isinstance(value, dict),
}

KEEPERS = Field("object")


def is_unknown(value: Any) -> bool:
    """Tell whether a value, or anything inside it, is not known yet."""
    if isinstance(value, list):
        return any(map(is_unknown, value))
    if isinstance(value, dict):
        return any(map(is_unknown, value.values()))
    return bool(value == UNKNOWN)


def problems(fields: Mapping[str, Field], inputs: Properties) -> list[tuple[str, str]]:
    """Check inputs one by one; a value that is not known yet is not checked."""
    found = [(name, "is missing") for name, field in fields.items() if field.required and name not in inputs]
    for name, value in inputs.items():
        if name not in fields:
            found.append((name, "is not a property of this resource"))
        elif not is_unknown(value) and (problem := fields[name].problem(value)):
            found.append((name, problem))
    return found


def planned(fields: Mapping[str, Field], properties: Properties) -> Properties:
    """Complete inputs with defaults and bring them, or the state made from them, into a comparable form."""
    result: Properties = {name: field.default for name, field in fields.items() if field.default is not None}
    result |= {name: properties[name] for name in fields if properties.get(name) is not None}
    for name, value in result.items():
        if fields[name].type == "integer" and isinstance(value, float):
            result[name] = int(value)
    keepers = {key: value for key, value in (result.pop("keepers", None) or {}).items() if value is not None}
    return {**result, "keepers": keepers} if keepers else result
