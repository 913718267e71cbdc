"""Guests that high availability can't start elsewhere, since their disks stay behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.resources import UNKNOWN, Object, Unknown, guests, matches, of_kind
from policies.settings import texts

LOCAL_TYPES = ("btrfs", "dir", "lvm", "lvmthin", "zfspool")
"""Types of storage that lie on one node, unless they say that they are shared."""


def _check(args: StackValidationArgs, report: ReportViolation) -> None:
    managed = {
        each.get("vmid")
        for each in of_kind(args.resources, ("HaResource",))
        if each.get("state") not in ("ignored", UNKNOWN)
    }
    replicated = {_vmid_of(job) for job in of_kind(args.resources, ("Replication",)) if job.get("disable") is not True}
    storages = {each.get("storage"): each for each in of_kind(args.resources, ("Storage",))}
    for guest in guests(args.resources):
        vmid = guest.get("vmid")
        if not isinstance(vmid, int) or vmid not in managed:
            continue
        stuck = [
            f"{slot} on {storage}"
            for slot, storage, copied in _volumes(guest)
            if _is_local(storage, storages, args.get_config()["local_storages"])
            and not (copied and replicated & {vmid, UNKNOWN})
        ]
        if stuck:
            report(
                f"{guest.title} is under high availability with {', '.join(stuck)}: when its node is lost, no other "
                f"can start it. Add Replication(job_id='{vmid}-0', target=…), or move it to a shared storage.",
                guest.urn,
            )


def _vmid_of(job: Object) -> int | Unknown | None:
    job_id = job.get("job_id")
    if not isinstance(job_id, str):
        return UNKNOWN
    number = job_id.partition("-")[0]
    return int(number) if number.isdigit() else None


def _volumes(guest: Object) -> Iterator[tuple[str, str, bool]]:
    """The volumes of a guest: slot, storage, and whether a replication job takes them along."""
    slots: dict[str, Any] = {**guest.within("disks"), **guest.within("mp")}
    slots |= {name: guest.within(name) for name in ("efidisk0", "tpmstate0", "rootfs")}
    for slot, part in slots.items():
        if (
            not isinstance(part, Mapping)
            or part.get("shared") in (True, UNKNOWN)
            or part.get("media") in ("cdrom", UNKNOWN)
        ):
            continue
        volume = part.get("file") or part.get("volume")
        storage = part.get("storage") or (volume.partition(":")[0] if isinstance(volume, str) else None)
        if isinstance(storage, str) and storage not in ("none", "cdrom") and not storage.startswith("/"):
            yield slot, storage, part.get("replicate") is not False


def _is_local(storage: str, declared: Mapping[Any, Object], patterns: Sequence[str]) -> bool:
    """Whether a storage lies on one node: by its declaration, or else by its name."""
    known = declared.get(storage)
    if known is None:
        return UNKNOWN not in declared and matches(storage, patterns)
    return known.get("type") in LOCAL_TYPES and known.get("shared") not in (True, UNKNOWN)


MOVABLE = StackValidationPolicy(
    name="ha-guests-can-move",
    description="Guests under high availability have their disks where another node finds them.",
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(
        {
            "local_storages": texts(
                "Storages of one node that the stack doesn't declare itself; `*` stands for anything.",
                "local",
                "local-*",
            )
        }
    ),
    validate=_check,
)
