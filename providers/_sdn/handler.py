"""What all types of the network do alike: their life is a comparison of objects, and changes go through a transaction.

What is read is the running configuration: a change that somebody has staged and not applied is no drift.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, ProxmoxError
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.markers import Local
from providers._runtime.model import Changes, Inputs, Problem, Values, declared, from_wire, to_wire
from providers._runtime.ownership import Owner, owner_in
from providers._runtime.privileges import Need
from providers._sdn.lock import foreign, pending_changes
from providers._sdn.objects import KINDS, Ask, Objects, SdnObject, objects, read_objects
from providers._sdn.preflight import still_used
from providers._sdn.staging import Item, Share, steps
from providers._sdn.transaction import MEETING, commit, meeting

RUNNING = {"running": 1}
NOBODY = Owner("", "")
LEFT_OUT: Mapping[str, str] = {
    "lock-token": "every change is made under the lock of one transaction",
    "digest": "the lock keeps a neighbour from changing anything meanwhile",
}


def confirm_gone(api: Api, id_: str) -> None:
    """Make sure that what no list shows is gone.

    Lists leave out what the identity may not see, so the object itself is asked for; a refusal is an error.
    """
    try:
        api.get(f"/cluster/{id_}")
    except ApiRefused as refused:
        if not refused.says("does not exist"):
            raise


class SdnInputs(Inputs):
    """What every type of the network can be told."""

    apply_foreign: Annotated[bool | None, Local()] = Field(
        default=None,
        description="Whether changes that somebody else has staged and not applied are applied along; "
        "without it they are named and nothing is changed.",
    )


class SdnHandler(Handler):
    """A set of objects of the network. A subclass says which objects its values are, and back."""

    kind: ClassVar[str]
    """The kind of its main object."""
    at_once: ClassVar[bool] = False
    """Whether Proxmox keeps no running configuration beside the configured one."""

    @abc.abstractmethod
    def objects_of(self, values: Values, owner: Owner) -> Objects:
        """The objects that the values stand for."""

    @abc.abstractmethod
    def objects_there(self, ask: Ask, name: str, view: Mapping[str, Any]) -> Objects:
        """The objects by that name in a view; none if the main one is not there."""

    @abc.abstractmethod
    def values_of(self, name: str, there: Objects) -> Values:
        """The inverse of `objects_of`."""

    @abc.abstractmethod
    def name_of(self, values: Values) -> str:
        """What the main object is named by, which the ID ends with."""

    @property
    def prefix(self) -> str:
        """The ID's beginning: `sdn/zones/`, as in the API's path."""
        return f"{KINDS[self.kind].path.removeprefix('/cluster/')}/"

    def find(self, api: Api, wanted: Values) -> Found | None:
        """As it is configured: one that a died run has staged is there."""
        api.facts.shared(meeting).expect(MEETING)
        name = self.name_of(wanted)
        return self.found(name, self.objects_there(api.get, name, {}))

    def read(self, api: Api, id_: str) -> Found | None:
        """As it runs; all that read at the same time share the lists."""
        name = id_.removeprefix(self.prefix)
        there = self.objects_there(api.facts.listing, name, {} if self.at_once else RUNNING)
        if not there:
            confirm_gone(api, id_)
        return self.found(name, there)

    def found(self, name: str, there: Objects) -> Found | None:
        """What the objects are together; None where there are none."""
        if not there:
            return None
        owners = [owner_in(each.options.get("alias")) for each in there.values()]
        owner = next((owner for owner in owners if owner), None)
        return Found(self.prefix + name, self.values_of(name, there), owner, {"objects": there})

    def create(self, api: Api, wanted: Values) -> str:
        """One share of a transaction, in which none of the objects may be there."""
        share = Share({}, self.objects_of(wanted, api.owner), frozenset(), bool(wanted.get("apply_foreign")))
        commit(Item(api, share))
        return self.prefix + self.name_of(wanted)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """What was owned until now and is wanted no longer goes; the rest becomes as declared."""
        recorded = declared(self.inputs, dict(api.recorded))
        before = self.objects_of(recorded, api.owner) if recorded else {}
        known = frozenset({*before, *found.raw["objects"]})
        share = Share(before, self.objects_of(wanted, api.owner), known, bool(wanted.get("apply_foreign")))
        commit(Item(api, share))

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """The removal is applied as well."""
        api.facts.shared(meeting).expect(MEETING)
        before = self.objects_of(declared(self.inputs, values), api.owner)
        for _, reason in still_used(api.facts, [name for kind, name in before if kind == "vnets"]):
            raise ProxmoxError(reason)
        commit(Item(api, Share(before, {}, frozenset(before), bool(values.get("apply_foreign")))))

    def _complete(self, wanted: Values) -> bool:
        """Whether all that the objects are made of is known."""
        return all(name in wanted for name, field in self.inputs.model_fields.items() if field.is_required())

    def claims(self, wanted: Values) -> Iterator[Claim]:
        """No two resources of a program have the same object."""
        for (kind, id_), each in (self.objects_of(wanted, NOBODY) if self._complete(wanted) else {}).items():
            words = f"another resource of this program makes {each.words} as well"
            yield Claim(self.field_of(kind, id_), ("sdn", kind, id_), words)

    def field_of(self, kind: str, id_: str) -> str:
        """The field that is told when something is wrong with an object."""
        return KINDS[kind].key

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterable[Problem]:
        """A name that somebody else's object has."""
        facts.shared(meeting).expect(MEETING)
        if before or not self._complete(wanted) or wanted.get("adopt") in ("if-exists", "required"):
            return
        there = self.objects_there(facts.listing, self.name_of(wanted), {})
        if not there or any(owner_in(each.options.get("alias")) == owner for each in there.values()):
            return
        if list(steps(Share({}, self.objects_of(wanted, owner), frozenset(there)), there)):
            yield self.field_of(self.kind, ""), "it already exists; to take it over, set adopt to `if-exists`"

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterable[str]:
        """Changes that somebody else has staged, as far as few requests show them: `up` will not apply them."""
        if self.at_once or wanted.get("apply_foreign") or not self._complete(wanted):
            return
        old = self.objects_of(before, owner) if before else {}
        share = Share(old, self.objects_of(wanted, owner), frozenset())
        changes = foreign(pending_changes(facts, facts.listing, ()), [share], owner.stack, frozenset())
        others = [change.words for change in changes if not facts.announced(*change.announcement)]
        if others:
            yield (
                f"changes of the SDN configuration are staged that nobody has applied, {', '.join(others)}: if they "
                f"are somebody else's, `up` changes nothing until they are gone, or apply_foreign=True is said"
            )


class SingleObject(SdnHandler):
    """A type whose values are one object, with options that are its fields."""

    key: ClassVar[str]
    """The field that names it."""
    type_field: ClassVar[str] = "type"

    def name_of(self, values: Values) -> str:
        """The field that names it."""
        return str(values[self.key])

    def objects_of(self, values: Values, owner: Owner) -> Objects:
        """One."""
        options = to_wire(self.inputs, values)
        type_ = str(options.pop(self.type_field, ""))
        return objects(SdnObject(self.kind, str(options.pop(KINDS[self.kind].key)), type_, options))

    def objects_there(self, ask: Ask, name: str, view: Mapping[str, Any]) -> Objects:
        """By the list of its kind."""
        found = read_objects(ask, [self.kind], view, ()).get((self.kind, name))
        return objects(found) if found else {}

    def values_of(self, name: str, there: Objects) -> Values:
        """Its options, name and type."""
        one = there[self.kind, name]
        return from_wire(self.inputs, {**one.options, KINDS[self.kind].key: name, self.type_field: one.type})

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Others name it."""
        return [(KINDS[self.kind].word, str(wanted[self.key]))] if self.key in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """The right to all of its kind, also for changing one."""
        return allocate(f"/sdn/{self.kind}")

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """The right to it."""
        return audit(f"/sdn/{self.kind}/{wanted[self.key]}") if self.key in wanted else []


def allocate(*paths: str) -> list[Need]:
    """What changing objects takes, and applying the change."""
    return [(path, "SDN.Allocate") for path in dict.fromkeys(["/sdn", *paths])]


def audit(*paths: str) -> list[Need]:
    """What looking at objects takes: lists leave out what the identity may not see, as if it were gone."""
    return [(path, "SDN.Audit|SDN.Allocate") for path in paths]
