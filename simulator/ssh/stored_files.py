"""The files on storages that are folders: what lies below such a folder, under the right name, is a volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulator.errors import ApiError
from simulator.guests.facts import storage_visible
from simulator.guests.storage_types import FILE, TYPES
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import FOLDERS, parse_name
from simulator.records import Section, Volume
from simulator.state import Datacenter, volume_key


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file would be on a storage: whose volume, and the node of its records (none on a shared storage)."""

    storage: str
    node: str
    name: str


def storages(datacenter: Datacenter, node: str) -> Iterator[Section]:
    """Yield the storages of a node that are folders."""
    for section in datacenter.storages:
        if TYPES[section.type].layout == FILE and storage_visible(section, node):
            yield section


def _view(datacenter: Datacenter, node: str) -> StorageView:
    return StorageView(datacenter, node, 0)


def folders(datacenter: Datacenter, node: str) -> list[str]:
    """Return the folders that storages have made."""
    view = _view(datacenter, node)
    found = []
    for section in storages(datacenter, node):
        root = view.folder(section.id)
        found += [root, *(f"{root}/{FOLDERS[c]}" for c in view.contents(section.id) if c in FOLDERS)]
    return found


def place_of(datacenter: Datacenter, node: str, path: str) -> Place | None:
    """Return the volume that a path stands for, or None when it stands for none."""
    view = _view(datacenter, node)
    for section in storages(datacenter, node):
        inner = path.removeprefix(f"{view.folder(section.id)}/")
        for content, folder in FOLDERS.items():
            name = inner.removeprefix(f"{folder}/")
            if inner in (path, name):
                continue
            name = name if content in ("images", "rootdir") else f"{content}/{name}"
            try:
                parsed = parse_name(TYPES[section.type], name)
            except ApiError:
                continue
            linked = _linked(view, section.id, name) if parsed.is_image else None
            return Place(section.id, view.place(section.id), linked or name)
    return None


def _linked(view: StorageView, storage: str, name: str) -> str | None:
    """Return the name of the linked clone whose file this is: before it stands that of its base."""
    return next((volume.name for volume in view.volumes(storage) if volume.name.endswith(f"/{name}")), None)


def find(datacenter: Datacenter, place: Place) -> Volume | None:
    """Return the volume at a place."""
    return datacenter.volumes.get(volume_key(place.node, f"{place.storage}:{place.name}"))


def paths(datacenter: Datacenter, node: str, prefix: str) -> Iterator[str]:
    """Yield the paths of the volumes below a folder."""
    view = _view(datacenter, node)
    for section in storages(datacenter, node):
        root = f"{view.folder(section.id)}/"
        if root.startswith(prefix) or prefix.startswith(root):
            found = (view.path(volume.volid) for volume in view.volumes(section.id))
            yield from (path for path in found if path.startswith(prefix))


def put(datacenter: Datacenter, place: Place, size: int, now: float) -> None:
    """Let a file of this size be a volume."""
    old = find(datacenter, place)
    if old is not None:
        datacenter.volumes.put(replace(old, size=size, used=size, ctime=int(now), checksums={}))
        return
    parsed = parse_name(TYPES[datacenter.storages[place.storage].type], place.name)
    volume = Volume(
        storage=place.storage, node=place.node, name=place.name, content=parsed.content, format=parsed.format,
        size=size, used=size, vmid=parsed.vmid, ctime=int(now),
    )  # fmt: skip
    datacenter.volumes.put(volume)


def move(datacenter: Datacenter, node: str, source: str, target: str) -> bool:
    """Let a volume whose file is moved be that of its new place, with all that is known of it; tell whether it is."""
    old, new = place_of(datacenter, node, source), place_of(datacenter, node, target)
    volume = find(datacenter, old) if old is not None else None
    if old is None or new is None or volume is None:
        return False
    remove(datacenter, old)
    datacenter.volumes.put(replace(volume, storage=new.storage, node=new.node, name=new.name))
    return True


def known_checksum(datacenter: Datacenter, node: str, path: str, algorithm: str) -> str | None:
    """Return the checksum of a volume that was uploaded or downloaded."""
    place = place_of(datacenter, node, path)
    volume = find(datacenter, place) if place is not None else None
    return volume.checksums.get(algorithm) if volume is not None else None


def remove(datacenter: Datacenter, place: Place) -> None:
    """Remove the volume of a file that is removed."""
    datacenter.volumes.delete(volume_key(place.node, f"{place.storage}:{place.name}"))
