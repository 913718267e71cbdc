"""As much of JSON Schema as the schema of the stacks uses; a word that is not known here is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
SIMPLE: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda wanted, value: isinstance(value, TYPES[wanted]) and isinstance(value, bool) <= (wanted == "boolean"),
    "enum": lambda wanted, value: value in wanted,
    "const": lambda wanted, value: value == wanted,
    "pattern": lambda wanted, value: not isinstance(value, str) or bool(re.search(wanted, value)),
    "minimum": lambda wanted, value: not isinstance(value, int | float) or value >= wanted,
    "maximum": lambda wanted, value: not isinstance(value, int | float) or value <= wanted,
    "exclusiveMinimum": lambda wanted, value: not isinstance(value, int | float) or value > wanted,
    "minLength": lambda wanted, value: not isinstance(value, str) or len(value) >= wanted,
    "maxLength": lambda wanted, value: not isinstance(value, str) or len(value) <= wanted,
    "minItems": lambda wanted, value: not isinstance(value, list) or len(value) >= wanted,
    "maxItems": lambda wanted, value: not isinstance(value, list) or len(value) <= wanted,
    "minProperties": lambda wanted, value: not isinstance(value, dict) or len(value) >= wanted,
    "required": lambda wanted, value: not isinstance(value, dict) or set(wanted) <= set(value),
}
"""Words that say of a value by itself whether it will do."""
TELLING = {"$schema", "$defs", "title", "description", "default"}
KEYS = {"properties", "patternProperties", "additionalProperties", "propertyNames"}
PLACES = {"prefixItems", "items"}
OTHERS = {"$ref", "allOf", "anyOf", "if", "then"}
KNOWN = {*SIMPLE, *TELLING, *KEYS, *PLACES, *OTHERS}

Found = Iterator[str]


@dataclass(frozen=True)
class Schema:
    """A schema, with the definitions that it refers to."""

    whole: dict[str, Any]

    def complaints(self, value: Any) -> list[str]:
        """What is wrong with a value: the place in it, and the word of the schema that it offends."""
        return sorted(self._against(self.whole, value, ""))

    def _against(self, schema: dict[str, Any], value: Any, at: str) -> Found:
        assert set(schema) <= KNOWN, set(schema) - KNOWN
        yield from (f"{at} {word}" for word in SIMPLE if word in schema and not SIMPLE[word](schema[word], value))
        if isinstance(value, dict):
            yield from self._keys(schema, value, at)
        if isinstance(value, list):
            yield from self._places(schema, value, at)
        if "$ref" in schema:
            yield from self._against(self.whole["$defs"][schema["$ref"].rpartition("/")[2]], value, at)
        for each in schema.get("allOf", ()):
            yield from self._against(each, value, at)
        if "anyOf" in schema and not any(self._fits(each, value) for each in schema["anyOf"]):
            yield f"{at} anyOf"
        if "if" in schema and self._fits(schema["if"], value):
            yield from self._against(schema["then"], value, at)

    def _fits(self, schema: dict[str, Any], value: Any) -> bool:
        return not list(self._against(schema, value, ""))

    def _keys(self, schema: dict[str, Any], value: dict[str, Any], at: str) -> Found:
        for key, each in value.items():
            ways = [schema["properties"][key]] if key in schema.get("properties", {}) else []
            ways += [way for like, way in schema.get("patternProperties", {}).items() if re.search(like, key)]
            rest = schema.get("additionalProperties", True)
            if not ways and rest is False:
                yield f"{at}.{key} additionalProperties"
            for way in ways or [rest if isinstance(rest, dict) else {}]:
                yield from self._against(way, each, f"{at}.{key}")
            yield from self._against(schema.get("propertyNames", {}), key, f"{at}.{key}")

    def _places(self, schema: dict[str, Any], value: list[Any], at: str) -> Found:
        first = schema.get("prefixItems", [])
        for place, each in enumerate(value):
            way = first[place] if place < len(first) else schema.get("items", {})
            yield from self._against(way, each, f"{at}.{place}")
