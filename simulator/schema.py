"""How a method's parameters are declared and checked, with the error texts Proxmox gives.

    params={
        "poolid": string(format="pve-poolid"),
        "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
        "net[n]": string(format=NET, optional=True, count=32),     # NET: a PropertyString
    }

`check` returns the values with their types: int, float, bool, str, list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.formats import check_format
from simulator.propstring import PropertyStringError, split

Errors = dict[str, str]

UNKNOWN_PROPERTY = "property is not defined in schema and the schema does not allow additional properties"
MISSING_PROPERTY = "property is missing and it is not optional"
_BOOLEAN_WORDS = dict.fromkeys(("on", "yes", "true"), "1") | dict.fromkeys(("off", "no", "false"), "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter; made by `string`, `integer`, `number`, `boolean` or `array`."""

    type: str
    optional: bool = False
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    format: str | PropertyString | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    requires: str | None = None
    count: int | None = None
    alias: str | None = None
    key_alias: str | None = None
    default_key: bool = False
    items: Param | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PropertyString:
    """The sub-schema of a property string. One property may be the default key (`virtio,bridge=...`).

    A property with `alias` stands for another one (`volume` for `file`); with `key_alias` as well, its own
    name is a value too (`virtio=MAC` means `model=virtio,macaddr=MAC`). `name` is the named format's name in
    Proxmox's schema, where it has one, and `check` an additional check of the parsed object.
    """

    properties: Mapping[str, Param]
    name: str | None = None
    default_key: str | None = field(init=False)

    def __post_init__(self) -> None:
        """Find the default key."""
        found = next((key for key, param in self.properties.items() if param.default_key), None)
        object.__setattr__(self, "default_key", found)

    def parse(self, text: str, path: str = "") -> dict[str, Any]:
        """Take a property string apart into typed values; raise ValueError with Proxmox's text."""
        try:
            raw = split(text, self.default_key)
        except PropertyStringError as error:
            raise ValueError(f"{error}\n") from None
        values: dict[str, Any] = {}
        for key, value in raw.items():
            param = self.properties.get(key)
            if param is not None and param.alias is not None:
                if param.key_alias is not None:
                    values[param.key_alias] = key
                values[param.alias] = value
            elif param is not None and param.type == "boolean":
                values[key] = _BOOLEAN_WORDS.get(value.lower(), value)
            else:
                values[key] = value
        errors: Errors = {}
        typed = _check_object(self.properties, values, errors, path)
        if errors:
            lines = "".join(f"{name}: {text}\n" for name, text in errors.items())
            raise ValueError(f"format error\n{lines}")
        return typed


def string(**options: Any) -> Param:
    """Declare a string parameter; the options are the fields of `Param`."""
    return Param(type="string", **options)


def integer(**options: Any) -> Param:
    """Declare an integer parameter."""
    return Param(type="integer", **options)


def number(**options: Any) -> Param:
    """Declare a number that may have decimals."""
    return Param(type="number", **options)


def boolean(**options: Any) -> Param:
    """Declare a boolean (0 or 1)."""
    return Param(type="boolean", **options)


def array(items: Param, **options: Any) -> Param:
    """Declare a list (a repeated key in a form)."""
    return Param(type="array", items=items, **options)


def check(params: Mapping[str, Param], values: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """Check a call's values against expanded parameters.

    Return the values with their types, and one text per parameter that is wrong.
    """
    errors: Errors = {}
    return _check_object(params, values, errors, ""), errors


def expand(params: Mapping[str, Param]) -> dict[str, Param]:
    """Write numbered parameters out: `net[n]` becomes `net0`, `net1`, ..."""
    result: dict[str, Param] = {}
    for name, param in params.items():
        if name.endswith("[n]"):
            result.update({f"{name[:-3]}{index}": param for index in range(param.count or 0)})
        else:
            result[name] = param
    return result


def _check_object(params: Mapping[str, Param], values: Mapping[str, Any], errors: Errors, path: str) -> dict[str, Any]:
    prefix = f"{path}." if path else ""
    typed: dict[str, Any] = {}
    for name, value in values.items():
        param = params.get(name)
        if param is None:
            errors[prefix + name] = UNKNOWN_PROPERTY
        elif value is None and param.optional:
            typed[name] = None
        else:
            typed[name] = _check_value(param, value, errors, prefix + name)
            if param.requires is not None and param.requires not in values:
                _add(errors, prefix + param.requires, f"missing property required by '{prefix}{name}'")
    for name, param in params.items():
        if not param.optional and name not in values and param.alias is None:
            _add(errors, prefix + name, MISSING_PROPERTY)
    return typed


def _add(errors: Errors, path: str, text: str) -> None:
    errors[path] = f"{errors[path]}\\n{text}" if path in errors else text


def _check_value(param: Param, value: Any, errors: Errors, path: str) -> Any:
    if param.type == "array":
        items = value if isinstance(value, list) else [value]
        return [_check_value(param.items or string(), item, errors, path) for item in items]
    if isinstance(value, list) and isinstance(param.format, str) and param.format.endswith("-list"):
        value = ",".join(str(item) for item in value)
    typed = _typed(param.type, value)
    if typed is None:
        _add(errors, path, f"type check ('{param.type}') failed - got {_perl_name(value)}")
        return value
    text = _refusal(param, typed, "1" if value is True else "0" if value is False else str(value), path)
    if text is not None:
        _add(errors, path, text)
    return typed


def _typed(type_name: str, value: Any) -> Any:
    """Return the value with its declared type, or None when it does not have it."""
    if isinstance(value, (list, dict)) or value is None:
        return None
    if type_name == "boolean":
        return value if isinstance(value, bool) else {"0": False, "1": True}.get(str(value))
    if isinstance(value, bool):
        return None
    text = str(value)
    if type_name == "integer":
        return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) and len(text) < _LONGEST_NUMBER else None
    if type_name == "number":
        ok = re.fullmatch(r"[+-]?(?=[0-9]|\.[0-9])[0-9]*(?:\.[0-9]*)?(?:[Ee][+-]?[0-9]{1,3})?", text)
        return float(text) if ok and len(text) < _LONGEST_NUMBER else None
    return text


_LONGEST_NUMBER = 400


def _perl_name(value: Any) -> str:
    """Say what was got, in the words of the Perl code that says it."""
    if isinstance(value, list):
        return "ARRAY"
    if isinstance(value, dict):
        return "HASH"
    if isinstance(value, bool):
        return "JSON::PP::Boolean"
    return f"'{value}'"


def _refusal(param: Param, typed: Any, text: str, path: str) -> str | None:
    """Return the text with which a value of the right type is refused, or None."""
    return _format_refusal(param, text, path) or _length_refusal(param, text) or _range_refusal(param, typed, text)


def _format_refusal(param: Param, text: str, path: str) -> str | None:
    if param.format is not None:
        try:
            if isinstance(param.format, PropertyString):
                param.format.parse(text, path)
            else:
                check_format(param.format, text)
        except ValueError as error:
            return f"invalid format - {str(error).removesuffix(chr(10))}\n"
    if param.pattern is not None and not re.fullmatch(param.pattern, text, re.ASCII):
        return "value does not match the regex pattern"
    return None


def _length_refusal(param: Param, text: str) -> str | None:
    if param.max_length is not None and len(text) > param.max_length:
        return f"value may only be {param.max_length} characters long"
    if param.min_length is not None and len(text) < param.min_length:
        return f"value must be at least {param.min_length} characters long"
    return None


def _range_refusal(param: Param, typed: Any, text: str) -> str | None:
    if param.minimum is not None and typed < param.minimum:
        return f"value must have a minimum value of {param.minimum:.15g}"
    if param.maximum is not None and typed > param.maximum:
        return f"value must have a maximum value of {param.maximum:.15g}"
    if param.enum is not None and text not in param.enum:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(param.enum)}'"
    return None
