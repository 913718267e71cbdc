"""Every option of a storage's configuration, with its checks."""

from __future__ import annotations

from simulator.schema import Param, PropertyString, boolean, integer, number, string

BWLIMIT = PropertyString(
    {name: number(minimum=0, optional=True) for name in ("clone", "default", "migration", "move", "restore")}
)
_TEXT = string(optional=True)
_FLAG = boolean(optional=True)

CHANGEABLE: dict[str, Param] = {
    "blocksize": string(format="pve-storage-zfs-blocksize", optional=True),
    "bwlimit": string(format=BWLIMIT, optional=True),
    "comstar_hg": _TEXT,
    "comstar_tg": _TEXT,
    "content": string(format="pve-storage-content-list", optional=True),
    "content-dirs": string(format="pve-dir-override-list", optional=True),
    "create-base-path": _FLAG,
    "create-subdirs": _FLAG,
    "data-pool": _TEXT,
    "disable": _FLAG,
    "domain": string(max_length=256, optional=True),
    "encryption-key": _TEXT,
    "fingerprint": string(pattern=r"([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}", optional=True),
    "format": string(enum=("raw", "qcow2", "subvol", "vmdk"), optional=True),
    "fs-name": string(format="pve-configid", optional=True),
    "fuse": _FLAG,
    "is_mountpoint": _TEXT,
    "keyring": _TEXT,
    "krbd": _FLAG,
    "lio_tpg": _TEXT,
    "master-pubkey": _TEXT,
    "max-protected-backups": integer(minimum=-1, optional=True),
    "mkdir": _FLAG,
    "monhost": string(format="pve-storage-portal-dns-list", optional=True),
    "mountpoint": string(format="pve-storage-path", optional=True),
    "namespace": _TEXT,
    "nocow": _FLAG,
    "nodes": string(format="pve-node-list", optional=True),
    "nowritecache": _FLAG,
    "options": string(format="pve-storage-options", optional=True),
    "password": string(max_length=256, optional=True),
    "pool": _TEXT,
    "port": integer(minimum=1, maximum=65535, optional=True),
    "preallocation": string(enum=("off", "metadata", "falloc", "full"), optional=True),
    "prune-backups": string(format="prune-backups", optional=True),
    "saferemove": _FLAG,
    "saferemove-stepsize": integer(enum=("1", "2", "4", "8", "16", "32"), optional=True),
    "saferemove_throughput": _TEXT,
    "server": string(format="pve-storage-server", optional=True),
    "shared": _FLAG,
    "skip-cert-verification": _FLAG,
    "smbversion": string(enum=("default", "2.0", "2.1", "3", "3.0", "3.11"), optional=True),
    "snapshot-as-volume-chain": _FLAG,
    "sparse": _FLAG,
    "subdir": string(format="pve-storage-path", optional=True),
    "tagged_only": _FLAG,
    "username": _TEXT,
    "zfs-base-path": string(format="pve-storage-path", optional=True),
}
AT_CREATION: dict[str, Param] = {
    "authsupported": _TEXT,
    "base": string(format="pve-volume-id", optional=True),
    "datastore": _TEXT,
    "export": string(format="pve-storage-path", optional=True),
    "iscsiprovider": _TEXT,
    "path": string(format="pve-storage-path", optional=True),
    "portal": string(format="pve-storage-portal-dns", optional=True),
    "share": _TEXT,
    "target": _TEXT,
    "thinpool": string(format="pve-storage-vgname", optional=True),
    "vgname": string(format="pve-storage-vgname", optional=True),
}
STORAGE_OPTIONS: dict[str, Param] = {**CHANGEABLE, **AT_CREATION}
SECRETS = ("password", "keyring")
