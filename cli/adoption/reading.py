"""From an object on the host to a declaration that changes nothing of it.

The values are those that the type's own handler reads. What is left of them is tried as a program would declare it:
checked by the model, compared with the object, and checked as a preview does. What would be a change or be refused is
left out of the declaration, and where that can't be, the object is left out; either is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from pydantic import BaseModel

from providers._guests.volumes import Volume, is_cdrom
from providers._runtime.checking import PLANNED, Check
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Immutable, ServerDefault, Slots
from providers._runtime.model import Values, canonical, changes, fields_of
from providers._runtime.ownership import Owner
from providers._runtime.wire import Part

TAKEN = {"adopt": "required"}
SAID_ELSEWHERE = frozenset({"macs", "vmgenid"})
"""Fields that nobody writes: `net` has the addresses, and Proxmox makes up the other."""
MADE_UP = frozenset({"uuid"})
"""Keys of property strings that Proxmox makes up."""
_NO_FIELD = "no field carries this, and it stays as it is"
BOOKKEEPING = frozenset({"digest", "lock", "meta", "parent", "snaptime", "template", "vmgenid"})
"""What Proxmox keeps in a guest's configuration for itself."""
_BASE = re.compile(r"[:/]base(?:vol)?-(\d+)-disk-[^/,]*/")
"""The template's disk in the name of a linked clone's."""
NOT_OF_ITS_TYPE = "has no such field"
"""What models say of what Proxmox adds to a type by itself."""
NAMES = ("name", "hostname")
ALWAYS_THERE = frozenset({"node"})
"""What alone is nothing to declare: settings of a node of which none is set."""


class LeftOutError(Exception):
    """An object that can't be declared as it is; the text says why."""


@dataclass
class Declaration:
    """One object as a program declares it."""

    kind: str
    id: str
    args: Values
    """Without `connection` and `adopt`."""
    notes: list[str] = field(default_factory=list)
    """What is left out of it, and why."""
    clone_of: frozenset[int] = frozenset()
    """The templates that its disks are built on."""


class Reader:
    """Reads the objects of one type."""

    def __init__(self, kind: str, handler: Handler, facts: Facts, stack: str) -> None:
        self.kind, self.handler, self.model = kind, handler, handler.inputs
        self.facts, self.stack = facts, stack

    def declared(self, found: Found) -> Declaration | None:
        """The object as a declaration that fits it, if there is anything to declare.

        What only a preview refuses is still in it.
        """
        if found.owner is not None and found.owner.stack != self.stack:
            raise LeftOutError(f"it belongs to the stack {found.owner.stack}")
        bases = (_BASE.findall(text) for text in found.raw.values() if isinstance(text, str))
        it = Declaration(self.kind, found.id, {}, list(self._notes(found)), frozenset(map(int, chain(*bases))))
        it.args = dict(self._own(found, it.notes))
        while wrong := self._wrong(found, it.args):
            self._drop(it, *wrong)
        it.args = self._ordered(self._canonical(it.args))
        return it if set(it.args) - ALWAYS_THERE else None

    def previewed(self, it: Declaration, found: Found, owner: Owner) -> None:
        """Take out of a declaration what a preview would refuse, and what it would plan to be otherwise."""
        while wrong := self._refused(it, found, owner):
            self._drop(it, *wrong)

    # ------------------------------------------------------------ what is there

    def _notes(self, found: Found) -> Iterator[str]:
        """Lines of a guest's configuration for which there are no fields."""
        if self.kind not in ("vm", "container"):
            return
        specs = fields_of(self.model).values()
        patterns = [slots.pattern for spec in specs if (slots := spec.marker(Slots))]
        for key in sorted(found.raw.keys() - {spec.wire for spec in specs} - BOOKKEEPING):
            if not any(re.fullmatch(pattern, key) for pattern in patterns):
                yield f"{key}: {_NO_FIELD}"

    def _own(self, found: Found, notes: list[str]) -> Iterator[tuple[str, Any]]:
        for name, spec in fields_of(self.model).items():
            value = found.values.get(name)
            if value is None or spec.local or name in SAID_ELSEWHERE:
                continue
            if spec.secret:
                notes.append(f"{name}: a secret, which is not written into a program")
                continue
            default = spec.marker(ServerDefault)
            fixed = spec.has(Immutable) or self.model.model_fields[name].is_required()
            if default and default.value == value and not fixed:
                continue
            others = {other: kept for other, kept in found.values.items() if other != name}
            if not fixed and self.model.completed(others, frozenset()).get(name) == value:
                continue
            lean = lean_of(spec.part, value, in_map=spec.is_map)
            notes += [f"{name}: {_NO_FIELD}: {key}" for key in unknown_keys(spec.part, value, in_map=spec.is_map)]
            if lean not in ({}, None):
                yield name, lean

    def _ordered(self, values: Values) -> Values:
        """What names the object first."""

        def rank(name: str) -> int:
            info, spec = self.model.model_fields[name], fields_of(self.model)[name]
            return 0 if name in NAMES else 1 if info.is_required() or spec.has(Immutable) else 2

        kept = [name for name in fields_of(self.model) if name in values]
        return {name: values[name] for name in sorted(kept, key=rank)}

    # ------------------------------------------------------------ what fits

    def _canonical(self, args: Values) -> Values:
        wanted, _ = canonical(self.model, {**args, **TAKEN}, frozenset())
        return {name: wanted[name] for name in args if name in wanted}

    def _wrong(self, found: Found, args: Values) -> tuple[str, str] | None:
        """The first field that does not pass, or that would not be what is there."""
        wanted, problems = canonical(self.model, {**args, **TAKEN}, frozenset())
        if problems:
            return problems[0]
        todo = changes(self.model, {}, found.values, wanted).names()
        shown = self.handler.shown(wanted, found.values)
        specs = fields_of(self.model)
        unlike = [name for name in wanted if not specs[name].local and shown.get(name) != wanted[name]]
        name = next(iter([*todo, *unlike]), None)
        return (name, "it can't be written as it is on the host") if name else None

    def _refused(self, it: Declaration, found: Found, owner: Owner) -> tuple[str, str] | None:
        given = {**it.args, **TAKEN}
        wanted, problems = Check(self.handler, self.facts, owner, lambda _: None).run({}, given, frozenset())
        if problems:
            return problems[0]
        for name in wanted.get(PLANNED, ()):
            there = found.values.get(name)
            if wanted[name] != there:
                return name, f"a preview says that it would be changed: {wanted[name]}"
        return None

    def _drop(self, it: Declaration, where: str, why: str) -> None:
        """Leave out the field that is told, or that has the slot that is told; else the object."""
        if not where and ": " in why:  # what is wrong with several fields together begins with one of them
            where, _, why = why.partition(": ")
        first, second = [*where.split("."), ""][:2]
        spec = fields_of(self.model).get(first)
        if spec is None:
            holders = [name for name, value in it.args.items() if isinstance(value, dict) and first in value]
            first = holders[0] if holders else first
        if first not in it.args or self.model.model_fields[first].is_required():
            raise LeftOutError(f"{where}: {why}" if where else why)
        slot = f".{second}" if second else ""
        if not why.endswith(NOT_OF_ITS_TYPE):
            it.notes.append(f"{first}{slot}: {why}")
        del it.args[first]


def lean_of(part: type[Part] | None, value: Any, *, in_map: bool) -> Any:
    """A value without what the server says by itself."""
    if part is None or not isinstance(value, dict):
        return value
    if in_map:
        return {slot: lean_of(part, entry, in_map=False) for slot, entry in value.items()}
    said = {key for key, item in value.items() if key in MADE_UP or _is_default(part, key, item)}
    said |= value.keys() - part.model_fields.keys()
    if issubclass(part, Volume):
        said |= _said_by_the_volume(part, value)
    return {key: item for key, item in value.items() if key not in said}


def unknown_keys(part: type[Part] | None, value: Any, *, in_map: bool) -> list[str]:
    """What a property string has on the host that no field carries; a volume's name and size are what they are."""
    if part is None or not isinstance(value, dict):
        return []
    entries = value.values() if in_map else [value]
    keys = {key for entry in entries if isinstance(entry, dict) for key in entry}
    return sorted(keys - part.model_fields.keys() - ({part.default_key, "size"} if issubclass(part, Volume) else set()))


def _is_default(part: type[BaseModel], key: str, value: Any) -> bool:
    spec = fields_of(part).get(key)
    default = spec.marker(ServerDefault) if spec else None
    return default is not None and default.value == value


def _said_by_the_volume(part: type[Volume], value: Values) -> set[str]:
    """A volume of the guest's own is told by its storage and size, and what is in a drive by its name."""
    key = str(part.default_key)
    name = str(value.get(key, ""))
    if name.startswith("/"):
        return set()
    if is_cdrom(name):
        return {"storage", "size", "format", "media"}
    return {key} | ({"format"} if value.get("format") == "raw" else set())
