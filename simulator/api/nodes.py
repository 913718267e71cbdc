"""`/nodes` and what a node tells about itself: status, time, DNS, notes."""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import replace
from typing import Any

from simulator.api.resources import node_row
from simulator.errors import ApiError, ParamError, unwritable
from simulator.nodes.acme import settings_of
from simulator.propstring import split
from simulator.routing import Call, route
from simulator.schema import PropertyString, integer, string
from simulator.state import digest
from simulator.versions import has_method

NODE = string(format="pve-node")
_THIS = {"node": NODE}
_INDEX = (
    "aplinfo", "apt", "capabilities", "ceph", "certificates", "config", "disks", "dns", "firewall", "hardware",
    "hosts", "journal", "lxc", "migrateall", "netstat", "network", "qemu", "query-oci-repo-tags",
    "query-url-metadata", "replication", "report", "rrd", "rrddata", "scan", "sdn", "services", "spiceshell",
    "startall", "status", "stopall", "storage", "subscription", "suspendall", "syslog", "tasks", "termproxy", "time",
    "version", "vncshell", "vzdump", "wakeonlan",
)  # fmt: skip
_AUDIT = ["perm", "/nodes/{node}", ["Sys.Audit"]]
_MODIFY = ["perm", "/nodes/{node}", ["Sys.Modify"]]
_ACME = PropertyString(
    {
        "account": string(format="pve-configid", optional=True),
        "domains": string(format="pve-acme-domain-list", optional=True),
    }
)
_ACME_DOMAIN = PropertyString(
    {
        "domain": string(format="pve-acme-domain", default_key=True),
        "plugin": string(format="pve-configid", optional=True),
        "alias": string(format="pve-acme-alias", optional=True),
    }
)
_WAKE_ON_LAN = PropertyString(
    {
        "mac": string(format="mac-addr", default_key=True),
        "bind-interface": string(format="pve-iface", optional=True),
        "broadcast-address": string(format="ipv4", optional=True),
    }
)
_CONFIG_KEYS = (
    "acme", "acmedomain0", "acmedomain1", "acmedomain2", "acmedomain3", "acmedomain4", "acmedomain5",
    "ballooning-target", "description", "location", "startall-onboot-delay", "wakeonlan",
)  # fmt: skip


@route("GET", "/nodes", user="all")
def nodes(call: Call) -> list[dict[str, Any]]:
    """List the nodes."""
    rows = []
    for node in call.datacenter.nodes:
        audit = call.access.may(f"/nodes/{node.name}", ["Sys.Audit"])
        row = node_row(call.datacenter, call.node, node, audit=audit)
        rows.append(row | {"ssl_fingerprint": call.client.get("fingerprint", "")})
    return rows


@route("GET", "/nodes/{node}", params=_THIS, user="all")
def index(call: Call) -> list[dict[str, str]]:
    """List what there is below a node."""
    version = call.this_node.version
    return [{"name": name} for name in _INDEX if has_method(version, f"GET /nodes/{{node}}/{name}")]


@route("GET", "/nodes/{node}/status", params=_THIS, check=_AUDIT, proxyto="node")
def status(call: Call) -> dict[str, Any]:
    """Return the load and the hardware of a node."""
    node = call.this_node
    used, disk_used = node.memory // 10, node.disk // 20
    played = node.release
    release, kernel = played.kernel, played.build
    return {
        "uptime": int(call.now - node.started), "cpu": 0.02, "wait": 0, "idle": 0,
        "loadavg": ["0.10", "0.15", "0.12"], "ksm": {"shared": 0},
        "memory": {
            "total": node.memory, "used": used, "free": node.memory - used, "available": node.memory - used,
        },
        "swap": {"total": 0, "used": 0, "free": 0},
        "rootfs": {
            "total": node.disk, "used": disk_used, "free": node.disk - disk_used, "avail": node.disk - disk_used,
        },
        "cpuinfo": {
            "model": "Simulated CPU", "vendor": "GenuineIntel", "family": "6", "cpus": node.cpus, "cores": node.cpus,
            "sockets": 1, "mhz": "2400.000", "user_hz": 100, "hvm": "1", "flags": "fpu vmx sse sse2 ssse3 sse4_1 avx",
        },
        "boot-info": {"mode": "legacy-bios"},
        "kversion": f"Linux {release} {kernel}",
        "current-kernel": {"sysname": "Linux", "machine": "x86_64", "release": release, "version": kernel},
        "pveversion": played.manager,
    }  # fmt: skip


@route("GET", "/nodes/{node}/time", params=_THIS, check=_AUDIT, proxyto="node")
def read_time(call: Call) -> dict[str, Any]:
    """Return the node's time and time zone."""
    zone = call.this_node.timezone
    offset = datetime.datetime.fromtimestamp(call.now, zoneinfo.ZoneInfo(zone)).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    return {"timezone": zone, "time": int(call.now), "localtime": int(call.now) + seconds}


@route(
    "PUT", "/nodes/{node}/time", params=_THIS | {"timezone": string()}, check=_MODIFY, protected=True, proxyto="node"
)
def set_timezone(call: Call) -> None:
    """Set the time zone."""
    zone = call.text("timezone")
    if zone not in zoneinfo.available_timezones():
        raise ParamError({"timezone": "No such timezone"})
    call.datacenter.nodes.put(replace(call.this_node, timezone=zone))


@route("GET", "/nodes/{node}/dns", params=_THIS, check=_AUDIT, proxyto="node")
def read_dns(call: Call) -> dict[str, str]:
    """Return the node's resolver settings."""
    return dict(call.this_node.dns)


@route(
    "PUT",
    "/nodes/{node}/dns",
    params=_THIS | {"search": string()} | {f"dns{number}": string(format="ip", optional=True) for number in (1, 2, 3)},
    check=_MODIFY,
    protected=True,
    proxyto="node",
)
def update_dns(call: Call) -> None:
    """Replace the node's resolver settings; of each, one word can be read back from the resolver's file."""
    words = {name: call.text(name).split() for name in ("search", "dns1", "dns2", "dns3")}
    settings = {name: found[0] for name, found in words.items() if found}
    call.datacenter.nodes.put(replace(call.this_node, dns=settings))


def _typed(name: str, value: str) -> Any:
    return int(value) if name in ("ballooning-target", "startall-onboot-delay") else value


@route(
    "GET",
    "/nodes/{node}/config",
    params=_THIS | {"property": string(enum=_CONFIG_KEYS, optional=True)},
    check=["perm", "/", ["Sys.Audit"]],
    proxyto="node",
)
def read_config(call: Call) -> dict[str, Any]:
    """Return the node's notes and its other settings."""
    config = call.this_node.config
    if not config:
        return {}
    names = [call.text("property")] if "property" in call else list(config)
    return {name: _typed(name, config[name]) for name in names if name in config} | {"digest": digest(config)}


@route(
    "PUT",
    "/nodes/{node}/config",
    params=_THIS
    | {
        "acme": string(format=_ACME, optional=True),
        "acmedomain[n]": string(format=_ACME_DOMAIN, optional=True, count=6),
        "ballooning-target": integer(minimum=0, maximum=100, optional=True),
        "delete": string(format="pve-configid-list", optional=True),
        "description": string(max_length=65536, optional=True),
        "digest": string(max_length=40, optional=True),
        "location": string(format="pve-node-location", optional=True),
        "startall-onboot-delay": integer(minimum=0, maximum=300, optional=True),
        "wakeonlan": string(format=_WAKE_ON_LAN, optional=True),
    },
    check=["perm", "/", ["Sys.Modify"]],
    protected=True,
    proxyto="node",
)
def update_config(call: Call) -> None:
    """Set and delete settings; a description gains a newline at its end."""
    node = call.this_node
    call.check_digest(digest(node.config))
    config = {key: value for key, value in node.config.items() if key not in call.listing("delete")}
    for name in call.params:
        if name not in ("node", "delete", "digest") and name in call:
            config[name] = call.text(name)
    if "description" in call:
        config["description"] = call.text("description").rstrip("\n") + "\n"
    if "wakeonlan" in config:
        config["wakeonlan"] = ",".join(f"{key}={value}" for key, value in split(config["wakeonlan"], "mac").items())
    changed = replace(node, config=config)
    settings_of(call.datacenter, changed)
    if not call.datacenter.quorate_on(call.node):
        raise ApiError(unwritable(f"/etc/pve/nodes/{call.node}/config"))
    call.datacenter.nodes.put(changed)
