"""What a policy sees: Proxmox's objects in a stack, by their type tokens, with their values as plain Python.

A preview doesn't know every value yet. Such a one is `UNKNOWN` here, and no policy takes offence at it: the update,
which knows it, decides.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

from pulumi_policy.proxy import UnknownValueError

PREFIX = "pulumi-python:dynamic/proxmox:"
GUESTS = {"VirtualMachine": "virtual machine", "Container": "container"}


class Unknown(enum.Enum):
    """Stands in place of a value that isn't known before the update."""

    UNKNOWN = "not known yet"


UNKNOWN = Unknown.UNKNOWN


class Declared(Protocol):
    """What the engine tells of a resource, be it alone or among all others."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str


@dataclass(frozen=True)
class Object:
    """One of Proxmox's objects."""

    kind: str
    """Its class, such as `VirtualMachine`."""
    name: str
    """What the program calls it."""
    urn: str
    values: Mapping[str, Any]

    def get(self, field: str) -> Any:
        """A field's value, None where it isn't set."""
        return self.values.get(field)

    def within(self, field: str) -> dict[str, Any]:
        """A map of parts, such as `net`; empty where it isn't set or known."""
        value = self.get(field)
        return dict(value) if isinstance(value, Mapping) else {}

    @property
    def title(self) -> str:
        """What it is called in a message: `container dns (VMID 103)`."""
        words = GUESTS.get(self.kind, self.kind)
        vmid = self.get("vmid")
        return f"{words} {self.name}" + (f" (VMID {vmid})" if isinstance(vmid, int) else "")

    @property
    def name_field(self) -> str:
        """The field with the name that Proxmox shows for a guest."""
        return "name" if self.kind == "VirtualMachine" else "hostname"

    @property
    def label(self) -> str:
        """The name that Proxmox shows for a guest, or the program's where there is none."""
        shown = self.get(self.name_field)
        return shown if isinstance(shown, str) else self.name

    def may_be_of(self, patterns: Collection[str]) -> bool:
        """Whether a guest's name is one of some, as far as can be known."""
        return matches(self.label, patterns) or (bool(patterns) and self.get(self.name_field) is UNKNOWN)


def read(declared: Declared) -> Object | None:
    """A resource as the policies see it; None where it is none of Proxmox's."""
    if not declared.resource_type.startswith(PREFIX):
        return None
    return Object(
        declared.resource_type.removeprefix(PREFIX), declared.name, declared.urn, dict(_plain(declared.props))
    )


def of_kind(resources: Iterable[Declared], kinds: Collection[str]) -> list[Object]:
    """The objects of some classes in a stack."""
    return [found for each in resources if (found := read(each)) is not None and found.kind in kinds]


def guests(resources: Iterable[Declared]) -> list[Object]:
    """The guests of a stack that run one day: a template is none."""
    return [guest for guest in of_kind(resources, GUESTS) if guest.get("template") not in (True, UNKNOWN)]


def off(value: Any) -> bool:
    """Whether a switch is surely not on: `UNKNOWN` may turn out to be."""
    return value is not True and value is not UNKNOWN


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of some, of which each may hold `*` and `?`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _plain(value: Any) -> Any:
    """A value of the engine without the wrapping that ends a policy at the first unknown one."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _item(holder: Any, key: Any) -> Any:
    try:
        return _plain(holder[key])
    except UnknownValueError:
        return UNKNOWN
