"""Everything that is to be taken over, as declarations with names, and everything that is not, with reasons."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain

from cli import docs
from cli.adoption.known import Known
from cli.adoption.printing import text_of
from cli.adoption.reach import Reach
from cli.adoption.reading import Declaration, LeftOutError, Reader
from cli.adoption.references import NONE, Kept, References, in_order, kept_in
from cli.adoption.sources import FAMILIES, NEVER, Look, Source, tokens
from providers._runtime.api import Api
from providers._runtime.errors import ProxmoxError
from providers._runtime.facts import Facts
from providers._runtime.handler import Found
from providers._runtime.model import Values
from providers._runtime.ownership import Owner, owner_in
from providers._runtime.registry import handler_of
from providers._sdn.handler import SdnHandler
from providers._sdn.lock import pending_changes

PROJECT = "proxmox"
AT_ONCE = 8
GUESTS = ("vm", "container")
SECONDS = 600.0
_LISTS = "|".join(
    (
        "cluster", "sdn", "access", "nodes", "storage", "pools", "vms", "vnets", "qemu", "lxc", "firewall", "network",
        "dns", "time", "ha/resources", "ha/rules", "acl", "users", "groups", "roles", "domains", "zones", "controllers",
        "ipams", "fabrics/fabric", "mapping", "metrics/server", "backup", "replication", "aliases", "ipset", "rules",
        "options", "ips",
    )
)  # fmt: skip
_IN_EVERY_ID = re.compile(rf"^((({_LISTS})(/|$))+)|/({_LISTS})(?=/|$)")
"""What IDs have besides the name of their object."""


@dataclass(frozen=True)
class LeftOut:
    """Something that is not taken over."""

    what: str
    why: str


@dataclass
class Findings:
    """What there is."""

    families: dict[str, list[Named]] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass
class Named:
    """A declaration with the name that it has in the program."""

    name: str
    it: Declaration
    references: References = NONE

    @property
    def class_name(self) -> str:
        """The class of its type."""
        return docs.class_name(self.it.kind)


@dataclass(eq=False)
class _Object:
    """An object while it is being read."""

    reader: Reader
    found: Found
    it: Declaration
    name: str = ""


class Finder:
    """Reads an environment for one stack."""

    def __init__(self, facts: Facts, reach: Reach, stack: str, known: Known) -> None:
        self._facts, self._reach, self._stack, self._known = facts, reach, stack, known
        self._owner = Owner(f"{PROJECT}/{stack}", "0" * 12)
        self._look = Look(Api(facts.client, facts, self._owner, time.monotonic() + SECONDS), reach)
        self._findings = Findings()

    def all(self) -> Findings:
        """Read everything, name what the stack does not have yet, and see what a preview says of it all together."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            found = {
                family: list(chain.from_iterable(self._in_order(source, threads) for source in sources))
                for family, sources in FAMILIES.items()
            }
        everything = list(chain.from_iterable(found.values()))
        for each in everything:
            for announcement in each.reader.handler.announces(each.it.args):
                self._facts.announce(*announcement)
        new = {family: [each for each in objects if not self._known.has(each.it)] for family, objects in found.items()}
        guests = {each.it.args["vmid"]: _guest_name(each.it) for each in everything if each.it.kind in GUESTS}
        self._name(list(chain.from_iterable(new.values())), guests)
        passed = {family: [each for each in objects if self._passes(each)] for family, objects in new.items()}
        self._findings.families = self._referring(found, passed)
        self._tell_tokens()
        return self._findings

    def _referring(self, found: dict[str, list[_Object]], passed: dict[str, list[_Object]]) -> dict[str, list[Named]]:
        """What is new, with what it names of all that is in the program before it."""
        kept = Kept()
        families: dict[str, list[Named]] = {}
        for family, objects in found.items():
            families[family] = []
            for each in objects:
                if each in passed[family]:
                    place = kept_in(each.it)
                    variable = f"{place}[{text_of(each.name)}]" if place else ""
                    families[family].append(Named(each.name, each.it, kept.of(each.it, variable)))
                else:
                    variable = self._known.variable_of(each.it)
                kept.add(each.it, variable)
        return families

    def _leave_out(self, what: str, why: object) -> None:
        self._findings.left_out.append(LeftOut(what, " ".join(str(why).split())))

    def _in_order(self, source: Source, threads: ThreadPoolExecutor) -> list[_Object]:
        """The objects of one type, so that each comes after what it is built on."""
        return sorted(self._read(source, threads), key=lambda each: in_order(each.it))

    def _read(self, source: Source, threads: ThreadPoolExecutor) -> Iterator[_Object]:
        """The objects of one type; a list that can't be read is told, and so is an object."""
        reader = Reader(source.kind, handler_of(source.kind), self._facts, f"{PROJECT}/{self._stack}")
        try:
            seeds = list(source.seeds(self._look))
        except ProxmoxError as problem:
            self._leave_out(f"all of type {docs.class_name(source.kind)}", problem)
            return
        for each in threads.map(lambda seed: self._one(reader, seed), seeds):
            if isinstance(each, LeftOut):
                self._findings.left_out.append(each)
            elif each is not None:
                yield each

    def _one(self, reader: Reader, seed: Values) -> _Object | LeftOut | None:
        what = f"{docs.class_name(reader.kind)} {_words(seed)}"
        try:
            if isinstance(reader.handler, SdnHandler) and not reader.handler.at_once:
                self._refuse_staged()
            api = replace(self._look.api, owner=self._owner_of(seed))
            found = reader.handler.find(api, seed)
            if found is None or not self._reach.has(reader.kind, found.values):
                return None
            it = reader.declared(found)
        except (LeftOutError, ProxmoxError) as problem:
            return LeftOut(what, " ".join(str(problem).split()))
        return _Object(reader, found, it) if it else None

    def _refuse_staged(self) -> None:
        """What is configured of the SDN is not what runs, so nobody can say that nothing would change."""
        found = [change.words for change in pending_changes(self._facts, self._facts.listing, ())]
        if found:
            raise LeftOutError(
                f"changes are staged that nobody has applied, {', '.join(found)}: apply them, or revert them"
            )

    def _owner_of(self, seed: Values) -> Owner:
        """Whose the rules of a list are: each carries a mark of its own, and the handler looks for its call's."""
        owners = {owner for rule in seed.get("rules", ()) if (owner := owner_in(rule.get("comment")))}
        for owner in owners:
            if owner.stack != self._owner.stack:
                raise LeftOutError(f"it belongs to the stack {owner.stack}")
        return next(iter(owners), self._owner)

    # ------------------------------------------------------------ names

    def _name(self, objects: list[_Object], guests: dict[int, str]) -> None:
        """Each by Proxmox's name; where two of a type would have the same, with a number."""
        taken = set(self._known.names)
        for each in objects:
            class_names, wanted = _sharing_names(each.it), _name_of(each.it, guests)
            vmid = each.it.args.get("vmid")
            names = chain([wanted, *([f"{wanted}-{vmid}"] if vmid else [])], _numbered(wanted))
            each.name = next(name for name in names if taken.isdisjoint((of, name) for of in class_names))
            taken |= {(of, each.name) for of in class_names}

    # ------------------------------------------------------------ the preview

    def _passes(self, each: _Object) -> bool:
        """Whether a preview would take it; with what is left out of it for that."""
        class_name = docs.class_name(each.it.kind)
        urn = f"urn:pulumi:{self._stack}::{PROJECT}::pulumi-python:dynamic/proxmox:{class_name}::{each.name}"
        try:
            each.reader.previewed(each.it, each.found, Owner.of_urn(urn))
        except (LeftOutError, ProxmoxError) as problem:
            self._leave_out(f"{class_name} {each.name}", problem)
            return False
        for note in each.it.notes:
            self._leave_out(f"of {class_name} {each.name}", note)
        return True

    def _tell_tokens(self) -> None:
        try:
            for token in tokens(self._look):
                self._leave_out(f"ApiToken {token}", NEVER["api_token"])
        except ProxmoxError as problem:
            self._leave_out("all of type ApiToken", problem)


def _sharing_names(it: Declaration) -> list[str]:
    """The classes of which no other resource may have its name: guests are in one dict."""
    return [docs.class_name(kind) for kind in (GUESTS if it.kind in GUESTS else (it.kind,))]


def _guest_name(it: Declaration) -> str:
    """What people call a guest."""
    return str(it.args.get("name") or it.args.get("hostname") or f"{it.kind}-{it.args['vmid']}")


def _name_of(it: Declaration, guests: dict[int, str]) -> str:
    """What people call it: its name, or what its ID has besides the words that all of its type have."""
    if it.kind in GUESTS:
        return _guest_name(it)
    text = it.id
    if "vmid" in it.args and it.args["vmid"] in guests:
        text = "-".join([guests[it.args["vmid"]], *([it.args["name"]] if "name" in it.args else [])])
    return re.sub(r"[^A-Za-z0-9._@-]+", "-", _IN_EVERY_ID.sub("", text)).strip("-") or "cluster"


def _numbered(name: str) -> Iterator[str]:
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _words(seed: Values) -> str:
    """What names an object, for people."""
    return " ".join(str(value) for value in seed.values() if not isinstance(value, list | dict)) or "of the cluster"
