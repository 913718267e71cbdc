"""Names of volumes: what the part of a volume id after the storage says."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.errors import ApiError
from simulator.guests.storage_types import FILE, StorageType

_OWNED = re.compile(r"(?:vm|base|subvol|basevol)-(\d+)-\S+", re.ASCII)
_NUMBERED = re.compile(r"(?:vm|base|subvol|basevol)-(\d+)-disk-(\d+)(?:\.\w+)?", re.ASCII)
_FILE_NAMES = {
    "iso": re.compile(r"iso/[^/]+\.(?:iso|img)", re.IGNORECASE),
    "vztmpl": re.compile(r"vztmpl/[^/]+\.(?:tar(?:\.(?:gz|xz|zst|bz2))?|tgz|txz|tzst)"),
    "backup": re.compile(r"backup/[^/]+\.(?:tgz|(?:tar|vma)(?:\.(?:gz|lzo|zst))?)"),
    "snippets": re.compile(r"snippets/[^/]+"),
    "import": re.compile(r"import/(?:[^/]+\.ova/)?[^/]+\.(?:ova|ovf|qcow2|raw|vmdk)"),
}
_BACKUP_OWNER = re.compile(r"vzdump-(?:qemu|lxc|openvz)-(\d+)-")
_SNAPSHOT = re.compile(r"backup/(vm|ct|host)/([^/]+)/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_FOREIGN_GUEST = re.compile(r"[^/]+/[^/]+/[^:]+\.(vmx|vmdk)")
_UNIT = re.compile(r"\d+\.\d+\.\d+\.\S+", re.ASCII)
FOLDERS = {
    "images": "images", "rootdir": "private", "iso": "template/iso", "vztmpl": "template/cache", "backup": "dump",
    "snippets": "snippets", "import": "import",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VolumeName:
    """The parsed name of a volume: what it holds, whose it is, on which base it stands, in which format."""

    content: str
    vmid: int | None
    base: str | None
    format: str

    @property
    def is_image(self) -> bool:
        """Tell whether it is a guest's disk and no file."""
        return self.content == "images"


def split_volid(volid: str) -> tuple[str, str]:
    """Take a volume id apart into storage and name, or refuse it."""
    storage, separator, name = volid.partition(":")
    if not separator or not name or not re.fullmatch(r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]", storage):
        raise ApiError(f"unable to parse volume ID '{volid}'")
    return storage, name


def parse_name(type_: StorageType, name: str) -> VolumeName:
    """Parse a volume's name as storages of this type write them, or refuse it."""
    parser = {"pbs": _parse_snapshot, "esxi": _parse_foreign, "iscsi": _parse_unit}.get(type_.parse_name, _parse_block)
    found = _parse_file(name) if type_.layout == FILE else parser(name)
    if found is None or ".." in name.split("/"):
        raise ApiError(f"unable to parse {type_.parse_name} volume name '{name}'")
    return found


def _parse_file(name: str) -> VolumeName | None:
    linked = re.fullmatch(r"(\d+/base-[^/]+\.\w+)/(\d+)/([^/\s]+\.(\w+))", name)
    if linked:
        return VolumeName("images", int(linked[2]), linked[1], linked[4])
    image = re.fullmatch(r"(\d+)/([^/\s]+\.(raw|qcow2|vmdk|subvol))", name)
    if image:
        return VolumeName("images", int(image[1]), None, image[3])
    for content, pattern in _FILE_NAMES.items():
        if pattern.fullmatch(name):
            owner = _BACKUP_OWNER.search(name)
            return VolumeName(content, int(owner[1]) if owner else None, None, file_format(name))
    return None


def _parse_block(name: str) -> VolumeName | None:
    base, _, last = name.rpartition("/")
    match = _OWNED.fullmatch(last)
    if match is None or (base and not re.fullmatch(r"base(?:vol)?-\d+-\S+", base)):
        return None
    return VolumeName("images", int(match[1]), base or None, "subvol" if "subvol-" in last else "raw")


def _parse_snapshot(name: str) -> VolumeName | None:
    """Parse a backup on a backup server: `backup/vm/100/2026-11-21T10:00:00Z`."""
    match = _SNAPSHOT.fullmatch(name)
    if match is None:
        return None
    return VolumeName("backup", int(match[2]) if match[2].isdigit() else None, None, f"pbs-{match[1]}")


def _parse_foreign(name: str) -> VolumeName | None:
    """Parse a file of another hypervisor's guest: `ha-datacenter/datastore1/web/web.vmx`."""
    match = _FOREIGN_GUEST.fullmatch(name)
    return VolumeName("import", None, None, match[1]) if match else None


def _parse_unit(name: str) -> VolumeName | None:
    """Parse a logical unit of an iSCSI target: `0.0.1.scsi-360000000000000000e00000000010001`."""
    return VolumeName("images", None, None, "raw") if _UNIT.fullmatch(name) else None


def file_format(name: str) -> str:
    """Return the format that content lists show for a file."""
    for ending, label in ((".tar.zst", "tzst"), (".tar.gz", "tgz"), (".tar.xz", "txz"), (".tar.bz2", "tbz2")):
        if name.endswith(ending) and not name.startswith("backup/"):
            return label
    return name.removeprefix("backup/").partition(".")[2] if name.startswith("backup/") else name.rpartition(".")[2]


def disk_number(name: str) -> int | None:
    """Return N of a name such as `vm-100-disk-N`."""
    match = _NUMBERED.fullmatch(name.rpartition("/")[2])
    return int(match[2]) if match else None


def own_name(name: str) -> str:
    """Return the last part of a name: without the folder and the base."""
    return name.rpartition("/")[2]
