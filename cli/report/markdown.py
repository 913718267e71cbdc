"""A plan as one comment of a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from cli.report.capacity import Capacity, Load, Room, capacity_of, readable
from cli.report.chart import LEGEND, chart
from cli.report.fold import Section, folded, size_of
from cli.report.plan import LOSS, Change, Deed, Part, Plan
from cli.topology.picture import natural

LIMITS = {"github": 65_536, "gitlab": 1_000_000}
"""Characters of a comment."""
LONGEST = 160
"""Letters of a value, a name or a line; of a longer one only its length is told."""
CHART = 45_000
"""A chart that is larger is not drawn."""
SAID = 10
"""So many refusals are told at most."""
REASON = 1_000
"""Letters of a refusal or a warning, of which all that are told have room in a comment."""
PAST = {Deed.DELETE: "removed", Deed.REPLACE: "replaced", Deed.UPDATE: "changed", Deed.CREATE: "created"}
ORDER = {deed: place for place, deed in enumerate(Deed)}


def mark_of(stack: str) -> str:
    """The first line of a stack's comment, by which it is found again."""
    name = re.sub(r"[^\w.-]", "_", stack)
    return f"<!-- proxmox-labs report of the stack {name} -->"


def digest_line(plan: Plan) -> str:
    """By which the plan that was looked at is known again."""
    return f"<!-- plan {plan.digest} -->"


def comment(plan: Plan, stack: str, limit: int, room: Room | None = None, *, applied: bool = False) -> str:
    """The text; whole sections are folded to keep it within the limit. `room` is what the hosts have, if known."""
    changed = sorted(plan.changed, key=lambda part: (not part.loses_data, ORDER[part.deed], natural(part.name)))
    sections = [
        _changes(changed),
        _drift(sorted(plan.drifted, key=lambda part: natural(part.name))),
        _capacity(capacity_of(plan.parts, room), room or Room()),
        _topology(chart(plan, stack)),
        _unchanged([part for part in plan.parts if part.deed is Deed.SAME and not part.gone]),
    ]
    head = "\n".join([mark_of(stack), digest_line(plan), *_head(plan, stack, applied=applied)])
    return folded(head, [section for section in sections if section.blocks], limit)


def headline(plan: Plan, *, applied: bool = False) -> str:
    """What a reviewer needs first, in one line; empty where nothing is done."""
    lost, restarts = len(plan.loses_data), sum(part.restarts for part in plan.parts)
    counts = {deed: sum(part.deed is deed for part in plan.parts) for deed in (Deed.CREATE, Deed.UPDATE)}
    counts |= {deed: sum(part.deed is deed for part in plan.parts) for deed in (Deed.REPLACE, Deed.DELETE)}
    failed = "failed" if applied else "refused"
    words = [
        *([f"**{failed}: {_counted(len(plan.refusals), 'error')}**"] if plan.refusals else []),
        *([f"**{LOSS}: {lost}**"] if lost else []),
        *(f"{count} {PAST[deed]}" for deed, count in counts.items() if count),
        *([_counted(restarts, "restart")] if restarts else []),
        *([f"{len(plan.drifted)} changed outside"] if plan.drifted else []),
    ]
    return " · ".join(words)


def _head(plan: Plan, stack: str, *, applied: bool) -> Iterator[str]:
    done = "Update" if applied else "Preview"
    yield f"## {done} of {cell(stack)}: {headline(plan, applied=applied) or 'nothing to do'}"
    for sign, said in (("CAUTION", plan.refusals), ("WARNING", plan.warnings)):
        if said:
            yield from ("", f"> [!{sign}]", *(f"> - {cell(text, REASON)}" for text in said[:SAID]))
            yield from ([f"> - … {len(said) - SAID} more: see the job's log"] if len(said) > SAID else [])
    if plan.loses_data:
        names = [f"{cell(part.name)} ({cell(part.host or part.type)})" for part in plan.loses_data]
        more = f" and {len(names) - SAID} more" if len(names) > SAID else ""
        yield from ("", "> [!CAUTION]", f"> Data is lost: {', '.join(names[:SAID])}{more}")
    yield ""


def _changes(parts: Sequence[Part]) -> Section:
    return Section(
        title="What changes",
        head=_table_head("host", "guest or object", "field", "is", "will be", "takes"),
        blocks=tuple("".join(map(_row, _rows(part))) for part in parts),
        what="changed resources",
        worth=9,
    )


def _rows(part: Part) -> Iterator[tuple[str, ...]]:
    """One a field; what is made or removed as a whole has one for all."""
    who = (cell(part.host), f"{cell(part.name)} ({part.type})")
    takes = {Deed.DELETE: "delete", Deed.REPLACE: "replace", Deed.CREATE: "create"}.get(part.deed, "")
    if part.loses_data and takes:
        takes = f"**{takes}: {LOSS}**"
    if takes:
        size = cell(", ".join(_size(part)))
        yield (*who, "", size if part.deed is Deed.DELETE else "", "" if part.deed is Deed.DELETE else size, takes)
    for change in part.changes:
        yield (
            *who,
            *_change(change),
            f"**{cell(change.impact)}**" if change.impact.endswith(LOSS) else cell(change.impact),
        )
        who = ("", "")
    if not takes and not part.changes:
        yield (*who, "", "", "", "")


def _change(change: Change) -> tuple[str, str, str]:
    return cell(change.name), cell(_long(change.before)), cell(_long(change.after))


def _long(value: str | None) -> str:
    return "" if value is None else value


def _size(part: Part) -> Iterator[str]:
    """What a guest that is made or removed takes."""
    alone = capacity_of([part])
    for loads in alone.hosts.values():
        load = loads[1] if part.after else loads[0]
        yield from ([readable(load.memory)] if load.memory else [])
        yield from ([_counted(load.cores, "core")] if load.cores else [])
    for (_, storage), sizes in alone.storages.items():
        yield f"{readable(sizes[1] if part.after else sizes[0])} on {storage}"


def _drift(parts: Sequence[Part]) -> Section:
    return Section(
        title="Changed outside",
        blocks=tuple(f"- {line}\n" for part in parts for line in _drifted(part)),
        what="changes",
        worth=7,
    )


def _drifted(part: Part) -> Iterator[str]:
    where = f"{cell(part.name)} ({cell(part.host or part.type)})"
    if part.gone:
        yield f"changed outside: {where} is gone"
    for change in part.drift:
        old, new = (cell(_long(value)) or "nothing" for value in (change.before, change.after))
        yield f"changed outside: {cell(change.name)} {old} → {new} on {where}"


def _capacity(found: Capacity, room: Room) -> Section:
    rows = [
        (host, what, *_before_after(old, new, there, told), told(there) if there else "")
        for host, (before, after) in found.hosts.items()
        for what, old, new, there, told in _loads(before, after, room.hosts.get(host, Load()))
    ]
    rows += [
        (host, f"disks on {storage}", *_before_after(old, new, there, readable), readable(there) if there else "")
        for (host, storage), (old, new) in found.storages.items()
        for there in [room.storages.get((host, storage), 0)]
    ]
    width = 5 if room.hosts else 4
    rows.sort(key=lambda row: natural(row[0]))
    return Section(
        title="What the guests take, as far as it is known",
        head=_table_head(*("host", "of", "is", "will be", "there is")[:width]),
        blocks=tuple(
            "".join(_row((cell(row[0]), cell(row[1]), *row[2:width])) for row in members)
            for _, members in groupby(rows, lambda row: row[0])
        ),
        what="hosts",
        worth=6,
    )


def _loads(old: Load, new: Load, there: Load) -> Iterator[tuple[str, int, int, int, Callable[[int], str]]]:
    """Each thing of a host: as it is, as it will be, what there is, and how an amount is told."""
    yield "guests", old.guests, new.guests, there.guests, str
    yield "RAM", old.memory, new.memory, there.memory, readable
    yield "cores", old.cores, new.cores, there.cores, str


def _before_after(old: int, new: int, there: int, told: Callable[[int], str]) -> tuple[str, str]:
    """What changes is bold; what is more than there is says so."""
    said = told(new) if new <= there or not there else f"{told(new)}, more than there is"
    return told(old), said if old == new else f"**{said}**"


def _topology(text: str) -> Section:
    drawn = bool(text) and size_of(text) <= CHART
    return Section(
        title="The lab, with what changes marked",
        open=False,
        head=f"{LEGEND}\n\n" if drawn else "",
        blocks=(f"```mermaid\n{text}```\n",) if drawn else (),
        what="chart",
        worth=3,
    )


def _unchanged(parts: Sequence[Part]) -> Section:
    by_type = groupby(sorted(parts, key=lambda part: (part.type, natural(part.name))), lambda part: part.type)
    lines = [f"- {name}: {', '.join(cell(part.name) for part in members)}\n" for name, members in by_type]
    return Section(
        title=f"{_counted(len(parts), 'resource')} unchanged",
        open=False,
        blocks=tuple(lines),
        what="types",
        worth=1,
    )


def _table_head(*names: str) -> str:
    return _row(names) + _row(["---"] * len(names))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def cell(text: str, longest: int = LONGEST) -> str:
    """Any text as what it is, on one line; of a long one, how long it is."""
    plain = " ".join(text.split())
    if len(plain) > longest:
        return f"({len(plain):,} characters)"
    quoted = re.sub(r"([\\`*\[\]<>|~&$#!])|(?<!\w)(_)|(_)(?!\w)", lambda found: f"\\{found[0]}", plain)
    return quoted.replace("@", "@\u200b")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
