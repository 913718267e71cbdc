"""A backup job: which guests of a cluster or host are backed up, when, where to, and how many backups are kept.

API: `/cluster/backup`, one entry of `jobs.cfg`. A job chooses its guests in one way: `vmid`, `pool`, or `all` less
`exclude`. Proxmox has no digest for these, so that of two changes at the same moment the later one stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.calendar import Schedule
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Carrier, Immutable, Repeated, Separated, ServerDefault, Wire
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need, granted
from providers._runtime.wire import Part
from providers._storages.parts import PruneBackups

Vmid = Annotated[int, Field(ge=100, le=999999999)]
WAYS = ("vmid", "pool", "all")


class Fleecing(Part):
    """A fast storage that takes what a guest overwrites while its backup runs."""

    default_key: ClassVar[str | None] = "enabled"
    enabled: Annotated[bool | None, ServerDefault(value=False)] = Field(default=None, description="Whether it is done.")
    storage: str | None = Field(default=None, description="The storage; a local one is best.")


class Performance(Part):
    """How much a backup does at once."""

    max_workers: int | None = Field(
        default=None, alias="max-workers", ge=1, le=256, description="VMs: requests in flight at once."
    )
    pbs_entries_max: int | None = Field(
        default=None, alias="pbs-entries-max", ge=1, description="Containers on a backup server: entries kept in RAM."
    )


class BackupJobInputs(Inputs):
    """A backup job as declared."""

    job_id: Annotated[str, Wire("id"), Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{1,49}$")] = Field(
        description="ID of the job."
    )
    schedule: Schedule = Field(description="When it runs, as a calendar event such as `mon..fri 22:30`.")
    enabled: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, description="Whether it runs by itself."
    )
    comment: Annotated[str | None, Carrier(), Field(max_length=450)] = Field(
        default=None, description="What the job is for."
    )
    vmid: Annotated[list[Vmid] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="The guests that it backs up."
    )
    pool: str | None = Field(default=None, description="The pool whose guests it backs up.")
    all: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it backs up all guests."
    )
    exclude: Annotated[list[Vmid] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Guests that `all` leaves out."
    )
    node: str | None = Field(default=None, description="The one node on which it runs; all of them without it.")
    storage: str | None = Field(default=None, description="Where the backups go.")
    mode: Annotated[Literal["snapshot", "suspend", "stop"] | None, ServerDefault(value="snapshot")] = Field(
        default=None, description="What a running guest goes through: `snapshot` keeps it running."
    )
    compress: Annotated[Literal["0", "gzip", "lzo", "zstd"] | None, ServerDefault(value="0")] = Field(
        default=None, description="How a backup is compressed; `0`: not at all."
    )
    zstd: int | None = Field(default=None, description="Threads of zstd; 0 for half of the cores.")
    pigz: int | None = Field(default=None, description="Threads of gzip; 1 for half of the cores.")
    prune_backups: Annotated[PruneBackups | None, Wire("prune-backups")] = Field(
        default=None, description="How many backups of each guest are kept; without it the storage says."
    )
    remove: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, description="Whether older backups are removed by that rule."
    )
    protected: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether the backups can't be removed."
    )
    notes_template: Annotated[str | None, Wire("notes-template"), Field(max_length=1024)] = Field(
        default=None, description="Notes of each backup, such as `{{guestname}} on {{node}}`."
    )
    fleecing: Fleecing | None = Field(default=None, description="Where overwritten data goes during a backup.")
    performance: Performance | None = Field(default=None, description="How much is done at once.")
    pbs_change_detection_mode: Annotated[
        Literal["legacy", "data", "metadata"] | None, Wire("pbs-change-detection-mode")
    ] = Field(default=None, description="How a backup server's client finds what has changed in a container.")
    repeat_missed: Annotated[bool | None, Wire("repeat-missed"), ServerDefault(value=False)] = Field(
        default=None, description="Whether a run that the node slept through is made up for."
    )
    bwlimit: Annotated[int | None, Field(ge=0)] = Field(default=None, description="KiB/s that it may read.")
    ionice: Annotated[int | None, Field(ge=0, le=8)] = Field(
        default=None, description="Priority of its reads and writes; 8 for the idle class."
    )
    lockwait: Annotated[int | None, Field(ge=0)] = Field(
        default=None, description="Minutes it waits for another backup on the node."
    )
    stopwait: Annotated[int | None, Field(ge=0)] = Field(
        default=None, description="Minutes it waits for a guest to stop."
    )
    exclude_path: Annotated[list[str] | None, Wire("exclude-path"), Repeated()] = Field(
        default=None, min_length=1, description="Containers: files and folders that are left out."
    )
    stdexcludes: Annotated[bool | None, ServerDefault(value=True)] = Field(
        default=None, description="Containers: whether temporary files are left out."
    )
    notification_mode: Annotated[
        Literal["auto", "legacy-sendmail", "notification-system"] | None, Wire("notification-mode")
    ] = Field(default=None, description="Who tells of it: Proxmox's notifications, or mail.")
    mailto: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Whom mail tells of it."
    )
    mailnotification: Literal["always", "failure"] | None = Field(default=None, description="When mail does.")

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> BackupJobInputs:
        chosen = [name for name in WAYS if getattr(self, name)]
        if len(chosen) != 1:
            raise InvalidValue(f"{chosen[-1] if chosen else 'vmid'}: a job has exactly one of vmid, pool and all")
        if self.exclude and not self.all:
            raise InvalidValue("exclude: only a job with `all` leaves guests out")
        return self


class BackupJobOutputs(BackupJobInputs):
    """A backup job as it is."""


class BackupJobHandler(ConfigObject):
    """Backup jobs as Proxmox keeps them."""

    inputs: ClassVar = BackupJobInputs
    outputs: ClassVar = BackupJobOutputs
    path = "/cluster/backup"
    key = "job_id"
    missing = r"No such job|no such vzdump job"
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/backup", "PUT /cluster/backup/{id}"),
        carried={"delete": "(what is declared no longer)"},
        left_out={
            **dict.fromkeys(("dow", "starttime"), "the old way to say when; schedule says it"),
            **dict.fromkeys(("dumpdir", "script", "tmpdir"), "a path of the node, for root@pam alone"),
            "quiet": "for the command line",
            "stop": "it would end backups that others have begun",
        },
    )

    def needs(self, wanted: Values) -> list[Need]:
        """A job is the cluster's, and removes backups; one for a pool takes the right to back the pool up."""
        needs: list[Need] = [("/", "Sys.Modify")]
        if "storage" in wanted:
            needs.append((f"/storage/{wanted['storage']}", "Datastore.Allocate"))
        if "pool" in wanted:
            needs.append((f"/pool/{wanted['pool']}", "VM.Backup"))
        if fleecing := (wanted.get("fleecing") or {}).get("storage"):
            needs.append((f"/storage/{fleecing}", "Datastore.AllocateSpace"))
        return needs

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """Of all jobs together."""
        return [("/", "Sys.Audit")]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Proxmox takes storages, nodes and guests that are not there; the job then fails at night.

        What the identity may not see is not called missing.
        """
        storage, node, permissions = wanted.get("storage"), wanted.get("node"), facts.permissions()
        rows = [row for row in facts.of_type("storage") if row.get("storage") == storage]
        if storage and not rows and not facts.announced("storage", storage):
            if granted(permissions, f"/storage/{storage}", "Datastore.Audit"):
                yield "storage", f"there is no storage {storage!r} on the host, and none in this program"
        elif rows and not any("backup" in str(row.get("content", "")).split(",") for row in rows):
            yield "storage", f"storage {storage} can't hold backups: its content lacks `backup`"
        if node and (why := facts.no_node(node)):
            yield "node", why
        for field in ("vmid", "exclude"):
            for vmid in wanted.get(field, ()):
                there = facts.node_of(vmid) is not None or facts.announced("guest", str(vmid))
                if not there and granted(permissions, f"/vms/{vmid}", "VM.Audit"):
                    yield field, f"there is no guest {vmid} on the host, and none in this program"


class BackupJobArgs(CommonArgs):
    """Arguments of `BackupJob`."""

    job_id: pulumi.Input[str]
    schedule: pulumi.Input[str]
    enabled: NotRequired[pulumi.Input[bool] | None]
    comment: NotRequired[pulumi.Input[str] | None]
    vmid: NotRequired[pulumi.Input[list[pulumi.Input[int]]] | None]
    pool: NotRequired[pulumi.Input[str] | None]
    all: NotRequired[pulumi.Input[bool] | None]
    exclude: NotRequired[pulumi.Input[list[pulumi.Input[int]]] | None]
    node: NotRequired[pulumi.Input[str] | None]
    storage: NotRequired[pulumi.Input[str] | None]
    mode: NotRequired[pulumi.Input[str] | None]
    compress: NotRequired[pulumi.Input[str] | None]
    zstd: NotRequired[pulumi.Input[int] | None]
    pigz: NotRequired[pulumi.Input[int] | None]
    prune_backups: NotRequired[pulumi.Input[PruneBackups | dict[str, int | bool]] | None]
    remove: NotRequired[pulumi.Input[bool] | None]
    protected: NotRequired[pulumi.Input[bool] | None]
    notes_template: NotRequired[pulumi.Input[str] | None]
    fleecing: NotRequired[pulumi.Input[Fleecing | dict[str, str | bool]] | None]
    performance: NotRequired[pulumi.Input[Performance | dict[str, int]] | None]
    pbs_change_detection_mode: NotRequired[pulumi.Input[str] | None]
    repeat_missed: NotRequired[pulumi.Input[bool] | None]
    bwlimit: NotRequired[pulumi.Input[int] | None]
    ionice: NotRequired[pulumi.Input[int] | None]
    lockwait: NotRequired[pulumi.Input[int] | None]
    stopwait: NotRequired[pulumi.Input[int] | None]
    exclude_path: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    stdexcludes: NotRequired[pulumi.Input[bool] | None]
    notification_mode: NotRequired[pulumi.Input[str] | None]
    mailto: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    mailnotification: NotRequired[pulumi.Input[str] | None]


class BackupJob(Resource, kind="backup_job"):
    """A backup job."""

    job_id: pulumi.Output[str]
    schedule: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[BackupJobArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
