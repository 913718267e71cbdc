"""`/nodes/{node}/qemu/{vmid}/resize` and `move_disk`."""

from __future__ import annotations

from collections.abc import Generator

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, ParamError, TaskError
from simulator.guests.draft import (
    Draft,
    check_lock,
    check_protection,
    config_digest,
    format_size,
    is_running,
    worker,
)
from simulator.guests.facts import parse_size
from simulator.guests.features import is_base
from simulator.guests.qemu_drives import SLOTS, Drive, is_cdrom, is_cloudinit, parse_drive, print_drive
from simulator.guests.qemu_power import view_for
from simulator.guests.qemu_rights import check_holds_images
from simulator.guests.rights import check_allocation
from simulator.guests.storage_types import FILE
from simulator.guests.storages import StorageView
from simulator.guests.transfer import copy_volume
from simulator.records import Guest, Volume
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

_DISK_CHECK = ["perm", "/vms/{vmid}", ["VM.Config.Disk"]]
_UNUSED = tuple(f"unused{index}" for index in range(256))
_CHANGED = "checksum mismatch (file change by other user?)"


@route(
    "PUT",
    "/nodes/{node}/qemu/{vmid}/resize",
    params={
        **GUEST,
        "digest": string(max_length=40, optional=True),
        "disk": string(enum=SLOTS),
        "size": string(pattern=r"\+?\d+(\.\d+)?[KMGT]?"),
        "skiplock": boolean(optional=True),
    },
    check=_DISK_CHECK,
    protected=True,
    proxyto="node",
)
def resize(call: Call) -> str:
    """Grow a disk."""
    call.root_only("skiplock")
    call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    return call.start_task("resize", call.text("vmid"), worker(lambda run: _resize(run, call)))


def _resize(run: TaskRun, call: Call) -> Steps:
    vmid, slot = call.integer("vmid"), call.text("disk")
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    call.check_digest(config_digest(guest), _CHANGED)
    if not call.flag("skiplock"):
        check_lock(guest)
    if slot not in guest.config:
        raise TaskError(f"disk '{slot}' does not exist")
    drive = parse_drive(slot, guest.config[slot])
    if is_cdrom(drive):
        raise TaskError("you can't resize a cdrom")
    view = view_for(run)
    volume = view.require(drive["file"])
    size = wanted_size(volume, call.text("size"))
    if size < volume.size:
        raise TaskError("shrinking disks is not supported")
    if size > volume.size:
        _refuse_base(run, view, volume, size)
        view.resize(volume.volid, size)
        yield from _resize_lines(view, volume, running=is_running(guest))
        draft = Draft.of(guest)
        draft.config[slot] = print_drive(drive | {"size": format_size(view.require(volume.volid).size)})
        draft.put(run.datacenter)


def wanted_size(volume: Volume, text: str) -> int:
    """Return the size that is asked for, which may be given as what is to be added."""
    size = parse_size(text.removeprefix("+"))
    return volume.size + size if text.startswith("+") else size


def _refuse_base(run: TaskRun, view: StorageView, volume: Volume, size: int) -> None:
    """Base images are write-protected files."""
    if is_base(volume) and view.type_of(volume.storage).layout == FILE:
        path = view.path(volume.volid)
        run.lines.append(
            f"qemu-img: Could not open '{path}': Could not open '{path}': Operation not permitted"
        )  # fmt: skip
        command = f"/usr/bin/qemu-img resize '--preallocation=off' -f {volume.format} {path} {size}"
        raise TaskError(f"command '{command}' failed: exit code 1")


def _resize_lines(view: StorageView, volume: Volume, *, running: bool) -> Generator[Step, None, None]:
    section = view.section(volume.storage)
    if section.type in ("lvm", "lvmthin"):
        yield f"  Logical volume {section.options['vgname']}/{volume.name} successfully resized."
    elif view.type_of(volume.storage).layout == FILE and not running:
        yield "Image resized."
    yield 0.2


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/move_disk",
    params={
        **GUEST,
        "bwlimit": integer(minimum=0, optional=True),
        "delete": boolean(optional=True),
        "digest": string(max_length=40, optional=True),
        "disk": string(enum=(*SLOTS, *_UNUSED)),
        "format": string(enum=("raw", "qcow2", "vmdk"), optional=True),
        "storage": string(format="pve-storage-id", optional=True),
        "target-digest": string(max_length=40, optional=True),
        "target-disk": string(enum=(*SLOTS, *_UNUSED), optional=True),
        "target-vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
    },
    check=_DISK_CHECK,
    protected=True,
    proxyto="node",
)
def move_disk(call: Call) -> str:
    """Move a disk to another storage, or give it to another machine."""
    if "target-vmid" in call:
        if "storage" in call:
            text = "either set 'storage' or 'target-vmid', but not both"
            raise ParamError({"target-vmid": text, "storage": text})
        return _reassign(call)
    if "storage" not in call:
        text = "both 'storage' and 'target-vmid' missing, either needs to be set"
        raise ParamError({"target-vmid": text, "storage": text})
    view, storage = view_of(call), call.text("storage")
    check_allocation(call, storage)
    view.available(storage)
    check_holds_images(view, storage)
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    _check_movable(call, view, guest)
    return call.start_task(
        "qmmove", str(guest.vmid), worker(lambda run: _move(run, call), "storage migration failed: ")
    )


def _drive_of(call: Call, guest: Guest) -> Drive:
    slot = call.text("disk")
    if slot not in guest.config:
        raise ApiError(f"disk '{slot}' does not exist")
    drive = parse_drive(slot, guest.config[slot])
    if is_cdrom(drive) and not is_cloudinit(drive):
        raise ApiError("you can't move a cdrom")
    return drive


def _check_movable(call: Call, view: StorageView, guest: Guest) -> None:
    check_lock(guest)
    call.check_digest(config_digest(guest), _CHANGED)
    volume = view.require(_drive_of(call, guest)["file"])
    same_format = call.optional("format") in (None, volume.format)
    if volume.storage == call.text("storage") and same_format:
        raise ApiError("you can't move to the same storage with same format")
    if call.flag("delete") and any(volume.volid in str(s.config) for s in guest.snapshots.values()):
        raise ApiError("you can't move a disk with snapshots and delete the source")


def _move(run: TaskRun, call: Call) -> Steps:
    vmid, slot, storage = call.integer("vmid"), call.text("disk"), call.text("storage")
    yield Lock(guest_lock_path(vmid, "qemu"))
    view = view_for(run)
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    _check_movable(call, view, guest)
    drive = _drive_of(call, guest)
    source = view.require(drive["file"])
    yield f"copying volume '{source.volid}' from current storage '{source.storage}' to target storage '{storage}'"
    yield f"create full clone of drive {slot} ({source.volid})"
    supported = view.type_of(storage).formats
    format_ = call.optional("format") or (
        source.format if source.format in supported else view.default_format(storage)
    )  # fmt: skip
    moved = yield from copy_volume(view, source, storage, vmid, format_)
    draft = Draft.of(run.datacenter.guest(vmid, "qemu", run.node))
    draft.config[slot] = print_drive(drive | {"file": moved.volid, "size": format_size(moved.size)})
    if call.flag("delete"):
        yield f"removing source volume '{source.volid}' after successful copy"
        view.free(source.volid)
    else:
        draft.add_unused(source.volid)
        key = next(key for key, value in draft.config.items() if value == source.volid)
        yield f"adding source volume '{source.volid}' as '{key}' to config"
    draft.put(run.datacenter)


def _reassign(call: Call) -> str:
    """Give a disk to another machine of the same node."""
    vmid, target = call.integer("vmid"), call.integer("target-vmid")
    slot, target_slot = call.text("disk"), call.optional("target-disk") or call.text("disk")
    call.access.require(f"/vms/{target}", ["VM.Config.Disk"])
    _check_reassign(call, vmid, target, slot, target_slot)

    def body(run: TaskRun) -> Steps:
        for number in sorted((vmid, target)):
            yield Lock(guest_lock_path(number, "qemu"))
        _check_reassign(call, vmid, target, slot, target_slot)
        yield f"reassign disk '{slot}' from VM '{vmid}' as '{target_slot}' to VM '{target}'"
        view, source, other = view_for(run), Draft.of(run.datacenter.guests[vmid]), run.datacenter.guests[target]
        drive = parse_drive(slot, source.config.pop(slot))
        volume = view.require(drive["file"])
        renamed = view.rename(volume, _name_at(view, volume, target), target)
        yield f"removing disk '{slot}' from VM '{vmid}' config"
        source.put(run.datacenter)
        taker = Draft.of(other)
        taker.config[target_slot] = print_drive(drive | {"file": renamed.volid})
        yield f"update VM {target}: -{target_slot} {taker.config[target_slot]}"
        taker.put(run.datacenter)

    return call.start_task("qmmove", f"{vmid}-{slot}>{target}-{target_slot}", worker(body))


def _name_at(view: StorageView, volume: Volume, vmid: int) -> str:
    """Return the name that a volume gets with another owner; a linked clone keeps its base."""
    name = view.next_name(volume.storage, vmid, volume.format, "base" if is_base(volume) else "vm")
    base = volume.parent.partition(":")[2] if volume.parent and view.names_base(volume.storage) else None
    return f"{base}/{name}" if base else name


def _check_reassign(call: Call, vmid: int, target: int, slot: str, target_slot: str) -> None:
    guest = call.datacenter.guest(vmid, "qemu", call.node)
    other = call.datacenter.guests.get(target)
    if vmid == target:
        raise ParamError({"target-vmid": "must be different than source VMID to reassign disk to another VM"})
    if other is None or other.type != "qemu":
        raise ApiError(f"Configuration file 'nodes/{guest.node}/qemu-server/{target}.conf' does not exist")
    if other.node != guest.node:
        raise ApiError(f"Both VMs need to be on the same node ({guest.node}) but target VM is on {other.node}.")
    check_lock(guest)
    check_lock(other)
    call.check_digest(config_digest(guest), _CHANGED)
    drive = _drive_of(call, guest)
    check_protection(guest, f"can't move drive '{slot}'")
    if is_cloudinit(drive):
        raise ApiError("You can't reassign a cloudinit drive")
    if is_running(guest) and not slot.startswith("unused"):
        raise ApiError("Cannot move disk to another VM while the source VM is running - detach first")
    if target_slot in other.config:
        raise ApiError(f"Target disk key '{target_slot}' is already in use for VM '{target}'")
