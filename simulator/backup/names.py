"""Names of backups: which guest's they are, and of when.

On file storages a backup is `backup/vzdump-qemu-100-2026_11_21-10_00_00.vma.zst`, in the node's local time; on a
backup server it is `backup/vm/100/2026-11-21T10:00:00Z`. A file with another name is a backup as well, but nobody
knows from when, and it is never pruned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from simulator.records import Node

_GUEST_TYPES = {"vm": "qemu", "ct": "lxc"}
_GROUPS = {guest: group for group, guest in _GUEST_TYPES.items()}
_ENDINGS = {"qemu": "vma", "lxc": "tar"}
_COMPRESSIONS = {"1": "lzo", "lzo": "lzo", "gzip": "gz", "zstd": "zst"}
_LOCAL = "%Y_%m_%d-%H_%M_%S"
_SERVER = "%Y-%m-%dT%H:%M:%SZ"
_TYPED = re.compile(r"backup/vzdump-(qemu|lxc|openvz)-([^/]+)")
_STANDARD = re.compile(
    r"backup/vzdump-(?:qemu|lxc|openvz)-([1-9]\d{2,8})-(\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d)\.[a-z.]+", re.ASCII
)
_SNAPSHOT = re.compile(r"backup/(vm|ct)/(\d+)/(.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class BackupName:
    """What the name of a backup says; `moment` is None for a name of somebody's own."""

    type: str | None
    vmid: int | None
    moment: int | None


def zone_of(node: Node) -> ZoneInfo:
    """Return the time zone of a node."""
    return ZoneInfo(node.timezone)


def file_name(kind: str, vmid: int, now: float, node: Node, compress: str) -> str:
    """Name a backup on a file storage."""
    ending = _ENDINGS[kind] + (f".{_COMPRESSIONS[compress]}" if compress in _COMPRESSIONS else "")
    return f"backup/vzdump-{kind}-{vmid}-{datetime.fromtimestamp(int(now), zone_of(node)):{_LOCAL}}.{ending}"


def snapshot_name(kind: str, vmid: int, now: float) -> str:
    """Name a backup on a backup server."""
    return f"backup/{_GROUPS[kind]}/{vmid}/{datetime.fromtimestamp(int(now), UTC):{_SERVER}}"


def parse(name: str, zone: ZoneInfo) -> BackupName:
    """Return what the name of a backup says."""
    snapshot = _SNAPSHOT.fullmatch(name)
    if snapshot is not None:
        moment = _moment(snapshot[3], _SERVER, UTC)
        return BackupName(_GUEST_TYPES[snapshot[1]], int(snapshot[2]), moment)
    typed, standard = _TYPED.fullmatch(name), _STANDARD.fullmatch(name)
    if typed is None:
        return BackupName(None, None, None)
    owner = re.match(r"([1-9]\d{2,8})-", typed[2], re.ASCII)
    moment = _moment(standard[2], _LOCAL, zone) if standard is not None else None
    return BackupName(typed[1], int(owner[1]) if owner else None, moment)


def _moment(text: str, form: str, zone: tzinfo) -> int | None:
    """Return the time that a name tells, or None when there is no such time."""
    try:
        return int(datetime.strptime(text, form).replace(tzinfo=zone).timestamp())
    except ValueError:
        return None
