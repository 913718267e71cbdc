"""Which guests of a stack are backed up, how often, where to and for how long: a job for each class of guests.

BackupPolicy("backups", BackupPolicyArgs(
    classes={"daily": BackupClass(schedule="02:30", storage="nfs1", keep={"keep_daily": 7, "keep_weekly": 4}),
             "weekly": BackupClass(schedule="sat 03:30", storage="nfs1", keep={"keep_weekly": 2})},
    guests={"dns": dns.vmid, "web": web.vmid, "scratch": scratch.vmid},
    members={"daily": ["dns"]}, others="weekly", without={"scratch": "made anew from its template"}))

No guest is forgotten: one that is in no class, and of which nothing is said in `without`, is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from providers.backup_job import BackupJob


@dataclass(frozen=True, kw_only=True)
class BackupClass:
    """How the guests of a class are backed up."""

    schedule: str
    """A calendar event, such as `mon..fri 22:30`."""
    storage: pulumi.Input[str]
    keep: Mapping[str, int | bool]
    """How many backups of each guest stay, such as `keep_daily`."""
    mode: str = "snapshot"
    compress: str = "zstd"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that a backup job takes."""


@dataclass(frozen=True, kw_only=True)
class BackupPolicyArgs:
    """All guests of a stack, and how each of them is backed up."""

    classes: Mapping[str, BackupClass]
    guests: Mapping[str, pulumi.Input[int]]
    """All of them: name -> VMID."""
    members: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Class -> names of its guests."""
    others: str | None = None
    """The class of all guests that nothing is said of."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Names of guests that need no backup -> why."""
    connection: str | None = None

    def __post_init__(self) -> None:
        for problem in problems(self):
            raise ValueError(problem)


class BackupPolicy(pulumi.ComponentResource):
    """A backup job for each class that has guests."""

    covered: pulumi.Output[dict[str, list[int]]]
    """ID of a job -> VMIDs of its guests."""

    def __init__(self, name: str, args: BackupPolicyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:BackupPolicy", name, None, opts)
        jobs: dict[str, pulumi.Output[list[int]]] = {}
        for class_name, guests in classes_of(args).items():
            vmids = pulumi.Output.all(*(args.guests[guest] for guest in guests))
            job = self._job(f"{name}-{class_name}", args.classes[class_name], vmids, args.connection)
            jobs[f"{name}-{class_name}"] = pulumi.Output.all(vmids, job.urn).apply(lambda both: list(both[0]))
        self.covered = pulumi.Output.all(**jobs)
        self.register_outputs({"covered": self.covered})

    def _job(self, job_id: str, settings: BackupClass, vmids: pulumi.Output[Any], connection: str | None) -> BackupJob:
        return BackupJob(
            job_id,
            pulumi.ResourceOptions(parent=self),
            job_id=job_id,
            schedule=settings.schedule,
            storage=settings.storage,
            vmid=vmids,
            mode=settings.mode,
            compress=settings.compress,
            prune_backups=dict(settings.keep),
            connection=connection,
            **settings.options,
        )


def classes_of(args: BackupPolicyArgs) -> dict[str, list[str]]:
    """Class -> its guests, in the order in which all guests are named; a class without any is left out."""
    said = {guest: class_name for class_name, guests in args.members.items() for guest in guests}
    found: dict[str, list[str]] = {}
    for guest in args.guests:
        class_name = said.get(guest, None if guest in args.without else args.others)
        if class_name is not None:
            found.setdefault(class_name, []).append(guest)
    return found


def problems(args: BackupPolicyArgs) -> Iterator[str]:
    """Guests that are forgotten, said twice or unknown, and classes that there are not."""
    said = [guest for guests in args.members.values() for guest in guests] + list(args.without)
    for class_name in (*args.members, *([args.others] if args.others else [])):
        if class_name not in args.classes:
            yield f"there is no class {class_name!r}; there are {', '.join(args.classes)}"
    for guest in said:
        if guest not in args.guests:
            yield f"there is no guest {guest!r}"
        if said.count(guest) > 1:
            yield f"{guest} is said to be backed up in two ways"
    forgotten = [guest for guest in args.guests if guest not in said] if args.others is None else []
    if forgotten:
        yield f"{', '.join(forgotten)}: in no class; say in `members`, `others` or `without` what becomes of them"
