"""What rules call by its name: an alias or an IP set, of the cluster or of a guest."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from typing import ClassVar

from providers._firewall.lockout import lockout_doubts
from providers._firewall.names import NameKind, announced_name
from providers._firewall.scope import Scope
from providers._runtime.api import Api, quoted
from providers._runtime.errors import AlreadyThere, ApiRefused
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.model import Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need


class NamedHandler(Handler):
    """A name in a scope: `vms/100/firewall/ipset/blocked`."""

    name_kind: ClassVar[NameKind]
    collection: ClassVar[str]
    """Where all of the scope are: `aliases`, `ipset`."""

    @abc.abstractmethod
    def look(self, api: Api, scope: Scope, name: str) -> Found | None:
        """The one by that name; None if there is none, or its guest is gone."""

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its name."""
        return self.look(api, Scope.of(wanted), wanted["name"])

    def read(self, api: Api, id_: str) -> Found | None:
        """By the scope and the name that its ID has."""
        return self.look(api, Scope.of_id(id_), self.name_of(id_))

    def id_of(self, scope: Scope, name: str) -> str:
        """Its ID."""
        return scope.id(self.collection, name)

    @staticmethod
    def name_of(id_: str) -> str:
        """The name in an ID."""
        return id_.rpartition("/")[2]

    def place(self, api: Api, scope: Scope, name: str) -> str:
        """Where it is addressed."""
        return f"{scope.path(api)}/{self.collection}/{quoted(name)}"

    def make(self, api: Api, wanted: Values, parameters: Mapping[str, str]) -> str:
        """Make it by one POST; returns its ID."""
        scope = Scope.of(wanted)
        try:
            api.post(f"{scope.path(api)}/{self.collection}", {"name": wanted["name"], **parameters})
        except ApiRefused as refused:
            if refused.says("already exists"):
                raise AlreadyThere(refused.words) from None
            raise
        return self.id_of(scope, wanted["name"])

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Rules name it."""
        return [announced_name(Scope.of(wanted), self.name_kind, wanted["name"])] if "name" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """Those of its scope."""
        return Scope.of(wanted).needs()

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """What could not be told of who is shut out."""
        yield from lockout_doubts(facts)
