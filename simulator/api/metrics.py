"""`/cluster/metrics`: the servers that get figures, and the figures themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.errors import ApiError
from simulator.formats import named_format, split_list
from simulator.guests.facts import guest_numbers
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.sections import SectionType, given, typed
from simulator.state import digest

_AUDIT = ["perm", "/", ["Sys.Audit"]]
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_ID: dict[str, Param] = {"id": string(format="pve-configid")}
_TEXT, _FLAG = string(optional=True), boolean(optional=True)
_OPTIONS: dict[str, Param] = {
    "api-path-prefix": _TEXT,
    "bucket": _TEXT,
    "disable": _FLAG,
    "influxdbproto": string(enum=("udp", "http", "https"), optional=True),
    "max-body-size": integer(minimum=1, optional=True),
    "mtu": integer(minimum=512, maximum=65536, optional=True),
    "organization": _TEXT,
    "otel-compression": string(enum=("none", "gzip"), optional=True),
    "otel-headers": string(max_length=1024, optional=True),
    "otel-max-body-size": integer(minimum=1024, optional=True),
    "otel-path": _TEXT,
    "otel-protocol": string(enum=("http", "https"), optional=True),
    "otel-resource-attributes": string(max_length=1024, optional=True),
    "otel-timeout": integer(minimum=1, maximum=10, optional=True),
    "otel-verify-ssl": _FLAG,
    "path": string(format="graphite-path", optional=True),
    "port": integer(minimum=1, maximum=65536),
    "proto": string(enum=("udp", "tcp"), optional=True),
    "server": string(format="address"),
    "timeout": integer(minimum=0, optional=True),
    "token": _TEXT,
    "verify-certificate": _FLAG,
}
_OTEL = " ".join(name for name in _OPTIONS if name.startswith("otel-"))
_TYPES = {
    "graphite": SectionType.of("port server", "disable mtu path proto timeout"),
    "influxdb": SectionType.of(
        "port server",
        "api-path-prefix bucket disable influxdbproto max-body-size mtu organization timeout token verify-certificate",
    ),
    "opentelemetry": SectionType.of("port server", f"disable mtu timeout {_OTEL}"),
}
_UNDEFINED = "cannot lookup undefined type! at /usr/share/perl5/PVE/API2/Cluster/MetricServer.pm line 295."


@named_format("graphite-path")
def _graphite_path(value: str) -> None:
    if value.startswith(".") or value.endswith(".") or ".." in value or not value.isprintable():
        raise ValueError("value does not look like a valid graphite path")


@route("GET", "/cluster/metrics", user="all")
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/metrics`."""
    return [{"name": "server"}, {"name": "export"}]


@route("GET", "/cluster/metrics/server", check=_AUDIT)
def servers(call: Call) -> list[dict[str, Any]]:
    """List the servers."""
    return [
        {
            "id": row.id, "type": row.type, "server": row.options["server"], "port": int(row.options["port"]),
            "disable": int(row.options.get("disable", "0")),
        }
        for row in sorted(call.datacenter.metric_servers, key=lambda row: row.id)
    ]  # fmt: skip


def _digest(call: Call) -> str:
    return digest([(row.id, row.type, sorted(row.options.items())) for row in call.datacenter.metric_servers])


def _existing(call: Call) -> Section:
    row = call.datacenter.metric_servers.get(call.text("id"))
    if row is None:
        raise ApiError(f"status server entry '{call.text('id')}' does not exist")
    return row


@route("GET", "/cluster/metrics/server/{id}", params=_ID, check=_AUDIT)
def read_server(call: Call) -> dict[str, Any]:
    """Return a server, without the token, which is in a file of its own that only root may read."""
    row = _existing(call)
    shown = {name: value for name, value in row.options.items() if name != "token"}
    return {"id": row.id, "type": row.type, "digest": _digest(call), **typed(shown, _OPTIONS)}


@route(
    "POST", "/cluster/metrics/server/{id}",
    params={**_ID, **_OPTIONS, "type": string(enum=tuple(_TYPES), format="pve-configid")},
    check=_MODIFY, protected=True,
)  # fmt: skip
def create_server(call: Call) -> None:
    """Add a server."""
    options = given(call, _OPTIONS)
    _TYPES[call.text("type")].check_new(options)
    call.cfs_lock("file-status_cfg")
    if call.text("id") in call.datacenter.metric_servers:
        raise ApiError(f"Metric server '{call.text('id')}' already exists")
    call.datacenter.metric_servers.put(Section(id=call.text("id"), type=call.text("type"), options=options))


@route(
    "PUT", "/cluster/metrics/server/{id}",
    params={
        **_ID, **_OPTIONS,
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    check=_MODIFY, protected=True,
)  # fmt: skip
def update_server(call: Call) -> None:
    """Change a server."""
    call.cfs_lock("file-status_cfg")
    row = call.datacenter.metric_servers.get(call.text("id"))
    if row is None:
        raise ApiError(f"no such server '{call.text('id')}'")
    call.check_digest(_digest(call))
    options = _TYPES[row.type].changed(row.options, given(call, _OPTIONS), call.listing("delete"))
    call.datacenter.metric_servers.put(replace(row, options=options))


@route("DELETE", "/cluster/metrics/server/{id}", params=_ID, check=_MODIFY, protected=True)
def delete_server(call: Call) -> None:
    """Remove a server."""
    call.cfs_lock("file-status_cfg")
    if call.text("id") not in call.datacenter.metric_servers:
        raise ApiError(_UNDEFINED)
    call.datacenter.metric_servers.delete(call.text("id"))


@route(
    "GET", "/cluster/metrics/export",
    params={
        "history": _FLAG, "local-only": _FLAG, "node-list": _TEXT, "start-time": integer(optional=True),
    },
    check=_AUDIT,
)  # fmt: skip
def export(call: Call) -> dict[str, list[dict[str, Any]]]:
    """Return the figures of now, of all nodes or of some, with their guests."""
    wanted = split_list(call.text("node-list"))
    now, rows = int(call.now), list[dict[str, Any]]()

    def add(id_: str, kind: str, values: dict[str, float]) -> None:
        rows.extend(
            {"id": id_, "metric": name, "timestamp": now, "type": kind, "value": value}
            for name, value in values.items()
        )

    nodes = [call.node] if call.flag("local-only") else [node.name for node in call.datacenter.connected(call.node)]
    for name in nodes:
        if name in (wanted or nodes):
            node = call.datacenter.nodes[name]
            figures = {
                "cpu_max": node.cpus,
                "cpu_current": 0.02,
                "mem_total": node.memory,
                "uptime": now - node.started,
            }
            add(f"node/{name}", "gauge", figures)
            for guest in [guest for guest in call.datacenter.guests if guest.node == name]:
                cpus, memory = guest_numbers(guest)
                add(f"{guest.type}/{guest.vmid}", "gauge", {"cpu_max": cpus, "mem_total": memory})
    return {"data": rows}
