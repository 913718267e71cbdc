"""`/nodes/{node}/syslog` and `/nodes/{node}/journal`: what the daemons of a node have said."""

from __future__ import annotations

import datetime
import json
import zoneinfo
from collections.abc import Callable
from typing import Any

from simulator.errors import ParamError
from simulator.nodes import journal
from simulator.nodes.journal import INFO, KERNEL, Line
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string

_NODE = string(format="pve-node")
_SEE = ["perm", "/nodes/{node}", ["Sys.Syslog"]]
_DATE = string(pattern=r"^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?$", optional=True)
_COUNT = integer(minimum=0, optional=True)
_FLAG = boolean(optional=True)
_DEFAULT_LIMIT = 50
_CURSOR = "s=simulator;i={:x}"


def _moment(call: Call, text: str) -> float:
    """Return the time that a date means on the node."""
    zone = zoneinfo.ZoneInfo(call.this_node.timezone)
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()
    except ValueError:
        return 0.0


@route(
    "GET",
    "/nodes/{node}/syslog",
    params={
        "node": _NODE, "limit": _COUNT, "service": string(max_length=128, optional=True), "since": _DATE,
        "start": _COUNT, "until": _DATE,
    },
    check=_SEE, protected=True, proxyto="node",
)  # fmt: skip
def syslog(call: Call) -> list[dict[str, Any]]:
    """Return a page of the journal as numbered lines; `total` says how many there are."""
    found = journal.lines(call.datacenter, call.node)
    if "service" in call:
        found = [line for line in found if line.unit == f"{call.text('service').removesuffix('.service')}.service"]
    if "since" in call:
        found = [line for line in found if line.time >= _moment(call, call.text("since"))]
    if "until" in call:
        found = [line for line in found if line.time <= _moment(call, call.text("until"))]
    call.extra["total"] = max(1, len(found))
    if not found:
        return [{"n": 1, "t": "no content"}]
    start = call.integer("start")
    page = found[start : start + (call.integer("limit") or _DEFAULT_LIMIT)]
    return [
        {"n": number, "t": line.rendered(call.datacenter, call.node)} for number, line in enumerate(page, start + 1)
    ]


@route(
    "GET",
    "/nodes/{node}/journal",
    params={
        "node": _NODE,
        "endcursor": string(optional=True),
        "identifiers": _FLAG,
        "kernel": _FLAG,
        "lastentries": _COUNT,
        "priority": string(pattern=r"^([0-7](\.\.[0-7])?)?$", optional=True),
        "service": string(pattern=r"^[A-Za-z0-9_.@:*?!\[\]\/-]+$", max_length=128, optional=True),
        "since": _COUNT,
        "startcursor": string(optional=True),
        "structured": _FLAG,
        "unit": string(pattern=r"^[A-Za-z0-9_.@:-]+$", max_length=256, optional=True),
        "units": _FLAG,
        "until": _COUNT,
    },
    check=_SEE,
    protected=True,
    proxyto="node",
)
def read_journal(call: Call) -> list[str]:
    """Return a range of the journal, between the cursors at which it begins and ends."""
    for one, other in (("since", "startcursor"), ("until", "endcursor")):
        if one in call and other in call:
            raise ParamError({one: f"conflicts with parameter '{other}'"})
    everything = journal.lines(call.datacenter, call.node)
    wanted = _filters(call)
    found = [(number, line) for number, line in enumerate(everything, 1) if all(test(number, line) for test in wanted)]
    if "lastentries" in call:
        found = found[-call.integer("lastentries") :] if call.integer("lastentries") else []
    show = _structured if call.flag("structured") else _plain
    first, last = (found[0][0], found[-1][0]) if found else (len(everything), len(everything))
    shown = [show(call, number, line) for number, line in found]
    return [*_known(call, everything), _CURSOR.format(first), *shown, _CURSOR.format(last)]


def _filters(call: Call) -> list[Callable[[int, Line], bool]]:
    """Return what a line has to pass."""
    tests: list[Callable[[int, Line], bool]] = []
    if "since" in call:
        tests.append(lambda _, line: line.time >= call.integer("since"))
    if "until" in call:
        tests.append(lambda _, line: line.time <= call.integer("until"))
    if "startcursor" in call:
        tests.append(lambda number, _: number > _number(call.text("startcursor")))
    if "endcursor" in call:
        tests.append(lambda number, _: number < _number(call.text("endcursor")))
    if call.flag("kernel"):
        tests.append(lambda _, line: line.identifier == KERNEL)
    if "service" in call:
        tests.append(lambda _, line: journal.matches(line, call.text("service")))
    if "unit" in call:
        tests.append(lambda _, line: line.unit.removesuffix(".service") == call.text("unit").removesuffix(".service"))
    if call.text("priority"):
        tests.append(lambda *_: _includes_information(call.text("priority")))
    return tests


def _includes_information(priority: str) -> bool:
    """Tell whether a range of priorities takes in the one that all lines have."""
    low, _, high = priority.rpartition("..")
    return int(low or 0) <= INFO <= int(high)


def _number(cursor: str) -> int:
    text = cursor.rpartition("i=")[2]
    try:
        return int(text, 16)
    except ValueError:
        raise ParamError({"startcursor": "invalid cursor"}) from None


def _plain(call: Call, _at: int, line: Line) -> str:
    return line.rendered(call.datacenter, call.node)


def _structured(_call: Call, at: int, line: Line) -> str:
    return json.dumps(
        {
            "cursor": _CURSOR.format(at), "timestamp": int(line.time * 1e6), "identifier": line.identifier,
            "pid": line.pid, "priority": INFO, "unit": line.unit, "message": line.text,
        }
    )  # fmt: skip


def _known(call: Call, everything: list[Line]) -> list[str]:
    """Return the lists of daemons that are asked for beside structured lines."""
    if not call.flag("structured"):
        return []
    identifiers = sorted({line.identifier for line in everything})
    units = sorted({line.unit for line in everything if line.unit})
    lists = (("identifiers", identifiers), ("units", units))
    return [json.dumps({name: values}) for name, values in lists if call.flag(name)]
