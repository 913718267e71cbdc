"""What a resource type says of itself: how its objects are found, made, read, changed and removed.

A `Handler` is plain Python without Pulumi, so it can be tried on its own. Most of Proxmox's objects are entries of a
configuration file behind a collection path (`/pools`, `/storage`, …): for those `ConfigObject` does all five, and
a resource module names the path.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from providers._runtime.api import Api, quoted
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, ApiRefused
from providers._runtime.facts import Facts
from providers._runtime.markers import Carrier, Immutable, Impact, Local, Takes
from providers._runtime.model import (
    Changes,
    Inputs,
    Problem,
    Values,
    as_declared,
    fields_of,
    from_wire,
    to_wire,
    update_parameters,
)
from providers._runtime.ownership import Owner, marked, owner_in, unmarked
from providers._runtime.privileges import Need


@dataclass
class Found:
    """An object as it is on the host."""

    id: str
    values: Values
    """In the shape of the inputs, and with the computed outputs."""
    owner: Owner | None = None
    """Whose mark it carries."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """As Proxmox gave it."""


@dataclass(frozen=True)
class Claim:
    """Something that one object of a program has for itself, such as a number or an address."""

    field: str
    thing: object
    words: str
    """What is said of it when another one has it."""
    part: str = ""
    """The part of the object that has it, where two parts of one object must not share it either."""

    def key(self, owner: Owner) -> str:
        """Who has it."""
        return f"{owner.key} {self.part}".rstrip()


class Handler(abc.ABC):
    """One resource type. A subclass is stateless; `api` carries everything that belongs to one call."""

    inputs: ClassVar[type[Inputs]]
    outputs: ClassVar[type[Inputs]]
    """The inputs, and the fields that only Proxmox can tell."""
    coverage: ClassVar[Coverage | None] = None
    """Which of Proxmox's parameters it carries; None where nobody has compared yet."""
    holds_data: ClassVar[bool] = False
    """Whether replacing an object destroys data: then it is refused unless `replace_allowed` says otherwise."""

    @property
    def computed(self) -> list[str]:
        """The fields that only Proxmox can tell."""
        return [name for name in fields_of(self.outputs) if name not in fields_of(self.inputs)]

    @abc.abstractmethod
    def find(self, api: Api, wanted: Values) -> Found | None:
        """The object that `wanted` would be, whoever made it; None if there is none."""

    @abc.abstractmethod
    def create(self, api: Api, wanted: Values) -> str:
        """Make the object, with the owner's mark where the type has room for one; returns its ID.

        Calls `api.created(id)` as soon as there is something on the host that has to be kept in the state.
        Raises AlreadyThere if the object exists.
        """

    @abc.abstractmethod
    def read(self, api: Api, id_: str) -> Found | None:
        """The object as it is; None only if Proxmox said that it is gone."""

    @abc.abstractmethod
    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Bring the object from `found` to `wanted`; `todo` is the difference."""

    @abc.abstractmethod
    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Remove the object; one that is gone already is no error."""

    def shown(self, wanted: Values, actual: Values) -> Values:
        """What is told of the actual values: those of what is declared, and drift in what is owned whole."""
        return as_declared(self.inputs, wanted, actual)

    def announces(self, wanted: Values) -> Iterable[tuple[str, str]]:
        """What the object is to others, such as ("storage", "nfs1"): they may need it before it is there."""
        return ()

    def plan(
        self,
        facts: Facts | None,
        owner: Owner,
        before: Values,
        wanted: Values,
        unknown: frozenset[str],
    ) -> Values:
        """Values for fields that are not declared and that others need to know before the object exists."""
        return {}

    def preflight(
        self,
        facts: Facts,
        owner: Owner,
        before: Values,
        wanted: Values,
    ) -> Iterable[Problem]:
        """What only the host can tell is wrong with `wanted`, as (field, reason). Must change nothing."""
        return ()

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterable[str]:
        """What works, but is worth a warning; the same words are said once for all resources."""
        return ()

    def claims(self, wanted: Values) -> Iterable[Claim]:
        """What no other object of the program may have as well; told without the host."""
        return ()

    def needs(self, wanted: Values) -> Iterable[Need]:
        """The privileges that making the object takes."""
        return ()

    def needs_to_change(self, before: Values, wanted: Values) -> Iterable[Need]:
        """The privileges that changing the object takes; those of making it, unless a type knows better."""
        return self.needs(wanted)

    def needs_to_read(self, wanted: Values) -> Iterable[Need]:
        """The privileges that looking at the object takes, as far as making it does not take them already."""
        return ()

    def needs_to_delete(self, values: Values) -> Iterable[Need]:
        """The privileges that removing the object takes; those of making it, unless a type knows better."""
        return self.needs(values)

    def impact(self, before: Values, wanted: Values) -> dict[str, Impact]:
        """What each changed field takes; by the markers, unless a type knows better."""
        found: dict[str, Impact] = {}
        for name, spec in fields_of(self.inputs).items():
            if before.get(name) == wanted.get(name):
                continue
            takes = spec.marker(Takes)
            if spec.replaces(before, wanted):
                found[name] = "data loss" if self.holds_data else "replace"
            elif not spec.has(Immutable, Local):
                found[name] = takes.impact if takes else "live"
        return found

    def deeds(self, before: Values, wanted: Values) -> dict[str, str]:
        """What is done for a change where its impact does not say it: `grows`, `moves`, `migrates`."""
        return {}


class ConfigObject(Handler):
    """An entry of one of Proxmox's configuration files, behind a collection path."""

    path: ClassVar[str]
    key: ClassVar[str]
    """The field that names the object, in the path and in the ID."""
    missing: ClassVar[str]
    """Proxmox's words for an object that does not exist, as a pattern."""
    exists: ClassVar[str] = "already (exists|defined)"
    """Proxmox's words for an object that exists already, as a pattern."""
    at_creation: ClassVar[Mapping[str, str]] = {}
    """Parameters that only the POST takes and that are always the same."""
    restated: ClassVar[tuple[str, ...]] = ()
    """Fields that Proxmox wants to be told again with every change."""

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its name."""
        return self.read(api, self.id_of(self.named(wanted)))

    def create(self, api: Api, wanted: Values) -> str:
        """One POST with everything that is declared."""
        parameters = {**self.with_mark(api, wanted, to_wire(self.inputs, wanted)), **self.at_creation}
        try:
            self.add(api, self.named(wanted), parameters)
        except ApiRefused as refused:
            if refused.says(self.exists):
                raise AlreadyThere(refused.words) from None
            raise
        return self.id_of(self.named(wanted))

    def read(self, api: Api, id_: str) -> Found | None:
        """One GET of the object."""
        try:
            raw = self.fetch(api, self.name_of(id_))
        except ApiRefused as refused:
            if refused.says(self.missing):
                return None
            raise
        values = {**from_wire(self.inputs, raw), self.key: self.name_of(id_)}
        carrier = self._carrier()
        if carrier and carrier in values:
            values[carrier] = unmarked(values[carrier])
        return Found(id_, values, owner_in(raw.get(carrier)) if carrier else None, raw)

    def fetch(self, api: Api, name: str) -> Values:
        """The object as Proxmox gives it."""
        return dict(api.get(self.object_path(name)))

    def add(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """Put it into the configuration; the collection finds its name among the parameters."""
        api.post(self.path, parameters)

    def change(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """Write some of its parameters."""
        api.put(self.object_path(name), parameters)

    def remove(self, api: Api, name: str) -> None:
        """Take it out of the configuration."""
        api.delete(self.object_path(name))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """One PUT, with `delete` for what is to be unset and the digest against a neighbour's change."""
        parameters = update_parameters(self.inputs, todo)
        carrier = self._carrier()
        if carrier and (carrier in todo.names() or found.owner != api.owner):
            kept = {carrier: found.values.get(carrier)} if carrier not in todo.cleared else {}
            parameters = self.with_mark(api, {**kept, **wanted}, parameters)
        if parameters:
            again = to_wire(self.inputs, {name: wanted[name] for name in self.restated})
            digest = {"digest": str(found.raw["digest"])} if "digest" in found.raw else {}
            self.change(api, self.name_of(found.id), {**again, **parameters, **digest})

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """One DELETE of the object."""
        try:
            self.remove(api, self.name_of(id_))
        except ApiRefused as refused:
            if not refused.says(self.missing):
                raise

    def named(self, wanted: Values) -> str:
        """The name of what is declared, by which it is addressed."""
        return str(wanted[self.key])

    def id_of(self, name: str) -> str:
        """`pools/prod`."""
        return f"{self.path.strip('/')}/{name}"

    def name_of(self, id_: str) -> str:
        """The inverse of `id_of`."""
        return id_.removeprefix(f"{self.path.strip('/')}/")

    def object_path(self, name: str) -> str:
        """Where one object is addressed."""
        return f"{self.path}/{quoted(name)}"

    def _carrier(self) -> str | None:
        """The field whose text carries the mark."""
        return next((name for name, spec in fields_of(self.inputs).items() if spec.marker(Carrier)), None)

    def with_mark(self, api: Api, wanted: Values, parameters: dict[str, str]) -> dict[str, str]:
        """The parameters, with the mark in the text that carries it."""
        carrier = self._carrier()
        if carrier is None:
            return parameters
        wire = fields_of(self.inputs)[carrier].wire
        unset = [name for name in parameters.get("delete", "").split(",") if name not in ("", wire)]
        kept = {name: value for name, value in parameters.items() if name != "delete"}
        return {
            **kept,
            wire: marked(wanted.get(carrier), api.owner),
            **({"delete": ",".join(unset)} if unset else {}),
        }
