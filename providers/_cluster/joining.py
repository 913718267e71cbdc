"""How a host becomes part of a cluster: what stands against it, and the wait until everybody agrees that it is."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from providers._cluster.links import links_of
from providers._runtime import tasks
from providers._runtime.api import Api
from providers._runtime.connection import Connection
from providers._runtime.errors import ConfigProblem, ProxmoxError, TaskFailed, TookTooLong
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values

ROOT = "root@pam"
MADE_HERE = ("cluster", "made here")
"""What a `Cluster` of the program announces."""
PAUSE = 1.0
_TURNS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def turn(connection: str) -> threading.Lock:
    """Held by the host whose turn it is to join: a cluster that grows has no quorum for a moment."""
    return _TURNS[connection]


def password(connection: Connection) -> str:
    """Of root@pam; what makes and joins clusters is for him alone."""
    if connection.username != ROOT or connection.password is None:
        raise ConfigProblem(f"a connection that makes or joins a cluster has to log in as {ROOT}, with its password")
    return connection.password.get_secret_value()


def not_root(field: str, facts: Facts) -> Iterator[Problem]:
    """What a preview says where the connection is somebody else's."""
    if facts.client.connection.username != ROOT:
        yield (
            field,
            f"connection {facts.client.name!r} has to log in as {ROOT} with its password: no API token may make or "
            f"join a cluster, whatever its privileges",
        )


def cluster_name(facts: Facts) -> str | None:
    """The cluster that a host is in."""
    rows: list[dict[str, Any]] = facts.look("/cluster/status") or []
    return next((str(row["name"]) for row in rows if row.get("type") == "cluster"), None)


def problems(facts: Facts, joiner: Facts, wanted: Values) -> Iterator[Problem]:
    """Why Proxmox would not let the host join; a join that it refuses is a task that fails after minutes."""
    node, where = wanted["node"], f"connection {wanted['joining']!r}"
    yield from not_root("connection", facts)
    yield from not_root("joining", joiner)
    if facts.client.connection.totp_secret is not None:
        yield "connection", f"{ROOT} has a second factor there, and a host that joins can't give one: use `pvecm add`"
    names = sorted(str(row["node"]) for row in joiner.of_type("node"))
    other = cluster_name(joiner)
    if other is not None:
        yield "joining", f"{where} leads to cluster {other!r}: a host can be in one cluster only"
    elif names != [node]:
        yield "node", f"{where} leads to {', '.join(names)}, and not to {node}"
    guests = sorted(int(row["vmid"]) for row in joiner.of_type("qemu", "lxc"))
    if guests:
        yield (
            "joining",
            f"{node} has guests ({', '.join(map(str, guests))}): their VMIDs could be taken in the cluster, so that "
            f"Proxmox lets no such host join; back them up, remove them, and restore them afterwards",
        )
    if facts.node(node) is not None:
        yield "node", f"the cluster has a node {node} already, and names can't be changed"
    yield from _versions(facts, joiner, node)
    yield from _links(facts, wanted)


def _versions(facts: Facts, joiner: Facts, node: str) -> Iterator[Problem]:
    """Nodes of two major releases can't be made members of one cluster."""
    there, own = ((each.look("/version") or {}).get("version", "") for each in (facts, joiner))
    if there.partition(".")[0] != own.partition(".")[0]:
        yield "joining", f"{node} has Proxmox VE {own} and the cluster {there}: bring both to the same release first"


def _links(facts: Facts, wanted: Values) -> Iterator[Problem]:
    """A node has the links that all nodes have."""
    rows: list[dict[str, Any]] = facts.look("/cluster/config/nodes") or []
    if not rows:
        if not facts.announced(*MADE_HERE):
            yield "connection", f"connection {facts.client.name!r} leads to a host that is in no cluster"
        return
    there, given = set(links_of(rows[0])), set(wanted.get("link", {}))
    if given and given != there:
        yield "link", f"the cluster has {', '.join(sorted(there))}, and a node needs an address on each and no other"
    elif not given and len(there) > 1:
        yield "link", f"the cluster has {', '.join(sorted(there))}: say which address the node has on each"


def await_task(api: Api, upid: str, what: str) -> None:
    """Until a task is over, or its host says no more of it: its API starts anew, and may get another certificate."""
    try:
        tasks.wait(api, upid, what)
    except TaskFailed:
        raise
    except ProxmoxError as lost:
        api.say(f"{what}: {lost}")


def await_quorum(api: Api, node: str) -> None:
    """Until the cluster sees the node, and is a majority; meanwhile it may give no sensible answer."""
    while not _settled(api, node):
        api.say(f"waiting until {node} is online and the cluster has quorum")
        if time.monotonic() + PAUSE > api.deadline:
            raise TookTooLong(f"{node} has not come online in a cluster with quorum; `pvecm status` there says why")
        time.sleep(PAUSE)
    api.facts.forget()


def _settled(api: Api, node: str) -> bool:
    try:
        rows: list[dict[str, Any]] = api.get("/cluster/status")
    except ProxmoxError:
        return False
    quorate = any(row.get("quorate") for row in rows if row["type"] == "cluster")
    return quorate and any(row.get("online") and row["name"] == node for row in rows if row["type"] == "node")
