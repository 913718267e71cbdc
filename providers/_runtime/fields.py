"""What a resource type declares: its fields with their types and markers, looked up once.

Normalise a field with validators inside `Annotated[...]`, so that it can be checked while others are unknown;
check several fields against each other with a `model_validator(mode="after")`.
"""

from __future__ import annotations

import functools
import types
import typing
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from providers._runtime.markers import Action, Immutable, Local, Sensitive, Wire, WriteOnly
from providers._runtime.wire import Part

Values = dict[str, Any]
Problem = tuple[str, str]
"""A field path, and what is wrong with it."""
MarkerT = TypeVar("MarkerT")


class Timeouts(BaseModel):
    """How long one operation may take, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    create: float = Field(default=1800, gt=0)
    update: float = Field(default=1800, gt=0)
    delete: float = Field(default=600, gt=0)
    read: float = Field(default=60, gt=0)


class Inputs(BaseModel):
    """What a program declares. Only what is set is owned; what is not set is Proxmox's.

    A type's checks are built at the first one: a program, which only declares, starts without building any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def completed(cls, values: Values, unknown: frozenset[str]) -> Values:  # noqa: ARG003 - for a subclass
        """What was declared, with the defaults that depend on other fields."""
        return values

    connection: Annotated[str | None, Local()] = Field(
        default=None, description="Name of the connection; may be left out where the stack has only one."
    )
    adopt: Annotated[Literal["never", "if-exists", "required"] | None, Local()] = Field(
        default=None,
        description="Whether an object that exists already is taken over: `never` (the default), `if-exists`, "
        "or `required` (it must exist, nothing is created).",
    )
    timeouts: Annotated[Timeouts | None, Local()] = Field(
        default=None, description="Seconds that `create`, `update`, `delete` and `read` may take."
    )


@dataclass(frozen=True)
class FieldSpec:
    """One field of a model with its markers, looked up once."""

    name: str
    annotation: Any
    markers: tuple[Any, ...]
    part: type[Part] | None
    is_map: bool

    def marker(self, kind: type[MarkerT]) -> MarkerT | None:
        """The marker of that kind, if the field has one."""
        return next((marker for marker in self.markers if isinstance(marker, kind)), None)

    def has(self, *kinds: type) -> bool:
        """Whether the field has a marker of one of those kinds."""
        return any(isinstance(marker, kinds) for marker in self.markers)

    @functools.cached_property
    def item(self) -> type[Part] | None:
        """The Part that each item of a list is."""
        annotations = (self.annotation, *typing.get_args(self.annotation))
        lists = [annotation for annotation in annotations if typing.get_origin(annotation) is list]
        return next((part for each in lists if (part := _part_in(typing.get_args(each)[0])[0])), None)

    @property
    def wire(self) -> str:
        """Proxmox's name of the parameter."""
        named = self.marker(Wire)
        return named.name if named else self.name

    @property
    def local(self) -> bool:
        """Whether Proxmox never sees the field."""
        return self.has(Local)

    @property
    def in_config(self) -> bool:
        """Whether it is a parameter of the object's configuration."""
        return not self.has(Local, Action)

    def replaces(self, before: Values, wanted: Values) -> bool:
        """Whether a change of it takes another object.

        What is declared no longer, or was not until now, is the server's: nothing is destroyed for it, unless the
        field is a part of the object's name.
        """
        if not self.has(Immutable) or before.get(self.name) == wanted.get(self.name):
            return False
        return self.names or (self.name in before and self.name in wanted)

    @property
    def names(self) -> bool:
        """Whether it says which object is meant even by being absent."""
        fixed = self.marker(Immutable)
        return fixed is not None and fixed.names

    @property
    def secret(self) -> bool:
        """Whether its value may be in the state only as a Pulumi secret."""
        return self.has(Sensitive, WriteOnly)

    @functools.cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Checks and normalises a value of this field alone."""
        annotation: Any = Annotated[self.annotation, *self.markers] if self.markers else self.annotation
        return TypeAdapter(annotation)


def _part_in(annotation: Any) -> tuple[type[Part] | None, bool]:
    """The Part that an annotation holds, and whether as the values of a map."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation, False
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return next((found for found in map(_part_in, arguments) if found[0]), (None, False))
    if origin is Annotated:
        return _part_in(arguments[0])
    if origin is dict:
        return _part_in(arguments[1])[0], True
    return None, False


@functools.cache
def fields_of(model: type[BaseModel]) -> dict[str, FieldSpec]:
    """Every field of a model, in the order of its declaration."""
    specs = {}
    for name, info in model.model_fields.items():
        part, is_map = _part_in(info.annotation)
        specs[name] = FieldSpec(name, info.annotation, tuple(info.metadata), part, is_map)
    return specs
