"""Where a backup job writes to: a storage for backups, its limits, and what is already there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.access import Access
from simulator.backup.names import parse, zone_of
from simulator.backup.retention import REMOVE, backups, decide, keep_text, parse_keep
from simulator.errors import ApiError, TaskError
from simulator.guests.qemu_power import view_for
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import FOLDERS, parse_name
from simulator.records import Archive, Volume
from simulator.tasks import Steps, TaskRun

_PROTECTED_LIMIT = 5


@dataclass(frozen=True, slots=True)
class Target:
    """An opened target. `named` tells whether a storage was asked for, and no bare folder."""

    storage: str
    named: bool
    is_server: bool
    folder: str
    keep: Mapping[str, int]
    remove: bool


def backup_folder(view: StorageView, storage: str) -> str:
    """Return the folder of a storage in which its backups are."""
    return f"{view.folder(storage)}/{FOLDERS['backup']}"


def check_holds_backups(view: StorageView, storage: str) -> None:
    """Refuse a storage that is not for backups."""
    if "backup" not in view.contents(storage):
        raise ApiError(f"can't use storage '{storage}' for backups - wrong content type")


def open_target(run: TaskRun, options: Mapping[str, Any]) -> Target:
    """Find where a job is to write to, or fail with everything that stands against it."""
    view = view_for(run)
    if "storage" in options and "dumpdir" in options:
        raise TaskError("cannot use options 'storage' and 'dumpdir' at the same time")
    if "dumpdir" in options:
        storage = _storage_of(view, str(options["dumpdir"]).rstrip("/"))
    else:
        storage = str(options.get("storage", "local"))
        _check_usable(view, storage)
    text = options.get("prune-backups") or view.section(storage).options.get("prune-backups", "keep-all=1")
    keep = parse_keep(str(text))
    return Target(
        storage=storage, named="dumpdir" not in options, is_server=view.section(storage).type == "pbs",
        folder=backup_folder(view, storage), keep=keep,
        remove=bool(options.get("remove", True)) and not keep.get("keep-all"),
    )  # fmt: skip


def _storage_of(view: StorageView, folder: str) -> str:
    """Return the storage whose backups are in a folder of the node."""
    found = (section.id for section in view.datacenter.storages if backup_folder(view, section.id) == folder)
    storage = next(found, None)
    if storage is None:
        raise TaskError(f"dumpdir '{folder}' does not exist")
    return storage


def _check_usable(view: StorageView, storage: str) -> None:
    errors = []
    for check, text in (
        (lambda: view.available(storage), f"could not activate storage '{storage}'"),
        (lambda: check_holds_backups(view, storage), f"could not get storage information for '{storage}'"),
    ):
        try:
            check()
        except ApiError as error:
            errors.append(f"{text}: {error}")
    if errors:
        raise TaskError(" ".join(errors))


def protected_limit(view: StorageView, storage: str, access: Access) -> int:
    """Return how many backups of a guest may be protected on a storage; -1 for any number."""
    given = view.section(storage).options.get("max-protected-backups")
    if given is not None:
        return int(given)
    return -1 if access.may(f"/storage/{storage}", ["Datastore.Allocate"]) else _PROTECTED_LIMIT


def check_may_protect(view: StorageView, storage: str, vmid: int | None, access: Access) -> None:
    """Refuse to protect one more backup of a guest than the storage's limit allows."""
    limit = protected_limit(view, storage, access)
    count = sum(volume.protected for volume in backups(view, storage, vmid))
    if 0 <= limit <= count:
        raise ApiError(f"The number of protected backups per guest is limited to {limit} on storage '{storage}'")


def check_room(view: StorageView, target: Target, kind: str, vmid: int, *, protected: bool, access: Access) -> None:
    """Refuse one more backup of a guest where the limits forbid it."""
    if protected:
        check_may_protect(view, target.storage, vmid, access)
        return
    limit = 0 if target.keep.get("keep-all") else sum(target.keep.values())
    if not limit or target.remove:
        return
    zone = zone_of(view.datacenter.nodes[view.node])
    mine = backups(view, target.storage, vmid)
    if sum(not volume.protected and parse(volume.name, zone).type == kind for volume in mine) >= limit:
        raise ApiError(
            f"There is a max backup limit of {limit} enforced by the target storage or the vzdump parameters."
            " Either increase the limit or delete old backups."
        )


def put_archive(view: StorageView, target: Target, name: str, archive: Archive, *, vmid: int, packed: int) -> Volume:
    """Let a finished backup be a volume; a backup server shows the size of what was saved, not what it takes."""
    size = sum(saved.size for saved in archive.volumes.values()) if target.is_server else packed
    if packed > view.free_space(target.storage):
        raise ApiError("vma_queue_write: write error - No space left on device")
    format_ = parse_name(view.type_of(target.storage), name).format
    volume = Volume(
        storage=target.storage, node=view.place(target.storage), name=name, content="backup", format=format_,
        size=size, used=packed, vmid=vmid, ctime=view.now, archive=archive,
    )  # fmt: skip
    return view.datacenter.volumes.put(volume)


def prune(view: StorageView, target: Target, kind: str, vmid: int) -> Steps:
    """Remove the backups of a guest that the rules no longer keep."""
    yield f"INFO: prune older backups with retention: {keep_text(target.keep)}"
    old = [entry for entry in decide(view, target.storage, target.keep, vmid, kind) if entry.mark == REMOVE]
    for entry in old:
        yield f"INFO: removing backup '{entry.volid}'"
        view.free(entry.volid)
    yield f"INFO: pruned {len(old)} backup(s)" + (" not covered by keep-retention policy" if old else "")
