"""One resource's life on the host, without Pulumi: create or take over, read, update, delete.

Here stand the promises that every type keeps: an object that an earlier run made and then died over is found again
by its mark; a neighbour's change at the same moment is read and taken into account; what is read back shows what is
declared and nothing else.
"""

from __future__ import annotations

import time

from pydantic import BaseModel

from providers._runtime import retry
from providers._runtime.api import Api
from providers._runtime.errors import AlreadyThere, ApiRefused, Missing, ProxmoxError, Unanswered
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Carrier, Immutable, WriteOnly
from providers._runtime.model import Values, changes, declared, fields_of

CREATE_TRIES = 5
UPDATE_TRIES = 6
NEIGHBOUR_CHANGED = "detected modified configuration|checksum mismatch|file changed? by other user"


def create(handler: Handler, api: Api, wanted: Values) -> tuple[str, Values]:
    """Make the object, or take over the one that is meant; returns its ID and outputs."""
    for attempt in range(CREATE_TRIES):
        try:
            id_ = _make_or_take_over(handler, api, wanted)
            api.created(id_)
            return id_, outputs(handler, api, id_, wanted)
        except Unanswered:
            # It may have been made all the same: the next try finds it by its mark.
            pause = retry.pause(attempt)
            if attempt == CREATE_TRIES - 1 or time.monotonic() + pause >= api.deadline:
                raise
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _make_or_take_over(handler: Handler, api: Api, wanted: Values) -> str:
    adopt = wanted.get("adopt") or "never"
    if adopt != "never":
        found = handler.find(api, wanted)
        if found is not None:
            return _take_over(handler, api, found, wanted)
        if adopt == "required":
            raise Missing("adopt is `required`, and there is no such object on the host")
    try:
        return handler.create(api, wanted)
    except AlreadyThere as there:
        found = handler.find(api, wanted)
        if found is None:
            raise
        _refuse_unless_ours(handler, api, found, wanted, there)
        return _take_over(handler, api, found, wanted)


def _refuse_unless_ours(handler: Handler, api: Api, found: Found, wanted: Values, there: AlreadyThere) -> None:
    """An object without our mark is not ours; where its type has no room for a mark, one that is as declared is."""
    if found.owner is not None:
        if found.owner == api.owner:
            return
        raise AlreadyThere(f"{there}; it belongs to stack {found.owner.stack}") from None
    has_room = any(spec.marker(Carrier) for spec in fields_of(handler.inputs).values())
    as_it_is = not changes(handler.inputs, {}, found.values, wanted) and not _unlike(handler, found, wanted)
    if not has_room and as_it_is:
        api.warn(f"{found.id} exists exactly as declared, and is taken over")
        return
    raise AlreadyThere(f"{there}; to take it over, set adopt to `if-exists`") from None


def _take_over(handler: Handler, api: Api, found: Found, wanted: Values) -> str:
    if found.owner is not None and found.owner.stack != api.owner.stack:
        raise AlreadyThere(f"{found.id} belongs to stack {found.owner.stack}, and can't be taken over by this one")
    unlike = _unlike(handler, found, wanted)
    if unlike:
        raise AlreadyThere(f"{found.id} exists with another {', '.join(unlike)}, which can't be changed")
    api.created(found.id)
    bring_to(handler, api, found, {}, wanted)
    return found.id


def _unlike(handler: Handler, found: Found, wanted: Values) -> list[str]:
    """The immutable fields in which an object that is there is not the one that is meant."""
    shown = handler.shown(wanted, found.values)
    return [
        name
        for name, spec in fields_of(handler.inputs).items()
        if spec.has(Immutable) and name in wanted and shown.get(name, wanted[name]) != wanted[name]
    ]


def read(handler: Handler, api: Api, id_: str, wanted: Values) -> Values | None:
    """The outputs of what is declared; None if the object is gone."""
    found = handler.read(api, id_)
    return None if found is None else _outputs(handler, found, wanted)


def left_behind(handler: Handler, api: Api, id_: str, before: Values, wanted: Values) -> Values | None:
    """The outputs of an object that a failed operation leaves; None if there is none.

    A secret that can't be read back counts as not written, so that the next run writes it. Where the object itself
    can't be read now, what was known of it before has to do.
    """
    specs = fields_of(handler.inputs)
    try:
        outs = read(handler, api, id_, wanted)
    except ProxmoxError:
        return {**before, **{name: value for name, value in wanted.items() if specs[name].local}}
    if outs is None:
        return None
    unsure = {name for name, spec in specs.items() if spec.has(WriteOnly)}
    known = {name: value for name, value in before.items() if name in unsure}
    outs = _declared_slots(handler.inputs, wanted, outs)
    return {name: value for name, value in outs.items() if name not in unsure} | known


def outputs(handler: Handler, api: Api, id_: str, wanted: Values) -> Values:
    """Read back after a change: the state says what is, not what was asked for."""
    found = handler.read(api, id_)
    if found is None:
        raise Missing(f"{id_} was there a moment ago and is gone")
    return _declared_slots(handler.inputs, wanted, _outputs(handler, found, wanted))


def _declared_slots(model: type[BaseModel], wanted: Values, outs: Values) -> Values:
    """Leave out slots that are not declared: a refresh shows them as drift, and only then are they taken away.

    A slot may hold a map of slots itself.
    """
    kept = dict(outs)
    for name, spec in fields_of(model).items():
        if spec.is_map and spec.part and name in wanted and name in outs:
            kept[name] = {
                slot: _declared_slots(spec.part, wanted[name][slot], part) if isinstance(part, dict) else part
                for slot, part in outs[name].items()
                if slot in wanted[name]
            }
    return kept


def _outputs(handler: Handler, found: Found, wanted: Values) -> Values:
    computed = {name: value for name, value in found.values.items() if name not in fields_of(handler.inputs)}
    return {**handler.shown(wanted, found.values), **computed}


def update(handler: Handler, api: Api, id_: str, before: Values, wanted: Values) -> Values:
    """Bring the object to what is wanted; `before` is what was owned until now."""
    api.recorded = before
    found = handler.read(api, id_)
    if found is None:
        raise Missing(
            f"{id_} is gone from the host; `pulumi refresh` takes note of it, and the next `up` makes it again"
        )
    bring_to(handler, api, found, declared(handler.inputs, before), wanted)
    return outputs(handler, api, id_, wanted)


def bring_to(handler: Handler, api: Api, found: Found, before: Values, wanted: Values) -> None:
    """Update from what is there now; a change by somebody else in between is read, and the rest is done on top."""
    for attempt in range(UPDATE_TRIES):
        try:
            handler.update(api, found, wanted, changes(handler.inputs, before, found.values, wanted))
        except ApiRefused as refused:
            if attempt == UPDATE_TRIES - 1 or not refused.says(NEIGHBOUR_CHANGED):
                raise
            found = handler.read(api, found.id) or found
        else:
            return
