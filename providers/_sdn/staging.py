"""From the configured objects to those that a resource wants: request by request, each with its inverse.

The inverses are what takes a resource's share back when another of its requests is refused, and what brings the old
running configuration back when an apply fails. They need nothing of Proxmox's `rollback`, which 8.4 does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers._runtime.api import Api
from providers._runtime.errors import AlreadyThere, ApiRefused, Unanswered
from providers._runtime.ownership import owner_in
from providers._sdn.objects import KINDS, NO_TOKEN_TO_DELETE, RANK, Key, Objects, SdnObject, changed_options


@dataclass
class Share:
    """What one resource wants of the network."""

    before: Objects
    """What it owns until now."""
    wanted: Objects
    known: frozenset[Key]
    """Objects that it may find there."""
    apply_foreign: bool = False

    @property
    def keys(self) -> set[Key]:
        """What it is about."""
        return {*self.before, *self.wanted}

    @property
    def zones(self) -> set[str]:
        """The zones whose state on the nodes says whether an apply has worked."""
        every = [*self.before.values(), *self.wanted.values()]
        own = {each.id for each in every if each.kind == "zones"}
        return own | {str(each.options["zone"]) for each in every if each.kind == "vnets" and "zone" in each.options}

    @property
    def vnets(self) -> set[str]:
        """The VNets of which the subnets have to be looked at."""
        every = [*self.before.values(), *self.wanted.values()]
        return {each.id for each in every if each.kind == "vnets"} | {
            each.parent for each in every if each.kind == "subnets"
        }

    def may_find(self, there: SdnObject, actual: Objects) -> bool:
        """Whether an object is its own: it knows it, or a died run of it has staged it, as the VNet's mark tells."""
        if there.key in self.known:
            return True
        key = ("vnets", there.parent or there.id)
        if key not in self.wanted or key not in actual:
            return False
        owner = self.wanted[key].owner
        return owner is not None and owner_in(actual[key].options.get("alias")) == owner


@dataclass
class Item:
    """A resource's share in a transaction, and how far it is."""

    api: Api
    share: Share
    error: Exception | None = None
    done: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One request: an object from one state to another; None where it is not there."""

    old: SdnObject | None
    new: SdnObject | None
    given_up: tuple[str, ...] = ()
    """Options to be unset."""

    @property
    def object(self) -> SdnObject:
        """What it is about."""
        found = self.new or self.old
        assert found is not None  # noqa: S101 - told to mypy; a step is about something
        return found

    @property
    def without_lock(self) -> bool:
        """Whether Proxmox has no way to say the lock's token with it."""
        return self.new is None and self.object.kind in NO_TOKEN_TO_DELETE

    @property
    def inverse(self) -> Step:
        """What takes it back."""
        if self.old is None or self.new is None:
            return Step(self.new, self.old)
        return Step(self.new, self.old, tuple(sorted(set(self.new.options) - set(self.old.options))))

    def carry_out(self, api: Api, token: Mapping[str, str]) -> None:
        """Send it."""
        if self.new is None:
            api.delete(self.object.path, {} if self.without_lock else token)
        elif self.old is None:
            _make(api, self.new.collection, {**_texts(self.new.making()), **token})
        else:
            parameters = _texts(changed_options(self.old.options, self.new.options))
            api.put(self.new.path, {**parameters, **self._unset(), **token})

    def _unset(self) -> dict[str, Any]:
        about = KINDS[self.object.kind]
        kept: dict[str, Any] = {about.type_key: self.object.type} if about.list_deletes else {}
        if self.object.kind == "fabric_nodes" and "interfaces" not in self.given_up:
            kept["interfaces"] = _texts(self.object.options).get("interfaces", [])
        if self.given_up:
            kept["delete"] = list(self.given_up) if about.list_deletes else ",".join(self.given_up)
        return kept


def _make(api: Api, collection: str, parameters: Mapping[str, Any]) -> None:
    """A POST whose answer never came is sent again; what is there then is ours, since nobody else may change things."""
    try:
        api.post(collection, parameters)
    except Unanswered:
        try:
            api.post(collection, parameters)
        except ApiRefused as refused:
            if not refused.says("already (exists|defined)"):
                raise


def _texts(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as parameters; parts of a list, as Proxmox gives them, as the texts that it takes."""
    return {
        name: [_text(item) for item in value] if isinstance(value, list | tuple) else str(value)
        for name, value in options.items()
    }


def _text(item: Any) -> str:
    return ",".join(f"{key}={value}" for key, value in item.items()) if isinstance(item, Mapping) else str(item)


def steps(share: Share, actual: Objects) -> Iterator[Step]:
    """What brings the configured objects to what is wanted: first removals, the last made first."""
    for key in sorted(set(share.before) - set(share.wanted), key=lambda key: (-RANK[key[0]], key[1])):
        if key in actual:
            yield Step(actual[key], None)
    for key in sorted(share.wanted, key=lambda key: (RANK[key[0]], key[1])):
        there, wanted = actual.get(key), share.wanted[key].over(actual.get(key))
        if there is None:
            yield Step(None, wanted)
            continue
        if not share.may_find(there, actual):
            raise AlreadyThere(f"sdn {wanted.words} already exists")
        owned = set(share.before[key].options) if key in share.before else set()
        given_up = tuple(sorted((owned - set(wanted.options)) & set(there.options)))
        new = {name: value for name, value in {**there.options, **wanted.options}.items() if name not in given_up}
        if given_up or changed_options(there.options, wanted.options):
            yield Step(there, SdnObject(there.kind, there.id, there.type, new, there.parent), given_up)
