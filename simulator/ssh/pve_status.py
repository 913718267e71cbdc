"""What `/etc/pve` tells of the cluster and its managers: files that are made anew at each look, and only read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator.cluster import corosync
from simulator.ha.records import HaNode
from simulator.ha.state import value
from simulator.state import Datacenter, World

ROOT = "/etc/pve"
Render = Callable[[World, Datacenter, str], str | None]


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=True)


def _members(_world: World, datacenter: Datacenter, node: str) -> str:
    nodes = list(datacenter.nodes)
    lines = [f'"nodename": "{node}",', f'"version": {len(nodes) if datacenter.clustered else 0}']
    if datacenter.clustered:
        lines[-1] += ","
        lines.append(
            f'"cluster": {{ "name": "{datacenter.name}", "version": {len(nodes)}, "nodes": {len(nodes)},'
            f' "quorate": {int(datacenter.quorate_on(node))} }},'
        )
        rows = [f'  "{n.name}": {{ "id": {n.nodeid}, "online": {int(n.online)}, "ip": "{n.ip}"}}' for n in nodes]
        lines.append('"nodelist": {\n' + ",\n".join(rows) + "\n  }")
    return "{\n" + "\n".join(lines) + "\n}\n"


def _vmlist(_world: World, datacenter: Datacenter, _node: str) -> str:
    rows = [
        f'"{guest.vmid}": {{ "node": "{guest.node}", "type": "{guest.type}", "version": {number} }}'
        for number, guest in enumerate(sorted(datacenter.guests, key=lambda guest: guest.vmid), 1)
    ]
    return '{\n"version": ' + str(len(rows)) + ',\n"ids": {\n' + ",\n".join(rows) + "}\n\n}\n"


def _version(_world: World, datacenter: Datacenter, node: str) -> str:
    files = {
        "storage.cfg": len(datacenter.storages),
        "user.cfg": len(datacenter.users),
        "vmlist": len(datacenter.guests),
    }
    return _json({"starttime": int(datacenter.nodes[node].started), "clinfo": len(datacenter.nodes), **files}) + "\n"


def _corosync(_world: World, datacenter: Datacenter, _node: str) -> str | None:
    return corosync.render(datacenter) if datacenter.clustered else None


def _manager_status(world: World, datacenter: Datacenter, _node: str) -> str | None:
    master = value(datacenter, "master")
    if not master:
        return None
    services: dict[str, Any] = {}
    for service in datacenter.ha_services:
        row: dict[str, Any] = {"node": service.node, "state": service.state, "uid": service.uid}
        row |= {"running": 1} if service.running else {}
        services[service.sid] = row | ({"target": service.target} if service.target else {})
    nodes = {row.name: row.status for row in datacenter.ha_nodes}
    return _json(
        {
            "master_node": master, "node_status": nodes, "service_status": services,
            "timestamp": int(world.clock.now()) // 10 * 10,
        }
    )  # fmt: skip


def _crm_commands(_world: World, datacenter: Datacenter, _node: str) -> str | None:
    queued = {s.name: s.value for s in datacenter.ha_manager if s.name.startswith("command/")}
    text = "".join(f"{queued[name]}\n" for name in sorted(queued, key=lambda name: int(name.partition("/")[2])))
    return text or None


def _lrm_status(world: World, datacenter: Datacenter, node: str) -> str | None:
    row = datacenter.ha_nodes.get(node) or HaNode(name=node)
    return _json(
        {
            "mode": "maintenance" if row.maintenance else "active", "results": {},
            "state": "active" if row.lrm == "maintenance" else row.lrm,
            "timestamp": (int(row.seen or world.clock.now()) - 5) // 10 * 10 + 5,
        }
    )  # fmt: skip


def _running_sdn(_world: World, datacenter: Datacenter, _node: str) -> str | None:
    version = datacenter.sdn_versions.get("running")
    if version is None:
        return None
    found: dict[str, Any] = {"version": int(version.value)}
    for kind in ("zones", "vnets", "subnets", "controllers"):
        ids: dict[str, Any] = {
            row.id: {"type": row.type, **row.options} for row in datacenter.sdn_running.by("kind", kind)
        }
        found[kind] = {"ids": ids}
    return _json(found)


def _certificate(name: str) -> Render:
    """Return what reads a certificate of the simulator: keys are never shown."""

    def render(world: World, _datacenter: Datacenter, _node: str) -> str | None:
        path: Path = world.uploads.parent / "tls" / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    return render


def _masked(names: Callable[[Datacenter], list[str]], line: str) -> Render:
    """Return what lists whose secrets there are; the secrets themselves stay where they are."""

    def render(_world: World, datacenter: Datacenter, _node: str) -> str | None:
        return "".join(line.format(name) for name in sorted(names(datacenter))) or None

    return render


CLUSTER: Mapping[str, Render] = {
    f"{ROOT}/.members": _members,
    f"{ROOT}/.version": _version,
    f"{ROOT}/.vmlist": _vmlist,
    f"{ROOT}/ha/manager_status": _manager_status,
    f"{ROOT}/ha/crm_commands": _crm_commands,
    f"{ROOT}/sdn/.running-config": _running_sdn,
    f"{ROOT}/pve-root-ca.pem": _certificate("ca.pem"),
    f"{ROOT}/priv/shadow.cfg": _masked(
        lambda dc: [user.userid.removesuffix("@pve") for user in dc.users if user.userid.endswith("@pve")],
        "{}:*:\n",
    ),
    f"{ROOT}/priv/token.cfg": _masked(lambda dc: dc.tokens.keys(), "{} ********-****-****-****-************\n"),
}  # fmt: skip
"""The files of the whole cluster."""

DEFAULTS: Mapping[str, Render] = {f"{ROOT}/corosync.conf": _corosync}
"""Files that are made from the state as long as nobody has written them."""

NODE: Mapping[str, Render] = {"lrm_status": _lrm_status, "pve-ssl.pem": _certificate("server.pem")}
"""The files in the folder of each node."""
