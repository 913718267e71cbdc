"""Sections of configuration files: which options a type of object has, and how they are set and deleted.

Proxmox keeps storages, zones, metric servers, mappings and the like in files of sections, one type each. An
option is kept as the text that the file would hold; `typed` gives it back as the API shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import ApiError
from simulator.routing import Call
from simulator.schema import Param

_ENCODED = ("comment", "description", "notes-template")
"""What files hold with its line feeds escaped."""


@dataclass(frozen=True, slots=True)
class SectionType:
    """The options of a type of section."""

    required: frozenset[str]
    optional: frozenset[str]
    fixed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, required: str = "", optional: str = "", fixed: str = "") -> SectionType:
        """Make a type from names separated by spaces; what is fixed cannot be changed once it is set."""
        return cls(frozenset(required.split()), frozenset(optional.split()), frozenset(fixed.split()))

    def check_new(self, given: Mapping[str, str]) -> None:
        """Refuse options that a new section cannot have, and one that lacks what it needs."""
        self._check_known(given)
        missing = next((name for name in sorted(self.required) if name not in given), None)
        if missing is not None:
            raise ApiError(f"missing value for required option '{missing}'")

    def changed(self, options: Mapping[str, str], given: Mapping[str, str], delete: list[str]) -> dict[str, str]:
        """Return the options of a section after a change, or refuse it."""
        for name in given:
            if name in self.fixed:
                raise ApiError(f"can't change value of fixed parameter '{name}'")
        self._check_known(given)
        result = dict(options)
        for name in delete:
            if name not in self.required | self.optional:
                raise ApiError(f"no such option '{name}'")
            if name in self.required:
                raise ApiError(f"unable to delete required option '{name}'")
            if name in self.fixed:
                raise ApiError(f"unable to delete fixed option '{name}'")
            if name in given:
                raise ApiError(f"cannot set and delete property '{name}' at the same time!")
            result.pop(name, None)
        return {**result, **given}

    def _check_known(self, given: Mapping[str, str]) -> None:
        unknown = next((name for name in given if name not in self.required | self.optional), None)
        if unknown is not None:
            raise ApiError(f"unexpected property '{unknown}'")


def given(call: Call, params: Mapping[str, Param]) -> dict[str, str]:
    """Return those of these parameters that a call has, as a configuration file keeps them."""
    return stored({name: call.params[name] for name in params if name in call})


def stored(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as a configuration file keeps them; what would be more than one line there is refused."""
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        if name not in _ENCODED and any(isinstance(item, str) and re.search(r"[\r\n]", item) for item in items):
            raise ApiError(f"property '{name}' contains a line feed")
    return {name: as_text(value) for name, value in values.items()}


def as_text(value: Any) -> str:
    """Return a value as a configuration file keeps it; a list has an item per line."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return "\n".join(str(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def typed(options: Mapping[str, str], params: Mapping[str, Param]) -> dict[str, Any]:
    """Return options as the API shows them: numbers and booleans as numbers, lists as lists."""
    return {name: _typed(value, params.get(name)) for name, value in options.items()}


def _typed(value: str, param: Param | None) -> Any:
    kind = param.type if param is not None else "string"
    if kind in ("integer", "boolean"):
        return int(value)
    if kind == "number":
        number = float(value)
        return int(number) if number.is_integer() else number
    return value.split("\n") if kind == "array" else value
