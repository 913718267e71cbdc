"""`/cluster/config`: how a cluster is made, and who is in it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from simulator.cluster import membership
from simulator.cluster.corosync import (
    AUTHKEY,
    LINK,
    LINKS,
    PATH,
    addresses_in,
    config_of,
    digest,
    links_in,
    node_entry,
    render,
    totem,
)  # fmt: skip
from simulator.cluster.joining import LOCK, JoinRequest, join_cluster
from simulator.cluster.records import ClusterConfig
from simulator.errors import ApiError
from simulator.routing import Call, route
from simulator.schema import Param, boolean, integer, string
from simulator.tasks import Steps, TaskRun
from simulator.versions import at_least

_AUDIT = ["perm", "/", ["Sys.Audit"]]
_LINK_PARAMS: dict[str, Param] = {"link[n]": string(format=LINK, optional=True, count=LINKS)}
_NODE: dict[str, Param] = {"node": string(format="pve-node")}
_NODEID = integer(minimum=1, optional=True)
_RESTART_SECONDS = 1.0


@route("GET", "/cluster/config", check=_AUDIT)
def index(_call: Call) -> list[dict[str, str]]:
    """List what there is below `/cluster/config`."""
    return [{"name": name} for name in ("nodes", "totem", "join", "qdevice", "apiversion")]


@route("GET", "/cluster/config/apiversion", check=_AUDIT)
def apiversion(_call: Call) -> str:
    """Return the version of the way in which nodes join."""
    return str(membership.JOIN_API_VERSION)


@route(
    "POST", "/cluster/config",
    params=_LINK_PARAMS
    | {
        "clustername": string(format="pve-node", max_length=15),
        "nodeid": _NODEID,
        "token-coefficient": integer(minimum=0, optional=True),
        "votes": integer(minimum=1, optional=True),
    },
    protected=True,
)  # fmt: skip
def create(call: Call) -> str:
    """Make this host the first node of a cluster."""
    if call.datacenter.clustered:
        raise ApiError(f"cluster config '{PATH}' already exists")
    links = links_in(call.params) or {"0": {"address": call.this_node.ip}}
    config = ClusterConfig(
        cluster_name=call.text("clustername"), config_version=1,
        token_coefficient=call.integer("token-coefficient", 125) if at_least(call.this_node.version, "9.2") else None,
        links={number: _priority(link) for number, link in links.items()},
    )  # fmt: skip
    node = {
        "nodeid": call.integer("nodeid", 1), "votes": call.integer("votes", 1),
        "rings": {number: str(link["address"]) for number, link in links.items()},
    }  # fmt: skip
    return call.start_task("clustercreate", config.cluster_name, lambda run: _create(run, config, node))


def _priority(link: Mapping[str, Any]) -> str:
    return str(link["priority"]) if link.get("priority") else ""


def _create(run: TaskRun, config: ClusterConfig, node: Mapping[str, object]) -> Steps:
    yield LOCK
    yield "Corosync Cluster Engine Authentication key generator."
    yield "Gathering 2048 bits for key from /dev/urandom."
    yield f"Writing corosync key to {AUTHKEY}."
    yield f"Writing corosync config to {PATH}"
    yield "Restart corosync and cluster filesystem"
    yield _RESTART_SECONDS
    membership.create(run.datacenter, run.node, config, node)


@route("GET", "/cluster/config/nodes", check=_AUDIT)
def nodes(call: Call) -> list[dict[str, str]]:
    """List the nodes that the cluster's configuration names."""
    found = call.datacenter.nodes if call.datacenter.clustered else ()
    return [{"node": node.name, **node_entry(node)} for node in found]


@route(
    "POST", "/cluster/config/nodes/{node}",
    params=_NODE
    | _LINK_PARAMS
    | {
        "apiversion": integer(optional=True),
        "force": boolean(optional=True),
        "new_node_ip": string(format="ip", optional=True),
        "nodeid": _NODEID,
        "votes": integer(minimum=0, optional=True),
    },
    protected=True,
)  # fmt: skip
def add_node(call: Call) -> dict[str, Any]:
    """Add a node to the configuration, as one does that is about to join."""
    wanted = membership.Addition(
        name=call.text("node"), links=addresses_in(call.params), fallback=call.optional("new_node_ip"),
        nodeid=call.integer("nodeid") or None, votes=call.integer("votes") if "votes" in call else None,
        force=call.flag("force"), apiversion=call.integer("apiversion"),
    )  # fmt: skip
    membership.add(call.datacenter, call.node, wanted)
    key = secrets.token_hex(128)
    return {"corosync_authkey": key, "corosync_conf": render(call.datacenter), "warnings": []}


@route("DELETE", "/cluster/config/nodes/{node}", params=_NODE, protected=True)
def delete_node(call: Call) -> None:
    """Put a node out of the cluster."""
    if call.text("node") == call.node:
        raise ApiError("Cannot delete myself from cluster!")
    call.need_quorum()
    membership.remove(call.world, call.datacenter, call.node, call.text("node"), call.tasks)


@route("GET", "/cluster/config/join", params={"node": string(format="pve-node", optional=True)}, check=_AUDIT)
def join_info(call: Call) -> dict[str, Any]:
    """Return what a host needs to know to join this cluster."""
    datacenter, preferred = call.datacenter, call.text("node", call.node)
    if not datacenter.clustered:
        raise ApiError("node is not in a cluster, no join info available!", 424, newline=False)
    if preferred not in datacenter.nodes:
        raise ApiError(f"unknown node '{preferred}'")
    rows = [
        {"pve_addr": node.ip, "pve_fp": call.client.get("fingerprint", ""), **node_entry(node)}
        for node in datacenter.nodes
    ]
    return {
        "config_digest": digest(datacenter), "nodelist": rows, "preferred_node": preferred,
        "totem": totem(config_of(datacenter)),
    }  # fmt: skip


@route(
    "POST", "/cluster/config/join",
    params=_LINK_PARAMS
    | {
        "fingerprint": string(pattern="([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}"),
        "force": boolean(optional=True),
        "hostname": string(),
        "nodeid": _NODEID,
        "password": string(max_length=128),
        "votes": integer(minimum=0, optional=True),
    },
    protected=True,
)  # fmt: skip
def join(call: Call) -> str:
    """Let this host join the cluster that another host is in."""
    request = JoinRequest(
        hostname=call.text("hostname"), password=call.text("password"), fingerprint=call.text("fingerprint"),
        links=addresses_in(call.params), nodeid=call.integer("nodeid") or None,
        votes=call.integer("votes") if "votes" in call else None, force=call.flag("force"),
    )  # fmt: skip
    return call.start_task("clusterjoin", "", lambda run: join_cluster(run, call.tasks, request))


@route("GET", "/cluster/config/totem", check=_AUDIT)
def read_totem(call: Call) -> dict[str, Any] | None:
    """Return the settings of the cluster's protocol."""
    return totem(config_of(call.datacenter)) if call.datacenter.clustered else None


@route("GET", "/cluster/config/qdevice", check=_AUDIT, protected=True)
def qdevice(_call: Call) -> dict[str, str]:
    """Return the state of an external vote; no cluster has one."""
    return {}
