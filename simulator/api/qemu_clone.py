"""`/nodes/{node}/qemu/{vmid}/clone`, `template` and `feature`."""

from __future__ import annotations

from typing import Any

from simulator.api.qemu import GUEST, VMID
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, TaskError
from simulator.firewall import files as firewall_files
from simulator.guests.draft import Draft, check_lock, check_writable, is_running, snapshot_config, worker
from simulator.guests.facts import storage_visible
from simulator.guests.features import can
from simulator.guests.life import check_pool, free_quietly, join_pool
from simulator.guests.qemu_clone import (
    Wish,
    check_cloneable,
    clone_drives,
    cloned_config,
    has_own_volume,
    to_base,
    uses_local_storage,
)
from simulator.guests.qemu_drives import SLOTS, drives
from simulator.guests.qemu_power import view_for
from simulator.guests.qemu_rights import check_holds_images, check_values
from simulator.guests.rights import check_allocation
from simulator.guests.storages import StorageView
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

_SOURCE_TIMEOUT = 1.0
SNAPNAME = string(format="pve-configid", max_length=40, optional=True)


def source_guest(call: Call, kind: str, what: str) -> Guest:
    """Return the guest that is to be cloned, or refuse as a clone does."""
    vmid = call.integer("vmid")
    guest = call.datacenter.guests.get(vmid)
    if guest is None or guest.type != kind or guest.node != call.node:
        raise ApiError(f"unable to find configuration file for {what} {vmid} on node '{call.node}'")
    return guest


def check_target(call: Call, view: StorageView) -> str:
    """Return the node on which a clone is to be, or refuse it or the storage that is asked for there."""
    target, storage = call.optional("target") or call.node, call.optional("storage")
    if target not in call.datacenter.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    if storage is not None:
        view.available(storage)
        if not storage_visible(view.section(storage), target):
            raise ApiError(f"storage '{storage}' is not available on node '{target}'")
        if target != call.node and not view.is_shared(storage):
            raise ApiError(f"can't clone to non-shared storage '{storage}'")
    return target


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/clone",
    params={
        **GUEST,
        "newid": VMID,
        "bwlimit": integer(minimum=0, optional=True),
        "description": string(optional=True),
        "format": string(enum=("raw", "qcow2", "vmdk"), optional=True),
        "full": boolean(optional=True),
        "name": string(format="dns-name", optional=True),
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
def clone_machine(call: Call) -> str:
    """Make a copy of a machine, or of one of its snapshots."""
    check_pool(call)
    call.need_quorum()
    view, newid = view_of(call), call.integer("newid")
    target = check_target(call, view)
    guest = source_guest(call, "qemu", "VM")
    check_lock(guest)
    full = call.flag("full", default=not guest.template)
    _check_wish(call, view, full=full)
    config = snapshot_config(guest, call.text("snapname")) if "snapname" in call else dict(guest.config)
    _check_storages(call, view, config, target)
    existing = call.datacenter.guests.get(newid)
    if existing is not None and (existing.type, existing.node) == ("qemu", call.node):
        raise ApiError(f"unable to create VM {newid}: config file already exists")
    check_cloneable(view, config, full=full)
    wish = Wish(newid, full, call.optional("storage"), call.optional("format"), call.optional("snapname"))
    return call.start_task(
        "qmclone", str(guest.vmid), worker(lambda run: _clone(run, call, config, wish), "clone failed: ")
    )


def _check_wish(call: Call, view: StorageView, *, full: bool) -> None:
    for name in ("storage", "format"):
        if name in call and not full:
            raise ApiError(f"parameter '{name}' not allowed for linked clones")
    if "storage" in call:
        check_holds_images(view, call.text("storage"))


def _check_storages(call: Call, view: StorageView, config: dict[str, str], target: str) -> None:
    """Refuse what the caller may not use, or what the target does not have."""
    for _, drive in drives(config):
        if has_own_volume(drive):
            check_allocation(call, call.optional("storage") or drive["file"].partition(":")[0])
    check_values(call, call.integer("newid"), call.optional("pool"), _nics(config))
    if target != call.node and uses_local_storage(view, config):
        raise ApiError(f"can't clone VM to node '{target}' (VM uses local storage)")


def _nics(config: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in config.items() if key.startswith("net")}


def _clone(run: TaskRun, call: Call, source: dict[str, str], wish: Wish) -> Steps:
    guest, view, made = run.datacenter.guest(call.integer("vmid"), "qemu", run.node), view_for(run), list[str]()
    yield f"creating a clone of VM {guest.vmid} with ID {wish.newid}"
    yield Lock(guest_lock_path(guest.vmid, "qemu"), timeout=_SOURCE_TIMEOUT, shared=True)
    yield Lock(guest_lock_path(wish.newid, "qemu"))
    claim(run, wish.newid, "qemu")
    config = cloned_config(run.datacenter, source, guest, call.optional("name"))
    try:
        yield from clone_drives(view, config, wish, made)
    except (ApiError, TaskError) as error:
        free_quietly(view, made)
        run.datacenter.guests.delete(wish.newid)
        raise TaskError(f"clone failed: {error}") from None
    if call.text("description"):
        config["description"] = call.text("description")
    new = Guest(vmid=wish.newid, type="qemu", node=call.optional("target") or run.node, config=config)
    run.datacenter.guests.put(new)
    firewall_files.clone_guest(run.datacenter, guest.vmid, wish.newid, run.now)
    join_pool(run.datacenter, wish.newid, call.optional("pool"))


def claim(run: TaskRun, vmid: int, kind: str) -> None:
    """Take a VMID for a clone; it is locked until the clone is complete."""
    if vmid in run.datacenter.guests:
        directory = "qemu-server" if kind == "qemu" else "lxc"
        path = f"/etc/pve/nodes/{run.node}/{directory}/{vmid}.conf"
        raise TaskError(f"close (rename) atomic file '{path}' failed: File exists")
    run.datacenter.guests.put(Guest(vmid=vmid, type=kind, node=run.node, config={"lock": "clone"}))


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/template",
    params={**GUEST, "disk": string(enum=SLOTS, optional=True)},
    check=["perm", "/vms/{vmid}", ["VM.Allocate"]],
    protected=True,
    proxyto="node",
)
def make_template(call: Call) -> str:
    """Turn a machine (or one more disk of a template) into a template."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    _check_template(guest, call.optional("disk"))
    return call.start_task("qmtemplate", str(guest.vmid), worker(lambda run: _template(run, call)))


def _check_template(guest: Guest, disk: str | None) -> None:
    check_lock(guest)
    if guest.snapshots:
        raise ApiError("unable to create template, because VM contains snapshots")
    if guest.template and disk is None:
        raise ApiError("you can't convert a template to a template")
    if is_running(guest):
        raise ApiError("you can't convert a VM to template if VM is running")


def _template(run: TaskRun, call: Call) -> Steps:
    vmid = call.integer("vmid")
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    _check_template(guest, call.optional("disk"))
    draft = Draft.of(guest)
    draft.config["template"] = "1"
    check_writable(run.datacenter, guest)
    yield from to_base(view_for(run), draft.config, call.optional("disk"))
    yield 0.3
    draft.put(run.datacenter)


@route(
    "GET",
    "/nodes/{node}/qemu/{vmid}/feature",
    params={**GUEST, "feature": string(enum=("snapshot", "clone", "copy")), "snapname": SNAPNAME},
    check=["perm", "/vms/{vmid}", ["VM.Audit"]],
    protected=True,
    proxyto="node",
)
def has_feature(call: Call) -> dict[str, Any]:
    """Tell whether a machine's disks allow snapshots, linked clones or copies, and on which nodes."""
    view, guest = view_of(call), call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    config = snapshot_config(guest, call.text("snapname")) if "snapname" in call else dict(guest.config)
    volumes = [view.find(drive["file"]) for _, drive in drives(config) if has_own_volume(drive)]
    able = all(can(view, volume, call.text("feature")) for volume in volumes if volume is not None)
    local = uses_local_storage(view, config)
    nodes = [call.node] if local else [node.name for node in call.datacenter.nodes]
    return {"hasFeature": int(able), "nodes": nodes}
