"""`/cluster/notifications`: targets of four kinds, matchers, and trying a target."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.nodes import journal
from simulator.notifications import config
from simulator.notifications.config import KINDS, MATCHER, TARGETS
from simulator.records import Section
from simulator.routing import Call, Handler, route
from simulator.schema import Param, array, string
from simulator.sections import given, typed

_PATH = "/mapping/notifications"
_MODIFY = ["perm", _PATH, ["Mapping.Modify"]]
_AUDIT = ["perm", _PATH, ["Mapping.Audit"]]
_USE = ["perm", _PATH, ["Mapping.Use"]]
_SEE = ["or", _MODIFY, _AUDIT]
_SEE_OR_USE = ["or", _MODIFY, _AUDIT, _USE]
_REACH_OUT = ["and", _MODIFY, ["or", ["perm", "/", ["Sys.Audit", "Sys.Modify"]], ["perm", "/", ["Sys.AccessNetwork"]]]]
_NAME: dict[str, Param] = {"name": string(format="pve-configid")}
_CHANGES: dict[str, Param] = {
    "delete": array(string(format="pve-configid"), optional=True),
    "digest": string(max_length=64, optional=True),
}
_OF_TARGETS = ("name", "type", "comment", "disable", "origin")
_MESSAGE_TYPES = ("fencing", "package-updates", "replication", "system-mail", "vzdump")


@route("GET", "/cluster/notifications", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/notifications`."""
    return [{"name": name} for name in ("endpoints", "matchers", "targets", "matcher-fields", "matcher-field-values")]


@route("GET", "/cluster/notifications/endpoints", user="all")
def kinds(_call: Call) -> list[dict[str, str]]:
    """List the kinds of targets."""
    return [{"name": name} for name in TARGETS]


@route("GET", "/cluster/notifications/targets", check=_SEE_OR_USE, protected=True)
def targets(call: Call) -> list[dict[str, Any]]:
    """List the targets of all kinds."""
    rows = [_shown(row) | {"type": kind} for kind in TARGETS for row in config.of_kind(call.datacenter, kind)]
    return [{key: row[key] for key in _OF_TARGETS if key in row} for row in rows]


@route(
    "POST", "/cluster/notifications/targets/{name}/test", params=_NAME, check=_SEE_OR_USE, protected=True
)  # fmt: skip
def test_target(call: Call) -> None:
    """Send a message to a target; nothing leaves the simulator, and it always arrives."""
    target = config.target(call.datacenter, call.text("name"))
    journal.log(call.datacenter, call.node, call.now, "pvedaemon", f"notified via target `{target.id}`")


@route("GET", "/cluster/notifications/matcher-fields", check=_SEE)
def matcher_fields(_call: Call) -> list[dict[str, str]]:
    """List the fields of messages that matchers can look at."""
    return [{"name": name} for name in ("type", "hostname", "job-id")]


@route("GET", "/cluster/notifications/matcher-field-values", check=_SEE, protected=True)
def matcher_field_values(call: Call) -> list[dict[str, str]]:
    """List the values that those fields can have."""
    rows = [{"field": "type", "value": value} for value in _MESSAGE_TYPES]
    rows += [{"field": "hostname", "value": node.name} for node in call.datacenter.nodes]
    for job in call.datacenter.backup_jobs:
        comment = job.options.get("comment")
        rows.append({"field": "job-id", "value": job.id} | ({"comment": comment} if comment else {}))
    return rows


def _shown(row: Section) -> dict[str, Any]:
    """Return a target or matcher as clients get it: no secrets, of a webhook's secrets the names."""
    kind = KINDS[row.type]
    options = {key: value for key, value in row.options.items() if key != kind.hidden or row.type == "webhook"}
    shown = {"name": row.id, **typed(options, kind.options), "origin": config.origin(row)}
    if "secret" in options:
        shown["secret"] = config.secret_names(options["secret"])
    return shown


def _list(kind: str, call: Call) -> list[dict[str, Any]]:
    return [_shown(row) for row in config.of_kind(call.datacenter, kind)]


def _read(kind: str, call: Call) -> dict[str, Any]:
    row = config.existing(call.datacenter, kind, call.text("name"))
    return _shown(row) | {"digest": config.config_digest(call.datacenter)}


def _lock(call: Call) -> None:
    call.cfs_lock("file-notifications_cfg")


def _create(kind: str, call: Call) -> None:
    _lock(call)
    name = call.text("name")
    config.check_new(call.datacenter, name)
    row = Section(id=name, type=kind, options=given(call, KINDS[kind].options))
    config.check(call.datacenter, row)
    call.datacenter.notifications.put(row)


def _update(kind: str, call: Call) -> None:
    _lock(call)
    given_digest = call.optional("digest")
    if given_digest is not None and given_digest != config.config_digest(call.datacenter):
        raise ApiError("detected modified configuration - file changed by other user? Try again.", 400)
    row = config.existing(call.datacenter, kind, call.text("name"))
    deleteable, options = KINDS[kind].deleteable, dict(row.options)
    for name in call.listing("delete"):
        if name not in deleteable:
            known = ", ".join(f"`{other}`" for other in deleteable)
            raise ApiError(f"unknown variant `{name}`, expected one of {known}")
        options.pop(name, None)
    changes = given(call, KINDS[kind].options)
    if "secret" in changes:
        changes["secret"] = config.merged_secrets(row.options.get("secret", ""), changes["secret"])
    row = replace(row, options=options | changes)
    config.check(call.datacenter, row)
    call.datacenter.notifications.put(row)


def _delete(kind: str, call: Call) -> None:
    _lock(call)
    row = config.existing(call.datacenter, kind, call.text("name"))
    config.check_unused(call.datacenter, row)
    call.datacenter.notifications.delete(row.id)


def _declare(kind: str, path: str, *, see: Mapping[str, list[Any]], change: list[Any]) -> None:
    """Declare the methods of one kind."""

    def of_kind(handler: Any) -> Handler:
        return functools.partial(handler, kind)

    options = dict(KINDS[kind].options)
    new = options | {name: replace(options[name], optional=False) for name in KINDS[kind].required}
    one = f"{path}/{{name}}"
    route("GET", path, check=see["all"], protected=True)(of_kind(_list))
    route("POST", path, params=_NAME | new, check=change, protected=True)(of_kind(_create))
    route("GET", one, params=_NAME, check=see["one"], protected=True)(of_kind(_read))
    route("PUT", one, params=_NAME | options | _CHANGES, check=change, protected=True)(of_kind(_update))
    route("DELETE", one, params=_NAME, check=_MODIFY, protected=True)(of_kind(_delete))


for _kind in TARGETS:
    _all = _AUDIT if _kind in ("gotify", "webhook") else _SEE
    _declare(
        _kind, f"/cluster/notifications/endpoints/{_kind}", see={"all": _all, "one": _SEE}, change=_REACH_OUT
    )  # fmt: skip
_declare(MATCHER, "/cluster/notifications/matchers", see={"all": _SEE_OR_USE, "one": _SEE}, change=_MODIFY)
