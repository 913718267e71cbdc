"""`/nodes/{node}/lxc/{vmid}/clone`, `template` and `feature`."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from simulator.api.qemu import GUEST, VMID
from simulator.api.qemu_clone import SNAPNAME, check_target
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, TaskError
from simulator.firewall import files as firewall_files
from simulator.guests.draft import Draft, check_lock, format_size, is_running, set_lock, snapshot_config, worker
from simulator.guests.features import can, is_base
from simulator.guests.life import check_pool, free_quietly, join_pool
from simulator.guests.lxc_mounts import is_volume, make_filesystem, mounts, print_mount
from simulator.guests.lxc_rights import check_holds_containers
from simulator.guests.lxc_update import normal_nic
from simulator.guests.qemu_clone import base_volume, link_volume
from simulator.guests.qemu_power import view_for
from simulator.guests.rights import check_allocation, check_bridge
from simulator.guests.storages import StorageView
from simulator.guests.transfer import BYTES_PER_SECOND, as_of, data_of
from simulator.records import Guest, Volume
from simulator.routing import Call, route
from simulator.schema import boolean, number, string
from simulator.state import Datacenter
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

_NOT_COPIED = re.compile(r"unused\d+|parent|snaptime|snapstate|lock|template")


@route(
    "POST",
    "/nodes/{node}/lxc/{vmid}/clone",
    params={
        **GUEST,
        "newid": VMID,
        "bwlimit": number(minimum=0, optional=True),
        "description": string(optional=True),
        "full": boolean(optional=True),
        "hostname": string(format="dns-name", optional=True),
        "pool": string(format="pve-poolid", optional=True),
        "snapname": SNAPNAME,
        "storage": string(format="pve-storage-id", optional=True),
        "target": string(format="pve-node", optional=True),
    },
    check=[
        "and",
        ["perm", "/vms/{vmid}", ["VM.Clone"]],
        [
            "or",
            ["perm", "/vms/{newid}", ["VM.Allocate"]],
            ["perm", "/pool/{pool}", ["VM.Allocate"], "require_param", "pool"],
        ],
    ],
    protected=True,
    proxyto="node",
)
def clone_container(call: Call) -> str:
    """Make a copy of a container; the source is locked meanwhile."""
    check_pool(call)
    call.need_quorum()
    view, vmid, newid = view_of(call), call.integer("vmid"), call.integer("newid")
    target = check_target(call, view)
    guest = call.datacenter.guest(vmid, "lxc", call.node)
    check_lock(guest)
    full = call.flag("full", default=not guest.template)
    config = snapshot_config(guest, call.text("snapname")) if "snapname" in call else dict(guest.config)
    _check_wish(call, view, guest, config, full=full)
    if target != call.node and _uses_local_storage(view, config):
        raise ApiError(f"can't clone CT to node '{target}' (CT uses local storage)")
    _check_nics(call, config)
    existing = call.datacenter.guests.get(newid)
    if existing is not None:
        kind = "VM" if existing.type == "qemu" else "CT"
        raise ApiError(f"{kind} {newid} already exists on node '{existing.node}'")
    set_lock(call.datacenter, vmid, "disk")
    call.datacenter.guests.put(Guest(vmid=newid, type="lxc", node=call.node, config={"lock": "create"}))
    return call.start_task("vzclone", str(vmid), worker(lambda run: _clone(run, call, config, full=full)))


def _check_wish(call: Call, view: StorageView, guest: Guest, config: dict[str, str], *, full: bool) -> None:
    """Refuse a clone that the volumes do not allow."""
    storage = call.optional("storage")
    if storage is not None and not full:
        raise ApiError("parameter 'storage' not allowed for linked clones")
    if full and is_running(guest) and "snapname" not in call:
        raise ApiError("Cannot do full clones on a running container without snapshots")
    for key, mount in mounts(config):
        if not is_volume(mount):
            raise ApiError(f"unable to clone mountpoint '{key}' (type bind)")
        wanted = storage or mount["volume"].partition(":")[0]
        check_allocation(call, wanted)
        if full:
            check_holds_containers(view, wanted)
        elif not can(view, view.require(mount["volume"]), "clone", "lxc"):
            raise ApiError(f"Linked clone feature for '{mount['volume']}' is not available")


def _uses_local_storage(view: StorageView, config: dict[str, str]) -> bool:
    return any(
        is_volume(mount) and not view.is_shared(mount["volume"].partition(":")[0]) for _, mount in mounts(config)
    )


def _check_nics(call: Call, config: dict[str, str]) -> None:
    for key, value in config.items():
        bridge, tag = re.search(r"bridge=([^,]+)", value), re.search(r"tag=(\d+)", value)
        if re.fullmatch(r"net\d+", key) and bridge:
            check_bridge(call, bridge[1], tag[1] if tag else None)


def _clone(run: TaskRun, call: Call, source: dict[str, str], *, full: bool) -> Steps:
    vmid, newid, view, made = call.integer("vmid"), call.integer("newid"), view_for(run), list[str]()
    try:
        yield f"creating a clone of container {vmid} with ID {newid}"
        yield Lock(guest_lock_path(newid, "lxc"))
        config = _cloned_config(run.datacenter, source, call)
        for key, mount in list(mounts(config)):
            original = as_of(view.require(mount["volume"]), call.optional("snapname"))
            volume = yield from _clone_mount(view, key, original, newid, call.optional("storage"), full=full)
            made.append(volume.volid)
            config[key] = print_mount(mount | {"volume": volume.volid, "size": format_size(volume.size)})
    except (ApiError, TaskError) as error:
        free_quietly(view, made)
        run.datacenter.guests.delete(newid)
        set_lock(run.datacenter, vmid, None)
        raise TaskError(f"clone failed: {error}") from None
    set_lock(run.datacenter, vmid, None)
    node = call.optional("target") or run.node
    run.datacenter.guests.put(Guest(vmid=newid, type="lxc", node=node, config=config))
    firewall_files.clone_guest(run.datacenter, vmid, newid, run.now)
    join_pool(run.datacenter, newid, call.optional("pool"))


def _cloned_config(datacenter: Datacenter, source: dict[str, str], call: Call) -> dict[str, str]:
    config = {key: value for key, value in source.items() if not _NOT_COPIED.fullmatch(key)}
    for key, value in list(config.items()):
        if re.fullmatch(r"net\d+", key):
            config[key] = normal_nic(datacenter, key, value, renew=True)
    if "hostname" in call:
        config["hostname"] = call.text("hostname")
    if call.text("description"):
        config["description"] = call.text("description").rstrip("\n") + "\n"
    return config


def _clone_mount(
    view: StorageView, key: str, source: Volume, newid: int, storage: str | None, *, full: bool
) -> Generator[Step, None, Volume]:
    if not full:
        yield f"create linked clone of mountpoint {key} ({source.volid})"
        yield 0.5
        return link_volume(view, source, newid, "rootdir")
    yield f"create full clone of mountpoint {key} ({source.volid})"
    return (yield from copy_files(view, source, newid, storage or source.storage))


def copy_files(view: StorageView, source: Volume, vmid: int, storage: str) -> Generator[Step, None, Volume]:
    """Copy a container's volume file by file."""
    data = data_of(view, source)
    volume = yield from make_filesystem(view, vmid, storage, source.size)
    try:
        yield max(1.0, data / BYTES_PER_SECOND)
        volume = view.fill(volume.volid, data, source)
    except (ApiError, TaskError):
        view.free(volume.volid)
        raise
    yield f"sent {data:,} bytes  received 470 bytes  {BYTES_PER_SECOND:,}.00 bytes/sec"
    yield f"total size is {data:,}  speedup is 1.00"
    return volume


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/template", params=GUEST,
    check=["perm", "/vms/{vmid}", ["VM.Allocate"]], protected=True, proxyto="node",
)  # fmt: skip
def make_template(call: Call) -> None:
    """Turn a container into a template."""
    vmid = call.integer("vmid")
    guest = call.datacenter.guest(vmid, "lxc", call.node)
    check_lock(guest)
    if guest.snapshots:
        raise ApiError("unable to create template, because CT contains snapshots")
    if guest.template:
        raise ApiError("you can't convert a template to a template")
    if is_running(guest):
        raise ApiError("you can't convert a CT to template if the CT is running")
    view, draft = view_of(call), Draft.of(guest)
    call.need_lock(guest_lock_path(vmid, "lxc"))
    for key, mount in list(mounts(draft.config)):
        volume = view.require(mount["volume"]) if is_volume(mount) else None
        if volume is not None and not is_base(volume):
            draft.config[key] = print_mount(mount | {"volume": base_volume(view, volume).volid})
    draft.config["template"] = "1"
    draft.put(call.datacenter)


@route(
    "GET",
    "/nodes/{node}/lxc/{vmid}/feature",
    params={**GUEST, "feature": string(enum=("snapshot", "clone", "copy")), "snapname": SNAPNAME},
    check=["perm", "/vms/{vmid}", ["VM.Audit"]],
    protected=True,
    proxyto="node",
)
def has_feature(call: Call) -> dict[str, Any]:
    """Tell whether a container's volumes allow snapshots, linked clones or copies."""
    view, guest = view_of(call), call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    config = snapshot_config(guest, call.text("snapname")) if "snapname" in call else dict(guest.config)
    found = [view.find(mount["volume"]) if is_volume(mount) else None for _, mount in mounts(config)]
    feature = call.text("feature")
    return {"hasFeature": int(all(volume is not None and can(view, volume, feature, "lxc") for volume in found))}
