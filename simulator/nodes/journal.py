"""A node's journal: its last start, its tasks, and what its daemons had to say since.

What other records tell is not kept twice: the lines about the start and about tasks are made from the node and
its tasks, and only the rest is written down by `log`.
"""

from __future__ import annotations

import datetime
import fnmatch
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.nodes.records import JournalEntry
from simulator.nodes.services import boot_messages
from simulator.state import Datacenter

KERNEL = "kernel"
INFO = 6
_BOOT_SECONDS = 10.0
_DAEMON_PID = 900


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is shown."""

    time: float
    identifier: str
    pid: int
    text: str
    unit: str

    def rendered(self, datacenter: Datacenter, node: str) -> str:
        """Return the line as `journalctl` prints it, in the node's own time."""
        zone = zoneinfo.ZoneInfo(datacenter.nodes[node].timezone)
        moment = datetime.datetime.fromtimestamp(self.time, zone)
        source = self.identifier if self.identifier == KERNEL else f"{self.identifier}[{self.pid}]"
        return f"{moment:%b %d %H:%M:%S} {node} {source}: {self.text}"


def log(datacenter: Datacenter, node: str, time: float, identifier: str, text: str) -> None:
    """Write a line of a daemon."""
    number = len(datacenter.journal.by("node", node)) + 1
    datacenter.journal.put(
        JournalEntry(
            number=number, node=node, time=time, identifier=identifier, pid=_DAEMON_PID, text=text,
            unit=f"{identifier}.service",
        )
    )  # fmt: skip


def lines(datacenter: Datacenter, node: str) -> list[Line]:
    """Return the whole journal of a node in the order of time."""
    everything = [*_boot_lines(datacenter, node), *_task_lines(datacenter, node), *_own_lines(datacenter, node)]
    return sorted(everything, key=lambda line: line.time)


def matches(line: Line, pattern: str) -> bool:
    """Tell whether a line comes from a daemon whose name matches a pattern such as `pve*`."""
    return fnmatch.fnmatchcase(line.identifier, pattern)


def _boot_lines(datacenter: Datacenter, node: str) -> Iterator[Line]:
    started, release = datacenter.nodes[node].started, datacenter.nodes[node].release
    image = f"BOOT_IMAGE=/boot/vmlinuz-{release.kernel} root=/dev/mapper/pve-root"
    yield Line(started, KERNEL, 0, f"Linux version {release.kernel} (build@proxmox) {release.build}", "")
    yield Line(started, KERNEL, 0, f"Command line: {image}", "")
    for text in boot_messages(datacenter):
        yield Line(started + _BOOT_SECONDS, "systemd", 1, text, "init.scope")


def _task_lines(datacenter: Datacenter, node: str) -> Iterator[Line]:
    for task in datacenter.tasks.by("node", node):
        unit = "pvedaemon.service"
        text = f"<{task.user}> starting task {task.upid}"
        yield Line(task.starttime, "pvedaemon", _DAEMON_PID, text, unit)
        if task.endtime is not None:
            text = f"<{task.user}> end task {task.upid} {task.exitstatus}"
            yield Line(task.endtime, "pvedaemon", _DAEMON_PID, text, unit)


def _own_lines(datacenter: Datacenter, node: str) -> Iterator[Line]:
    for entry in datacenter.journal.by("node", node):
        yield Line(entry.time, entry.identifier, entry.pid, entry.text, entry.unit)
