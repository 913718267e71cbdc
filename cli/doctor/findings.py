"""What the answers of hosts mean: each finding with its remedy. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

GIB = 1 << 30
OLDEST = (8, 0)
"""The oldest release of Proxmox VE that the resource types speak to."""
SOON = timedelta(days=30)
CLOCK = 5.0
"""Seconds that a node's clock may be off beyond what can't be measured."""
FULL = 0.9
"""Part of a storage that may be used before it is a finding."""

Row = Mapping[str, Any]


class Level(StrEnum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    check: str
    where: str
    what: str
    remedy: str = ""


def fine(check: str, where: str, what: str) -> Finding:
    """As it should be."""
    return Finding(Level.FINE, check, where, what)


def warning(check: str, where: str, what: str, remedy: str) -> Finding:
    """It works now."""
    return Finding(Level.WARNING, check, where, what, remedy)


def wrong(check: str, where: str, what: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(Level.ERROR, check, where, what, remedy)


def certificate(where: str, ends: datetime, now: datetime) -> Finding:
    """Whether it lasts."""
    renew = "`pvecm updatecerts --force` on the node makes a new one; a pinned `fingerprint` changes with it"
    if ends <= now:
        return wrong("tls", where, f"the certificate ended on {ends:%Y-%m-%d}", renew)
    if ends - now < SOON:
        return warning("tls", where, f"the certificate ends on {ends:%Y-%m-%d}", renew)
    return fine("tls", where, f"the certificate is trusted, and good until {ends:%Y-%m-%d}")


def unproved(where: str) -> Finding:
    """Nobody has looked whether it is the right host."""
    remedy = "pin `fingerprint` to what `pvenode cert info` shows on the node, or set ca_file, instead of `insecure`"
    return warning("tls", where, "the connection is `insecure`: anybody on the way can read and change all", remedy)


def versions(where: str, found: Mapping[str, str]) -> Iterator[Finding]:
    """Of the nodes: recent enough, and alike."""
    for node, version in found.items():
        if _release(version) < OLDEST:
            yield wrong("version", node, f"Proxmox VE {version}", f"upgrade it to {OLDEST[0]}.{OLDEST[1]} or later")
    if len(set(found.values())) > 1:
        told = ", ".join(f"{node} {version}" for node, version in sorted(found.items()))
        yield warning("version", where, f"the nodes differ: {told}", "upgrade all to the same version, one by one")
    elif found:
        yield fine("version", where, f"Proxmox VE {next(iter(found.values()))}")


def quorum(where: str, rows: Iterable[Row]) -> Iterator[Finding]:
    """Whether the cluster may change anything, and all its nodes are there."""
    rows = list(rows)
    for row in rows:
        if row["type"] == "cluster" and not row.get("quorate"):
            remedy = "bring its other nodes back, or see `pvecm status` on this one; until then nothing can be changed"
            yield wrong("quorum", where, f"the cluster {row.get('name')} has no quorum", remedy)
        elif row["type"] == "cluster":
            yield fine("quorum", where, f"the cluster {row.get('name')} has quorum")
    for row in rows:
        if row["type"] == "node" and not row.get("online"):
            remedy = "switch it on, or look at its network and `systemctl status corosync pve-cluster` there"
            yield wrong("quorum", str(row["name"]), "the node is offline", remedy)


def clocks(offsets: Mapping[str, tuple[float, float]]) -> Iterator[Finding]:
    """Node -> seconds that its clock is ahead of ours, and how far off that may be measured."""
    remedy = "see `chronyc tracking` on the node, and the clock of this machine"
    well = [node for node, (ahead, unsure) in offsets.items() if abs(ahead) <= CLOCK + unsure]
    if well:
        yield fine("clock", ", ".join(well), "as this machine's, within a few seconds")
    for node, (ahead, unsure) in offsets.items():
        if abs(ahead) > CLOCK + unsure:
            way = "ahead of" if ahead > 0 else "behind"
            yield wrong("clock", node, f"its clock is {abs(ahead):.0f} s {way} this machine's", remedy)
    if len(offsets) > 1:
        last, first = (choose(offsets, key=lambda node: offsets[node][0]) for choose in (max, min))
        apart = offsets[last][0] - offsets[first][0]
        if apart > CLOCK + offsets[last][1] + offsets[first][1]:
            yield wrong("clock", last, f"its clock is {apart:.0f} s ahead of that of {first}", remedy)


def storages(node: str, rows: Iterable[Row]) -> Iterator[Finding]:
    """Active, with room, and for all that guests need."""
    held: set[str] = set()
    well = 0
    for row in rows:
        name, total = str(row["storage"]), int(row.get("total") or 0)
        if not row.get("enabled", 1):
            continue
        if not row.get("active"):
            remedy = f"see `pvesm status` on {node}, and whether its disk, mount or server is there"
            yield wrong("storage", f"{node}/{name}", "it is not active", remedy)
            continue
        held |= set(str(row.get("content", "")).split(","))
        if total and int(row.get("used") or 0) > FULL * total:
            left = int(row.get("avail") or 0) / GIB
            yield warning("storage", f"{node}/{name}", f"only {left:.1f} GiB are left", "remove what nobody needs")
        else:
            well += 1
    if well:
        yield fine("storage", node, f"{well} of its storages are active and have room")
    for content, what in (("images", "virtual machines"), ("rootdir", "containers")):
        if content not in held:
            remedy = f"add `{content}` to the content of a storage, as the resource Storage does"
            yield warning("storage", node, f"no active storage takes the disks of {what}", remedy)


def _release(version: str) -> tuple[int, int]:
    """Of `9.2.1` or `pve-manager/9.2.1/…`."""
    numbers = version.split("/")[1 if "/" in version else 0].split("-", maxsplit=1)[0].split(".")
    return int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
