"""The state of everything that is simulated: a world of datacenters, each a set of typed tables.

A datacenter is what Proxmox calls so: one cluster, or one host that is in none. Reading is plain look-up;
writing goes through `Table.put` and `Table.delete` inside `World.database.transaction()`, which the router
and the task runner open.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.clock import Clock
from simulator.cluster.records import COROSYNC, ClusterConfig, DirectoryEntry, LogEntry
from simulator.errors import ApiError
from simulator.guests.inside import Opening, Programs
from simulator.ha.records import HaNode, HaService
from simulator.nodes.records import Device, Disk, DiskGroup, JournalEntry, PowerEvent, ServiceState, Subscription
from simulator.records import (  # fmt: skip
    Acl,
    Agent,
    Capacity,
    Console,
    File,
    Group,
    Guest,
    Interface,
    Node,
    Pool,
    Replication,
    Role,
    SecondFactor,
    Section,
    Setting,
    Task,
    Token,
    Unit,
    User,
    Volume,
    Written,
)
from simulator.sdn.records import IpEntry, SdnObject
from simulator.store import Database, Journal, StateError, Table

if TYPE_CHECKING:
    from simulator.tasks import Steps, TaskRun

Boot = Callable[["TaskRun", int], "Steps"]
Devices = Callable[["Datacenter", Guest], list[dict[str, Any]] | None]

DETECTED_AFTER = 7.0
"""How many seconds the others need to notice that a node is lost."""


class Datacenter:
    """One cluster, or one host that is in none."""

    def __init__(self, name: str, journal: Journal, clock: Clock) -> None:
        """Make the empty tables."""
        self.name = name
        self.clock = clock
        self.rows: dict[int, tuple[Guest, dict[str, Any]]] = {}
        """What lists show of a guest, and the record from which it was made: good as long as that is the current."""

        def label(table: str) -> str:
            return f"{name}/{table}"

        self.nodes = Table[str, Node](journal, label("nodes"), Node, lambda row: row.name, host=lambda row: row.host)
        self.cluster_config = Table[str, ClusterConfig](
            journal, label("corosync.conf"), ClusterConfig, lambda _row: COROSYNC
        )
        self.interfaces = Table[str, Interface](
            journal,
            label("interfaces"),
            Interface,
            lambda row: f"{row.node}/{row.iface}",
            node=lambda row: row.node,
        )
        self.files = Table[str, File](journal, label("files"), File, lambda row: f"{row.node}:{row.path}")
        self.written = Table[str, Written](journal, label("written"), Written, lambda row: row.path)
        self.units = Table[str, Unit](
            journal, label("units"), Unit, lambda row: f"{row.node}/{row.name}", node=lambda row: row.node
        )
        self.storages = Table[str, Section](journal, label("storage.cfg"), Section, lambda row: row.id)
        self.capacities = Table[str, Capacity](
            journal, label("capacities"), Capacity, lambda row: f"{row.storage}/{row.node}"
        )
        self.volumes = Table[str, Volume](
            journal, label("volumes"), Volume, lambda row: volume_key(row.node, row.volid),
            size=lambda row: row.used, place=lambda row: (row.storage, row.node), storage=lambda row: row.storage,
            vmid=lambda row: row.vmid, parent=lambda row: row.parent,
        )  # fmt: skip
        self.guests = Table[int, Guest](
            journal, label("guests"), Guest, lambda row: row.vmid, place=lambda row: (row.type, row.node)
        )
        self.consoles = Table[str, Console](journal, label("consoles"), Console, lambda row: f"{row.node}/{row.port}")
        self.agents = Table[int, Agent](journal, label("agents"), Agent, lambda row: row.vmid)
        self.pools = Table[str, Pool](journal, label("pools"), Pool, lambda row: row.poolid)
        self._add_access_tables(journal)
        self._add_service_tables(journal)
        self._add_node_tables(journal)
        self.options = Table[str, Setting](journal, label("datacenter.cfg"), Setting, lambda row: row.name)
        self.tasks = Table[str, Task](
            journal, label("tasks"), Task, lambda row: row.upid,
            node=lambda row: row.node, running=lambda row: row.exitstatus is None,
        )  # fmt: skip

    def _add_access_tables(self, journal: Journal) -> None:
        """Make the tables of users and their permissions."""

        def label(table: str) -> str:
            return f"{self.name}/{table}"

        self.users = Table[str, User](journal, label("users"), User, lambda row: row.userid)
        self.tokens = Table[str, Token](
            journal, label("tokens"), Token, lambda row: row.full_id, userid=lambda row: row.userid
        )
        self.second_factors = Table[str, SecondFactor](
            journal, label("tfa.cfg"), SecondFactor, lambda row: f"{row.userid}/{row.id}", userid=lambda row: row.userid
        )
        self.groups = Table[str, Group](journal, label("groups"), Group, lambda row: row.groupid)
        self.roles = Table[str, Role](journal, label("roles"), Role, lambda row: row.roleid)
        self.acl = Table[str, Acl](journal, label("acl"), Acl, lambda row: row.path)
        self.domains = Table[str, Section](journal, label("domains.cfg"), Section, lambda row: row.id)

    def _add_service_tables(self, journal: Journal) -> None:
        """Make the tables of what the cluster does by itself: networks, high availability, jobs."""

        def label(table: str) -> str:
            return f"{self.name}/{table}"

        def sdn_key(row: SdnObject) -> str:
            return f"{row.kind}/{row.id}"

        def sections(table: str) -> Table[str, Section]:
            return Table[str, Section](journal, label(table), Section, lambda row: row.id)

        def settings(table: str) -> Table[str, Setting]:
            return Table[str, Setting](journal, label(table), Setting, lambda row: row.name)

        self.sdn = Table[str, SdnObject](journal, label("sdn"), SdnObject, sdn_key, kind=lambda row: row.kind)
        self.sdn_running = Table[str, SdnObject](
            journal, label("sdn/running"), SdnObject, sdn_key, kind=lambda row: row.kind
        )
        self.sdn_versions = settings("sdn/versions")
        self.ips = Table[str, IpEntry](journal, label("sdn/ips"), IpEntry, lambda row: f"{row.zone}/{row.ip}")
        self.ha_resources = sections("ha/resources.cfg")
        self.ha_groups = sections("ha/groups.cfg")
        self.ha_rules = sections("ha/rules.cfg")
        self.ha_services = Table[str, HaService](journal, label("ha/services"), HaService, lambda row: row.sid)
        self.ha_nodes = Table[str, HaNode](journal, label("ha/nodes"), HaNode, lambda row: row.name)
        self.ha_manager = settings("ha/manager")
        self.backup_jobs = sections("jobs.cfg")
        self.sync_jobs = sections("jobs.cfg/realm-sync")
        self.sync_runs = settings("jobs.cfg/realm-sync/runs")
        self.backup_runs = settings("jobs.cfg/runs")
        self.replication_jobs = sections("replication.cfg")
        self.replications = Table[str, Replication](
            journal, label("replication.cfg/states"), Replication, lambda row: row.id
        )
        self.mappings = sections("mapping")
        self.cpu_models = sections("cpu-models.conf")
        self.cluster_log = Table[str, LogEntry](
            journal, label("clusterlog"), LogEntry, lambda row: f"{row.node}/{row.uid}", node=lambda row: row.node
        )
        self.directory = Table[str, DirectoryEntry](
            journal, label("directory"), DirectoryEntry, lambda row: f"{row.realm}/{row.type}/{row.name}"
        )
        self.metric_servers = sections("status.cfg")

    def _add_node_tables(self, journal: Journal) -> None:
        """Make the tables of what belongs to single nodes: daemons, journal, disks, devices."""

        def label(table: str) -> str:
            return f"{self.name}/{table}"

        self.services = Table[str, ServiceState](
            journal, label("services"), ServiceState, lambda row: f"{row.node}/{row.service}"
        )
        self.journal = Table[str, JournalEntry](
            journal, label("journal"), JournalEntry, lambda row: f"{row.node}/{row.number}", node=lambda row: row.node
        )
        self.power_events = Table[str, PowerEvent](journal, label("power"), PowerEvent, lambda row: row.node)
        self.disks = Table[str, Disk](
            journal, label("disks"), Disk, lambda row: f"{row.node}/{row.name}", node=lambda row: row.node
        )
        self.disk_groups = Table[str, DiskGroup](
            journal, label("disk-groups"), DiskGroup, lambda row: f"{row.node}/{row.kind}/{row.name}",
            node=lambda row: row.node,
        )  # fmt: skip
        self.devices = Table[str, Device](
            journal, label("devices"), Device, lambda row: f"{row.node}/{row.kind}/{row.id}",
            place=lambda row: (row.node, row.kind),
        )  # fmt: skip
        self.subscriptions = Table[str, Subscription](
            journal, label("subscription"), Subscription, lambda row: row.node
        )
        self.notifications = Table[str, Section](journal, label("notifications.cfg"), Section, lambda row: row.id)
        self.acme_accounts = Table[str, Section](journal, label("acme"), Section, lambda row: row.id)
        self.acme_plugins = Table[str, Section](journal, label("acme/plugins.cfg"), Section, lambda row: row.id)

    def tables(self) -> Iterator[Table[Any, Any]]:
        """Yield every table."""
        for value in vars(self).values():
            if isinstance(value, Table):
                yield value

    def guest(self, vmid: int, kind: str, node: str) -> Guest:
        """Return the guest of this type on this node, or refuse in the words for a missing configuration file."""
        guest = self.guests.get(vmid)
        if guest is None or guest.type != kind or guest.node != node:
            raise ApiError(f"Configuration file '{guest_path(vmid, kind, node)}' does not exist")
        return guest

    @property
    def clustered(self) -> bool:
        """Tell whether this is a cluster."""
        return COROSYNC in self.cluster_config

    def connected(self, observer: str) -> list[Node]:
        """Return the nodes that a node can talk with, itself among them: on its side of the network, and up."""
        own = self.nodes[observer]
        others = (node for node in self.nodes if node.online and node.host and segment(node) == segment(own))
        return [own, *(node for node in others if node is not own)]

    def members(self, observer: str) -> list[Node]:
        """Return the nodes that a node takes for online: that one is lost is noticed some seconds later only."""
        connected, own = self.connected(observer), self.nodes[observer]
        names = {node.name for node in connected}
        lost = (node for node in self.nodes if node.name not in names and node.host)
        return connected + [node for node in lost if not self.clock.passed(lost_since(own, node), DETECTED_AFTER)]

    def expected_votes(self, nodes: list[Node]) -> int:
        """Return how many votes nodes that are connected expect: all, or what they were told."""
        configured = sum(node.votes for node in self.nodes)
        return max(node.expected or configured for node in nodes)

    def _majority(self, nodes: list[Node]) -> bool:
        """Tell whether nodes that are connected have more than half of the votes that they expect."""
        return not self.clustered or sum(node.votes for node in nodes) * 2 > self.expected_votes(nodes)

    def quorate_on(self, observer: str) -> bool:
        """Tell whether a node takes itself for a part of the majority."""
        return self._majority(self.members(observer))

    def quorate_side(self) -> list[Node]:
        """Return the nodes that are connected and a majority; none when no side of the network has one."""
        sides = (self.connected(node.name) for node in self.nodes if node.online and node.host)
        return next((side for side in sides if self._majority(side)), [])

    def in_majority(self, name: str) -> bool:
        """Tell whether a node is one of those that are connected and a majority."""
        return any(node.name == name for node in self.quorate_side())

    def pool_of(self, vmid: int) -> str | None:
        """Return the pool that this guest is a member of."""
        return next((pool.poolid for pool in self.pools if vmid in pool.vms), None)


class World:
    """Everything: all datacenters, the clock, the database."""

    inside: Opening
    """How the inside of a running guest is opened: what puts the simulator together says so."""

    def __init__(self, database: Path) -> None:
        """Open the database; `add` then loads or begins each datacenter."""
        self.home = database.parent
        self.uploads = self.home / "uploads"
        self.authority = self.home / "tls" / "ca.pem"
        """The certificate of the authority that every node trusts, `pve-root-ca.pem`."""
        self.journal = Journal()
        self.database = Database(database, self.journal)
        self.clock = Clock()
        self.boot: Boot = _there_already
        """What a container's start waits for when the state says that it runs."""
        self.devices: Devices = lambda _datacenter, _guest: None
        """What `ip -json address` says in a running container; None where there is nobody to ask."""
        self.on_node: Callable[[Datacenter, str], Programs | None] = lambda _datacenter, _node: None
        """What runs the programs of a node's packages; None where they are only modelled."""
        self.datacenters: dict[str, Datacenter] = {}
        self.fingerprint = ""
        """The fingerprint of the certificate that all machines have."""
        self.endpoints: dict[str, str] = {}
        """The machines of the topology by the address and port at which their API answers."""
        self.settings = Table[str, Setting](self.journal, "settings", Setting, lambda row: row.name)
        self.database.load(self.settings)

    def tables(self) -> Iterator[Table[Any, Any]]:
        """Yield every table of every datacenter, and the settings."""
        yield self.settings
        for datacenter in self.datacenters.values():
            yield from datacenter.tables()

    def add(self, name: str) -> Datacenter:
        """Add a datacenter with what the database holds of it."""
        datacenter = Datacenter(name, self.journal, self.clock)
        for table in datacenter.tables():
            self.database.load(table)
        self.datacenters[name] = datacenter
        return datacenter

    def check_has(self, hosts: Iterable[str]) -> None:
        """Refuse a state that is of other machines than these, such as one that a topology had before it was edited."""
        there = {node.host for datacenter in self.datacenters.values() for node in datacenter.nodes}
        lacking = sorted(set(hosts) - there)
        if lacking:
            raise StateError(f"the state in {self.home} has no machine {' and no '.join(lacking)}")

    def renew_ticket_key(self, datacenter: str) -> None:
        """Let all tickets of a datacenter become invalid."""
        self.settings.put(Setting(name=f"{datacenter}/ticket-key", value=secrets.token_hex(32)))

    def place_of(self, host: str) -> tuple[Datacenter, Node]:
        """Return the datacenter in which a machine of the topology is by now, and the node that it is there."""
        return next(
            (datacenter, node) for datacenter in self.datacenters.values() for node in datacenter.nodes.by("host", host)
        )


def segment(node: Node) -> tuple[int, str]:
    """Return the part of the network that a node is in: its side of it, or one where nobody else is."""
    return node.side, node.name if node.cut else ""


def lost_since(own: Node, other: Node) -> float:
    """Return when two nodes that cannot talk with one another could do so last; never if one is but a name."""
    powered_off = other.started if not other.online else math.inf
    cut_off = max(own.moved, other.moved) if segment(own) != segment(other) else math.inf
    return min(powered_off, cut_off)


def _there_already(run: TaskRun, vmid: int) -> Steps:  # noqa: ARG001 - as every Boot
    """Wait for nothing: a container that is only modelled is there when the state says so."""
    yield from ()


def check_lock(guest: Guest) -> None:
    """Refuse to change a guest that something holds; `skiplock` is the caller's business."""
    if guest.lock is not None:
        raise ApiError(f"{'VM' if guest.type == 'qemu' else 'CT'} is locked ({guest.lock})")


def volume_key(node: str, volid: str) -> str:
    """Return the key of a volume: with its node, or an empty one when the storage is shared."""
    return f"{node}/{volid}"


def guest_path(vmid: int, kind: str, node: str) -> str:
    """Return the path of a guest's configuration file below `/etc/pve`."""
    directory = "qemu-server" if kind == "qemu" else "lxc"
    return f"nodes/{node}/{directory}/{vmid}.conf"


def digest(*parts: object) -> str:
    """Return a SHA-1 over anything JSON can write, the way a configuration file has a digest."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
