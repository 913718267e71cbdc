"""A storage: where a cluster or host keeps disks, images, templates and backups.

API: `/storage`, one entry of `storage.cfg` a storage, for the whole cluster. What a storage lies on (directory, export,
volume group, ZFS pool) is fixed when it is made. Removing the entry removes no data. There is no room for a mark in it,
so a died run's storage is known again by being exactly as declared.

Proxmox 9 answers `content` in any order, and checks at the moment of creation that the storage is there.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Immutable, Separated, ServerDefault, Wire
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._runtime.wire import Part

Content = Literal["backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^\s,]*$")]

BELONGS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "dir": (
        {"path"},
        {"create_base_path", "create_subdirs", "format", "is_mountpoint", "preallocation", "prune_backups"},
        {"backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"},
    ),
    "nfs": (
        {"server", "export"},
        {"create_base_path", "create_subdirs", "format", "options", "path", "preallocation", "prune_backups"},
        {"backup", "images", "import", "iso", "rootdir", "snippets", "vztmpl"},
    ),
    "lvmthin": ({"vgname", "thinpool"}, set(), {"images", "rootdir"}),
    "zfspool": ({"pool"}, {"blocksize", "mountpoint", "sparse"}, {"images", "rootdir"}),
}
"""Type -> the fields that it must have, others that are its own, and the content that it can hold."""


class PruneBackups(Part):
    """How many backups are kept."""

    keep_all: bool | None = Field(
        default=None, alias="keep-all", description="All of them; then nothing else may be set."
    )
    keep_last: int | None = Field(default=None, alias="keep-last", ge=0, description="That many, the newest ones.")
    keep_hourly: int | None = Field(
        default=None, alias="keep-hourly", ge=0, description="The last one of that many hours."
    )
    keep_daily: int | None = Field(
        default=None, alias="keep-daily", ge=0, description="The last one of that many days."
    )
    keep_weekly: int | None = Field(
        default=None, alias="keep-weekly", ge=0, description="The last one of that many weeks."
    )
    keep_monthly: int | None = Field(
        default=None, alias="keep-monthly", ge=0, description="The last one of that many months."
    )
    keep_yearly: int | None = Field(
        default=None, alias="keep-yearly", ge=0, description="The last one of that many years."
    )

    @model_validator(mode="after")
    def _all_or_some(self) -> PruneBackups:
        if self.keep_all and len(self.model_fields_set) > 1:
            raise InvalidValue("keep_all can't be set together with other options")
        return self


class StorageInputs(Inputs):
    """A storage as declared."""

    storage: Annotated[str, Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$")] = Field(
        description="ID of the storage."
    )
    type: Annotated[Literal["dir", "lvmthin", "nfs", "zfspool"], Immutable()] = Field(
        description="What kind of storage it is."
    )
    content: Annotated[list[Content] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="What may be kept there; each type can hold only some kinds."
    )
    nodes: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Nodes that have it; all of them where this is not set."
    )
    disable: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it is switched off."
    )
    shared: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether all nodes see the same content; it says so, it does not make it so."
    )
    prune_backups: Annotated[PruneBackups | None, Wire("prune-backups")] = Field(
        default=None, description="How many backups are kept where a job says nothing else."
    )
    max_protected_backups: Annotated[int | None, Wire("max-protected-backups"), Field(ge=-1)] = Field(
        default=None, description="Protected backups a guest may have; -1 for any number."
    )
    path: Annotated[AbsolutePath | None, Immutable()] = Field(
        default=None, description="The directory (`dir`), or the mount point (`nfs`)."
    )
    is_mountpoint: str | None = Field(
        default=None, description="`yes`, or a path: refuse to use the directory unless something is mounted there."
    )
    create_base_path: Annotated[bool | None, Wire("create-base-path"), ServerDefault(value=True)] = Field(
        default=None, description="Whether the directory is made where it is missing."
    )
    create_subdirs: Annotated[bool | None, Wire("create-subdirs"), ServerDefault(value=True)] = Field(
        default=None, description="Whether the usual folders are made in it."
    )
    format: Literal["raw", "qcow2", "subvol", "vmdk"] | None = Field(
        default=None, description="Default format of new disks."
    )
    preallocation: Literal["off", "metadata", "falloc", "full"] | None = Field(
        default=None, description="How much of a new disk is written at once."
    )
    server: Annotated[str | None, Immutable()] = Field(default=None, description="Address of the NFS server.")
    export: Annotated[AbsolutePath | None, Immutable()] = Field(default=None, description="The export to mount.")
    options: str | None = Field(default=None, description="Mount options, such as `vers=4.2`.")
    vgname: Annotated[str | None, Immutable()] = Field(default=None, description="The LVM volume group.")
    thinpool: Annotated[str | None, Immutable()] = Field(default=None, description="The thin pool in that group.")
    pool: Annotated[str | None, Immutable()] = Field(default=None, description="The ZFS pool or dataset.")
    blocksize: str | None = Field(default=None, description="Block size of new volumes, such as `16k`.")
    sparse: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether volumes take room only as they fill."
    )
    mountpoint: Annotated[AbsolutePath | None, Field()] = Field(
        default=None, description="Where the ZFS pool is mounted."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> StorageInputs:
        required, own, can_hold = BELONGS[self.type]
        anybodys = {name for fields in BELONGS.values() for name in fields[0] | fields[1]}
        for name in required:
            if getattr(self, name) is None:
                raise InvalidValue(f"{name}: a storage of type {self.type} needs it")
        for name in anybodys - required - own:
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: a storage of type {self.type} has no such field")
        for kind in self.content or ():
            if kind not in can_hold:
                raise InvalidValue(f"content: a storage of type {self.type} can't hold {kind}")
        return self


class StorageOutputs(StorageInputs):
    """A storage as it is."""


class StorageHandler(ConfigObject):
    """Storages as Proxmox keeps them."""

    inputs: ClassVar = StorageInputs
    outputs: ClassVar = StorageOutputs
    path = "/storage"
    key = "storage"
    missing = r"storage '.*' does not exist"

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests put their disks on it."""
        return [("storage", wanted["storage"])] if "storage" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """Making one takes the privilege for all of them."""
        return [("/storage", "Datastore.Allocate")]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> list[Problem]:
        """Proxmox takes a node that does not exist without a word; nobody means that."""
        known = {str(row.get("node")) for row in facts.of_type("node")}
        return [
            ("nodes", f"there is no node {name!r}; there are {', '.join(sorted(known))}")
            for name in wanted.get("nodes", ())
            if name not in known
        ]


class StorageArgs(CommonArgs):
    """Arguments of `Storage`."""

    storage: pulumi.Input[str]
    type: pulumi.Input[str]
    content: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    nodes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    disable: NotRequired[pulumi.Input[bool] | None]
    shared: NotRequired[pulumi.Input[bool] | None]
    prune_backups: NotRequired[pulumi.Input[PruneBackups | dict[str, int | bool]] | None]
    max_protected_backups: NotRequired[pulumi.Input[int] | None]
    path: NotRequired[pulumi.Input[str] | None]
    is_mountpoint: NotRequired[pulumi.Input[str] | None]
    create_base_path: NotRequired[pulumi.Input[bool] | None]
    create_subdirs: NotRequired[pulumi.Input[bool] | None]
    format: NotRequired[pulumi.Input[str] | None]
    preallocation: NotRequired[pulumi.Input[str] | None]
    server: NotRequired[pulumi.Input[str] | None]
    export: NotRequired[pulumi.Input[str] | None]
    options: NotRequired[pulumi.Input[str] | None]
    vgname: NotRequired[pulumi.Input[str] | None]
    thinpool: NotRequired[pulumi.Input[str] | None]
    pool: NotRequired[pulumi.Input[str] | None]
    blocksize: NotRequired[pulumi.Input[str] | None]
    sparse: NotRequired[pulumi.Input[bool] | None]
    mountpoint: NotRequired[pulumi.Input[str] | None]


class Storage(Resource, kind="storage"):
    """A storage."""

    storage: pulumi.Output[str]
    type: pulumi.Output[str]
    content: pulumi.Output[list[str] | None]
    nodes: pulumi.Output[list[str] | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[StorageArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
