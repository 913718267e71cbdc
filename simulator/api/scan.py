"""`/nodes/{node}/scan`: what could be used as a storage.

The outside world consists of what the configured storages name: a server offers the shares that storages use of it,
and a node has the volume groups and pools of its storages.
"""

from __future__ import annotations

from typing import Any

from simulator.api.storage_nodes import NODE
from simulator.guests.facts import storage_visible
from simulator.routing import Call, route
from simulator.schema import Param, integer, string

_ALLOCATE = ["perm", "/storage", ["Datastore.Allocate"]]
_SERVER = string(format="pve-storage-server")
_TEXT = string(optional=True)
_METHODS = ("cifs", "iscsi", "lvm", "lvmthin", "nfs", "pbs", "zfs")


def _used(call: Call, kind: str, option: str, **where: str) -> list[str]:
    """Return the values of an option of all storages of a type, or of those where other options are as given."""
    found = [
        section.options[option]
        for section in call.datacenter.storages
        if section.type == kind and option in section.options and storage_visible(section, call.node)
        and all(section.options.get(key) == value for key, value in where.items())
    ]  # fmt: skip
    return sorted(set(found))


@route("GET", "/nodes/{node}/scan", params={"node": NODE}, user="all")
def scan_index(_call: Call) -> list[dict[str, str]]:
    """List what can be scanned for."""
    return [{"method": name} for name in _METHODS]


@route(
    "GET", "/nodes/{node}/scan/nfs", params={"node": NODE, "server": _SERVER},
    check=_ALLOCATE, protected=True, proxyto="node",
)  # fmt: skip
def scan_nfs(call: Call) -> list[dict[str, Any]]:
    """List the exports of an NFS server."""
    return [{"path": path, "options": "*"} for path in _used(call, "nfs", "export", server=call.text("server"))]


@route(
    "GET", "/nodes/{node}/scan/cifs",
    params={"node": NODE, "server": _SERVER, "domain": _TEXT, "password": _TEXT, "username": _TEXT},
    check=_ALLOCATE, protected=True, proxyto="node",
)  # fmt: skip
def scan_cifs(call: Call) -> list[dict[str, Any]]:
    """List the shares of a CIFS server."""
    return [{"share": name, "description": ""} for name in _used(call, "cifs", "share", server=call.text("server"))]


@route(
    "GET", "/nodes/{node}/scan/iscsi", params={"node": NODE, "portal": string(format="pve-storage-portal-dns")},
    check=_ALLOCATE, protected=True, proxyto="node",
)  # fmt: skip
def scan_iscsi(call: Call) -> list[dict[str, Any]]:
    """List the targets of an iSCSI portal."""
    portal = call.text("portal")
    targets = {t for kind in ("iscsi", "iscsidirect", "zfs") for t in _used(call, kind, "target", portal=portal)}
    address = portal if ":" in portal else f"{portal}:3260"
    return [{"portal": address, "target": target} for target in sorted(targets)]


_PBS: dict[str, Param] = {
    "node": NODE,
    "server": _SERVER,
    "fingerprint": string(pattern=r"([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}", optional=True),
    "password": string(),
    "port": integer(minimum=1, maximum=65535, optional=True),
    "username": string(),
}


@route("GET", "/nodes/{node}/scan/pbs", params=_PBS, check=_ALLOCATE, protected=True, proxyto="node")
def scan_pbs(call: Call) -> list[dict[str, Any]]:
    """List the datastores of a backup server."""
    return [{"store": name} for name in _used(call, "pbs", "datastore", server=call.text("server"))]


@route(
    "GET", "/nodes/{node}/scan/lvm", params={"node": NODE}, check=_ALLOCATE, protected=True, proxyto="node",
)  # fmt: skip
def scan_lvm(call: Call) -> list[dict[str, Any]]:
    """List the volume groups of a node."""
    groups = {group for kind in ("lvm", "lvmthin") for group in _used(call, kind, "vgname")}
    return [{"vg": group} for group in sorted(groups)]


@route(
    "GET", "/nodes/{node}/scan/lvmthin",
    params={"node": NODE, "vg": string(pattern=r"[a-zA-Z0-9\.\+\_][a-zA-Z0-9\.\+\_\-]+", max_length=100)},
    check=_ALLOCATE, protected=True, proxyto="node",
)  # fmt: skip
def scan_lvmthin(call: Call) -> list[dict[str, Any]]:
    """List the thin pools of a volume group."""
    return [{"lv": pool} for pool in _used(call, "lvmthin", "thinpool", vgname=call.text("vg"))]


@route(
    "GET", "/nodes/{node}/scan/zfs", params={"node": NODE}, check=_ALLOCATE, protected=True, proxyto="node",
)  # fmt: skip
def scan_zfs(call: Call) -> list[dict[str, Any]]:
    """List the ZFS pools of a node."""
    return [{"pool": pool} for pool in _used(call, "zfspool", "pool")]
