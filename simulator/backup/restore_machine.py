"""Making a virtual machine of a backup."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from simulator.access import Access
from simulator.backup.archives import config_text, drive_name
from simulator.backup.names import parse, zone_of
from simulator.backup.restore import (
    archive_of,
    check_may_restore,
    restore_firewall,
    source_volume,
    take_over,
)
from simulator.errors import ApiError, ParamError, TaskError
from simulator.guests.draft import Draft, check_protection, is_running, owns, set_lock, worker
from simulator.guests.life import join_pool
from simulator.guests.qemu_clone import to_base
from simulator.guests.qemu_drives import Drive, drives, is_cdrom, is_cloudinit, is_drive, parse_drive, print_drive
from simulator.guests.qemu_power import start, start_locked, view_for
from simulator.guests.qemu_rights import check_drive_sources, check_keys, check_values
from simulator.guests.qemu_update import given_options, normalise, with_new_mac
from simulator.guests.rights import check_allocation, check_volume
from simulator.guests.storage_types import FILE
from simulator.guests.storages import CLOUDINIT_SIZE, StorageView
from simulator.guests.transfer import BYTES_PER_SECOND, seconds_for
from simulator.records import Archive, Guest, SavedVolume, Volume
from simulator.routing import Call
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path
from simulator.upid import parse as parse_upid

_DECOMPRESSORS = {"zst": "zstd -q -d -c", "gz": "zcat", "lzo": "lzop -d -c"}
_NOT_CLEANED = (
    "error before or during data restore, some or all disks were not completely restored."
    " VM {} state is NOT cleaned up."
)


def restore_machine(call: Call) -> str:
    """Start the task that makes a machine of a backup; what else the call sets replaces what the backup says."""
    view, vmid, pool = (
        StorageView(call.datacenter, call.node, int(call.now)),
        call.integer("vmid"),
        call.optional("pool"),
    )
    call.need_quorum()
    check_may_restore(call, "qemu")
    if "storage" in call:
        check_allocation(call, call.text("storage"))
    given = given_options(call)
    conflict = next((key for key in sorted(given) if is_drive(key)), None)
    if conflict is not None:
        raise ParamError({conflict: "option conflicts with option 'archive'"})
    volid = source_volume(call, view, call.text("archive"))
    if not call.text("archive").startswith("/"):
        check_volume(call, view, volid, vmid)
    values = normalise(call.datacenter, view, given)
    check_drive_sources(call, view, vmid, values)
    check_keys(call, vmid, pool, given)
    check_values(call, vmid, pool, values)
    view.require(volid)
    take_over(call, "qemu")
    plan = _Plan(call, vmid, volid, values)
    return call.start_task("qmrestore", str(vmid), worker(lambda run: _run(run, plan)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be restored, and how."""

    call: Call
    vmid: int
    volid: str
    values: Mapping[str, str]
    made: dict[str, Volume] = field(default_factory=dict)


def _run(run: TaskRun, plan: _Plan) -> Steps:
    yield Lock(guest_lock_path(plan.vmid, "qemu"))
    try:
        yield from _restore(run, plan)
    except (ApiError, TaskError):
        view = view_for(run)
        for volume in plan.made.values():
            view.free(volume.volid)
            run.lines.append(f"temporary volume '{volume.volid}' sucessfuly removed")
        set_lock(run.datacenter, plan.vmid, None)
        run.lines.append(_NOT_CLEANED.format(plan.vmid))
        raise
    if plan.call.flag("start") and not plan.call.flag("live-restore"):
        yield "Execute autostart"
        plan.call.tasks.start(
            run.datacenter, run.node, run.user, kind="qmstart", id_=str(plan.vmid),
            body=worker(lambda other: start(other, plan.vmid)),
        )  # fmt: skip


def _restore(run: TaskRun, plan: _Plan) -> Steps:
    view, guest = view_for(run), run.datacenter.guest(plan.vmid, "qemu", run.node)
    check_protection(guest, f"unable to restore VM {plan.vmid} -")
    if is_running(guest):
        raise ApiError(f"unable to restore VM {plan.vmid} - vm is running")
    archive = archive_of(view, plan.volid, "qemu")
    on_server = view.section(plan.volid.partition(":")[0]).type == "pbs"
    if plan.call.flag("live-restore") and not on_server:
        raise ApiError("live-restore is only compatible with backup images from a Proxmox Backup Server")
    config = _merged(run, archive, plan)
    check_values(plan.call, plan.vmid, plan.call.optional("pool"), _nics(config))
    if not on_server:
        yield from _open(run, view, plan.volid, archive)
    kept = _clear(view, guest, archive, config)
    yield from _make_volumes(run, plan, archive, config)
    yield from _copy(view, archive, plan)
    for slot, volume in plan.made.items():
        drive = parse_drive(slot, config[slot])
        drive.pop("format", None)
        config[slot] = print_drive(drive | {"file": volume.volid})
    yield "rescan volumes..."
    yield from _finish(run, plan, archive, config, kept)


def _nics(config: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in config.items() if key.startswith("net")}


def _merged(run: TaskRun, archive: Archive, plan: _Plan) -> dict[str, str]:
    """Return the backup's configuration with what the call sets; disks that were left out become a comment."""
    config = {key: value for key, value in archive.config.items() if not key.startswith("unused")}
    left_out = [
        slot for slot, drive in list(drives(config)) if not is_cdrom(drive) and drive.get("backup", "1") == "0"
    ]  # fmt: skip
    lines = [f"{slot}: {config.pop(slot)}" for slot in left_out]
    if lines:
        config["description"] = "\n".join(filter(None, [config.get("description", "").rstrip("\n"), *lines]))
    if config.get("vmgenid", "0") != "0":
        config["vmgenid"] = str(uuid.uuid4())
    if plan.call.flag("unique"):
        for key, value in _nics(config).items():
            config[key] = with_new_mac(run.datacenter, key, value)
        rest = [part for part in config.get("smbios1", "").split(",") if part and not part.startswith("uuid=")]
        config["smbios1"] = ",".join([f"uuid={uuid.uuid4()}", *rest])
    return config | dict(plan.values)


def _open(run: TaskRun, view: StorageView, volid: str, archive: Archive) -> Steps:
    """Log what the head of an archive says."""
    path, upid = view.path(volid), parse_upid(run.upid)
    place = f"/var/tmp/vzdumptmp{upid.pid if upid is not None else 0}"  # noqa: S108 - Proxmox's own name
    unpack = _DECOMPRESSORS.get(path.rpartition(".")[2])
    source = (
        f"{unpack} {path} | vma extract -v -r {place}.fifo -" if unpack else f"vma extract -v -r {place}.fifo {path}"
    )
    yield f"restore vma archive: {source} {place}"
    yield f"CFG: size: {len(config_text(archive).encode())} name: qemu-server.conf"
    for number, (slot, saved) in enumerate(sorted(archive.volumes.items()), 1):
        yield f"DEV: dev_id={number} size: {saved.size} devname: {drive_name(slot)}"
    zone = zone_of(run.datacenter.nodes[run.node])
    moment = parse(volid.partition(":")[2], zone).moment or view.require(volid).ctime
    yield f"CTIME: {datetime.fromtimestamp(moment, zone):%a %b %e %H:%M:%S %Y}"


def _clear(view: StorageView, guest: Guest, archive: Archive, config: Mapping[str, str]) -> list[str]:
    """Free the disks that are about to be restored; return those that are not and stay as unused ones."""
    kept = []
    for slot, drive in drives(guest.config, unused=True):
        volid = drive["file"]
        if not owns(guest.vmid, volid) or view.find(volid) is None:
            continue
        restored = slot in archive.volumes or (slot in config and is_cloudinit(drive))
        if restored:
            view.free(volid)
        elif not is_cdrom(drive):
            kept.append(volid)
    for snapshot in guest.snapshots.values():
        if "vmstate" in snapshot.config:
            view.free(snapshot.config["vmstate"])
    return kept


def _make_volumes(run: TaskRun, plan: _Plan, archive: Archive, config: Mapping[str, str]) -> Steps:
    """Make the volumes, where the call says, or on the storage from which they were saved."""
    view, access = view_for(run), Access(run.datacenter, plan.call.authid)
    wanted: dict[str, SavedVolume | None] = dict(sorted(archive.volumes.items()))
    wanted |= {slot: None for slot, drive in drives(config) if is_cloudinit(drive)}
    for slot, saved in wanted.items():
        drive = parse_drive(slot, config[slot])
        storage = plan.call.optional("storage") or (saved.storage if saved else drive["file"].partition(":")[0])
        access.require(f"/storage/{storage}", ["Datastore.AllocateSpace"])
        if "images" not in view.contents(storage):
            raise ApiError(f"Content type 'images' is not available on storage '{storage}'")
        volume = _allocate(view, plan.vmid, storage, drive, saved)
        plan.made[slot] = volume
        yield from view.log_allocation(volume)
        yield f"new volume ID is '{volume.volid}'"


def _allocate(view: StorageView, vmid: int, storage: str, drive: Drive, saved: SavedVolume | None) -> Volume:
    formats = view.type_of(storage).formats
    if saved is None:
        format_ = "qcow2" if view.type_of(storage).layout == FILE and "qcow2" in formats else "raw"
        name = view.full_name(storage, vmid, f"vm-{vmid}-cloudinit", format_)
        return view.allocate(storage, vmid, CLOUDINIT_SIZE, format_, name=name, data=CLOUDINIT_SIZE)
    wanted = drive.get("format", saved.format)
    format_ = wanted if wanted in formats else view.default_format(storage)
    return view.allocate(storage, vmid, saved.size, format_)


def _copy(view: StorageView, archive: Archive, plan: _Plan) -> Generator[Step, None, None]:
    """Fill the volumes with what was saved of them."""
    copied = {slot: archive.volumes[slot] for slot in plan.made if slot in archive.volumes}
    for slot in copied:
        yield f"map '{drive_name(slot)}' to '{view.path(plan.made[slot].volid)}' (write zeros = 0)"
    size, data = sum(saved.size for saved in copied.values()), sum(saved.data for saved in copied.values())
    yield seconds_for(data, plan.call.integer("bwlimit"))
    for slot, saved in copied.items():
        plan.made[slot] = view.fill(plan.made[slot].volid, saved.data, saved)
    yield f"progress 100% (read {size} bytes, duration {data // BYTES_PER_SECOND} sec)"
    empty = size - data
    yield f"total bytes read {size}, sparse bytes {empty} ({empty * 100 / size if size else 0:.3g}%)"
    yield "space reduction due to 4K zero blocks 0%"


def _finish(run: TaskRun, plan: _Plan, archive: Archive, config: dict[str, str], kept: list[str]) -> Steps:
    """Write the configuration; a template becomes one again."""
    guest = run.datacenter.guests[plan.vmid]
    if config.get("template") == "1":
        yield "Convert to template."
        yield from to_base(view_for(run), config)
    draft = Draft.of(replace(guest, snapshots={}))
    draft.config, draft.pending, draft.pending_delete = dict(config), {}, {}
    for volid in kept:
        draft.add_unused(volid)
    draft.put(run.datacenter)
    restore_firewall(run, plan.vmid, archive)
    join_pool(run.datacenter, plan.vmid, plan.call.optional("pool"))
    if plan.call.flag("live-restore"):
        yield "Starting VM for live-restore"
        yield from start_locked(run, plan.vmid)
