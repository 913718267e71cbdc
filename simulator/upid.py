"""UPIDs, the names of Proxmox's tasks: `UPID:node:pid:pstart:starttime:type:id:user:`, numbers in hex."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERN = re.compile(
    r"UPID:(?P<node>[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?):(?P<pid>[0-9A-Fa-f]{8}):"
    r"(?P<pstart>[0-9A-Fa-f]{8,9}):(?P<starttime>[0-9A-Fa-f]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """The parts of a UPID."""

    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str

    def __str__(self) -> str:
        return (
            f"UPID:{self.node}:{self.pid:08X}:{self.pstart:08X}:{self.starttime:08X}:{self.type}:{self.id}:{self.user}:"
        )


def parse(text: str) -> Upid | None:
    """Take a UPID apart, or return None when it is none."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    return Upid(
        part["node"],
        int(part["pid"], 16),
        int(part["pstart"], 16),
        int(part["starttime"], 16),
        part["type"],
        part["id"],
        part["user"],
    )
