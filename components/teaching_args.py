"""What is said about a cluster for teaching: see `TeachingCluster`.

The fields' limits are checked where a page is read; what has to fit together is in `teaching_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from components.golden_template import Template
from components.interfaces import Bond, Bridge, Card, Link, Vlan
from components.node_networks import USUAL, Role
from components.placement import Capacity, Room, Size, Wish, mebibytes
from providers.firewall_rules import FirewallRule

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,17}[a-z0-9])?$")]
"""Three of them are the name of a guest, which has 63 characters at the most."""
PUPILS_MAY = ("Pool.Audit", "VM.Audit", "VM.Console", "VM.GuestAgent.Audit", "VM.PowerMgmt", "VM.Snapshot",
              "VM.Snapshot.Rollback")  # fmt: skip
TEACHERS_MAY = (*PUPILS_MAY, "VM.Backup", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit",
                "VM.Config.Memory", "VM.Config.Options", "VM.Migrate")  # fmt: skip
SSH = "SSH"
"""What Proxmox's firewall calls it."""


@dataclass(frozen=True, kw_only=True)
class Node(Capacity):
    """One of the nodes. Its key is its name in Proxmox."""

    addresses: Mapping[str, str]
    """Network -> its address there."""
    added: bool = False
    """Whether it came when there were guests already: it gets those that the others have no room for."""


@dataclass(frozen=True, kw_only=True)
class Formation:
    """A cluster that is made of the nodes: by the one that is not in `joining`, whose connection is the lab's."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$")]
    joining: Mapping[str, str]
    """Each of the other nodes -> its own connection; all connections log in as root@pam with its password."""


@dataclass(frozen=True, kw_only=True)
class NodesNetwork:
    """A network of the nodes: on a bridge, or on a bond, a VLAN or a card without one."""

    cidr: str
    gateway: str | None = None
    """Of the one network by which the nodes reach all others."""
    mtu: int | None = None
    bridge: str | None = None
    """The bridge that guests are attached to, over `bond` or `card` where one of them is given."""
    vlan_aware: bool = False
    """Whether the bridge knows VLANs."""
    bond: Bond | None = None
    card: str | None = None
    vlan: Vlan | None = None

    @property
    def link(self) -> Link:
        """How a node is in it."""
        if self.bridge is not None:
            return Bridge(name=self.bridge, over=self.bond or self.card, vlan_aware=self.vlan_aware)
        if self.vlan is not None:
            return self.vlan
        return self.bond or Card(name=str(self.card))


@dataclass(frozen=True, kw_only=True)
class LabStorage:
    """A storage of the cluster."""

    type: str
    content: tuple[str, ...]
    installed: bool = False
    """Whether Proxmox's installer has made it: then it is taken over, and never removed."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else a storage of that type takes."""


INSTALLED: Mapping[str, LabStorage] = {
    "local": LabStorage(
        type="dir",
        content=("backup", "import", "iso", "snippets", "vztmpl"),
        installed=True,
        options={"path": "/var/lib/vz"},
    ),
    "local-lvm": LabStorage(
        type="lvmthin",
        content=("images", "rootdir"),
        installed=True,
        options={"vgname": "pve", "thinpool": "data"},
    ),
}
"""The storages that each node has from its installer: files on one, disks on the other."""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """Guests that each team of a course has."""

    name: Name
    memory: Annotated[int, Field(ge=64)]
    """MiB each."""
    disk: Size
    cores: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=1, le=99)] = 1
    """How many each team has."""
    backup: bool = True
    """Whether they are backed up; those that are not are made anew from the template."""


@dataclass(frozen=True, kw_only=True)
class Team:
    """Pupils who share guests; a pupil who works alone is a team of that name."""

    name: Name
    pupils: tuple[Name, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Those who are in it."""
        return self.pupils or (self.name,)


@dataclass(frozen=True, kw_only=True)
class Course:
    """A course or a class: a pool, with a pool for each team in it."""

    name: Name
    teachers: tuple[Name, ...] = ()
    teams: tuple[Team, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    vmids: Annotated[str, Field(pattern=r"^\d{3,9}-\d{3,9}$")] | None = None
    """Where the VMIDs of its guests are, such as `5000-5999`."""

    @property
    def groups(self) -> list[TeamGuests]:
        """The guests of each team for each exercise."""
        return [TeamGuests(self.name, team, exercise) for team in self.teams for exercise in self.exercises]

    @property
    def wishes(self) -> Iterator[Wish]:
        """What its guests want of a node: those for one exercise are on the nodes by turns, and so are a team's own."""
        for place, exercise in enumerate(self.exercises):
            takes = Room(memory=exercise.memory, disk=mebibytes(exercise.disk))
            for turn, team in enumerate(self.teams):
                for number, name in enumerate(TeamGuests(self.name, team, exercise).names):
                    yield Wish(name=name, takes=takes, group=self.name, number=turn + place + number)


class TeamGuests(NamedTuple):
    """The guests of one team for one exercise."""

    course: str
    team: Team
    exercise: Exercise

    @property
    def name(self) -> str:
        """What they are called, before their number."""
        return f"{self.course}-{self.team.name}-{self.exercise.name}"

    @property
    def names(self) -> list[str]:
        """The guests."""
        return [f"{self.name}-{number}" for number in range(1, self.exercise.count + 1)]


@dataclass(frozen=True, kw_only=True)
class Dns:
    """Where the nodes look names up."""

    servers: Annotated[tuple[str, ...], Field(min_length=1, max_length=3)]
    search: str


@dataclass(frozen=True, kw_only=True)
class Backups:
    """How the guests are backed up."""

    schedule: str
    """A calendar event, such as `mon..fri 22:30`."""
    keep: Mapping[str, int]
    """How many backups of each guest stay, such as `keep_daily`."""
    storage: str = "local"
    mode: Literal["snapshot", "suspend", "stop"] = "snapshot"
    """From a snapshot, with the guest paused, or with the guest shut down, which is the most reliable copy."""
    compress: Literal["0", "lzo", "gzip", "zstd"] = "zstd"
    """None, fast, good, or both."""


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Copies of the guests' disks on the next node, made by Proxmox's replication; it takes ZFS, and full clones."""

    schedule: str = "*/15"
    """A calendar event; what is written after the last copy is lost with the node."""


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """Who may reach the nodes; the nodes reach each other anyway."""

    management: Annotated[Mapping[str, str], Field(min_length=1)]
    """Name -> address or network of those who manage them, and of the program itself."""
    services: bool = False
    """Whether the nodes also need NFS and send mail."""
    foreign: str | None = None
    """What becomes of rules that the cluster has already, as `FirewallRules` takes it."""
    guests: tuple[FirewallRule, ...] | None = None
    """What guests let in besides SSH; where not set, they have no firewall of their own."""
    ssh_from: tuple[str, ...] | None = None
    """Addresses and networks that reach guests by SSH: the guests' own network and `management` where not set."""


@dataclass(frozen=True, kw_only=True)
class TeachingClusterArgs:
    """The lab."""

    nodes: Annotated[Mapping[str, Node], Field(min_length=1)]
    networks: Annotated[Mapping[str, NodesNetwork], Field(min_length=1)]
    roles: Mapping[Role, str] | None = None
    """Role -> the network that has it; guests are on `black` and all else is on `green` where not set."""
    further: Mapping[str, Mapping[str, Any]] | None = None
    """Other interfaces that all nodes have, as `NodeNetwork` takes them, such as the bond below a VLAN."""
    template: Template
    storage: str = "local-lvm"
    """Where the guests' disks are."""
    image_storage: str = "local"
    """Where the template's image is kept."""
    storages: Mapping[str, LabStorage] | None = None
    """Those that there are from the installation, where not set."""
    connection: str | None = None
    """Name of the cluster's connection, where the stack has several."""
    cluster: Formation | None = None
    """The cluster to be made; where not set, the nodes are in one already."""
    courses: tuple[Course, ...] = ()
    pupils_may: tuple[str, ...] = PUPILS_MAY
    """Privileges of a team on its own guests."""
    teachers_may: tuple[str, ...] = TEACHERS_MAY
    """Privileges of a teacher on all guests of the course."""
    user: str = "student"
    """The user that cloud-init makes in the guests."""
    ssh_keys: tuple[str, ...] = ()
    firewall: Firewall | None = None
    backup: Backups | None = None
    replication: Copies | None = None
    dns: Dns | None = None

    @property
    def rooms(self) -> dict[str, Room]:
        """What the nodes have for guests."""
        return {name: node.room for name, node in self.nodes.items()}

    @property
    def added(self) -> list[str]:
        """The nodes that came later."""
        return [name for name, node in self.nodes.items() if node.added]

    @property
    def wishes(self) -> list[Wish]:
        """All guests that want a place."""
        return [wish for course in self.courses for wish in course.wishes]

    @property
    def network_of(self) -> Mapping[Role, str]:
        """Role -> the network that has it."""
        return self.roles or USUAL

    @property
    def founder(self) -> str:
        """The node that makes the cluster."""
        joining = self.cluster.joining if self.cluster else {}
        return next(node for node in self.nodes if node not in joining)

    def connection_of(self, node: str) -> str | None:
        """The connection of a node before it is in the cluster, which still leads to it afterwards."""
        return self.cluster.joining.get(node, self.connection) if self.cluster else self.connection

    @property
    def guest_bridge(self) -> str:
        """The bridge that guests are attached to."""
        return str(self.networks[self.network_of["guests"]].bridge)

    @property
    def ssh_from(self) -> list[str]:
        """Who reaches the guests by SSH, where they have a firewall."""
        if self.firewall is None:
            return []
        if self.firewall.ssh_from is not None:
            return list(self.firewall.ssh_from)
        own, management = self.networks[self.network_of["guests"]].cidr, self.firewall.management
        return list(dict.fromkeys([own, *(management[name] for name in sorted(management))]))

    @property
    def all_storages(self) -> Mapping[str, LabStorage]:
        """The storages by their IDs."""
        return INSTALLED if self.storages is None else self.storages
