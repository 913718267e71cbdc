"""The types of storages: what each may hold, which options it needs, and which cannot be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FILE, BLOCK, OTHER = "file", "block", "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageType:
    """One type of storage. Options that are in none of the three sets are refused."""

    layout: str
    contents: frozenset[str]
    default: str
    required: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ("raw",)
    shared: bool = False
    thin: bool = False
    linked: bool = False
    mounted: bool = False
    parse_name: str = "directory"

    def knows(self, option: str) -> bool:
        """Tell whether a storage of this type may have an option."""
        return option in self.required or option in self.fixed or option in self.optional


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILES = _words("images rootdir vztmpl iso backup snippets import none")
_DISKS = _words("images rootdir none")
_COMMON = _words("nodes disable content")
_FOLDERS = _COMMON | _words(
    "content-dirs prune-backups max-protected-backups format mkdir create-base-path create-subdirs bwlimit"
    " preallocation snapshot-as-volume-chain"
)
_IMAGE_FORMATS = ("raw", "qcow2", "vmdk", "subvol")

TYPES: Mapping[str, StorageType] = {
    "dir": StorageType(
        layout=FILE, contents=_FILES, default="images,rootdir", required=_words("path"), fixed=_words("path"),
        optional=_FOLDERS | _words("shared is_mountpoint"), formats=_IMAGE_FORMATS, thin=True, linked=True,
    ),
    "nfs": StorageType(
        layout=FILE, contents=_FILES - {"none"}, default="images", required=_words("server export"),
        fixed=_words("path server export"), optional=_FOLDERS | _words("options"), formats=_IMAGE_FORMATS[:3],
        shared=True, thin=True, linked=True, mounted=True,
    ),
    "cifs": StorageType(
        layout=FILE, contents=_FILES - {"none"}, default="images", required=_words("server share"),
        fixed=_words("path server share"),
        optional=_FOLDERS | _words("subdir username password domain smbversion options"),
        formats=_IMAGE_FORMATS[:3], shared=True, thin=True, linked=True, mounted=True,
    ),
    "cephfs": StorageType(
        layout=FILE, contents=_words("vztmpl iso backup snippets import"), default="backup", fixed=_words("path"),
        optional=_COMMON
        | _words(
            "fuse subdir options username format mkdir create-base-path create-subdirs monhost fs-name keyring"
            " content-dirs prune-backups max-protected-backups bwlimit"
        ),
        shared=True, thin=True, mounted=True,
    ),
    "btrfs": StorageType(
        layout=FILE, contents=_FILES, default="images,rootdir", required=_words("path"), fixed=_words("path"),
        optional=_FOLDERS - {"snapshot-as-volume-chain"} | _words("shared is_mountpoint nocow"),
        formats=("raw", "subvol"), thin=True, linked=True,
    ),
    "lvm": StorageType(
        layout=BLOCK, contents=_DISKS, default="images", required=_words("vgname"), fixed=_words("vgname base"),
        optional=_COMMON
        | _words(
            "shared saferemove saferemove_throughput saferemove-stepsize tagged_only bwlimit snapshot-as-volume-chain"
        ),
        formats=("raw", "qcow2"), parse_name="lvm",
    ),
    "lvmthin": StorageType(
        layout=BLOCK, contents=_DISKS, default="rootdir,images", required=_words("vgname thinpool"),
        fixed=_words("vgname thinpool"), optional=_COMMON | _words("bwlimit"), thin=True, linked=True,
        parse_name="lvm",
    ),
    "zfspool": StorageType(
        layout=BLOCK, contents=_words("images rootdir"), default="images,rootdir", required=_words("pool"),
        fixed=_words("pool"), optional=_COMMON | _words("blocksize sparse bwlimit mountpoint"),
        formats=("raw", "subvol"), linked=True, parse_name="zfs",
    ),
    "zfs": StorageType(
        layout=BLOCK, contents=_words("images"), default="images",
        required=_words("portal target pool iscsiprovider blocksize"),
        fixed=_words("portal target pool blocksize iscsiprovider"),
        optional=_COMMON | _words("nowritecache sparse comstar_hg comstar_tg lio_tpg zfs-base-path bwlimit"),
        shared=True, linked=True, parse_name="zfs",
    ),
    "rbd": StorageType(
        layout=BLOCK, contents=_words("images rootdir"), default="images",
        optional=_COMMON | _words("monhost pool data-pool namespace username krbd keyring bwlimit"),
        shared=True, thin=True, linked=True, parse_name="rbd",
    ),
    "iscsi": StorageType(
        layout=OTHER, contents=_words("images none"), default="images", required=_words("portal target"),
        fixed=_words("portal target"), optional=_COMMON | _words("bwlimit"), shared=True, parse_name="iscsi",
    ),
    "iscsidirect": StorageType(
        layout=OTHER, contents=_words("images none"), default="images", required=_words("portal target"),
        fixed=_words("portal target"), optional=_COMMON | _words("bwlimit"), shared=True, parse_name="iscsi",
    ),
    "pbs": StorageType(
        layout=OTHER, contents=_words("backup none"), default="backup", required=_words("server datastore"),
        fixed=_words("server datastore"),
        optional=_COMMON
        | _words(
            "namespace port username password encryption-key master-pubkey prune-backups max-protected-backups"
            " fingerprint"
        ),
        shared=True, parse_name="pbs",
    ),
    "esxi": StorageType(
        layout=OTHER, contents=_words("import"), default="import", required=_words("server username"),
        fixed=frozenset(), optional=_COMMON | _words("server username password port skip-cert-verification"),
        shared=True, parse_name="esxi",
    ),
}  # fmt: skip
