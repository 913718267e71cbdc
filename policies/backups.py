"""Guests that nobody backs up."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.resources import UNKNOWN, Object, guests, of_kind
from policies.settings import texts


def _check(args: StackValidationArgs, report: ReportViolation) -> None:
    settings = args.get_config()
    backups = of_kind(args.resources, ("BackupJob", "Backup"))
    for guest in guests(args.resources):
        if guest.may_be_of(settings["without"]) or any(_may_cover(backup, guest) for backup in backups):
            continue
        report(
            f"{guest.title} is in no backup job of this stack. Add it to a BackupJob (`vmid`, `pool` or `all`), give "
            f"it a Backup, or name {guest.label} in `without`.",
            guest.urn,
        )


def _may_cover(backup: Object, guest: Object) -> bool:
    """Whether a job or a backup takes a guest in, as far as can be known."""
    if _differ(backup.get("connection"), guest.get("connection")) or backup.get("enabled") is False:
        return False
    if backup.get("node") is not None and backup.kind == "BackupJob" and _differ(backup.get("node"), guest.get("node")):
        return False
    if backup.get("all") in (True, UNKNOWN):
        return guest.get("vmid") not in _numbers(backup.get("exclude"))
    if backup.get("pool") is not None:
        return not _differ(backup.get("pool"), guest.get("pool"))
    wanted = backup.get("vmid")
    return guest.get("vmid") is UNKNOWN or wanted is UNKNOWN or bool({guest.get("vmid"), UNKNOWN} & _numbers(wanted))


def _numbers(value: object) -> set[object]:
    """One VMID, or a list of them."""
    return set(value) if isinstance(value, Sequence) and not isinstance(value, str) else {value}


def _differ(one: object, other: object) -> bool:
    return UNKNOWN not in (one, other) and one != other


BACKED_UP = StackValidationPolicy(
    name="guests-are-backed-up",
    description="Every guest is backed up: what is in no job is lost with its disk.",
    enforcement_level=EnforcementLevel.ADVISORY,
    config_schema=PolicyConfigSchema(
        {"without": texts("Names of guests that need no backup; `*` stands for anything.")}
    ),
    validate=_check,
)
