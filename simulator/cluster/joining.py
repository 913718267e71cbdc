"""How a host joins a cluster: it asks a member to be added, and then becomes what the cluster is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

from simulator.access import ROOT
from simulator.cluster import log, membership
from simulator.cluster.corosync import AUTHKEY, PATH
from simulator.errors import ApiError, TaskError
from simulator.records import Node
from simulator.state import Datacenter, World
from simulator.tasks import Lock, Step, Steps, TaskRun, TaskRunner
from simulator.tickets import verify_password

_REQUEST_SECONDS = 1.2
_STOP_SECONDS = 2.3
_QUORUM_SECONDS = 5.0
_CERTIFICATE_SECONDS = 3.0
_PATIENCE = 120.0
"""How many seconds somebody looks at a host that waits for ever, as two nodes have the same id."""
LOCK = Lock("/var/lock/pvecm.lock")
"""Held by whoever makes a cluster or joins one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """The cluster that a host is to join, by one of its members, and as what."""

    hostname: str
    password: str | None = field(repr=False)
    """Of root@pam there; None where the hosts trust one another already."""
    fingerprint: str | None
    """Of the member's certificate; None where somebody has looked at it."""
    links: Mapping[str, str] = field(default_factory=dict)
    nodeid: int | None = None
    votes: int | None = None
    force: bool = False


def join_cluster(run: TaskRun, tasks: TaskRunner, request: JoinRequest) -> Steps:
    """Do all of it."""
    yield LOCK
    yield from _check(run, request)
    target, member = yield from _log_in(run, request)
    yield from _ask(run, request, target, member)
    yield from _become_member(run, tasks, target)


def _check(run: TaskRun, request: JoinRequest) -> Steps:
    """Look whether this host may join at all; force makes that a warning."""
    clustered = run.datacenter.clustered
    errors = [
        f"* authentication key '{AUTHKEY}' already exists" if clustered else "",
        f"* cluster config '{PATH}' already exists" if clustered else "",
        "* this host already contains virtual guests" if run.datacenter.guests else "",
        "* corosync is already running, is this node already in a cluster?!" if clustered else "",
    ]
    own = _addresses(run.datacenter, run.node)
    found = [text for text in errors if text] + [
        f"* link{number}: cannot use IP '{address}', not found on local node!\n"
        for number, address in request.links.items()
        if address not in own
    ]
    if not found:
        return
    yield "detected the following error(s):"
    yield from (line for text in found for line in text.split("\n"))
    if not request.force:
        raise TaskError("Check if node may join a cluster failed!")
    yield ""
    yield "WARNING : detected error but forced to continue!"
    yield ""


def _addresses(datacenter: Datacenter, name: str) -> set[str]:
    """Return the addresses of a host, and its name, which stands for the first of them."""
    node = datacenter.nodes[name]
    cards = datacenter.interfaces.by("node", name)
    found = [row.options[key] for row in cards for key in ("cidr", "cidr6") if key in row.options]
    return {node.name, node.ip, *(address.partition("/")[0] for address in found), *_tunnelled(datacenter, name)}


def _tunnelled(datacenter: Datacenter, name: str) -> Iterator[str]:
    """Yield the addresses that the running meshes of tinc give to a host, as their scripts say."""
    for unit in datacenter.units.by("node", name):
        mesh = re.fullmatch(r"tinc@(\w+)\.service", unit.name)
        script = mesh and datacenter.files.get(f"{name}:/etc/tinc/{mesh[1]}/tinc-up")
        if script and unit.active == "active":
            yield from re.findall(r"\bip addr(?:ess)? (?:add|replace) ([0-9a-fA-F.:]+)", script.text)


def _find(world: World, own: Node, hostname: str) -> tuple[Datacenter, Node] | None:
    """Return the host with an address, which is also that of its API here, or with a name."""
    endpoint = world.endpoints.get(hostname.removeprefix("https://").rstrip("/"))
    if endpoint is not None:
        return world.place_of(endpoint)
    return next(
        (
            (datacenter, node)
            for datacenter in world.datacenters.values()
            for node in datacenter.nodes
            if hostname in (node.ip, node.name, *node.rings.values()) and node.host not in ("", own.host)
        ),
        None,
    )


def _is_address(hostname: str) -> bool:
    try:
        ipaddress.ip_address(hostname.partition(":")[0] if hostname.count(":") == 1 else hostname)
    except ValueError:
        return False
    return True


def _log_in(run: TaskRun, request: JoinRequest) -> Generator[Step, None, tuple[Datacenter, Node]]:
    """Log in on the member; return its datacenter and the member."""
    hostname = request.hostname
    yield f"Establishing API connection with host '{hostname}'"
    found = _find(run.world, run.datacenter.nodes[run.node], hostname)
    if found is None or not found[1].online:
        reason = "No route to host" if found or _is_address(hostname) else "Name or service not known"
        raise TaskError(f"500 Can't connect to {hostname}:8006 ({reason})")
    target, member = found
    certificate = run.world.fingerprint
    if request.fingerprint is not None and request.fingerprint.upper() != certificate:
        raise TaskError(f"fingerprint '{certificate}' not verified, abort!")
    root = target.users.get(ROOT)
    if request.password is not None and (root is None or not verify_password(request.password, root.password)):
        raise TaskError("401 authentication failure")
    log.note(target, member.name, run.now, f"successful auth for user '{ROOT}'")
    yield "Login succeeded."
    return target, member


def _ask(run: TaskRun, request: JoinRequest, target: Datacenter, member: Node) -> Steps:
    """Ask the member to add this host to the cluster's configuration."""
    yield "check cluster join API version"
    own = run.datacenter.nodes[run.node]
    if not request.links:
        yield f"No cluster network links passed explicitly, fallback to local node IP '{own.ip}'"
    yield "Request addition of this node"
    yield _REQUEST_SECONDS
    wanted = membership.Addition(
        name=run.node, links=request.links, fallback=None if request.links else own.ip, nodeid=request.nodeid,
        votes=request.votes, force=request.force, apiversion=membership.JOIN_API_VERSION,
    )  # fmt: skip
    try:
        membership.add(target, member.name, wanted)
    except ApiError as refused:
        yield f"An error occurred on the cluster node: {refused.message}"
        yield from (f"! {text}" for text in refused.errors.values())
        raise TaskError("Cluster join aborted!") from None


def _become_member(run: TaskRun, tasks: TaskRunner, target: Datacenter) -> Steps:
    """Give up what this host has of its own, and take over what the cluster has."""
    yield "Join request OK, finishing setup locally"
    yield "stopping pve-cluster service"
    yield f"backup old database to '/var/lib/pve-cluster/backup/config-{int(run.now)}.sql.gz'"
    yield _STOP_SECONDS
    run.world.renew_ticket_key(run.datacenter.name)
    yield _QUORUM_SECONDS
    if len({node.nodeid for node in target.nodes}) < len(target.nodes):
        yield "waiting for quorum..."
        yield _PATIENCE
        raise TaskError("received interrupt")
    membership.move_in(run.datacenter, target, run.node, tasks)
    run.datacenter = target
    log.begin(target, run.node, run.now)
    yield "waiting for quorum...OK"
    yield "(re)generate node files"
    yield "generate new node certificate"
    yield "merge authorized SSH keys"
    yield "generated new node certificate, restart pveproxy and pvedaemon services"
    yield _CERTIFICATE_SECONDS
    yield f"successfully added node '{run.node}' to cluster."
