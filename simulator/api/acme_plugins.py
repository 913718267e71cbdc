"""`/cluster/acme/plugins`: ways to prove to an authority that a domain is ours. `standalone` is always there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.nodes.acme import STANDALONE
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.sections import SectionType, given, typed
from simulator.state import digest

_MODIFY = ["perm", "/", ["Sys.Modify"]]
_ID = {"id": string(format="pve-configid")}
_KIND = ("dns", "standalone")
_OPTIONS: dict[str, Param] = {
    "api": string(optional=True),
    "data": string(optional=True),
    "disable": boolean(optional=True),
    "nodes": string(format="pve-node-list", optional=True),
    "validation-delay": integer(minimum=0, maximum=172800, optional=True),
}
_TYPES = {
    "dns": SectionType.of("api", "data disable nodes validation-delay"),
    "standalone": SectionType.of("", "disable nodes"),
}
_CHANGES = {
    "delete": string(format="pve-configid-list", max_length=4096, optional=True),
    "digest": string(max_length=64, optional=True),
}


def _all(call: Call) -> dict[str, Section]:
    found = {row.id: row for row in call.datacenter.acme_plugins}
    return {STANDALONE: Section(id=STANDALONE, type="standalone"), **found}


def _digest(call: Call) -> str:
    return digest([(row.id, row.type, dict(row.options)) for row in _all(call).values()])


def _shown(call: Call, row: Section) -> dict[str, Any]:
    return {"plugin": row.id, "type": row.type, "digest": _digest(call), **typed(row.options, _OPTIONS)}


@route(
    "GET",
    "/cluster/acme/plugins",
    params={"type": string(enum=_KIND, optional=True)},
    check=_MODIFY,
    protected=True,
)
def plugins(call: Call) -> list[dict[str, Any]]:
    """List the plugins."""
    wanted = call.optional("type")
    return [_shown(call, row) for row in _all(call).values() if wanted in (None, row.type)]


@route("GET", "/cluster/acme/plugins/{id}", params=_ID, check=_MODIFY, protected=True)
def read_plugin(call: Call) -> dict[str, Any]:
    """Return a plugin."""
    row = _all(call).get(call.text("id"))
    if row is None:
        raise ApiError(f"ACME plugin '{call.text('id')}' not defined")
    return _shown(call, row)


@route(
    "POST",
    "/cluster/acme/plugins",
    params=_ID | _OPTIONS | {"type": string(enum=_KIND)},
    check=_MODIFY,
    protected=True,
)
def create_plugin(call: Call) -> None:
    """Add a plugin."""
    name, kind = call.text("id"), call.text("type")
    call.cfs_lock("file-priv_acme_plugins_cfg")
    if name in _all(call):
        raise ApiError(f"ACME plugin ID '{name}' already exists")
    options = given(call, _OPTIONS)
    _TYPES[kind].check_new(options)
    call.datacenter.acme_plugins.put(Section(id=name, type=kind, options=options))


@route("PUT", "/cluster/acme/plugins/{id}", params=_ID | _OPTIONS | _CHANGES, check=_MODIFY, protected=True)
def update_plugin(call: Call) -> None:
    """Change a plugin."""
    call.cfs_lock("file-priv_acme_plugins_cfg")
    call.check_digest(_digest(call))
    row = _all(call).get(call.text("id"))
    if row is None:
        raise ApiError(f"ACME plugin ID '{call.text('id')}' does not exist")
    options = _TYPES[row.type].changed(row.options, given(call, _OPTIONS), call.listing("delete"))
    call.datacenter.acme_plugins.put(replace(row, options=options))


@route("DELETE", "/cluster/acme/plugins/{id}", params=_ID, check=_MODIFY, protected=True)
def delete_plugin(call: Call) -> None:
    """Remove a plugin; one that is not there is no error."""
    call.cfs_lock("file-priv_acme_plugins_cfg")
    call.datacenter.acme_plugins.delete(call.text("id"))
