"""What a preview or an update does, resource by resource: read from Pulumi's JSON, and free of secrets."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cli.report.masks import MASK, leaves, masked
from cli.taken import GUESTS

Values = Mapping[str, Any]
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands in Pulumi's previews for what is not known before the update."""
LATER = "(known later)"
OWN = frozenset({"__provider", "planned", "impact"})
"""Inputs that are not declared, but the program's own."""
LOSS = "data loss"
CLOSING = re.compile("preview failed|update failed|an unhandled error occurred: program exited with .*")
"""What Pulumi says at the end, after the reasons."""
PAGE = re.compile(r"; (?=stacks/Pulumi\.)")
"""Between the things that are wrong with a stack's page, which it is refused for as a whole."""
STOPS = ("reboot", "stop-start")
"""Last words of an impact for which a guest is restarted."""


class Deed(StrEnum):
    """What becomes of a resource; the worst first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"
    SAME = "same"


@dataclass(frozen=True)
class Kind:
    """What is known of a resource type."""

    holds_data: bool = False
    secrets: frozenset[str] = frozenset()
    """Fields that are secret, whether or not the program says so."""


@dataclass(frozen=True)
class Change:
    """One field: nothing stands for a field that is not there."""

    name: str
    before: str | None
    after: str | None
    impact: str = ""


@dataclass(frozen=True)
class Part:
    """One resource."""

    urn: str
    name: str
    type: str
    """Its class."""
    deed: Deed
    before: Values = field(repr=False)
    """Its inputs as they are, which may have been changed by hand; none where it is new."""
    after: Values = field(repr=False)
    changes: tuple[Change, ...] = ()
    drift: tuple[Change, ...] = ()
    """What somebody else has changed since the last update."""
    gone: bool = False
    """Whether somebody else has removed it."""
    loses_data: bool = False

    @property
    def host(self) -> str:
        """Connection and node, as far as it has them."""
        return host_of(self.after or self.before)

    @property
    def is_guest(self) -> bool:
        """Whether it is a machine or a container."""
        return self.type in GUESTS

    @property
    def restarts(self) -> bool:
        """Whether its guest is stopped on the way."""
        return any(change.impact.endswith(STOPS) for change in self.changes)


@dataclass(frozen=True)
class Plan:
    """All of it."""

    parts: tuple[Part, ...]
    outputs: Values = field(default_factory=dict, repr=False)
    """What the stack told before the change."""
    refusals: tuple[str, ...] = ()
    """Why the change is refused, or has failed."""
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> list[Part]:
        """What does not stay the same."""
        return [part for part in self.parts if part.deed is not Deed.SAME]

    @property
    def loses_data(self) -> list[Part]:
        """What loses its data."""
        return [part for part in self.parts if part.loses_data]

    @property
    def drifted(self) -> list[Part]:
        """What somebody else has changed or removed."""
        return [part for part in self.parts if part.drift or part.gone]

    @property
    def digest(self) -> str:
        """The same for two plans that do the same, so that what was approved is what is done."""
        rows = sorted((part.urn, part.deed, [vars(change) for change in part.changes]) for part in self.changed)
        return hashlib.sha256(json.dumps([rows, sorted(self.refusals)]).encode()).hexdigest()


def plan_of(told: Values, kinds: Mapping[str, Kind], secrets: Iterable[str] = ()) -> Plan:
    """The plan in what `pulumi preview --json` says; the secrets given are masked as well as those that it names."""
    known = {word for state in _states(told) for word in _secret_words(state, kinds)}
    told = masked(told, {*known, *secrets})
    refusals = tuple(_said(told, "error"))
    refusals = tuple(text for text in refusals if not CLOSING.fullmatch(text)) or refusals
    steps: dict[str, list[Values]] = {}
    for step in told.get("steps") or ():
        steps.setdefault(step["urn"], []).append(step)
    found = (_part(urn, mine, kinds, failed=bool(refusals)) for urn, mine in steps.items() if _is_resource(mine))
    return Plan(
        parts=tuple(part for part in found if part),
        outputs=_outputs(told),
        refusals=refusals,
        warnings=tuple(_said(told, "warning")),
    )


def _states(told: Values) -> Iterator[Values]:
    for step in told.get("steps") or ():
        yield from (step[name] for name in ("oldState", "newState") if step.get(name))


def _secret_words(state: Values, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """What must not be shown of a resource, be it declared as a secret or not."""
    kind = kinds.get(_class(state), Kind())
    for name in {*kind.secrets, *(state.get("additionalSecretOutputs") or ())}:
        for side in ("inputs", "outputs"):
            yield from leaves((state.get(side) or {}).get(name))


def _class(state: Values) -> str:
    return str(state.get("type") or "").rpartition(":")[2]


def _is_resource(steps: Iterable[Values]) -> bool:
    """Neither Pulumi's own, nor a component, which is nothing but its parts."""
    states = list(_states({"steps": list(steps)}))
    return any(state.get("custom") and not str(state.get("type")).startswith("pulumi:") for state in states)


def _said(told: Values, severity: str) -> Iterator[str]:
    rows = [row for row in told.get("diagnostics") or () if row.get("severity") == severity]
    for message in dict.fromkeys(str(row["message"]).strip() for row in rows):
        plain = re.sub(r"<\{%.*?%\}>", "", message).strip().removeprefix(f"{severity}: ")
        yield from re.split(PAGE, re.sub(r"\S+ resource ('[^']*') has a problem", r"\1", plain))


def _outputs(told: Values) -> Values:
    """What the stack told of itself before the change."""
    stacks = [state for state in _states(told) if state.get("type") == "pulumi:pulumi:Stack" and state.get("outputs")]
    return dict(stacks[0]["outputs"]) if stacks else {}


def _part(urn: str, steps: list[Values], kinds: Mapping[str, Kind], *, failed: bool) -> Part | None:
    """One resource from its steps: what was refreshed first, then what is done."""
    refreshed = [step for step in steps if step["op"] == "refresh"]
    doing = [step for step in steps if step["op"] not in ("refresh", "read", "discard", "remove-pending-replace")]
    kind = kinds.get(_class(next(_states({"steps": steps}))), Kind())
    was = _inputs(kind, refreshed, "oldState")
    is_ = _inputs(kind, doing, "oldState")
    becomes = _inputs(kind, doing, "newState")
    deed, gone = _deed(doing), bool(was) and not is_ and not failed
    if not doing and not gone:
        return None
    states = list(_states({"steps": steps}))
    impacts = _impacts(next((step["newState"] for step in doing if step.get("newState")), {}))
    changes = changes_between(is_, becomes, impacts) if deed in (Deed.UPDATE, Deed.REPLACE) else []
    kept = all(state.get("retainOnDelete") for state in states)
    removed = kind.holds_data and deed in (Deed.DELETE, Deed.REPLACE) and bool(is_) and not kept
    return Part(
        urn=urn,
        name=urn.rpartition("::")[2],
        type=_class(states[0]),
        deed=deed,
        before=is_,
        after=becomes,
        changes=tuple(changes),
        drift=tuple(changes_between(was, is_, {})) if is_ and was else (),
        gone=gone,
        loses_data=removed or any(change.impact.endswith(LOSS) for change in changes),
    )


def _deed(steps: Iterable[Values]) -> Deed:
    """One for all steps of a resource: a replacement is several."""
    ops = {str(step["op"]) for step in steps}
    if any("replace" in op for op in ops):
        return Deed.REPLACE
    return next((deed for deed in Deed if deed in {"create" if op == "import" else op for op in ops}), Deed.SAME)


def _inputs(kind: Kind, steps: Iterable[Values], state: str) -> dict[str, Any]:
    """What was declared of a resource, in the first of the steps that knows it."""
    inputs = next((step[state].get("inputs") or {} for step in steps if step.get(state)), {})
    return {name: MASK if name in kind.secrets else value for name, value in inputs.items() if name not in OWN}


def host_of(values: Values) -> str:
    """Connection and node of a resource, as far as it has them."""
    return "/".join(dict.fromkeys(str(values[name]) for name in ("connection", "node") if values.get(name)))


def _impacts(state: Values) -> dict[str, str]:
    """`memory: reboot; scsi1: grows live`, by the field or the slot."""
    text = str((state.get("inputs") or {}).get("impact") or "")
    return dict(part.split(": ", 1) for part in text.split("; ") if ": " in part)


def changes_between(before: Values, after: Values, impacts: Mapping[str, str]) -> list[Change]:
    """Each field that differs, with what its change takes; what takes something without differing comes last."""
    old, new = dict(_flat(before)), dict(_flat(after))
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    found = [Change(name, old.get(name), new.get(name), _impact(name, impacts)) for name in sorted(names)]
    said = {key for name in names for key in name.split(".") if key in impacts}
    return [*found, *(Change(key, None, None, impacts[key]) for key in impacts if key not in said)]


def _impact(name: str, impacts: Mapping[str, str]) -> str:
    """By the innermost part of the name of which anything is said: the slot rather than the map that it is in."""
    return next((impacts[key] for key in reversed(name.split(".")) if key in impacts), "")


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Maps as one field each of their entries, everything else as text."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return LATER if value == UNKNOWN else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    plain = json.dumps(value, ensure_ascii=False).replace(f'"{UNKNOWN}"', LATER)
    return plain.replace(f'"{MASK}"', MASK)
