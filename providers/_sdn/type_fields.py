"""Types of which each must have some fields and may have some others: the check that all of them share."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from providers._runtime.errors import InvalidValue

Fields = Mapping[str, tuple[str, str]]
"""Type -> its required fields and its other own ones, as words."""


def check_fields(values: BaseModel, what: str, type_: str, fields: Fields) -> None:
    """Refuse a field that the type does not have, and one of its own that is missing."""
    required, own = (set(words.split()) for words in fields[type_])
    some_types = {name for words in fields.values() for word in words for name in word.split()}
    for name in sorted(required):
        if getattr(values, name) is None:
            raise InvalidValue(f"{name}: a {what} of type {type_} needs it")
    for name in sorted(some_types - required - own):
        if getattr(values, name) is not None:
            raise InvalidValue(f"{name}: a {what} of type {type_} has no such field")
