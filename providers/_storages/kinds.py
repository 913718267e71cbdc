"""Proxmox's types of storages: which fields each must have, which others are its own, and what it can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EVERYBODYS = frozenset({"storage", "type", "content", "nodes", "disable", "connection", "adopt", "timeouts"})


@dataclass(frozen=True)
class StorageKind:
    """One type of storage."""

    required: frozenset[str]
    own: frozenset[str]
    holds: frozenset[str]

    @property
    def fields(self) -> frozenset[str]:
        """All fields that a storage of this type may have."""
        return self.required | self.own | EVERYBODYS


def _kind(required: str, own: str, holds: str, *more: frozenset[str]) -> StorageKind:
    return StorageKind(
        frozenset(required.split()), frozenset(own.split()).union(*more), frozenset(f"{holds} none".split())
    )


_ANY = "backup images import iso rootdir snippets vztmpl"
_LIMITS = frozenset({"bwlimit"})
_BACKUPS = frozenset({"prune_backups", "max_protected_backups"})
_FOLDERS = _BACKUPS | _LIMITS | {"content_dirs", "create_base_path", "create_subdirs", "format"}
_IMAGES = frozenset({"preallocation", "snapshot_as_volume_chain"})

KINDS: Mapping[str, StorageKind] = {
    "dir": _kind("path", "shared is_mountpoint", _ANY, _FOLDERS, _IMAGES),
    "btrfs": _kind("path", "shared is_mountpoint nocow preallocation", _ANY, _FOLDERS),
    "nfs": _kind("server export", "path options", _ANY, _FOLDERS, _IMAGES),
    "cifs": _kind("server share", "path subdir username password domain smbversion options", _ANY, _FOLDERS, _IMAGES),
    "cephfs": _kind(
        "", "path monhost fs_name subdir fuse options username keyring", "backup import iso snippets vztmpl", _FOLDERS
    ),
    "lvm": _kind(
        "vgname",
        "base shared saferemove saferemove_throughput saferemove_stepsize tagged_only snapshot_as_volume_chain",
        "images rootdir",
        _LIMITS,
    ),
    "lvmthin": _kind("vgname thinpool", "", "images rootdir", _LIMITS),
    "zfspool": _kind("pool", "blocksize mountpoint sparse", "images rootdir", _LIMITS),
    "zfs": _kind(
        "portal target pool iscsiprovider blocksize",
        "nowritecache sparse comstar_hg comstar_tg lio_tpg zfs_base_path",
        "images",
        _LIMITS,
    ),
    "rbd": _kind("", "monhost pool data_pool namespace username krbd keyring", "images rootdir", _LIMITS),
    "iscsi": _kind("portal target", "", "images", _LIMITS),
    "iscsidirect": _kind("portal target", "", "images", _LIMITS),
    "pbs": _kind(
        "server datastore",
        "namespace port username password fingerprint encryption_key master_pubkey",
        "backup",
        _BACKUPS,
    ),
    "esxi": _kind("server username", "password port skip_cert_verification", "import"),
}
