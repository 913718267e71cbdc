"""The records that make up the state of a Proxmox VE: what its configuration files and storages hold.

All are frozen: a change is `table.put(replace(record, ...))`. Mappings in them must not be changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.versions import NEWEST, RELEASES, Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A host: what the topology says of it, and its own settings."""

    name: str
    nodeid: int
    ip: str
    cpus: int
    memory: int
    disk: int
    online: bool = True
    started: float = 0.0
    version: str = NEWEST
    """Which release of Proxmox VE it has: one of `versions.RELEASES`."""
    host: str = ""
    """Which machine of the topology this is; empty for a member of a cluster of which only the name is known."""
    votes: int = 1
    rings: Mapping[str, str] = field(default_factory=dict)
    """Its addresses in the cluster's network, by the number of the link."""
    expected: int = 0
    """How many votes it was told to expect since it was started; 0 for those of all members."""
    side: int = 0
    """In which part of the network it is, when that is cut into parts."""
    cut: bool = False
    """Whether no packet reaches it, as its interfaces have its address no longer."""
    moved: float = 0.0
    """Since when it is there."""
    timezone: str = "UTC"
    dns: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def release(self) -> Release:
        """Return what its release says of itself."""
        return RELEASES[self.version]

    @property
    def reachable(self) -> bool:
        """Tell whether it answers: it is up, and packets reach it."""
        return self.online and not self.cut

    @property
    def changed(self) -> float:
        """Return when it was last switched on or off, or came to another part of the network."""
        return max(self.started, self.moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface that a node's kernel has: a network card, or what `ifreload` has set up."""

    node: str
    iface: str
    type: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that is kept as its text; `node` is empty for what all nodes share (below `/etc/pve`).

    What is no text is kept as base64 (`binary`). A path that ends with a slash is a folder.
    """

    node: str
    path: str
    text: str
    changed: float
    mode: int = 0o644
    binary: bool = False
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file that stands for a part of the state, as somebody wrote it; `state` is the digest of that part then."""

    path: str
    text: str
    changed: float
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit of a node's systemd that is not as it was installed; a timer runs its command when it is due."""

    node: str
    name: str
    active: str = ""
    enabled: str = ""
    since: float = 0.0
    due: float | None = None
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of one of Proxmox's configuration files: `dir: local` and the options below it."""

    id: str
    type: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The room of a storage: bytes, and bytes in use by what is no volume. Node is empty when it is shared."""

    storage: str
    node: str
    total: int
    other: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFile:
    """A file that was written inside a guest; kept as a `File` is.

    With `gone` it stands for one that came with the system and was removed.
    """

    text: str
    changed: float
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    binary: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSnapshot:
    """What a volume was when a snapshot was taken."""

    size: int
    files: Mapping[str, GuestFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVolume:
    """A volume in a backup: what is needed to make it again."""

    storage: str
    format: str
    size: int
    data: int
    files: Mapping[str, GuestFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What a backup holds: a guest's configuration and firewall rules of that moment, and its volumes by slot."""

    type: str
    config: Mapping[str, str]
    volumes: Mapping[str, SavedVolume] = field(default_factory=dict)
    firewall: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume or file on a storage. `node` is empty on a shared storage.

    `name` is the part of the volume id after the storage: `vm-100-disk-0`, `iso/debian.iso`. `files` are what was
    written on it from inside a guest, by their paths below the place where it is mounted.
    `checksums` are those of a file's bytes, as far as these were ever here; `manifest` is the description in an
    appliance (OVF).
    """

    storage: str
    node: str
    name: str
    content: str
    format: str
    size: int
    used: int
    vmid: int | None = None
    parent: str | None = None
    ctime: int = 0
    notes: str | None = None
    protected: bool = False
    snapshots: Mapping[str, VolumeSnapshot] = field(default_factory=dict)
    files: Mapping[str, GuestFile] = field(default_factory=dict)
    archive: Archive | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)
    manifest: str = ""

    @property
    def volid(self) -> str:
        """Return the volume id, `storage:name`."""
        return f"{self.storage}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A guest's configuration at a point in time, with the snapshot's own settings among it."""

    config: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A virtual machine or container.

    `config` holds what the configuration file holds (strings, `lock` among them), `pending` what waits for a
    restart, `pending_delete` the options whose removal waits (with whether it was forced). `running` is the
    configuration with which the running guest was started, with what was hot-plugged since.
    """

    vmid: int
    type: str
    node: str
    config: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    pending_delete: Mapping[str, bool] = field(default_factory=dict)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    status: str = "stopped"
    started: float | None = None
    paused: bool = False
    running: Mapping[str, str] = field(default_factory=dict)
    pid: int | None = None

    @property
    def lock(self) -> str | None:
        """Return what holds the guest: `clone`, `backup`, `migrate`, ..., or None."""
        return self.config.get("lock")

    @property
    def template(self) -> bool:
        """Tell whether the guest is a template."""
        return self.config.get("template") == "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProcess:
    """A program that the agent of a machine has started; its output is base64."""

    ends: float
    code: int
    out: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """What the agent in a machine remembers: it forgets all of it when the machine is started again."""

    vmid: int
    started: float
    frozen: bool = False
    last_pid: int = 1000
    processes: Mapping[str, AgentProcess] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A port on which a node waits for a console's viewer until a moment."""

    node: str
    port: int
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A resource pool. Members may be guests and storages that do not exist (any more)."""

    poolid: str
    comment: str = ""
    vms: frozenset[int] = frozenset()
    storages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user; the password is a salted hash, or None when a login with a password is not possible."""

    userid: str
    enable: bool = True
    expire: int = 0
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    comment: str = ""
    keys: str = ""
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token; `full_id` is `user@realm!name`, `secret` a hash."""

    full_id: str
    secret: str
    privsep: bool = True
    expire: int = 0
    comment: str = ""

    @property
    def userid(self) -> str:
        """Return the user that the token belongs to."""
        return self.full_id.partition("!")[0]

    @property
    def tokenid(self) -> str:
        """Return the token's own name."""
        return self.full_id.partition("!")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A user's generator of one-time codes; `last_step` is the newest one that was used."""

    userid: str
    id: str
    secret: str
    description: str = ""
    enable: bool = True
    created: int = 0
    last_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of users."""

    groupid: str
    comment: str = ""
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role made by a user; the built-in ones are in `access`."""

    roleid: str
    privs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Acl:
    """All entries of one path: `type/ugid` (`user/a@pve`, `group/g`, `token/a@pve!t`) to role to propagate."""

    path: str
    entries: Mapping[str, Mapping[str, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of a node, running as long as it has no `exitstatus`."""

    upid: str
    node: str
    type: str
    id: str
    user: str
    pid: int
    pstart: int
    starttime: int
    endtime: int | None = None
    exitstatus: str | None = None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value of the simulator itself: the clock's mode, the key that signs tickets, ..."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """How a replication job went; `asked` tells that it is to run as soon as possible."""

    id: str
    last_try: float = 0.0
    last_sync: float = 0.0
    duration: float = 0.0
    fail_count: int = 0
    error: str = ""
    asked: bool = False
    log: tuple[str, ...] = ()
