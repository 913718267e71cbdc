"""Storages as one node sees them: finding, allocating, growing, copying and freeing volumes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.guests.facts import is_shared, storage_usage, storage_visible
from simulator.guests.storage_types import BLOCK, FILE, OTHER, TYPES, StorageType
from simulator.guests.volume_names import FOLDERS, disk_number, own_name, parse_name, split_volid
from simulator.records import SavedVolume, Section, Volume
from simulator.state import Datacenter, volume_key

CLOUDINIT_SIZE = 4 << 20
EXTENT = 4 << 20


@dataclass(frozen=True, slots=True)
class StorageView:
    """The storages of a datacenter, seen from a node."""

    datacenter: Datacenter
    node: str
    now: int

    def section(self, storage: str) -> Section:
        """Return the configuration of a storage, or refuse."""
        section = self.datacenter.storages.get(storage)
        if section is None:
            raise ApiError(f"storage '{storage}' does not exist")
        return section

    def type_of(self, storage: str) -> StorageType:
        """Return the type of a storage."""
        return TYPES[self.section(storage).type]

    def available(self, storage: str) -> Section:
        """Return a storage that is enabled and on this node, or refuse."""
        section = self.section(storage)
        if section.options.get("disable") == "1":
            raise ApiError(f"storage '{storage}' is disabled")
        if not storage_visible(section, self.node):
            raise ApiError(f"storage '{storage}' is not available on node '{self.node}'")
        return section

    def is_shared(self, storage: str) -> bool:
        """Tell whether all nodes see the same content."""
        return is_shared(self.section(storage))

    def contents(self, storage: str) -> list[str]:
        """Return what a storage may hold."""
        return split_list(self.section(storage).options.get("content", ""))

    def place(self, storage: str) -> str:
        """Return the node part of the keys of a storage's volumes."""
        return "" if is_shared(self.section(storage)) else self.node

    def find(self, volid: str) -> Volume | None:
        """Return a volume, or None when it does not exist here."""
        storage, _, _ = volid.partition(":")
        if storage not in self.datacenter.storages:
            return None
        return self.datacenter.volumes.get(volume_key(self.place(storage), volid))

    def require(self, volid: str) -> Volume:
        """Return a volume, or refuse in the words for a missing one."""
        storage, name = split_volid(volid)
        self.available(storage)
        parse_name(self.type_of(storage), name)
        volume = self.find(volid)
        if volume is None:
            raise ApiError(f"volume '{volid}' does not exist")
        return volume

    def volumes(self, storage: str) -> list[Volume]:
        """Return all volumes of a storage."""
        volumes: list[Volume] = self.datacenter.volumes.by("place", (storage, self.place(storage)))
        return volumes

    def folder(self, storage: str) -> str:
        """Return the directory below which a storage keeps its files."""
        return self.section(storage).options.get("path", f"/mnt/pve/{storage}")

    def path(self, volid: str) -> str:
        """Return the path of a volume on the node."""
        storage, name = split_volid(volid)
        section = self.section(storage)
        type_ = TYPES[section.type]
        if type_.layout == FILE:
            parsed = parse_name(type_, name)
            if parsed.is_image:
                return f"{self.folder(storage)}/images/{parsed.vmid}/{own_name(name)}"
            return f"{self.folder(storage)}/{FOLDERS[parsed.content]}/{own_name(name)}"
        if section.type in ("lvm", "lvmthin"):
            return f"/dev/{section.options['vgname']}/{name}"
        if section.type == "zfspool":
            root = "" if own_name(name).startswith(("subvol", "basevol")) else "/dev/zvol"
            return f"{root}/{section.options['pool']}/{own_name(name)}"
        return f"{section.type}:{section.options.get('pool', storage)}/{name}"

    def free_space(self, storage: str) -> int:
        """Return the bytes that are left."""
        total, used = storage_usage(self.datacenter, self.section(storage), self.node)
        return total - used

    def default_format(self, storage: str, content: str = "images") -> str:
        """Return the format of a new disk for which none is asked."""
        section = self.section(storage)
        if content == "rootdir" and section.type == "zfspool":
            return "subvol"
        return section.options.get("format", "raw")

    def check_format(self, storage: str, format_: str) -> None:
        """Refuse a format that a storage cannot hold."""
        type_ = self.type_of(storage)
        if format_ not in type_.formats:
            raise ApiError(f"unsupported format '{format_}' at storage '{storage}'")

    def next_name(self, storage: str, vmid: int, format_: str, prefix: str = "vm") -> str:
        """Return the first free name for a guest's disk."""
        taken = {
            disk_number(volume.name)
            for volume in self.datacenter.volumes.by("vmid", vmid)
            if volume.storage == storage and volume.node == self.place(storage)
        }
        number = next(number for number in range(len(taken) + 1) if number not in taken)
        if format_ == "subvol":
            prefix = "subvol" if prefix == "vm" else "basevol"
        return self.full_name(storage, vmid, f"{prefix}-{vmid}-disk-{number}", format_)

    def full_name(self, storage: str, vmid: int, name: str, format_: str) -> str:
        """Return a disk's name as this storage writes it: with folder and ending, or bare."""
        return name if self.type_of(storage).layout == BLOCK else f"{vmid}/{name}.{format_}"

    def initial_use(self, storage: str, size: int, data: int) -> int:
        """Return the bytes that a volume occupies which holds so much data."""
        section = self.section(storage)
        return data if TYPES[section.type].thin or section.options.get("sparse") == "1" else size

    def rounded(self, storage: str, size: int) -> int:
        """Return the size a volume really gets: volume groups hand out extents of 4 MiB."""
        return -(-size // EXTENT) * EXTENT if self.section(storage).type in ("lvm", "lvmthin") else size

    def reserve(self, storage: str, needed: int, name: str) -> None:
        """Refuse when there is no room for so many more bytes."""
        if needed <= self.free_space(storage):
            return
        section = self.section(storage)
        vg, pool = section.options.get("vgname", ""), section.options.get("pool", "")
        raise ApiError(
            {
                "lvm": f"lvcreate '{vg}/{name}' error:   Volume group \"{vg}\" has insufficient free space"
                f" ({self.free_space(storage) >> 22} extents): {needed >> 22} required.",
                "lvmthin": f"lvcreate '{vg}/{name}' error:   Cannot create new thin volume, free space in thin pool"
                f" {vg}/{section.options.get('thinpool', '')} reached threshold.",
                "zfspool": f"zfs error: cannot create '{pool}/{name}': out of space",
            }.get(section.type, f"unable to create image: qemu-img: {self.folder(storage)}: No space left on device")
        )

    def allocate(
        self, storage: str, vmid: int, size: int, format_: str, *, name: str | None = None, data: int = 0,
        content: str = "images", parent: Volume | None = None,
    ) -> Volume:  # fmt: skip
        """Make a volume for a guest; `data` is what it holds from the start."""
        self.available(storage)
        if self.type_of(storage).layout == OTHER:
            raise ApiError(f"can't allocate space in {self.section(storage).type} storage")
        self.check_format(storage, format_)
        if self.is_shared(storage) and not self.datacenter.quorate_on(self.node):
            raise ApiError(f"cfs-lock 'storage-{storage}' error: no quorum!")
        size = self.rounded(storage, size)
        full = name if name is not None else self.next_name(storage, vmid, format_)
        if parent is not None and self.names_base(storage):
            full = f"{parent.name}/{full}"
        volume = Volume(
            storage=storage, node=self.place(storage), name=full, content=content, format=format_, size=size,
            used=0 if parent is not None else self.initial_use(storage, size, data), vmid=vmid,
            parent=parent.volid if parent else None, ctime=self.now, files=parent.files if parent else {},
        )  # fmt: skip
        key = volume_key(volume.node, volume.volid)
        if key in self.datacenter.volumes:
            raise ApiError(self._exists(volume))
        self.reserve(storage, volume.used or min(size, 1), own_name(full))
        return self.datacenter.volumes.put(volume)

    def names_base(self, storage: str) -> bool:
        """Tell whether a linked clone's name begins with that of its base."""
        return self.section(storage).type != "lvmthin"

    def _exists(self, volume: Volume) -> str:
        if self.type_of(volume.storage).layout == FILE:
            return f"disk image '{self.path(volume.volid)}' already exists"
        return f"volume '{volume.volid}' already exists"

    def resize(self, volid: str, size: int) -> None:
        """Grow a volume."""
        volume = self.require(volid)
        size = self.rounded(volume.storage, size)
        used = volume.used if self.initial_use(volume.storage, size, 0) == 0 else size
        self.reserve(volume.storage, used - volume.used, own_name(volume.name))
        self.datacenter.volumes.put(replace(volume, size=size, used=used))

    def fill(self, volid: str, data: int, source: Volume | SavedVolume) -> Volume:
        """Let a volume hold so much data, copied from another one or from a backup."""
        volume = self.require(volid)
        used = self.initial_use(volume.storage, volume.size, min(data, volume.size))
        self.reserve(volume.storage, used - volume.used, own_name(volume.name))
        return self.datacenter.volumes.put(replace(volume, used=used, files=source.files))

    def rename(self, volume: Volume, name: str, vmid: int, content: str | None = None) -> Volume:
        """Give a volume another name and owner."""
        renamed = replace(volume, name=name, vmid=vmid, content=content or volume.content)
        self.datacenter.volumes.delete(volume_key(volume.node, volume.volid))
        return self.datacenter.volumes.put(renamed)

    def clones_of(self, volume: Volume) -> list[Volume]:
        """Return the linked clones that stand on a volume."""
        if not own_name(volume.name).startswith("base"):
            return []
        return [other for other in self.datacenter.volumes.by("parent", volume.volid) if other.node == volume.node]

    def check_base(self, volume: Volume) -> None:
        """Refuse to free the base of linked clones (where the storage itself keeps track of them)."""
        if self.names_base(volume.storage) and self.clones_of(volume):
            raise ApiError(f"base volume '{volume.volid}' is still in use by linked cloned")

    def free(self, volid: str) -> None:
        """Remove a volume; one that does not exist is no error."""
        volume = self.find(volid)
        if volume is not None:
            self.check_base(volume)
            self.datacenter.volumes.delete(volume_key(volume.node, volume.volid))

    def log_allocation(self, volume: Volume) -> list[str]:
        """Return the lines that allocating a volume prints into a task's log."""
        path = self.path(volume.volid)
        if volume.parent is not None and volume.format == "qcow2":
            base = self.require(volume.parent)
            return [
                f"Formatting '{path}', fmt=qcow2 cluster_size=131072 extended_l2=on preallocation=off"
                f" compression_type=zlib size={volume.size} backing_file=../{base.name} backing_fmt={base.format}"
                " lazy_refcounts=off refcount_bits=16"
            ]
        if self.type_of(volume.storage).layout == FILE:
            options = {
                "qcow2": f"cluster_size=65536 extended_l2=off preallocation=metadata compression_type=zlib"
                f" size={volume.size} lazy_refcounts=off refcount_bits=16",
                "vmdk": f"size={volume.size} compat6=off hwversion=undefined",
            }.get(volume.format, f"size={volume.size} preallocation=off")
            return [f"Formatting '{path}', fmt={volume.format} {options}"]
        if self.section(volume.storage).type in ("lvm", "lvmthin"):
            return [f'  Logical volume "{volume.name}" created.']
        return []
