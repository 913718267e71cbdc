"""The mount points of a container: their property strings, and making the volumes they ask for."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping

from simulator.errors import ApiError, ParamError
from simulator.guests.draft import format_size
from simulator.guests.lxc_options import MOUNT_POINT, ROOTFS, UNUSED
from simulator.guests.qemu_drives import gib_to_bytes
from simulator.guests.qemu_update import option_text
from simulator.guests.storages import StorageView
from simulator.propstring import join
from simulator.records import Volume
from simulator.tasks import Step

Mount = dict[str, str]

KEYS = ("rootfs", *(f"mp{index}" for index in range(256)))
_KEYS = frozenset(KEYS)
_NEW_VOLUME = re.compile(r"([^:\s/]+):(\d+(?:\.\d+)?)", re.ASCII)
_HOST_DIRECTORIES = frozenset(
    "bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var".split()  # noqa: SIM905 - a list of words
)
_BLOCK, _GROUP = 4096, 32768
_BACKUP_GROUPS = (1, 3, 5, 7, 9, 25, 27, 49, 81)


def is_mount(key: str) -> bool:
    """Tell whether an option is a mount point (unused volumes are none)."""
    return key in _KEYS


def parse_mount(key: str, value: str) -> Mount:
    """Take a mount point's property string apart; values stay text, booleans become 0 or 1."""
    form = UNUSED if key.startswith("unused") else ROOTFS if key == "rootfs" else MOUNT_POINT
    try:
        parsed = form.parse(value, key)
    except ValueError as error:
        raise ParamError({key: f"invalid format - {error}"}) from None
    return {name: option_text(item) for name, item in parsed.items()}


def print_mount(mount: Mount) -> str:
    """Write a mount point's property string."""
    return join(mount, "volume", ["mp"])


def mounts(config: Mapping[str, str]) -> Iterator[tuple[str, Mount]]:
    """Yield the mount points of a configuration, the root first."""
    for key in KEYS:
        if key in config:
            yield key, parse_mount(key, config[key])


def is_volume(mount: Mount) -> bool:
    """Tell whether a mount point is a volume of a storage, and no directory or device of the host."""
    return not mount["volume"].startswith("/")


def new_volume(mount: Mount) -> tuple[str, float] | None:
    """Return storage and size in GiB when a mount point asks for a new volume, else None."""
    match = _NEW_VOLUME.fullmatch(mount["volume"])
    return (match[1], float(match[2])) if match else None


def check_directory(mount: Mount) -> None:
    """Refuse to mount a directory that no host has."""
    path = mount["volume"]
    if not is_volume(mount) and path.split("/")[1] not in _HOST_DIRECTORIES:
        raise ApiError(f"directory '{path}' does not exist")


def make_mount(view: StorageView, vmid: int, mount: Mount, data: int = 0) -> Generator[Step, None, Mount]:
    """Do what a mount point asks for: make a volume, or look for the one it names."""
    if not is_volume(mount):
        return mount
    new = new_volume(mount)
    if new is None:
        volume = view.require(mount["volume"])
        return {**mount, "size": mount.get("size", format_size(volume.size))}
    volume = yield from make_filesystem(view, vmid, new[0], gib_to_bytes(new[1]), data)
    return {**mount, "volume": volume.volid, "size": format_size(volume.size)}


def make_filesystem(
    view: StorageView, vmid: int, storage: str, size: int, data: int = 0
) -> Generator[Step, None, Volume]:
    """Make a volume with a file system for a container."""
    format_ = view.default_format(storage, "rootdir")
    volume = view.allocate(storage, vmid, size, format_, content="rootdir", data=min(data, size))
    yield from view.log_allocation(volume)
    if format_ != "subvol":
        blocks = volume.size // _BLOCK
        yield f"Creating filesystem with {blocks} 4k blocks and {blocks // 4} inodes"
        copies = [group * _GROUP for group in _BACKUP_GROUPS if group * _GROUP < blocks]
        yield "Superblock backups stored on blocks: "
        yield "\t" + ", ".join(str(block) for block in copies)
    yield 0.5
    return volume
