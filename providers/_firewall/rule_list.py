"""A list of rules on the host: read in one request, and brought to another list by the fewest calls.

Rules are addressed by their position, so every call but the first kind (a new rule is always put before all others)
carries the digest of the list as it should be by then: a neighbour's change in between makes Proxmox refuse the call,
and all is planned anew. Between two calls that only move or remove rules nobody has to ask for it: it is a hash over
the rows. While a list is being edited, the rules that are there are in force in the order of that moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from providers._firewall import edits
from providers._firewall.edits import Edit
from providers._firewall.rule import content_of, parameters_of, unset_in
from providers._runtime.api import Api
from providers._runtime.model import Values

Row = dict[str, Any]
_OF_THE_LIST = ("pos", "digest")


def rows_at(api: Api, path: str) -> list[Row]:
    """The rules of a list, as Proxmox gives them; without what belongs to the list."""
    return [_own(row) for row in api.get(path)]


def _own(row: Mapping[str, Any]) -> Row:
    return {key: value for key, value in row.items() if key not in _OF_THE_LIST}


def digest_of(rows: Iterable[Row]) -> str:
    """Proxmox's own: SHA-1 over the keys and the plain values of all rows."""
    sha = hashlib.sha1(usedforsecurity=False)
    for row in rows:
        for key in sorted(row):
            if row[key] is not None and not isinstance(row[key], dict | list):
                sha.update(f"{key}:{row[key]}\n".encode())
    return sha.hexdigest()


def identity(content: Values) -> Hashable:
    """What two rules have in common when they are the same."""
    return tuple(sorted(content.items()))


def contents(rows: Iterable[Row]) -> list[Values]:
    """What the rows say."""
    return [content_of(row) for row in rows]


def told_edits(before: Values, wanted: Values) -> dict[str, str]:
    """What becomes of the declared rules, in words."""
    lists = [[identity(rule) for rule in values.get("rules", ())] for values in (before, wanted)]
    return {"rules": edits.told(*lists)} if lists[0] != lists[1] else {}


def bring_to(api: Api, path: str, rows: list[Row], wanted: Sequence[Values]) -> None:
    """Make the list on the host the wanted one; `rows` are what is there."""
    there = [identity(content) for content in contents(rows)]
    todo = edits.plan(there, [identity(content) for content in wanted]).edits
    new = [edit for edit in todo if edit.deed == "insert"]
    for number, edit in enumerate(new, 1):
        api.say(f"putting in rule {number} of {len(new)}")
        api.post(path, parameters_of(wanted[edit.item]))
    rest = todo[len(new) :]
    if new and rest:  # the new ones as Proxmox wrote them; if the others are not as they were, the next call is refused
        rows[:0] = rows_at(api, path)[: len(new)]
    for number, edit in enumerate(rest, 1):
        api.say(f"edit {number} of {len(rest)}")
        _carry_out(api, path, rows, edit, wanted, last=number == len(rest))


def _carry_out(api: Api, path: str, rows: list[Row], edit: Edit, wanted: Sequence[Values], *, last: bool) -> None:
    """One call by position, and the same in `rows`."""
    place, digest = f"{path}/{edit.position}", {"digest": digest_of(rows)}
    if edit.deed == "move":
        api.put(place, {"moveto": edit.to, **digest})
        rows.insert(edit.to - (edit.to > edit.position), rows.pop(edit.position))
    elif edit.deed == "remove":
        api.delete(place, digest)
        del rows[edit.position]
    else:
        content = wanted[edit.item]
        api.put(place, {**parameters_of(content), "delete": unset_in(content), **digest})
        if not last:
            rows[edit.position] = _own(api.get(place))
