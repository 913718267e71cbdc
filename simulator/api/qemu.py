"""`/nodes/{node}/qemu`: listing, making and destroying virtual machines."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from simulator.api.storage_nodes import view_of
from simulator.backup.restore_machine import restore_machine
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import check_lock, check_protection, check_writable, is_running, worker
from simulator.guests.jobs import check_not_replicated, forget_guest
from simulator.guests.life import (
    check_may_create,
    check_vmid_free,
    free_quietly,
    free_unreferenced,
    join_pool,
    leave_no_trace,
    owned_volumes,
    reserve_vmid,
)
from simulator.guests.qemu_drives import default_boot, drives, make_volume, print_drive
from simulator.guests.qemu_options import QEMU_OPTIONS, REQUEST_ONLY
from simulator.guests.qemu_power import start as start_machine
from simulator.guests.qemu_power import view_for
from simulator.guests.qemu_rights import check_drive_sources, check_keys, check_values
from simulator.guests.qemu_status import status_row
from simulator.guests.qemu_update import given_options, normalise
from simulator.guests.rights import check_allocation
from simulator.guests.storages import StorageView
from simulator.ha.requests import check_may_destroy
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

NODE = string(format="pve-node")
VMID = integer(format="pve-vmid", minimum=100, maximum=999999999)
GUEST = {"node": NODE, "vmid": VMID}
_LOCK_TRIES = 9
_SUBDIRS = (
    "config", "cloudinit", "pending", "status", "unlink", "vncproxy", "termproxy", "migrate", "resize", "move", "rrd",
    "rrddata", "monitor", "agent", "snapshot", "spiceproxy", "sendkey", "firewall", "mtunnel", "remote_migrate",
)  # fmt: skip


@route(
    "GET", "/nodes/{node}/qemu", params={"node": NODE, "full": boolean(optional=True)},
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def machines(call: Call) -> list[dict[str, Any]]:
    """List the machines of a node that the caller may see."""
    return [
        status_row(guest, call.now, full=call.flag("full"))
        for guest in call.datacenter.guests.by("place", ("qemu", call.node))
        if call.access.may(f"/vms/{guest.vmid}", ["VM.Audit"])
    ]


@route("GET", "/nodes/{node}/qemu/{vmid}", params=GUEST, user="all", proxyto="node")
def machine_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List what is below a machine."""
    return [{"subdir": name} for name in _SUBDIRS]


@route(
    "POST",
    "/nodes/{node}/qemu",
    params={
        **GUEST,
        **QEMU_OPTIONS,
        **REQUEST_ONLY,
        "force": boolean(optional=True, requires="archive"),
        "archive": string(max_length=255, optional=True),
        "bwlimit": integer(minimum=0, optional=True),
        "ha-managed": boolean(optional=True),
        "import-working-storage": string(format="pve-storage-id", optional=True),
        "live-restore": boolean(optional=True),
        "pool": string(format="pve-poolid", optional=True),
        "start": boolean(optional=True),
        "storage": string(format="pve-storage-id", optional=True),
        "unique": boolean(optional=True, requires="archive"),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def create_machine(call: Call) -> str:
    """Make a machine, anew or of a backup."""
    if "archive" in call:
        return restore_machine(call)
    view, vmid, pool = view_of(call), call.integer("vmid"), call.optional("pool")
    check_may_create(call, vmid)
    if "storage" in call:
        check_allocation(call, call.text("storage"))
    given = given_options(call)
    values = normalise(call.datacenter, view, given)
    check_drive_sources(call, view, vmid, values, call.optional("storage"))
    check_keys(call, vmid, pool, given)
    check_values(call, vmid, pool, values)
    call.need_quorum()
    check_vmid_free(call.datacenter, vmid, "VM")
    reserve_vmid(call.datacenter, vmid, "qemu", call.node)
    return call.start_task("qmcreate", str(vmid), worker(lambda run: _create(run, call, values)))


def _create(run: TaskRun, call: Call, values: dict[str, str]) -> Steps:
    """Make the volumes, then the configuration; a failure leaves nothing behind."""
    vmid = call.integer("vmid")
    yield Lock(guest_lock_path(vmid, "qemu"))
    view, made = view_for(run), list[str]()
    try:
        yield from _make_disks(view, vmid, values, call.optional("storage"), made)
        guest = run.datacenter.guests[vmid]
        run.datacenter.guests.put(
            replace(guest, config=_complete(values, run.datacenter.nodes[run.node].release.qemu, int(run.now)))
        )
        join_pool(run.datacenter, vmid, call.optional("pool"))
    except (ApiError, TaskError) as error:
        free_quietly(view, made)
        run.datacenter.guests.delete(vmid)
        raise TaskError(f"unable to create VM {vmid} - {error}") from None
    if call.flag("start"):
        yield "Execute autostart"
        start_as_well(run, call, vmid)


def start_as_well(run: TaskRun, call: Call, vmid: int) -> None:
    """Start a machine that has just been made, in a task of its own."""
    body = worker(lambda other: start_machine(other, vmid))
    call.tasks.start(run.datacenter, run.node, run.user, kind="qmstart", id_=str(vmid), body=body)


def _make_disks(
    view: StorageView, vmid: int, values: dict[str, str], storage: str | None, made: list[str]
) -> Generator[Step, None, None]:
    for slot, drive in list(drives(values)):
        new = yield from make_volume(view, vmid, slot, drive, storage)
        if new["file"] != drive["file"]:
            made.append(new["file"])
        values[slot] = print_drive(new)


def _complete(values: dict[str, str], qemu: str, now: int) -> dict[str, str]:
    """Add what every machine has: identity, boot order, and a note of its making."""
    config = dict(values)
    if config.get("arch", "x86_64") == "x86_64":
        config.setdefault("vmgenid", str(uuid.uuid4()))
    smbios = config.get("smbios1")
    if smbios is None or "uuid=" not in smbios:
        config["smbios1"] = ",".join([f"uuid={uuid.uuid4()}", *([smbios] if smbios else [])])
    config.setdefault("boot", default_boot(config))
    return config | {"meta": f"creation-qemu={qemu},ctime={now}"}


@route(
    "DELETE",
    "/nodes/{node}/qemu/{vmid}",
    params={
        **GUEST,
        "destroy-unreferenced-disks": boolean(optional=True),
        "purge": boolean(optional=True),
        "skiplock": boolean(optional=True),
    },
    check=["perm", "/vms/{vmid}", ["VM.Allocate"]],
    protected=True,
    proxyto="node",
)
def destroy_machine(call: Call) -> str:
    """Destroy a machine with all volumes that belong to it."""
    call.root_only("skiplock")
    vmid = call.integer("vmid")
    guest = call.datacenter.guest(vmid, "qemu", call.node)
    check_protection(guest, f"can't remove VM {vmid}")
    check_may_destroy(call, guest)
    if not call.flag("purge"):
        check_not_replicated(call.datacenter, vmid)
    _check_stopped(guest)
    return call.start_task("qmdestroy", str(vmid), worker(lambda run: _destroy(run, call)))


def _check_stopped(guest: Guest) -> None:
    if is_running(guest):
        raise ApiError(f"VM {guest.vmid} is running - destroy failed")


def _destroy(run: TaskRun, call: Call) -> Steps:
    vmid = call.integer("vmid")
    run.datacenter.guest(vmid, "qemu", run.node)
    yield Lock(guest_lock_path(vmid, "qemu"))
    guest = run.datacenter.guest(vmid, "qemu", run.node)
    if not call.flag("skiplock"):
        check_lock(guest)
    _check_stopped(guest)
    view, volids = view_for(run), owned_volumes(guest)
    for volid in volids:
        volume = view.find(volid)
        if volume is not None:
            view.check_base(volume)
    yield 0.3
    for volid in volids:
        yield from _free(run, view, volid)
    check_writable(run.datacenter, guest)
    if call.flag("destroy-unreferenced-disks"):
        free_unreferenced(view, vmid)
    leave_no_trace(run.datacenter, vmid)
    if call.flag("purge"):
        yield f"purging VM {vmid} from related configurations.."
        forget_guest(run.datacenter, vmid)


def _free(run: TaskRun, view: StorageView, volid: str) -> Steps:
    """Free a disk; one on a shared storage stays when there is no quorum for its lock."""
    storage = volid.partition(":")[0]
    if run.datacenter.quorate_on(run.node) or storage not in run.datacenter.storages or not view.is_shared(storage):
        view.free(volid)
        return
    for _ in range(_LOCK_TRIES):
        yield f"trying to acquire cfs lock 'storage-{storage}' ..."
        yield 1.0
    run.warn(f"Could not remove disk '{volid}', check manually: cfs-lock 'storage-{storage}' error: no quorum!")
