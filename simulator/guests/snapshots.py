"""Snapshots of machines and containers: taking them, going back to them, deleting them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.errors import ApiError, TaskError
from simulator.guests.draft import (
    Draft,
    check_lock,
    config_digest,
    drop_keys,
    human_size,
    is_running,
    owns,
    set_lock,
    snapshot_config,
    volume_of,
)
from simulator.guests.facts import guest_numbers
from simulator.guests.features import can
from simulator.guests.lxc_mounts import is_mount, is_volume, mounts
from simulator.guests.lxc_power import halted as container_halted
from simulator.guests.qemu_clone import has_own_volume
from simulator.guests.qemu_drives import drives, is_cloudinit, is_drive
from simulator.guests.qemu_power import halted as machine_halted
from simulator.guests.qemu_power import view_for
from simulator.guests.storages import StorageView
from simulator.guests.transfer import BYTES_PER_SECOND
from simulator.records import Guest, Snapshot, Volume, VolumeSnapshot
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

_RESERVED = {"qemu": ("current", "pending"), "lxc": ("current", "pending", "vzdump")}
_OWN_KEYS = ("snaptime", "vmstate", "parent", "description", "snapstate")
_NOT_KEPT = ("lock", "digest")


def check_name(kind: str, name: str) -> None:
    """Refuse a name that has a meaning of its own."""
    if name in _RESERVED[kind]:
        raise ApiError(f"unable to use snapshot name '{name}' (reserved name)")


def volumes_of(view: StorageView, guest: Guest, config: Mapping[str, str]) -> dict[str, Volume]:
    """Return the volumes that a snapshot covers, by slot."""
    found: dict[str, Volume] = {}
    if guest.type == "qemu":
        slots = [(s, d["file"]) for s, d in drives(config) if has_own_volume(d) and not is_cloudinit(d)]
    else:
        slots = [(key, mount["volume"]) for key, mount in mounts(config) if is_volume(mount)]
    for slot, volid in slots:
        volume = view.find(volid)
        if volume is not None:
            found[slot] = volume
    return found


def take(run: TaskRun, kind: str, vmid: int, name: str, description: str, *, memory: bool = False) -> Steps:
    """Take a snapshot."""
    yield Lock(guest_lock_path(vmid, kind))
    guest, view = run.datacenter.guest(vmid, kind, run.node), view_for(run)
    _check_takeable(view, guest, name)
    settings = {"snaptime": str(int(run.now))}
    if description:
        settings["description"] = description
    if memory and is_running(guest):
        state = _save_memory(view, guest, name)
        settings["vmstate"] = state.volid
        yield f"saving VM state and RAM using storage '{state.storage}'"
        yield max(1.0, state.used / BYTES_PER_SECOND)
        yield f"completed saving the VM state, saved {human_size(state.used)}"
    for slot, volume in volumes_of(view, guest, guest.config).items():
        if kind == "qemu":
            yield f"snapshotting 'drive-{slot}' ({volume.volid})"
        then = VolumeSnapshot(size=volume.size, files=volume.files)
        view.datacenter.volumes.put(replace(volume, snapshots={**volume.snapshots, name: then}))
    yield 0.3
    draft = Draft.of(run.datacenter.guest(vmid, kind, run.node))
    kept = drop_keys(draft.config, (*_NOT_KEPT, "description"))
    kept = {key: value for key, value in kept.items() if not key.startswith("unused")}
    draft.config["parent"] = name
    draft.put(run.datacenter, snapshots={**guest.snapshots, name: Snapshot(config=kept | settings)})


def _check_takeable(view: StorageView, guest: Guest, name: str) -> None:
    check_lock(guest)
    if guest.template:
        raise TaskError("you can't take a snapshot if it's a template")
    if name in guest.snapshots:
        raise TaskError(f"snapshot name '{name}' already used")
    volumes = volumes_of(view, guest, guest.config)
    if not all(can(view, volume, "snapshot", guest.type) for volume in volumes.values()):
        raise TaskError("snapshot feature is not available")


def _save_memory(view: StorageView, guest: Guest, name: str) -> Volume:
    """Make the volume that holds a running machine's memory."""
    storage = guest.config.get("vmstatestorage")
    if storage is None:
        volumes = volumes_of(view, guest, guest.config)
        storage = next((volume.storage for volume in volumes.values()), "local")
    _, memory = guest_numbers(guest)
    size = memory * 2 + (500 << 20)
    state = view.full_name(storage, guest.vmid, f"vm-{guest.vmid}-state-{name}", "raw")
    return view.allocate(storage, guest.vmid, size, "raw", name=state, data=memory // 4)


def rollback(run: TaskRun, kind: str, vmid: int, name: str) -> Steps:
    """Go back to a snapshot; what runs is stopped, and a machine whose memory was saved goes on from there."""
    yield Lock(guest_lock_path(vmid, kind))
    guest, view = run.datacenter.guest(vmid, kind, run.node), view_for(run)
    old = snapshot_config(guest, name)
    if guest.template:
        raise TaskError("you can't rollback if it's a template")
    check_lock(guest)
    _check_latest(view, guest, name, old)
    if is_running(guest):
        if kind == "qemu":
            machine_halted(view, vmid)
        else:
            container_halted(run.datacenter, vmid)
    set_lock(run.datacenter, vmid, "rollback")
    yield 0.5
    _restore(run, view, vmid, name, old)
    if "vmstate" in old:
        guest = run.datacenter.guests[vmid]
        running = replace(guest, status="running", started=run.now, running=dict(guest.config), pid=20000 + vmid)
        run.datacenter.guests.put(running)


def _check_latest(view: StorageView, guest: Guest, name: str, old: Mapping[str, str]) -> None:
    """ZFS can only go back to the latest snapshot."""
    for volume in volumes_of(view, guest, old).values():
        names = list(volume.snapshots)
        if view.section(volume.storage).type == "zfspool" and names and names[-1] != name:
            raise TaskError(f"can't rollback, '{name}' is not most recent snapshot on '{volume.volid}'")


def _restore(run: TaskRun, view: StorageView, vmid: int, name: str, old: Mapping[str, str]) -> None:
    guest = run.datacenter.guests[vmid]
    draft = Draft.of(guest)
    before = {volume_of(value) for key, value in draft.config.items() if is_drive(key) or is_mount(key)}
    kept = {key: value for key, value in draft.config.items() if key.startswith("unused") or key == "description"}
    draft.config = drop_keys(old, _OWN_KEYS) | kept | {"parent": name}
    draft.pending.clear()
    draft.pending_delete.clear()
    if "vmgenid" in draft.config:
        draft.config["vmgenid"] = str(uuid.uuid4())
    for volume in volumes_of(view, guest, draft.config).values():
        then = volume.snapshots.get(name, VolumeSnapshot(size=volume.size, files=volume.files))
        used = min(volume.used, then.size)
        view.datacenter.volumes.put(replace(volume, size=then.size, used=used, files=then.files))
        before.discard(volume.volid)
    for volid in before:
        if owns(vmid, volid) and view.find(volid) is not None and "cloudinit" not in volid:
            draft.add_unused(volid)
    draft.put(run.datacenter)


def remove(run: TaskRun, kind: str, vmid: int, name: str) -> Steps:
    """Delete a snapshot."""
    yield Lock(guest_lock_path(vmid, kind))
    guest, view = run.datacenter.guest(vmid, kind, run.node), view_for(run)
    old = snapshot_config(guest, name)
    check_lock(guest)
    set_lock(run.datacenter, vmid, "snapshot-delete")
    yield 0.5
    if "vmstate" in old:
        view.free(old["vmstate"])
    for volume in volumes_of(view, guest, old).values():
        left = {key: kept for key, kept in volume.snapshots.items() if key != name}
        view.datacenter.volumes.put(replace(volume, snapshots=left))
    guest = run.datacenter.guests[vmid]
    parent = old.get("parent")
    snapshots = {
        other: Snapshot(config=_reparented(snapshot.config, name, parent))
        for other, snapshot in guest.snapshots.items()
        if other != name
    }
    draft = Draft.of(guest)
    draft.config = _reparented(drop_keys(draft.config, ("lock",)), name, parent)
    draft.put(run.datacenter, snapshots=snapshots)


def _reparented(config: Mapping[str, str], name: str, parent: str | None) -> dict[str, str]:
    """Let what stood on a deleted snapshot stand on the one before it."""
    if config.get("parent") != name:
        return dict(config)
    rest = drop_keys(config, ("parent",))
    return rest | ({"parent": parent} if parent else {})


def snapshot_rows(guest: Guest) -> list[dict[str, Any]]:
    """List the snapshots, and the present state as the last of them."""
    rows = []
    for name, snapshot in guest.snapshots.items():
        row: dict[str, Any] = {
            "name": name, "snaptime": int(snapshot.config.get("snaptime", "0")),
            "description": snapshot.config.get("description", ""),
        }  # fmt: skip
        if guest.type == "qemu":
            row["vmstate"] = int("vmstate" in snapshot.config)
        if "parent" in snapshot.config:
            row["parent"] = snapshot.config["parent"]
        rows.append(row)
    current: dict[str, Any] = {
        "name": "current", "description": "You are here!", "digest": config_digest(guest),
        "running": int(is_running(guest)),
    }  # fmt: skip
    if "parent" in guest.config:
        current["parent"] = guest.config["parent"]
    return [*rows, current]
