"""What `pulumi preview` asks of a resource: whether its inputs are right, and what a change of them takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from providers._runtime import privileges
from providers._runtime.errors import Unreachable
from providers._runtime.facts import Facts
from providers._runtime.handler import Handler
from providers._runtime.markers import Immutable
from providers._runtime.model import Problem, Values, canonical, declared, fields_of
from providers._runtime.ownership import Owner

IMPACT = "impact"
PLANNED = "planned"
INSECURE = "insecure"
ADDED = frozenset({IMPACT, PLANNED, INSECURE})
"""Inputs that `check` adds: what a change takes, the names of values that were planned, not declared, and whether the
connection trusts anybody, which nobody else can see: neither who reads a preview nor a policy."""
NOT_COMPARED = frozenset({"adopt"})
"""Inputs whose change alone is no change of the resource."""


@dataclass
class Check:
    """One check of one resource's inputs."""

    handler: Handler
    facts: Facts
    owner: Owner
    warn_once: Callable[[str], None]

    def run(self, before: Values, given: Values, unknown: frozenset[str]) -> tuple[Values, list[Problem]]:
        """Canonical inputs with what is added to them, and what is wrong; `unknown` fields have no value yet.

        As long as it is not known which object is meant, nothing can be said of it.
        """
        wanted, problems = canonical(self.handler.inputs, given, unknown)
        if problems:
            return given, problems
        old = declared(self.handler.inputs, before)
        if any(spec.names and name in unknown for name, spec in fields_of(self.handler.inputs).items()):
            impact = impact_text(self.handler, old, wanted, unknown) if old else ""
            return {**wanted, **self._added({}, impact)}, []
        for kind, name in self.handler.announces(wanted):
            self.facts.announce(kind, name)
        planned = {name: before[name] for name in before.get(PLANNED, ()) if name not in wanted and name in before}
        if {**wanted, **planned} == old and not unknown:
            return {**wanted, **planned, **self._added(planned, "")}, list(self._taken({**wanted, **planned}))
        planned, problems = self._with_the_host(old, wanted, planned, unknown)
        wanted = {**wanted, **planned}
        problems += data_at_risk(self.handler, old, wanted, unknown)
        impact = impact_text(self.handler, old, wanted, unknown) if old else ""
        return {**wanted, **self._added(planned, impact)}, problems

    @staticmethod
    def _added(planned: Values, impact: str) -> Values:
        names: Values = {PLANNED: sorted(planned)} if planned else {}
        return {**names, IMPACT: impact} if impact else names

    def _taken(self, wanted: Values) -> Iterator[Problem]:
        """What another resource of the program has already."""
        for claim in self.handler.claims(wanted):
            if not self.facts.reserve(claim.thing, claim.key(self.owner)):
                yield claim.field, claim.words

    def _with_the_host(
        self, old: Values, wanted: Values, planned: Values, unknown: frozenset[str]
    ) -> tuple[Values, list[Problem]]:
        """Plan and preflight; a host that can't be reached is no reason to fail a preview, and is said once."""
        try:
            planned = planned | self.handler.plan(self.facts, self.owner, old, {**wanted, **planned}, unknown)
            full = {**wanted, **planned}
            needs = self.handler.needs_to_change(old, full) if old else self.handler.needs(full)
            problems = list(privileges.missing(self.facts, [*needs, *self.handler.needs_to_read(full)]))
            problems += self._taken(full)
            problems += self.handler.preflight(self.facts, self.owner, old, full)
            for text in self.handler.advice(self.facts, self.owner, old, full):
                self.warn_once(text)
            return planned, problems
        except Unreachable as error:
            self.warn_once(f"checked without the host: {error}")
            planned = planned | self.handler.plan(None, self.owner, old, {**wanted, **planned}, unknown)
            return planned, list(self._taken(wanted))  # what was planned without the host is no promise


def data_at_risk(handler: Handler, old: Values, wanted: Values, unknown: frozenset[str]) -> Iterator[Problem]:
    """What would replace an object that holds data, unless that is allowed."""
    if not old or not handler.holds_data or wanted.get("replace_allowed"):
        return
    for name in replaced_by(handler, old, wanted, unknown):
        secret = fields_of(handler.inputs)[name].secret
        change = "" if secret else f" from {old.get(name)!r} to {wanted.get(name)!r}"
        allowed = (
            "; if that is meant, set replace_allowed=True" if "replace_allowed" in fields_of(handler.inputs) else ""
        )
        yield (
            name,
            f"Proxmox can't change it{change}: the object would be destroyed with its data and made anew{allowed}",
        )


def replaced_by(handler: Handler, old: Values, wanted: Values, unknown: frozenset[str]) -> list[str]:
    """Immutable fields whose known values differ; an unknown value may well turn out to be the same."""
    return [
        name for name, spec in fields_of(handler.inputs).items() if name not in unknown and spec.replaces(old, wanted)
    ]


def impact_text(handler: Handler, old: Values, wanted: Values, unknown: frozenset[str]) -> str:
    """`memory: reboot; scsi1: grows live`: one readable line for the preview."""
    deeds = handler.deeds(old, wanted)
    parts = [
        f"{name}: {deeds[name]} {impact}" if name in deeds else f"{name}: {impact}"
        for name, impact in handler.impact(old, wanted).items()
        if name not in unknown
    ]
    for name in sorted(unknown):
        spec = fields_of(handler.inputs).get(name)
        parts.append(f"{name}: {'may replace' if spec and spec.marker(Immutable) else 'not known yet'}")
    return "; ".join(parts)


def differing(handler: Handler, old: Values, wanted: Values, unknown: frozenset[str], planned: list[str]) -> list[str]:
    """Fields by which a resource's state differs from its inputs."""
    return [
        name
        for name in fields_of(handler.inputs)
        if name not in NOT_COMPARED
        and not (name in planned and name in old)
        and (name in unknown or old.get(name) != wanted.get(name))
    ]
