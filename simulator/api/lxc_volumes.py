"""`/nodes/{node}/lxc/{vmid}/resize` and `move_volume`."""

from __future__ import annotations

from simulator.api.lxc_clone import copy_files
from simulator.api.qemu import GUEST
from simulator.api.qemu_disks import wanted_size
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, ParamError, TaskError
from simulator.guests.draft import (
    Draft,
    check_lock,
    check_protection,
    config_digest,
    format_size,
    is_running,
    set_lock,
    worker,
)
from simulator.guests.features import is_base
from simulator.guests.lxc_mounts import KEYS, Mount, is_volume, parse_mount, print_mount
from simulator.guests.lxc_rights import check_holds_containers
from simulator.guests.qemu_power import view_for
from simulator.guests.rights import check_allocation
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, number, string
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

_UNUSED = tuple(f"unused{index}" for index in range(256))
_BLOCK = 4096


def _mount_of(guest: Guest, key: str) -> Mount:
    if key not in guest.config:
        raise ApiError(f"volume '{key}' does not exist")
    mount = parse_mount(key, guest.config[key])
    if not is_volume(mount):
        raise ApiError(f"cannot change '{key}': it is no volume of a storage")
    return mount


@route(
    "PUT",
    "/nodes/{node}/lxc/{vmid}/resize",
    params={
        **GUEST,
        "digest": string(max_length=40, optional=True),
        "disk": string(enum=KEYS),
        "size": string(pattern=r"\+?\d+(\.\d+)?[KMGT]?"),
    },
    check=["perm", "/vms/{vmid}", ["VM.Config.Disk"], "any", 1],
    protected=True,
    proxyto="node",
)
def resize(call: Call) -> str:
    """Grow a volume and the file system on it."""
    vmid, key = call.integer("vmid"), call.text("disk")
    guest = call.datacenter.guest(vmid, "lxc", call.node)
    call.check_digest(config_digest(guest))
    check_lock(guest)
    volume = view_of(call).require(_mount_of(guest, key)["volume"])
    size = wanted_size(volume, call.text("size"))
    if size < volume.size:
        raise ApiError("unable to shrink disk size")
    if size == volume.size:
        raise ApiError("disk is already at specified size")

    def body(run: TaskRun) -> Steps:
        yield Lock(guest_lock_path(vmid, "lxc"))
        draft, view = Draft.of(run.datacenter.guest(vmid, "lxc", run.node)), view_for(run)
        mount = _mount_of(draft.guest, key)
        view.resize(mount["volume"], size)
        grown, path = view.require(mount["volume"]), view.path(mount["volume"])
        yield "Image resized."
        yield f"The filesystem on {path} is now {grown.size // _BLOCK} (4k) blocks long."
        yield 0.5
        draft.config[key] = print_mount(mount | {"size": format_size(grown.size)})
        draft.put(run.datacenter)

    return call.start_task("resize", str(vmid), worker(body))


@route(
    "POST",
    "/nodes/{node}/lxc/{vmid}/move_volume",
    params={
        **GUEST,
        "bwlimit": number(minimum=0, optional=True),
        "delete": boolean(optional=True),
        "digest": string(max_length=40, optional=True),
        "storage": string(format="pve-storage-id", optional=True),
        "target-digest": string(max_length=40, optional=True),
        "target-vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
        "target-volume": string(enum=(*KEYS, *_UNUSED), optional=True),
        "volume": string(enum=(*KEYS, *_UNUSED)),
    },
    check=["perm", "/vms/{vmid}", ["VM.Config.Disk"]],
    protected=True,
    proxyto="node",
)
def move_volume(call: Call) -> str:
    """Move a volume to another storage, or give it to another container."""
    if ("target-vmid" in call) == ("storage" in call):
        both = "target-vmid" in call
        text = (
            "either set storage or target-vmid, but not both"
            if both
            else "both 'storage' and 'target-vmid' missing, either needs to be set"
        )
        raise ParamError({"target-vmid": text, "storage": text})
    if "target-vmid" in call:
        return _reassign(call)
    vmid, key, storage, view = call.integer("vmid"), call.text("volume"), call.text("storage"), view_of(call)
    check_allocation(call, storage)
    view.available(storage)
    check_holds_containers(view, storage)
    _check_movable(call, key)
    set_lock(call.datacenter, vmid, "disk")

    def body(run: TaskRun) -> Steps:
        try:
            yield from _move(run, call)
        except (ApiError, TaskError):
            set_lock(run.datacenter, vmid, None)
            raise
        set_lock(run.datacenter, vmid, None)

    return call.start_task("move_volume", str(vmid), worker(body))


def _check_movable(call: Call, key: str) -> Guest:
    guest = call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    check_lock(guest)
    call.check_digest(config_digest(guest))
    _mount_of(guest, key)
    if is_running(guest):
        raise ApiError("cannot move volumes of a running container")
    return guest


def _move(run: TaskRun, call: Call) -> Steps:
    vmid, key, storage = call.integer("vmid"), call.text("volume"), call.text("storage")
    yield Lock(guest_lock_path(vmid, "lxc"))
    view = view_for(run)
    guest = run.datacenter.guest(vmid, "lxc", run.node)
    mount = _mount_of(guest, key)
    source = view.require(mount["volume"])
    moved = yield from copy_files(view, source, vmid, storage)
    draft = Draft.of(run.datacenter.guest(vmid, "lxc", run.node))
    draft.config[key] = print_mount(mount | {"volume": moved.volid})
    if call.flag("delete"):
        view.free(source.volid)
    else:
        draft.add_unused(source.volid)
    draft.put(run.datacenter)


def _reassign(call: Call) -> str:
    """Give a volume to another container of the same node."""
    vmid, target, key = call.integer("vmid"), call.integer("target-vmid"), call.text("volume")
    target_key = call.optional("target-volume") or key
    call.access.require(f"/vms/{target}", ["VM.Config.Disk"])
    check_protection(_check_movable(call, key), f"can't move volume '{key}'")
    other = call.datacenter.guest(target, "lxc", call.node)
    check_lock(other)
    if vmid == target:
        raise ParamError({"target-vmid": "must be different than source VMID to move disk to another container"})
    if key == "rootfs" or target_key == "rootfs":
        raise ApiError("cannot move volume of type 'rootfs' to another container")
    if target_key in other.config:
        raise ApiError(f"Target volume key '{target_key}' is already in use for container '{target}'")

    def body(run: TaskRun) -> Steps:
        for number_ in sorted((vmid, target)):
            yield Lock(guest_lock_path(number_, "lxc"))
        view, source = view_for(run), Draft.of(run.datacenter.guests[vmid])
        mount = parse_mount(key, source.config.pop(key))
        volume = view.require(mount["volume"])
        prefix = "base" if is_base(volume) else "vm"
        renamed = view.rename(volume, view.next_name(volume.storage, target, volume.format, prefix), target)
        source.put(run.datacenter)
        taker = Draft.of(run.datacenter.guests[target])
        taker.config[target_key] = print_mount(mount | {"volume": renamed.volid})
        yield f"target container '{target}' updated with '{target_key}'"
        taker.put(run.datacenter)

    return call.start_task("move_volume", f"{vmid}-{key}>{target}-{target_key}", worker(body))
