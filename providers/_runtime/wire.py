"""Proxmox's wire format: booleans as 0 and 1, lists as joined strings, and property strings.

A property string is `value,key=value,…`: the first value may stand without its key (the default key). The
parsed form is a plain dict; a `Part` gives its keys their types.
"""

from __future__ import annotations

import functools
import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from providers._runtime.errors import InvalidValue

_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?([KMGT]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_property_string(text: str, default_key: str | None = None) -> dict[str, str]:
    """`virtio0,size=8G` -> {default_key: "virtio0", "size": "8G"}; refuses what Proxmox refuses."""
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            if default_key is None:
                raise InvalidValue(f"value without key, but schema does not define a default key: {part!r}")
            key, value = default_key, part
        if key in found:
            raise InvalidValue(f"duplicate key in comma-separated list property: {key}")
        found[key] = value
    return found


def print_property_string(values: dict[str, str], default_key: str | None = None) -> str:
    """The inverse of parse: the default key's value first and bare, the others in the order given."""
    for key, value in values.items():
        if "," in value or "\n" in value:
            raise InvalidValue(f"{key}: a comma or a new line can't stand in a property string: {value!r}")
    parts = [f"{key}={value}" for key, value in values.items() if key != default_key]
    if default_key is not None and default_key in values:
        bare = values[default_key]
        parts.insert(0, f"{default_key}={bare}" if not bare or "=" in bare else bare)
    return ",".join(parts)


def to_text(value: Any) -> str:
    """One value as Proxmox takes it in a form; a list in here is one inside a property string (`;`)."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list | tuple):
        return ";".join(to_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def size_bytes(text: str) -> int:
    """`32G`, `4M`, `528K` or plain bytes, as Proxmox writes sizes."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise InvalidValue(f"{text!r} is no size: write it like 32G, 512M or 4T")
    whole, fraction, unit = match[1], match[2] or "", _UNITS[match[3]]
    return int(whole + fraction) * unit // int(10 ** len(fraction))


def size_text(size: int) -> str:
    """Bytes as Proxmox prints them: the largest unit that divides them (2.5 GiB reads 2560M)."""
    for unit in ("T", "G", "M", "K"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


class Part(BaseModel):
    """A typed property string, such as a NIC or a startup order; its fields are the keys.

    A subclass whose text is irregular (`virtio=<mac>,bridge=…`) overrides `parse` and `print`.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=False, defer_build=True
    )
    default_key: ClassVar[str | None] = None
    aliases: ClassVar[dict[str, str]] = {}
    """Other keys that Proxmox takes for the same thing -> the key that it means."""

    @classmethod
    def wire_keys(cls) -> dict[str, str]:
        """Field name -> the key in the string."""
        return {name: field.alias or name for name, field in cls.model_fields.items()}

    @classmethod
    def parse(cls, text: str) -> dict[str, Any]:
        """The string as a plain dict of typed values, only the keys that are there."""
        return cls.from_keys(parse_property_string(text, cls.default_key))

    @classmethod
    def from_keys(cls, found: dict[str, str]) -> dict[str, Any]:
        """Typed values for the keys of a string.

        A key that is not known here is kept as it is, so that
        a later Proxmox loses nothing when a neighbour of that key is changed.
        """
        names = {key: name for name, key in cls.wire_keys().items()}
        meant = {cls.aliases.get(key, key): value for key, value in found.items()}
        return {names.get(key, key): cls._typed(names.get(key), value) for key, value in meant.items()}

    @classmethod
    def _typed(cls, name: str | None, text: str) -> Any:
        """One value with its type; one that is not known here stays as it is: a read never fails on it."""
        adapter = _adapters(cls).get(name or "")
        if adapter is None:
            return text
        try:
            return adapter.dump_python(adapter.validate_python(text), mode="json")
        except (ValidationError, InvalidValue):
            return text

    @classmethod
    def print(cls, values: dict[str, Any]) -> str:
        """A plain dict of typed values as the string."""
        keys = cls.wire_keys()
        order = [*cls.model_fields, *(key for key in values if key not in cls.model_fields)]
        texts = {keys.get(name, name): to_text(values[name]) for name in order if values.get(name) is not None}
        return print_property_string(texts, cls.default_key)

    def as_dict(self) -> dict[str, Any]:
        """The values that are set, as plain JSON types."""
        return self.model_dump(mode="json", exclude_none=True)


@functools.cache
def _adapters(part: type[Part]) -> dict[str, TypeAdapter[Any]]:
    """Field name -> what checks and normalises a value of that field alone."""
    return {
        name: TypeAdapter[Any](Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation)  # type: ignore[arg-type]  # mypy can't follow an annotation that is made here
        for name, info in part.model_fields.items()
    }
