"""The records of what belongs to one node: daemons, journal, power, disks and what was made on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A daemon that somebody has started or stopped since the node's last start."""

    node: str
    service: str
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """A line of a node's journal; `number` is its place in it."""

    node: str
    number: int
    time: float
    identifier: str
    pid: int
    text: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The subscription key of a node, and when it was last found to be good."""

    node: str
    key: str
    checked: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerEvent:
    """A node that goes down or comes up at a moment on the virtual clock."""

    node: str
    due: float
    online: bool
    reboot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A part of a disk. `used` is what the lists show as its use, empty when it is free."""

    number: int
    size: int
    used: str = ""
    mounted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk of a node. `used` is what stands directly on it, `partitions` what it is divided into."""

    node: str
    name: str
    size: int
    model: str
    serial: str
    wwn: str
    vendor: str = "ATA     "
    type: str = "ssd"
    health: str = "PASSED"
    gpt: bool = False
    used: str = ""
    partitions: tuple[Partition, ...] = ()

    @property
    def devpath(self) -> str:
        """Return the path of the device."""
        return f"/dev/{self.name}"

    def partition_name(self, number: int) -> str:
        """Return the name of a partition: `sda1`, `nvme0n1p1`."""
        return f"{self.name}{'p' if self.name[-1].isdigit() else ''}{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskGroup:
    """What was made of disks: a mounted directory, a volume group, a thin pool or a ZFS pool, by `kind`.

    `devices` are the names of the disks or partitions (a thin pool's are those of its volume group), `options`
    what else there is to know: file system, UUID, RAID level.
    """

    node: str
    kind: str
    name: str
    size: int
    devices: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A PCI or USB device of a node, with what the lists show of it."""

    node: str
    kind: str
    id: str
    shown: Mapping[str, str | int] = field(default_factory=dict)
    mdev: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)
