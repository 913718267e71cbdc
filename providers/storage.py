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
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject
from providers._runtime.markers import Immutable, Separated, ServerDefault, Wire, WriteOnly
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._storages.kinds import KINDS
from providers._storages.parts import BandwidthLimits, ContentDirs, PruneBackups

Content = Literal["backup", "images", "import", "iso", "none", "rootdir", "snippets", "vztmpl"]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^\s,]*$")]


class StorageInputs(Inputs):
    """A storage as declared."""

    storage: Annotated[str, Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]$")] = Field(
        description="ID of the storage."
    )
    type: Annotated[
        Literal[
            "btrfs",
            "cephfs",
            "cifs",
            "dir",
            "esxi",
            "iscsi",
            "iscsidirect",
            "lvm",
            "lvmthin",
            "nfs",
            "pbs",
            "rbd",
            "zfs",
            "zfspool",
        ],
        Immutable(),
    ] = Field(description="What kind of storage it is; `zfs` is ZFS over iSCSI, a local pool is `zfspool`.")
    content: Annotated[list[Content] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="What may be kept there; each type can hold only some kinds."
    )
    nodes: Annotated[list[str] | None, Separated(ordered=False)] = Field(
        default=None, min_length=1, description="Nodes that have it; all of them where this is not set."
    )
    disable: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it is switched off."
    )
    bwlimit: BandwidthLimits | None = Field(default=None, description="Bandwidth that work on it may take.")

    # folders and shares
    path: Annotated[AbsolutePath | None, Immutable()] = Field(
        default=None, description="The directory (`dir`, `btrfs`), or where the share is mounted."
    )
    shared: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether all nodes see the same content; it says so, it does not make it so."
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
    content_dirs: Annotated[ContentDirs | None, Wire("content-dirs")] = Field(
        default=None, description="Folders of kinds of content that are not where they usually are."
    )
    format: Literal["raw", "qcow2", "subvol", "vmdk"] | None = Field(
        default=None, description="Default format of new disks."
    )
    preallocation: Literal["off", "metadata", "falloc", "full"] | None = Field(
        default=None, description="How much of a new disk is written at once."
    )
    snapshot_as_volume_chain: Annotated[bool | None, Wire("snapshot-as-volume-chain"), ServerDefault(value=False)] = (
        Field(default=None, description="Whether a snapshot is a volume of its own on top of the one before.")
    )
    nocow: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="btrfs: whether files are written in place, without checksums."
    )
    prune_backups: Annotated[PruneBackups | None, Wire("prune-backups")] = Field(
        default=None, description="How many backups are kept where a job says nothing else."
    )
    max_protected_backups: Annotated[int | None, Wire("max-protected-backups"), Field(ge=-1)] = Field(
        default=None, description="Protected backups a guest may have; -1 for any number."
    )

    # where it is on the network, and who may use it
    server: Annotated[str | None, Immutable()] = Field(default=None, description="Address or name of the server.")
    port: Annotated[int | None, Field(ge=1, le=65535)] = Field(
        default=None, description="Port of the server, where it is not the usual one."
    )
    export: Annotated[AbsolutePath | None, Immutable()] = Field(default=None, description="nfs: the export to mount.")
    share: Annotated[str | None, Immutable()] = Field(default=None, description="cifs: the share to mount.")
    subdir: AbsolutePath | None = Field(default=None, description="The folder of the share to mount.")
    options: str | None = Field(default=None, description="Mount options, such as `vers=4.2`.")
    username: str | None = Field(default=None, description="The user, as the server knows it; for rbd Ceph's ID.")
    password: Annotated[str | None, WriteOnly()] = Field(default=None, description="Password of that user.")
    domain: str | None = Field(default=None, max_length=256, description="cifs: the user's domain.")
    smbversion: Annotated[
        Literal["default", "2.0", "2.1", "3", "3.0", "3.11"] | None, ServerDefault(value="default")
    ] = Field(default=None, description="cifs: version of the protocol.")
    datastore: Annotated[str | None, Immutable()] = Field(default=None, description="pbs: name of the datastore.")
    namespace: str | None = Field(default=None, description="pbs, rbd: namespace in the datastore or pool.")
    fingerprint: Annotated[str | None, Field(pattern=r"^([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}$")] = Field(
        default=None, description="pbs: SHA-256 fingerprint of the server's certificate."
    )
    encryption_key: Annotated[str | None, Wire("encryption-key"), WriteOnly()] = Field(
        default=None, description="pbs: the key that backups are encrypted with, or `autogen` for one made there."
    )
    master_pubkey: Annotated[str | None, Wire("master-pubkey"), WriteOnly()] = Field(
        default=None, description="pbs: public key, base64 of PEM, that a copy of the key is encrypted with."
    )
    skip_cert_verification: Annotated[bool | None, Wire("skip-cert-verification"), ServerDefault(value=False)] = Field(
        default=None, description="esxi: whether the server's certificate is trusted unseen."
    )

    # volume groups, pools, targets
    vgname: Annotated[str | None, Immutable()] = Field(default=None, description="The LVM volume group.")
    thinpool: Annotated[str | None, Immutable()] = Field(default=None, description="The thin pool in that group.")
    base: Annotated[str | None, Immutable()] = Field(
        default=None, description="lvm: the volume that the group is on, such as an iSCSI disk; made active first."
    )
    saferemove: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="lvm: whether removed volumes are overwritten with zeros."
    )
    saferemove_throughput: str | None = Field(default=None, description="lvm: bytes a second for that.")
    saferemove_stepsize: Annotated[Literal[1, 2, 4, 8, 16, 32] | None, Wire("saferemove-stepsize")] = Field(
        default=None, description="lvm: MiB that are overwritten at once."
    )
    tagged_only: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="lvm: whether only volumes with Proxmox's own tag are shown."
    )
    pool: Annotated[str | None, Immutable()] = Field(default=None, description="The pool or dataset (ZFS, Ceph).")
    data_pool: Annotated[str | None, Wire("data-pool")] = Field(
        default=None, description="rbd: the erasure-coded pool that holds the data."
    )
    blocksize: str | None = Field(default=None, description="ZFS: block size of new volumes, such as `16k`.")
    sparse: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="ZFS: whether volumes take room only as they fill."
    )
    mountpoint: AbsolutePath | None = Field(default=None, description="Where the ZFS pool is mounted.")
    portal: Annotated[str | None, Immutable()] = Field(default=None, description="iSCSI: address of the portal.")
    target: Annotated[str | None, Immutable()] = Field(default=None, description="iSCSI: name of the target.")
    iscsiprovider: Annotated[Literal["comstar", "istgt", "iet", "LIO"] | None, Immutable()] = Field(
        default=None, description="zfs: what serves iSCSI on the other host."
    )
    nowritecache: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="zfs: whether the target's write cache is off."
    )
    comstar_hg: str | None = Field(default=None, description="zfs on comstar: the host group of its views.")
    comstar_tg: str | None = Field(default=None, description="zfs on comstar: the target group of its views.")
    lio_tpg: str | None = Field(default=None, description="zfs on LIO: the target portal group.")
    zfs_base_path: Annotated[AbsolutePath | None, Wire("zfs-base-path")] = Field(
        default=None, description="zfs: where the other host has its block devices."
    )
    monhost: Annotated[list[str] | None, Separated(by=" ", ordered=False)] = Field(
        default=None, min_length=1, description="Ceph: addresses of the monitors of a cluster that is not this one."
    )
    keyring: Annotated[str | None, WriteOnly()] = Field(
        default=None, description="Ceph: contents of the keyring of a cluster that is not this one."
    )
    krbd: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="rbd: whether the kernel's module is always used."
    )
    fs_name: Annotated[str | None, Wire("fs-name")] = Field(
        default=None, description="cephfs: name of the file system."
    )
    fuse: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="cephfs: whether it is mounted by FUSE."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> StorageInputs:
        kind = KINDS[self.type]
        for name in sorted(kind.required):
            if getattr(self, name) is None:
                raise InvalidValue(f"{name}: a storage of type {self.type} needs it")
        for name in sorted(self.model_fields_set - kind.fields):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: a storage of type {self.type} has no such field")
        for content in self.content or ():
            if content not in kind.holds:
                raise InvalidValue(f"content: a storage of type {self.type} can't hold {content}")
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
    coverage: ClassVar = Coverage(
        methods=("POST /storage", "PUT /storage/{storage}"),
        carried={"delete": "(what is declared no longer)", "digest": "(always sent)"},
        left_out={
            "authsupported": "no type of storage takes it any more",
            "mkdir": "deprecated: create_base_path and create_subdirs say it",
        },
    )

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests put their disks on it."""
        return [("storage", wanted["storage"])] if "storage" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """Making one takes the privilege for all of them."""
        return [("/storage", "Datastore.Allocate")]

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """Its settings are shown to who may change them."""
        return [(f"/storage/{wanted['storage']}", "Datastore.Allocate")] if "storage" in wanted else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> list[Problem]:
        """Proxmox takes a node that does not exist without a word; nobody means that."""
        return [("nodes", why) for name in wanted.get("nodes", ()) if (why := facts.no_node(name))]


class StorageArgs(CommonArgs):
    """Arguments of `Storage`."""

    storage: pulumi.Input[str]
    type: pulumi.Input[str]
    content: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    nodes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    disable: NotRequired[pulumi.Input[bool] | None]
    bwlimit: NotRequired[pulumi.Input[BandwidthLimits | dict[str, float]] | None]
    path: NotRequired[pulumi.Input[str] | None]
    shared: NotRequired[pulumi.Input[bool] | None]
    is_mountpoint: NotRequired[pulumi.Input[str] | None]
    create_base_path: NotRequired[pulumi.Input[bool] | None]
    create_subdirs: NotRequired[pulumi.Input[bool] | None]
    content_dirs: NotRequired[pulumi.Input[ContentDirs | dict[str, str]] | None]
    format: NotRequired[pulumi.Input[str] | None]
    preallocation: NotRequired[pulumi.Input[str] | None]
    snapshot_as_volume_chain: NotRequired[pulumi.Input[bool] | None]
    nocow: NotRequired[pulumi.Input[bool] | None]
    prune_backups: NotRequired[pulumi.Input[PruneBackups | dict[str, int | bool]] | None]
    max_protected_backups: NotRequired[pulumi.Input[int] | None]
    server: NotRequired[pulumi.Input[str] | None]
    port: NotRequired[pulumi.Input[int] | None]
    export: NotRequired[pulumi.Input[str] | None]
    share: NotRequired[pulumi.Input[str] | None]
    subdir: NotRequired[pulumi.Input[str] | None]
    options: NotRequired[pulumi.Input[str] | None]
    username: NotRequired[pulumi.Input[str] | None]
    password: NotRequired[pulumi.Input[str] | None]
    domain: NotRequired[pulumi.Input[str] | None]
    smbversion: NotRequired[pulumi.Input[str] | None]
    datastore: NotRequired[pulumi.Input[str] | None]
    namespace: NotRequired[pulumi.Input[str] | None]
    fingerprint: NotRequired[pulumi.Input[str] | None]
    encryption_key: NotRequired[pulumi.Input[str] | None]
    master_pubkey: NotRequired[pulumi.Input[str] | None]
    skip_cert_verification: NotRequired[pulumi.Input[bool] | None]
    vgname: NotRequired[pulumi.Input[str] | None]
    thinpool: NotRequired[pulumi.Input[str] | None]
    base: NotRequired[pulumi.Input[str] | None]
    saferemove: NotRequired[pulumi.Input[bool] | None]
    saferemove_throughput: NotRequired[pulumi.Input[str] | None]
    saferemove_stepsize: NotRequired[pulumi.Input[int] | None]
    tagged_only: NotRequired[pulumi.Input[bool] | None]
    pool: NotRequired[pulumi.Input[str] | None]
    data_pool: NotRequired[pulumi.Input[str] | None]
    blocksize: NotRequired[pulumi.Input[str] | None]
    sparse: NotRequired[pulumi.Input[bool] | None]
    mountpoint: NotRequired[pulumi.Input[str] | None]
    portal: NotRequired[pulumi.Input[str] | None]
    target: NotRequired[pulumi.Input[str] | None]
    iscsiprovider: NotRequired[pulumi.Input[str] | None]
    nowritecache: NotRequired[pulumi.Input[bool] | None]
    comstar_hg: NotRequired[pulumi.Input[str] | None]
    comstar_tg: NotRequired[pulumi.Input[str] | None]
    lio_tpg: NotRequired[pulumi.Input[str] | None]
    zfs_base_path: NotRequired[pulumi.Input[str] | None]
    monhost: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    keyring: NotRequired[pulumi.Input[str] | None]
    krbd: NotRequired[pulumi.Input[bool] | None]
    fs_name: NotRequired[pulumi.Input[str] | None]
    fuse: NotRequired[pulumi.Input[bool] | None]


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
