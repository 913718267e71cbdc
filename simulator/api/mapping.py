"""`/cluster/mapping`: names for directories and devices that are somewhere else on each node."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.formats import check_format, named_format
from simulator.records import Section
from simulator.routing import Call, Handler, route
from simulator.schema import Param, PropertyString, array, boolean, integer, string
from simulator.sections import SectionType, given, typed
from simulator.state import digest

_NODE = string(format="pve-node")
_PAIR = r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}"
_DEVICE = r"[a-f0-9]{4,}:[a-f0-9]{2}:[a-f0-9]{2}(?:.[a-f0-9])?"
_ANY = ["Mapping.Use", "Mapping.Modify", "Mapping.Audit"]
_DESCRIPTION = string(max_length=4096, optional=True)
_MAPS = {
    "dir": PropertyString({"node": _NODE, "path": string(format="pve-storage-path-in-property-string")}),
    "pci": PropertyString(
        {
            "description": _DESCRIPTION,
            "id": string(pattern=_PAIR),
            "iommugroup": integer(optional=True),
            "node": _NODE,
            "path": string(pattern=rf"(?:{_DEVICE};)*{_DEVICE}"),
            "subsystem-id": string(pattern=_PAIR, optional=True),
        }
    ),
    "usb": PropertyString(
        {
            "description": _DESCRIPTION,
            "id": string(pattern=_PAIR),
            "node": _NODE,
            "path": string(pattern=r"(\d+)\-(\d+(\.\d+)*)", optional=True),
        }
    ),
}
_MORE: dict[str, dict[str, Param]] = {
    "dir": {},
    "pci": {"live-migration-capable": boolean(optional=True), "mdev": boolean(optional=True)},
    "usb": {},
}
_FILES = {"dir": "directory", "pci": "pci", "usb": "usb"}
_WORDS = {"dir": "directory", "pci": "hardware", "usb": "hardware"}
_ID: dict[str, Param] = {"id": string(format="pve-configid")}


@named_format("pve-storage-path-in-property-string")
def _path(value: str) -> None:
    check_format("pve-storage-path", value)
    if "," in value:
        raise ValueError("value must not contain a comma")


def _options(kind: str) -> dict[str, Param]:
    return {"description": _DESCRIPTION, "map": array(string(format=_MAPS[kind])), **_MORE[kind]}


def _type(kind: str) -> SectionType:
    return SectionType.of("map", " ".join(["description", *_MORE[kind]]))


@route("GET", "/cluster/mapping", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what can have a name."""
    return [{"name": name} for name in sorted(_MAPS)]


def _of_kind(call: Call, kind: str) -> list[Section]:
    return [row for row in call.datacenter.mappings if row.type == kind]


def _row(call: Call, row: Section) -> dict[str, Any]:
    mark = digest([(other.id, sorted(other.options.items())) for other in _of_kind(call, row.type)])
    return {"type": row.type, "digest": mark, **typed(row.options, _options(row.type))}


def _list(kind: str, call: Call) -> list[dict[str, Any]]:
    rows = []
    for row in _of_kind(call, kind):
        name = row.id.partition("/")[2]
        if call.access.may(f"/mapping/{kind}/{name}", _ANY, any_of=True):
            shown = {"id": name, **_row(call, row)}
            rows.append(shown | (_checked(call, kind, row) if "check-node" in call else {}))
    return rows


def _checked(call: Call, kind: str, row: Section) -> dict[str, list[dict[str, str]]]:
    """Return what is wrong with a mapping on a node; the devices themselves are always there."""
    node = call.text("check-node")
    found = node in _nodes(row.options["map"])
    problems = [] if found else [{"severity": "warning", "message": f"No mapping for node {node}."}]
    return {"error" if kind == "usb" else "checks": problems}


def _key(kind: str, call: Call) -> str:
    return f"{kind}/{call.text('id')}"


def _existing(kind: str, call: Call) -> Section:
    row = call.datacenter.mappings.get(_key(kind, call))
    if row is None:
        raise ApiError(f"mapping '{call.text('id')}' not found")
    return row


def _read(kind: str, call: Call) -> dict[str, Any]:
    return _row(call, _existing(kind, call))


def _lock(kind: str, call: Call, verb: str) -> str:
    """Begin a change and return what stands before the text of its refusals."""
    prefix = f"{verb} {_WORDS[kind]} mapping failed: "
    call.cfs_lock(f"file-mapping_{_FILES[kind]}_cfg", prefix)
    return prefix


def _nodes(maps: str) -> list[str]:
    """Return the nodes of a mapping's lines; a description may have broken one in two."""
    return re.findall(r"(?:^|,)node=([^,\n]*)", maps, re.MULTILINE)


def _check_nodes(maps: str, prefix: str, *, once: bool) -> None:
    """Refuse two directories for the same node; a node may have several devices."""
    nodes = _nodes(maps)
    twice = next((node for node in nodes if nodes.count(node) > 1), None)
    if once and twice is not None:
        raise ApiError(f"{prefix}multiple mappings for node {twice}")


def _create(kind: str, call: Call) -> None:
    prefix = _lock(kind, call, "create")
    if _key(kind, call) in call.datacenter.mappings:
        raise ApiError(f"{prefix}{kind} ID '{call.text('id')}' already defined")
    options = given(call, _options(kind))
    _check_nodes(options["map"], prefix, once=kind == "dir")
    call.datacenter.mappings.put(Section(id=_key(kind, call), type=kind, options=options))


def _update(kind: str, call: Call) -> None:
    prefix = _lock(kind, call, "update")
    row = _existing(kind, call)
    text = "detected modified configuration - file changed by other user? Try again."
    call.check_digest(str(_row(call, row)["digest"]), f"{prefix}{text}")
    try:
        options = _type(kind).changed(row.options, given(call, _options(kind)), call.listing("delete"))
    except ApiError as error:
        raise ApiError(f"{prefix}{error.message}") from None
    _check_nodes(options["map"], prefix, once=kind == "dir")
    call.datacenter.mappings.put(replace(row, options=options))


def _delete(kind: str, call: Call) -> None:
    _lock(kind, call, "delete")
    call.datacenter.mappings.delete(_key(kind, call))


def _declare(kind: str) -> None:
    """Declare the methods of one kind of mapping."""

    def of_kind(handler: Any) -> Handler:
        return functools.partial(handler, kind)

    path, options = f"/cluster/mapping/{kind}", _options(kind)
    modify = ["perm", f"/mapping/{kind}", ["Mapping.Modify"]]
    order = ("Audit", "Use", "Modify") if kind == "usb" else ("Use", "Modify", "Audit")
    see = ["or", *[["perm", f"/mapping/{kind}/{{id}}", [f"Mapping.{name}"]] for name in order]]
    changed = options if kind == "usb" else options | {"map": replace(options["map"], optional=True)}
    change = {
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    }
    route("GET", path, params={"check-node": replace(_NODE, optional=True)}, user="all")(of_kind(_list))
    route("POST", path, params={**_ID, **options}, check=modify, protected=True)(of_kind(_create))
    one = f"{path}/{{id}}"
    route("GET", one, params=_ID, check=see, protected=True)(of_kind(_read))
    route(
        "PUT", one, params={**_ID, **changed, **change},
        check=["perm", f"/mapping/{kind}/{{id}}", ["Mapping.Modify"]], protected=True,
    )(of_kind(_update))  # fmt: skip
    route("DELETE", one, params=_ID, check=modify, protected=True)(of_kind(_delete))


for _kind in _MAPS:
    _declare(_kind)
