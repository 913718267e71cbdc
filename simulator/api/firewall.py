"""`.../firewall` itself on every level: index, options, log; macros and security groups of the cluster."""

from __future__ import annotations

import functools
from typing import Any

from simulator.api.firewall_rules import DIGEST, GROUP
from simulator.errors import ApiError, ParamError
from simulator.firewall.config import Entry, Firewall, digest_of
from simulator.firewall.levels import ALL, CLUSTER, CT, HOST, VM, VNET, Level
from simulator.firewall.macros import MACROS
from simulator.routing import Call, route
from simulator.schema import integer, string

_INDEX = {
    "cluster": ("aliases", "rules", "options", "groups", "ipset", "macros", "refs"),
    "host": ("rules", "options", "log"),
    "vm": ("rules", "aliases", "ipset", "refs", "options"),
    "ct": ("rules", "aliases", "ipset", "refs", "options"),
    "vnet": ("rules", "options"),
}
_COUNT = integer(minimum=0, optional=True)
_LOG_PARAMS = {"limit": _COUNT, "since": _COUNT, "start": _COUNT, "until": _COUNT}
_AUDIT, _MODIFY = CLUSTER.audit, CLUSTER.modify


def _index(level: Level, _call: Call) -> list[dict[str, str]]:
    """List what there is below the firewall of a level."""
    return [{"name": name} for name in _INDEX[level.environment]]


def _read_options(level: Level, call: Call) -> Entry:
    """Return the options that are set."""
    level.check(call, modify=False)
    options = level.load(call)[0].options
    return options | {"digest": digest_of([options])}


def _update_options(level: Level, call: Call) -> None:
    """Delete and then set options; a cluster's firewall may be enabled for one minute to be tried."""
    firewall = level.begin_change(call)
    call.check_digest(digest_of([firewall.options]))
    for name in call.listing("delete"):
        if name not in level.options:
            raise ParamError({"delete": f"no such option '{name}'"})
        firewall.options.pop(name, None)
    for name in level.options:
        value = call.params.get(name)
        if value is not None:
            firewall.options[name] = int(value) if isinstance(value, bool) else value
    if level is CLUSTER and call.integer("enable") > 1:
        firewall.options["enable"] = int(call.now)
    level.save(call, firewall)


def _log(_level: Level, call: Call) -> list[dict[str, Any]]:
    """Return the log: no packet passes a simulated firewall, so nothing is ever logged."""
    call.extra["total"] = 1
    return [{"n": 1, "t": "no content"}]


for _each in ALL:
    route(
        "GET", _each.path, params=_each.params, user=None if _each is VNET else "all",
    )(functools.partial(_index, _each))  # fmt: skip
    route(
        "GET", f"{_each.path}/options", params=_each.params, check=_each.audit, user=_each.user,
        proxyto=_each.options_proxyto,
    )(functools.partial(_read_options, _each))  # fmt: skip
    route(
        "PUT", f"{_each.path}/options",
        params={**_each.params, **_each.options, "digest": DIGEST,
                "delete": string(format="pve-configid-list", optional=True)},
        check=_each.modify, user=_each.user, protected=True, proxyto=_each.options_proxyto,
    )(functools.partial(_update_options, _each))  # fmt: skip
for _each, _check in (
    (HOST, ["perm", "/nodes/{node}", ["Sys.Syslog"]]),
    (VM, ["perm", "/vms/{vmid}", ["VM.Console"]]),
    (CT, ["perm", "/vms/{vmid}", ["VM.Console"]]),
):
    route(
        "GET", f"{_each.path}/log", params={**_each.params, **_LOG_PARAMS}, check=_check, protected=True,
        proxyto="node",
    )(functools.partial(_log, _each))  # fmt: skip


@route("GET", "/cluster/firewall/macros", user="all")
def macros(_call: Call) -> list[dict[str, str]]:
    """List the macros."""
    return [{"macro": macro.name, "descr": macro.description} for macro in MACROS.values()]


def _group_rows(firewall: Firewall) -> list[Entry]:
    return [
        {"group": name} | ({"comment": firewall.group_comments[name]} if name in firewall.group_comments else {})
        for name in sorted(firewall.groups)
    ]


@route("GET", "/cluster/firewall/groups", user="all")
def groups(call: Call) -> list[Entry]:
    """List the security groups."""
    rows = _group_rows(CLUSTER.load(call)[0])
    digest = digest_of(rows)
    return [{**row, "digest": digest} for row in rows]


@route(
    "POST",
    "/cluster/firewall/groups",
    params={
        "group": GROUP,
        "comment": string(optional=True),
        "digest": DIGEST,
        "rename": string(min_length=2, max_length=18, pattern=r"[A-Za-z][A-Za-z0-9\-\_]+", optional=True),
    },
    check=_MODIFY,
    protected=True,
)
def create_group(call: Call) -> None:
    """Add a security group, or rename one; renamed to its own name it gets another comment."""
    firewall, name, old = CLUSTER.begin_change(call), call.text("group"), call.text("rename")
    if old:
        call.check_digest(digest_of(_group_rows(firewall)))
        if old not in firewall.groups:
            raise ParamError({"group": f"Security group '{old}' does not exist"})
        if name in firewall.groups and name != old:
            raise ParamError({"group": f"Security group '{name}' already exists"})
        firewall.groups[name] = firewall.groups.pop(old)
        comment = firewall.group_comments.pop(old, "")
    elif name in firewall.groups:
        raise ParamError({"group": f"Security group '{name}' already exists"})
    else:
        firewall.groups[name], comment = [], ""
    firewall.group_comments[name] = call.text("comment", comment)
    CLUSTER.save(call, firewall)


@route("DELETE", "/cluster/firewall/groups/{group}", params={"group": GROUP}, check=_MODIFY, protected=True)
def delete_group(call: Call) -> None:
    """Remove an empty security group; whether a rule names it does not count."""
    firewall, name = CLUSTER.begin_change(call), call.text("group")
    if name not in firewall.groups:
        raise ApiError(f"no such security group '{name}'")
    if firewall.groups[name]:
        raise ApiError(f"Security group '{name}' is not empty")
    del firewall.groups[name]
    firewall.group_comments.pop(name, None)
    CLUSTER.save(call, firewall)
