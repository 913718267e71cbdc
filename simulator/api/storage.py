"""`/storage`: the storages' configuration."""

from __future__ import annotations

from typing import Any

from simulator.backup.encryption import take_keys
from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.guests.storage_options import CHANGEABLE, SECRETS, STORAGE_OPTIONS
from simulator.guests.storage_types import TYPES
from simulator.guests.volume_names import parse_name
from simulator.nodes import disk_groups
from simulator.records import Capacity, Section
from simulator.routing import Call, route
from simulator.schema import string
from simulator.sections import stored
from simulator.state import Datacenter, digest, volume_key

STORAGE = string(format="pve-storage-id")
TYPE_NAMES = tuple(sorted(TYPES))
SEE = ["Datastore.Audit", "Datastore.AllocateSpace"]
_ALLOCATE = ["perm", "/storage", ["Datastore.Allocate"]]
_DEFAULT_SIZE = 100 << 30


def storage_digest(datacenter: Datacenter) -> str:
    """Return the digest of the file that holds all storages."""
    return digest([(section.id, section.type, dict(section.options)) for section in datacenter.storages])


def _shown(datacenter: Datacenter, section: Section) -> dict[str, Any]:
    """Return a storage as clients get it: flags and numbers as numbers, no secrets."""
    row: dict[str, Any] = {"storage": section.id, "type": section.type}
    for key, value in section.options.items():
        if key in SECRETS:
            continue
        param = STORAGE_OPTIONS.get(key)
        row[key] = int(value) if param is not None and param.type in ("boolean", "integer") else value
    if TYPES[section.type].shared:
        row["shared"] = 1
    return row | {"digest": storage_digest(datacenter)}


def _existing(call: Call, prefix: str = "") -> Section:
    section = call.datacenter.storages.get(call.text("storage"))
    if section is None:
        raise ApiError(f"{prefix}storage '{call.text('storage')}' does not exist")
    return section


def _given(call: Call, *skip: str) -> dict[str, str]:
    """Return the options of a request as configuration files keep them; secrets have files of their own."""
    skipped = ("storage", "type", "delete", "digest", *skip)
    values = {key: value for key, value in call.params.items() if key not in skipped and value is not None}
    secrets = {key: str(values.pop(key)) for key in SECRETS if key in values}
    return stored(values) | secrets


def _known_content(type_name: str, content: str) -> str:
    """Drop what this type of storage cannot hold; nothing at all goes with nothing else."""
    if "none" in split_list(content) and len(set(split_list(content))) > 1:
        raise ApiError("unable to combine 'none' with other content types")
    return ",".join(dict.fromkeys(item for item in split_list(content) if item in TYPES[type_name].contents))


def _check_unexpected(type_name: str, options: dict[str, str]) -> None:
    for key in options:
        if not TYPES[type_name].knows(key):
            raise ApiError(f"unexpected property '{key}'")


@route("GET", "/storage", params={"type": string(enum=TYPE_NAMES, optional=True)}, user="all")
def storages(call: Call) -> list[dict[str, Any]]:
    """List the storages that the caller may see."""
    wanted = call.optional("type")
    return [
        _shown(call.datacenter, section)
        for section in call.datacenter.storages
        if wanted in (None, section.type) and call.access.may(f"/storage/{section.id}", SEE, any_of=True)
    ]


@route(
    "GET", "/storage/{storage}", params={"storage": STORAGE},
    check=["perm", "/storage/{storage}", ["Datastore.Allocate"]],
)  # fmt: skip
def read_storage(call: Call) -> dict[str, Any]:
    """Return one storage."""
    return _shown(call.datacenter, _existing(call))


@route(
    "POST",
    "/storage",
    params={"storage": STORAGE, "type": string(enum=TYPE_NAMES), **STORAGE_OPTIONS},
    check=_ALLOCATE,
    protected=True,
)
def create_storage(call: Call) -> dict[str, Any]:
    """Add a storage."""
    name, type_name = call.text("storage"), call.text("type")
    kind, options = TYPES[type_name], _given(call)
    _check_unexpected(type_name, options)
    missing = next((key for key in sorted(kind.required) if key not in options), None)
    if missing is not None:
        raise ApiError(f"missing value for required option '{missing}'")
    options["content"] = _known_content(type_name, options.get("content", kind.default))
    call.cfs_lock("file-storage_cfg", "create storage failed: ")
    if name in call.datacenter.storages:
        raise ApiError(f"create storage failed: storage ID '{name}' already defined")
    if "path" in kind.fixed and kind.mounted:
        options.setdefault("path", f"/mnt/pve/{name}")
    shown = take_keys(options, int(call.now))
    section = call.datacenter.storages.put(Section(id=name, type=type_name, options=options))
    _forget_foreign_volumes(call.datacenter, section)
    add_capacity(call.datacenter, section)
    answer: dict[str, Any] = {"storage": name, "type": type_name}
    return answer | {"config": shown} if type_name == "pbs" else answer


def _forget_foreign_volumes(datacenter: Datacenter, section: Section) -> None:
    """Drop what an earlier storage of this name left behind and what a storage of this type cannot hold."""
    for volume in datacenter.volumes.by("storage", section.id):
        try:
            parse_name(TYPES[section.type], volume.name)
        except ApiError:
            datacenter.volumes.delete(volume_key(volume.node, volume.volid))


def add_capacity(datacenter: Datacenter, section: Section) -> None:
    """Give a new storage room: what the disks below it have, its node's disk, or else a plain 100 GiB."""
    shared = TYPES[section.type].shared or section.options.get("shared") == "1"
    for place in [""] if shared else [node.name for node in datacenter.nodes]:
        room = disk_groups.capacity(datacenter, place, section)
        if room is None and section.type in ("dir", "btrfs") and not shared:
            continue
        if f"{section.id}/{place}" not in datacenter.capacities:
            datacenter.capacities.put(Capacity(storage=section.id, node=place, total=room or _DEFAULT_SIZE))


@route(
    "PUT",
    "/storage/{storage}",
    params={
        "storage": STORAGE,
        **CHANGEABLE,
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    check=_ALLOCATE,
    protected=True,
)
def update_storage(call: Call) -> dict[str, Any]:
    """Change a storage."""
    call.cfs_lock("file-storage_cfg", "update storage failed: ")
    section = _existing(call, "update storage failed: ")
    kind, given = TYPES[section.type], _given(call)
    call.check_digest(
        storage_digest(call.datacenter),
        "update storage failed: detected modified configuration - file changed by other user? Try again.",
    )
    try:
        _check_unexpected(section.type, given)
        _check_fixed(section, given)
        options = _after_delete(section, call.listing("delete"), given)
        if "content" in given:
            given["content"] = _known_content(section.type, given["content"])
        shown = take_keys(given, int(call.now))
    except ApiError as error:
        raise ApiError(f"update storage failed: {error.message}") from None
    options |= given
    options.setdefault("content", kind.default)
    call.datacenter.storages.put(Section(id=section.id, type=section.type, options=options))
    answer: dict[str, Any] = {"storage": section.id, "type": section.type}
    return answer | {"config": shown} if section.type == "pbs" else answer


def _check_fixed(section: Section, given: dict[str, str]) -> None:
    for key in given:
        if key in TYPES[section.type].fixed:
            raise ApiError(f"can't change value of fixed parameter '{key}'")


def _after_delete(section: Section, delete: list[str], given: dict[str, str]) -> dict[str, str]:
    """Return the options of a storage without those that are to be deleted."""
    kind, options = TYPES[section.type], dict(section.options)
    for key in delete:
        if not kind.knows(key):
            raise ApiError(f"no such option '{key}'")
        if key in kind.required:
            raise ApiError(f"unable to delete required option '{key}'")
        if key in kind.fixed:
            raise ApiError(f"unable to delete fixed option '{key}'")
        if key in given:
            raise ApiError(f"cannot set and delete property '{key}' at the same time!")
        options.pop(key, None)
    return options


@route("DELETE", "/storage/{storage}", params={"storage": STORAGE}, check=_ALLOCATE, protected=True)
def delete_storage(call: Call) -> None:
    """Forget a storage; what is on it stays there, and is found again by a storage of the same name and kind."""
    call.cfs_lock("file-storage_cfg", "delete storage failed: ")
    section = _existing(call, "delete storage failed: ")
    datacenter = call.datacenter
    user = next((other.id for other in datacenter.storages if _stands_on(other, section.id)), None)
    if user is not None:
        raise ApiError(f"delete storage failed: can't remove storage - storage is used as base of storage '{user}'")
    datacenter.storages.delete(section.id)
    datacenter.acl.delete(f"/storage/{section.id}")
    if not datacenter.volumes.by("storage", section.id):
        for capacity in [capacity for capacity in datacenter.capacities if capacity.storage == section.id]:
            datacenter.capacities.delete(f"{capacity.storage}/{capacity.node}")


def _stands_on(section: Section, base: str) -> bool:
    return section.options.get("base", "").partition(":")[0] == base
