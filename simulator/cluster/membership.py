"""Who is in a cluster: nodes that are added to its configuration, machines that move in, and nodes put out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.cluster import log
from simulator.cluster.corosync import LINKS, config_of
from simulator.cluster.records import ClusterConfig
from simulator.errors import ApiError
from simulator.records import Node
from simulator.state import Datacenter, World
from simulator.store import Table
from simulator.tasks import TaskRunner

JOIN_API_VERSION = 1
_NOT_OF_A_MACHINE = ("guests", "ha_services")
"""Tables whose records name a node but are part of the cluster's configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A node that is to be added to a cluster's configuration."""

    name: str
    links: Mapping[str, str] = field(default_factory=dict)
    """Its addresses by the number of the link."""
    fallback: str | None = None
    """Its address when no link is given."""
    nodeid: int | None = None
    votes: int | None = None
    force: bool = False
    apiversion: int = 0


def create(datacenter: Datacenter, name: str, config: ClusterConfig, node: Mapping[str, object]) -> None:
    """Make a host the first node of a cluster."""
    datacenter.cluster_config.put(config)
    datacenter.nodes.put(replace(datacenter.nodes[name], **node))  # type: ignore[arg-type]
    for key in datacenter.cluster_log.keys():  # noqa: SIM118 - a table iterates over its records
        datacenter.cluster_log.delete(key)
    log.begin(datacenter, name, datacenter.clock.now())


def check_version(apiversion: int) -> None:
    """Refuse a node that is too old to join."""
    if apiversion < JOIN_API_VERSION - 1:
        raise ApiError(
            f"error: unsupported old API version on joining node ({apiversion}), cluster node has {JOIN_API_VERSION}"
            f" and supports >= {JOIN_API_VERSION - 1}. Please upgrade node before joining"
        )


def add(datacenter: Datacenter, observer: str, wanted: Addition) -> None:
    """Add a node to the configuration; until its machine moves in, it is only a name."""
    check_version(wanted.apiversion)
    if not datacenter.quorate_on(observer):
        raise ApiError("cluster not ready - no quorum?")
    if not datacenter.clustered:
        raise ApiError("invalid corosync.conf", errors={"error0": "no nodes found"})
    _check_addresses(datacenter, wanted)
    links = _links(datacenter, wanted)
    nodeid, votes = _nodeid_and_votes(datacenter, wanted)
    log.note(datacenter, observer, datacenter.clock.now(), f"adding node {wanted.name} to cluster", pri=log.NOTICE)
    known = datacenter.nodes.get(wanted.name)
    blank = Node(name=wanted.name, nodeid=nodeid, ip="", cpus=0, memory=0, disk=0, online=False)
    datacenter.nodes.put(replace(known or blank, nodeid=nodeid, votes=votes, rings=links))
    _activate(datacenter)


def _check_addresses(datacenter: Datacenter, wanted: Addition) -> None:
    """Refuse an address that another node has: two of the same would crash the cluster."""
    for address in wanted.links.values():
        for node in datacenter.nodes:
            link = next((number for number, ring in node.rings.items() if ring == address), None)
            if link is not None and node.name != wanted.name:
                used = f"already used on link ring{link}_addr by node '{node.name}'"
                raise ApiError(f"corosync: address '{address}' {used}")


def _links(datacenter: Datacenter, wanted: Addition) -> Mapping[str, str]:
    """Return the addresses of a new node, which has the links that all nodes have."""
    existing = next(iter(datacenter.nodes)).rings
    links, fallback = wanted.links, wanted.fallback
    if fallback is None and len(links) == 1 and wanted.apiversion == 0:
        links, fallback = {}, next(iter(links.values()))
    for number in (str(link) for link in range(LINKS) if links):
        if number in existing and number not in links:
            raise ApiError(f"corosync: link {number} exists in cluster config but wasn't specified for new node")
        if number not in existing and number in links:
            raise ApiError(f"corosync: link {number} specified for new node doesn't exist in cluster config")
    if links:
        return links
    if fallback is None:
        raise ApiError("no links and no fallback ip (new_node_ip) given, cannot join cluster")
    if len(existing) != 1:
        raise ApiError(
            "no links given but multiple links found on other nodes, fallback only supported on single-link clusters"
        )
    return {next(iter(existing)): fallback}


def _nodeid_and_votes(datacenter: Datacenter, wanted: Addition) -> tuple[int, int]:
    """Return the id and the votes of a new node, or those of one that is added again by force."""
    known = datacenter.nodes.get(wanted.name)
    if known is None:
        taken = {node.nodeid for node in datacenter.nodes}
        free = next(number for number in range(1, len(taken) + 2) if number not in taken)
        return wanted.nodeid or free, 1 if wanted.votes is None else wanted.votes
    same_votes = wanted.votes is None or wanted.votes == known.votes
    if not wanted.force or wanted.nodeid not in (None, known.nodeid) or not same_votes:
        raise ApiError(f"can't add existing node '{wanted.name}'")
    return known.nodeid, known.votes


def _activate(datacenter: Datacenter) -> None:
    """Put a changed list of nodes into force: all of them count the votes anew."""
    config = config_of(datacenter)
    datacenter.cluster_config.put(replace(config, config_version=config.config_version + 1))
    for node in datacenter.nodes:
        if node.expected:
            datacenter.nodes.put(replace(node, expected=0))


def move_in(source: Datacenter, target: Datacenter, name: str, tasks: TaskRunner) -> None:
    """Let the machine of a host that is in no cluster become the node of its name in one.

    What is on the machine comes along: its network, disks, files and tasks. What was in the host's own
    `/etc/pve` is gone.
    """
    entry, side = target.nodes[name], next(node.side for node in target.nodes if node.host)
    moved = replace(
        source.nodes[name], nodeid=entry.nodeid, votes=entry.votes, rings=entry.rings, side=side,
        moved=target.clock.now(),
    )  # fmt: skip
    _carry_over(source, target, name)
    for table in source.tables():
        _clear(table)
    target.nodes.put(moved)
    tasks.carry_over(source, target, name)


def _carry_over(source: Datacenter, target: Datacenter, name: str) -> None:
    """Move the records of what belongs to a machine to another datacenter."""
    for label, table in vars(source).items():
        if isinstance(table, Table) and label not in _NOT_OF_A_MACHINE:
            for record in table:
                if getattr(record, "node", None) == name and label != "cluster_log":
                    getattr(target, label).put(record)
                    table.delete(table.key(record))


def _clear(table: Table[Any, Any]) -> None:
    for key in table.keys():  # noqa: SIM118 - a table iterates over its records
        table.delete(key)


def remove(world: World, datacenter: Datacenter, observer: str, wanted: str, tasks: TaskRunner) -> None:
    """Put a node out of a cluster.

    Its machine goes on with the copy of the cluster's configuration that it has, and sees nobody else any more.
    """
    names = (node for node in datacenter.nodes if wanted in (node.name, node.rings.get("0"), node.rings.get("1")))
    node = next(names, None)
    if node is None:
        raise ApiError(f"Node/IP: {wanted} is not a known host of the cluster.")
    now = datacenter.clock.now()
    log.note(datacenter, observer, now, f"deleting node {node.name} from cluster", pri=log.NOTICE)
    if node.host:
        alone = world.datacenters[node.host]
        _copy(world, datacenter, alone)
        for other in alone.nodes:
            if other.name != node.name:
                alone.nodes.put(replace(other, host="", online=False))
        _carry_over(datacenter, alone, node.name)
        tasks.carry_over(datacenter, alone, node.name)
    datacenter.nodes.delete(node.name)
    datacenter.ha_nodes.delete(node.name)
    _activate(datacenter)


def _copy(world: World, source: Datacenter, target: Datacenter) -> None:
    """Copy a cluster's configuration, and the key by which its tickets are good."""
    for label, table in vars(source).items():
        if isinstance(table, Table):
            copy = getattr(target, label)
            _clear(copy)
            for record in table:
                if label == "nodes" or getattr(record, "node", "") == "" or label in _NOT_OF_A_MACHINE:
                    copy.put(record)
    key = world.settings[f"{source.name}/ticket-key"]
    world.settings.put(replace(key, name=f"{target.name}/ticket-key"))
