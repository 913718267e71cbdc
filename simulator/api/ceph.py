"""`/cluster/ceph` and `/nodes/{node}/ceph`: Ceph is not installed on simulated nodes.

Every method checks its parameters and privileges, and is then refused as on a node without Ceph's packages;
only the lists of what there is below a path and the known releases are answered.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.errors import ApiError
from simulator.routing import Call, Handler, always_refuses, route
from simulator.schema import Param, PropertyString, boolean, integer, number, string

_ID = r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?"
_POOL_NAME = r"^[^:/\s]+$"
_KEY = r"(?i:[0-9a-z\-_\.]+:[0-9a-zA-Z\-_]+)"
_FLAGS = (
    "nobackfill", "nodeep-scrub", "nodown", "noin", "noout", "norebalance", "norecover", "noscrub", "notieragent",
    "noup", "pause",
)  # fmt: skip
_AUDIT = ["perm", "/", ["Sys.Audit"]]
_AUDIT_ANY = ["perm", "/", ["Sys.Audit"], "any", 1]
_SEE = ["perm", "/", ["Sys.Audit", "Datastore.Audit"], "any", 1]
_MODIFY = ["perm", "/", ["Sys.Modify"]]
_SYSLOG = ["perm", "/nodes/{node}", ["Sys.Syslog"]]

_FLAG = boolean(optional=True)
_LINES = integer(minimum=0, optional=True)
_OSD: dict[str, Param] = {"osdid": integer()}
_SERVICE: dict[str, Param] = {"service": string(pattern=rf"(ceph|mon|mds|osd|mgr)(\.{_ID})?", optional=True)}
_BULK: dict[str, Param] = {
    "dry-run": _FLAG, "force": _FLAG, "only-outdated": _FLAG,
    "timeout": integer(minimum=30, maximum=1800, optional=True),
}  # fmt: skip
_CODING = PropertyString(
    {
        "device-class": string(optional=True),
        "failure-domain": string(optional=True),
        "k": integer(minimum=2),
        "m": integer(minimum=1),
        "profile": string(optional=True),
    }
)
_REPLICAS = integer(minimum=1, maximum=7, optional=True)
_POOL: dict[str, Param] = {
    "application": string(enum=("rbd", "cephfs", "rgw"), optional=True),
    "crush_rule": string(optional=True),
    "min_size": _REPLICAS,
    "name": string(pattern=_POOL_NAME),
    "pg_autoscale_mode": string(enum=("on", "off", "warn"), optional=True),
    "pg_num": integer(minimum=1, maximum=32768, optional=True),
    "pg_num_min": integer(maximum=32768, optional=True),
    "size": _REPLICAS,
    "target_size": string(pattern=r"^(\d+(\.\d+)?)([KMGT])?$", optional=True),
    "target_size_ratio": number(optional=True),
}
_NEW_OSD: dict[str, Param] = {
    "crush-device-class": string(optional=True),
    "db_dev": string(optional=True),
    "db_dev_size": number(minimum=1, requires="db_dev", optional=True),
    "dev": string(),
    "encrypted": _FLAG,
    "osds-per-device": integer(minimum=1, optional=True),
    "wal_dev": string(optional=True),
    "wal_dev_size": number(minimum=0.5, requires="wal_dev", optional=True),
}
_INIT: dict[str, Param] = {
    "cluster-network": string(format="CIDR", max_length=128, requires="network", optional=True),
    "disable_cephx": _FLAG,
    "min_size": _REPLICAS,
    "network": string(format="CIDR", max_length=128, optional=True),
    "pg_bits": integer(minimum=6, maximum=14, optional=True),
    "size": _REPLICAS,
}
_NEW_FS: dict[str, Param] = {
    "add-storage": _FLAG,
    "name": string(pattern=_POOL_NAME, optional=True),
    "pg_num": integer(minimum=8, maximum=32768, optional=True),
}


def _named(name: str, **options: Any) -> dict[str, Param]:
    """Declare the name of a daemon."""
    return {name: string(pattern=_ID, **options)}


def _missing(binary: str) -> str:
    return f"binary not installed: /usr/bin/{binary}"


_NO_MONITOR, _NO_MANAGER, _NO_MDS = _missing("ceph-mon"), _missing("ceph-mgr"), _missing("ceph-mds")
_TOO_OLD = "Ceph Nautilus required - please run 'pveceph install'"

Refused = tuple[str, str, Mapping[str, Param], Sequence[Any] | None, str]
_ON_CLUSTER: tuple[Refused, ...] = (
    ("GET", "flags", {}, _AUDIT, _NO_MONITOR),
    ("PUT", "flags", dict.fromkeys(_FLAGS, _FLAG), _MODIFY, _NO_MONITOR),
    ("GET", "flags/{flag}", {"flag": string(enum=_FLAGS)}, _AUDIT, _NO_MONITOR),
    ("PUT", "flags/{flag}", {"flag": string(enum=_FLAGS), "value": boolean()}, _MODIFY, _NO_MONITOR),
    ("GET", "metadata", {"scope": string(enum=("all", "versions"), optional=True)}, _SEE, _NO_MONITOR),
    ("POST", "restart-bulk", _BULK | {"service-type": string(enum=("mon", "mgr", "mds", "osd"))}, _MODIFY,
     _NO_MONITOR),
    ("GET", "status", {}, _SEE, _NO_MONITOR),
)  # fmt: skip
_ON_NODE: tuple[Refused, ...] = (
    ("GET", "cfg/db", {}, _SEE, _NO_MONITOR),
    ("GET", "cfg/value", {"config-keys": string(pattern=rf"^(?:{_KEY})(?:[;, ]{_KEY})*$", max_length=4096)}, _AUDIT,
     _NO_MONITOR),
    ("GET", "cmd-safety", {
        "action": string(enum=("stop", "destroy")), "id": string(), "service": string(enum=("osd", "mon", "mds")),
    }, _AUDIT, _NO_MONITOR),
    ("GET", "crush", {}, _SEE, _NO_MONITOR),
    ("GET", "fs", {}, _SEE, _NO_MONITOR),
    ("POST", "fs/{name}", _NEW_FS, _MODIFY, _NO_MONITOR),
    ("DELETE", "fs/{name}", {"name": string(), "remove-pools": _FLAG, "remove-storages": _FLAG}, _MODIFY, _NO_MONITOR),
    ("POST", "init", _INIT, _MODIFY, _TOO_OLD),
    ("GET", "log", {"limit": _LINES, "start": _LINES}, _SYSLOG, _NO_MONITOR),
    ("GET", "mds", {}, _SEE, _NO_MONITOR),
    ("POST", "mds/{name}", _named("name", max_length=200, optional=True) | {"hotstandby": _FLAG}, _MODIFY, _NO_MDS),
    ("DELETE", "mds/{name}", _named("name"), _MODIFY, _NO_MONITOR),
    ("GET", "mgr", {}, _SEE, _NO_MONITOR),
    ("POST", "mgr/{id}", _named("id", max_length=200, optional=True), _MODIFY, _NO_MANAGER),
    ("DELETE", "mgr/{id}", _named("id"), _MODIFY, _NO_MONITOR),
    ("GET", "mon", {}, _SEE, _NO_MONITOR),
    ("POST", "mon/{monid}", _named("monid", max_length=200, optional=True)
     | {"mon-address": string(format="ip-list", optional=True)}, _MODIFY, _NO_MONITOR),
    ("DELETE", "mon/{monid}", _named("monid"), _MODIFY, _NO_MONITOR),
    ("GET", "osd", {}, _SEE, _NO_MONITOR),
    ("POST", "osd", _NEW_OSD, None, _NO_MONITOR),
    ("DELETE", "osd/{osdid}", _OSD | {"cleanup": _FLAG}, None, _NO_MONITOR),
    ("POST", "osd/{osdid}/in", _OSD, _MODIFY, _NO_MONITOR),
    ("GET", "osd/{osdid}/lv-info", _OSD | {"type": string(enum=("block", "db", "wal"), optional=True)}, _AUDIT_ANY,
     _NO_MONITOR),
    ("GET", "osd/{osdid}/metadata", _OSD, _AUDIT_ANY, _NO_MONITOR),
    ("POST", "osd/{osdid}/out", _OSD, _MODIFY, _NO_MONITOR),
    ("POST", "osd/{osdid}/scrub", _OSD | {"deep": _FLAG}, _MODIFY, _NO_MONITOR),
    ("GET", "pool", {}, _SEE, _NO_MONITOR),
    ("POST", "pool", _POOL | {"add_storages": _FLAG, "erasure-coding": string(format=_CODING, optional=True)},
     _MODIFY, _NO_MONITOR),
    ("PUT", "pool/{name}", _POOL, _MODIFY, _NO_MONITOR),
    ("DELETE", "pool/{name}", {
        "name": string(), "force": _FLAG, "remove_ecprofile": _FLAG, "remove_storages": _FLAG,
    }, _MODIFY, _NO_MONITOR),
    ("GET", "pool/{name}/status", {"name": string(), "verbose": _FLAG}, _SEE, _NO_MONITOR),
    ("POST", "restart", _SERVICE, _MODIFY, _NO_MONITOR),
    ("POST", "restart-bulk", _BULK | {
        "resume": _FLAG, "service-type": string(enum=("osd",)), "set-noout": _FLAG,
    }, _MODIFY, _NO_MONITOR),
    ("GET", "rules", {}, _SEE, _NO_MONITOR),
    ("POST", "start", _SERVICE, _MODIFY, _NO_MONITOR),
    ("GET", "status", {}, _SEE, _NO_MONITOR),
    ("POST", "stop", _SERVICE, _MODIFY, _NO_MONITOR),
)  # fmt: skip
_NODE: dict[str, Param] = {"node": string(format="pve-node")}
_RELEASES = (("octopus", "15.2"), ("pacific", "16.2"), ("quincy", "17.2"), ("reef", "18.2"), ("squid", "19.2"))
_AVAILABLE = "squid"


def _refuse(text: str, _call: Call) -> None:
    raise ApiError(text)


def _refusal(text: str) -> Handler:
    """Return a handler that refuses every call with this text."""
    return always_refuses(functools.partial(_refuse, text))


def _names(names: str, _call: Call) -> list[dict[str, str]]:
    return [{"name": name} for name in names.split()]


def _listing(names: str) -> Handler:
    """Return a handler that lists what there is below a path."""
    return functools.partial(_names, names)


for _method, _path, _params, _check, _text in _ON_CLUSTER:
    route(_method, f"/cluster/ceph/{_path}", params=_params, check=_check, protected=True)(_refusal(_text))
for _method, _path, _params, _check, _text in _ON_NODE:
    route(
        _method, f"/nodes/{{node}}/ceph/{_path}", params={**_NODE, **_params}, check=_check, protected=True,
        proxyto="node",
    )(_refusal(_text))  # fmt: skip

route("GET", "/nodes/{node}/ceph/cfg/raw", params=_NODE, check=_SEE, proxyto="node")(_refusal(_NO_MONITOR))
route("GET", "/cluster/ceph", user="all")(_listing("flags metadata restart-bulk status"))
route("GET", "/nodes/{node}/ceph", params=_NODE, check=_SEE)(
    _listing(
        "cfg cmd-safety crush fs init log mds mgr mon osd pool releases restart restart-bulk rules start status stop"
    )
)
route("GET", "/nodes/{node}/ceph/cfg", params=_NODE, user="all")(_listing("db raw value"))
route("GET", "/nodes/{node}/ceph/osd/{osdid}", params=_NODE | _OSD, user="all")(
    _listing("in lv-info metadata out scrub")
)
route("GET", "/nodes/{node}/ceph/pool/{name}", params=_NODE | {"name": string()}, check=_SEE)(_listing("status"))


@route("GET", "/nodes/{node}/ceph/releases", params=_NODE, check=_SEE, proxyto="node")
def releases(_call: Call) -> list[dict[str, Any]]:
    """List the releases of Ceph, and which one could be installed."""
    return [
        {
            "release": name, "version": version, "available": int(name == _AVAILABLE),
            "is-default": int(name == _AVAILABLE), "unsupported": 0,
        }
        for name, version in _RELEASES
    ]  # fmt: skip
