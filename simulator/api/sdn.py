"""`/cluster/sdn`: the lock, and what makes the configuration of the network take effect or takes it back."""

from __future__ import annotations

import difflib
import secrets
import uuid
from typing import Any

from simulator.errors import ApiError
from simulator.records import Node, Setting
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.sdn.config import apply, change_lock, has_pending, node_zones, reload_node, roll_back
from simulator.sdn.files import interfaces_file
from simulator.sdn.options import LOCK_TOKEN
from simulator.tasks import Steps, TaskRun

_ALLOCATE = ["perm", "/sdn", ["SDN.Allocate"]]
_RELEASE = {"release-lock": boolean(optional=True), **LOCK_TOKEN}
_RELOAD_SECONDS = 2.0
_PENDING = "configuration has pending changes at /usr/share/perl5/PVE/API2/Network/SDN.pm line 150."


@route("GET", "/cluster/sdn", check=["perm", "/sdn", ["SDN.Audit"]])
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/sdn`."""
    return [{"id": name} for name in ("vnets", "zones", "controllers", "ipams", "dns", "fabrics")]


@route("POST", "/cluster/sdn/lock", params={"allow-pending": boolean(optional=True)}, check=_ALLOCATE, protected=True)
def take_lock(call: Call) -> str:
    """Take the lock: from now on only who shows its token may change the network."""
    prefix = "could not acquire lock for SDN config: "
    change_lock(call, prefix)
    if not call.flag("allow-pending") and has_pending(call.datacenter):
        raise ApiError(f"{prefix}{_PENDING}")
    token = str(_token(call.now))
    call.datacenter.sdn_versions.put(Setting(name="lock", value=token))
    return token


def _token(now: float) -> uuid.UUID:
    """Return a UUID that begins with the time."""
    bits = int(now * 1000) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=bits)


@route(
    "DELETE", "/cluster/sdn/lock", params={"force": boolean(optional=True), **LOCK_TOKEN},
    check=_ALLOCATE, protected=True,
)  # fmt: skip
def release_lock(call: Call) -> None:
    """Give the lock back; with force also somebody else's."""
    if call.flag("force"):
        call.cfs_lock("domain-sdn", "could not release lock: ")
    else:
        change_lock(call, "could not release lock: ")
    call.datacenter.sdn_versions.delete("lock")


def _release(call: Call) -> None:
    if call.flag("release-lock", default=True):
        call.datacenter.sdn_versions.delete("lock")


@route("PUT", "/cluster/sdn", params=_RELEASE, check=_ALLOCATE, protected=True)
def apply_changes(call: Call) -> str:
    """Make the configuration the running one, and let every node load it."""
    change_lock(call, "could not commit SDN config: ")
    apply(call.datacenter)
    _release(call)

    def body(run: TaskRun) -> Steps:
        frr = int(any(zone.type == "evpn" for zone in run.datacenter.sdn_running.by("kind", "zones")))
        for node in list(run.datacenter.nodes):
            yield from _reload(call, run, node, frr)

    return call.start_task("reloadnetworkall", "", body)


def _reload(call: Call, run: TaskRun, node: Node, frr: int) -> Steps:
    """Let a node load the network, as a task of its own there; one that is down is only logged."""
    yield f"{node.name}: reloading network config"
    if run.datacenter.nodes[node.name] not in run.datacenter.connected(run.node):
        yield f"proxy handler failed: ssh: connect to host {node.ip} port 22: No route to host"
        yield f"command 'pvesh set /nodes/{node.name}/network --regenerate-frr {frr}' failed: exit code 255"
        return
    call.tasks.start(run.datacenter, node.name, run.user, kind="srvreload", id_="networking", body=_service_reload)
    yield _RELOAD_SECONDS


def _service_reload(run: TaskRun) -> Steps:
    """Reload a node's network."""
    yield 0.5
    reload_node(run.datacenter, run.node)


@route("POST", "/cluster/sdn/rollback", params=_RELEASE, check=_ALLOCATE, protected=True)
def rollback(call: Call) -> None:
    """Take back every change since the last one that was applied."""
    change_lock(call, "could not rollback SDN configuration: ")
    roll_back(call.datacenter)
    _release(call)


@route(
    "GET", "/cluster/sdn/dry-run", params={"node": string(format="pve-node")},
    check=["perm", "/nodes/{node}", ["Sys.Audit"]], protected=True, proxyto="node",
)  # fmt: skip
def dry_run(call: Call) -> dict[str, Any]:
    """Return in what a node's network files would change."""
    running = interfaces_file(call.datacenter.sdn_running, node_zones(call.datacenter, call.node))
    zones = sorted(call.datacenter.sdn.by("kind", "zones"), key=lambda row: row.id)
    mine = [row for row in zones if call.node in row.options.get("nodes", call.node).split(",")]
    name = "etc/network/interfaces.d/sdn"
    lines = difflib.unified_diff(
        running, interfaces_file(call.datacenter.sdn, mine), f"/{name}", f"/{name}.new", lineterm=""
    )  # fmt: skip
    text = "\n".join(lines)
    return {"interfaces-diff": text, "frr-diff": ""}
