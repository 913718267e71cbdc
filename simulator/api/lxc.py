"""`/nodes/{node}/lxc`: listing, making and destroying containers."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from simulator.api.qemu import GUEST, NODE
from simulator.api.storage_nodes import view_of
from simulator.backup.restore_container import restore_container
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
from simulator.guests.lxc_mounts import (
    check_directory,
    make_mount,
    mounts,
    print_mount,
)
from simulator.guests.lxc_options import LXC_OPTIONS
from simulator.guests.lxc_power import start as start_container
from simulator.guests.lxc_power import status_row, stop_locked
from simulator.guests.lxc_rights import (
    check_holds_containers,
    check_keys,
    check_mount_sources,
    check_template,
    check_values,
)
from simulator.guests.lxc_update import given_options, normalise
from simulator.guests.qemu_power import view_for
from simulator.guests.qemu_update import check_public_keys
from simulator.guests.rights import check_allocation
from simulator.guests.storages import StorageView
from simulator.ha.requests import check_may_destroy
from simulator.inside.plain import hand_over
from simulator.records import Guest, Volume
from simulator.routing import Call, route
from simulator.schema import boolean, number, string
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

_SUBDIRS = (
    "config", "pending", "status", "vncproxy", "termproxy", "vncwebsocket", "spiceproxy", "migrate", "clone",
    "initlog", "rrd", "rrddata", "firewall", "snapshot", "resize", "interfaces",
)  # fmt: skip
_DEFAULT_ROOT = 4
_UNPACKED = 3
_KEY_TYPES = ("ecdsa", "ed25519", "rsa")


@route("GET", "/nodes/{node}/lxc", params={"node": NODE}, user="all", protected=True, proxyto="node")
def containers(call: Call) -> list[dict[str, Any]]:
    """List the containers of a node that the caller may see."""
    return [
        status_row(call.datacenter, guest, call.now)
        for guest in call.datacenter.guests.by("place", ("lxc", call.node))
        if call.access.may(f"/vms/{guest.vmid}", ["VM.Audit"])
    ]


@route("GET", "/nodes/{node}/lxc/{vmid}", params=GUEST, user="all", proxyto="node")
def container_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List what is below a container."""
    return [{"subdir": name} for name in _SUBDIRS]


@route(
    "POST",
    "/nodes/{node}/lxc",
    params={
        **GUEST,
        **LXC_OPTIONS,
        "bwlimit": number(minimum=0, optional=True),
        "force": boolean(optional=True),
        "ha-managed": boolean(optional=True),
        "ignore-unpack-errors": boolean(optional=True),
        "ostemplate": string(max_length=255),
        "password": string(min_length=5, optional=True),
        "pool": string(format="pve-poolid", optional=True),
        "restore": boolean(optional=True),
        "ssh-public-keys": string(optional=True),
        "start": boolean(optional=True),
        "storage": string(format="pve-storage-id", optional=True),
        "unique": boolean(optional=True, requires="restore"),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def create_container(call: Call) -> str:
    """Make a container, of a template or of a backup."""
    if call.flag("restore"):
        return restore_container(call)
    view, vmid, pool = view_of(call), call.integer("vmid"), call.optional("pool")
    check_may_create(call, vmid)
    check_public_keys(call.text("ssh-public-keys"))
    given = given_options(call)
    unprivileged = call.flag("unprivileged", default=True)
    if not unprivileged:
        call.access.require("/", ["Sys.Modify"])
    check_keys(call, vmid, pool, given)
    values = normalise(call.datacenter, given)
    check_values(call, values, unprivileged=unprivileged)
    _choose_root(call, view, values)
    check_mount_sources(call, view, vmid, values)
    check_template(call, view, vmid)
    call.need_quorum()
    check_vmid_free(call.datacenter, vmid, "CT")
    reserve_vmid(call.datacenter, vmid, "lxc", call.node)
    return call.start_task("vzcreate", str(vmid), worker(lambda run: _create(run, call, values)))


def _choose_root(call: Call, view: StorageView, values: dict[str, str]) -> None:
    """Give a container for which no root was asked one on the default storage."""
    if "rootfs" in values:
        return
    storage = call.text("storage", "local")
    check_holds_containers(view, storage)
    check_allocation(call, storage)
    values["rootfs"] = f"{storage}:{_DEFAULT_ROOT}"


def _create(run: TaskRun, call: Call, values: dict[str, str]) -> Steps:
    """Make the volumes and unpack the template; a failure leaves nothing behind."""
    vmid = call.integer("vmid")
    yield Lock(guest_lock_path(vmid, "lxc"))
    view, made = view_for(run), list[str]()
    try:
        template = view.require(call.text("ostemplate"))
        yield from _make_mounts(view, vmid, values, template, made)
        yield from _unpack(view, template, values.get("hostname", f"CT{vmid}"))
        guest = replace(run.datacenter.guests[vmid], config=_complete(values, vmid, template))
        run.datacenter.guests.put(guest)
        hand_over(run.datacenter, guest, call.text("ssh-public-keys"), call.text("password"), run.now)
        join_pool(run.datacenter, vmid, call.optional("pool"))
    except (ApiError, TaskError) as error:
        free_quietly(view, made)
        run.datacenter.guests.delete(vmid)
        raise TaskError(f"unable to create CT {vmid} - {error}") from None
    if call.flag("start"):
        body = worker(lambda other: start_container(other, vmid))
        call.tasks.start(run.datacenter, run.node, run.user, kind="vzstart", id_=str(vmid), body=body)


def _make_mounts(
    view: StorageView, vmid: int, values: dict[str, str], template: Volume, made: list[str]
) -> Generator[Step, None, None]:
    for key, mount in list(mounts(values)):
        new = yield from make_mount(view, vmid, mount, template.size * _UNPACKED if key == "rootfs" else 0)
        if new["volume"] != mount["volume"]:
            made.append(new["volume"])
        values[key] = print_mount(new)
    for _, mount in mounts(values):
        try:
            check_directory(mount)
        except ApiError:
            yield "mounting container failed"
            raise


def _unpack(view: StorageView, template: Volume, hostname: str) -> Generator[Step, None, None]:
    yield f"extracting archive '{view.path(template.volid)}'"
    yield max(1.0, template.size / (64 << 20))
    unpacked = template.size * _UNPACKED
    yield f"Total bytes read: {unpacked} ({unpacked >> 20}MiB, 192MiB/s)"
    yield f"Detected container architecture: {_architecture(template)}"
    for kind in _KEY_TYPES:
        yield f"Creating SSH host key 'ssh_host_{kind}_key' - this may take some time ..."
        yield f"done: SHA256:{kind} root@{hostname}"


def _architecture(template: Volume) -> str:
    return next((arch for arch in ("arm64", "armhf", "i386", "riscv64") if f"_{arch}." in template.name), "amd64")


def _complete(values: dict[str, str], vmid: int, template: Volume) -> dict[str, str]:
    """Add what every container has."""
    system = re.match(r"vztmpl/([a-z]+)", template.name)
    known = system is not None and system[1] in (LXC_OPTIONS["ostype"].enum or ())
    defaults = {
        "arch": _architecture(template),
        "hostname": f"CT{vmid}",
        "memory": "512",
        "ostype": system[1] if system is not None and known else "unmanaged",
        "swap": "512",
        "unprivileged": "1",
    }
    config = defaults | {key: value for key, value in values.items() if not key.startswith("unused")}
    return config if config["unprivileged"] == "1" else {key: config[key] for key in config if key != "unprivileged"}


@route(
    "DELETE",
    "/nodes/{node}/lxc/{vmid}",
    params={
        **GUEST,
        "destroy-unreferenced-disks": boolean(optional=True),
        "force": boolean(optional=True),
        "purge": boolean(optional=True),
    },
    check=["perm", "/vms/{vmid}", ["VM.Allocate"]],
    protected=True,
    proxyto="node",
)
def destroy_container(call: Call) -> str:
    """Destroy a container with all volumes that belong to it."""
    vmid = call.integer("vmid")
    guest = call.datacenter.guest(vmid, "lxc", call.node)
    check_protection(guest, f"can't remove CT {vmid}")
    check_may_destroy(call, guest)
    if not call.flag("purge"):
        check_not_replicated(call.datacenter, vmid)
    _check_destroyable(call, guest)
    return call.start_task("vzdestroy", str(vmid), worker(lambda run: _destroy(run, call)))


def _check_destroyable(call: Call, guest: Guest) -> None:
    """Refuse a container that is locked or runs, unless force is used."""
    if call.flag("force"):
        return
    check_lock(guest)
    if is_running(guest):
        raise ApiError(f"unable to destroy CT {guest.vmid} - container is running")


def _destroy(run: TaskRun, call: Call) -> Steps:
    vmid = call.integer("vmid")
    yield Lock(guest_lock_path(vmid, "lxc"))
    guest = run.datacenter.guest(vmid, "lxc", run.node)
    _check_destroyable(call, guest)
    if is_running(guest):
        yield f"forced to stop CT {vmid} before destroying!"
        yield from stop_locked(run, vmid, skiplock=True)
    view = view_for(run)
    check_writable(run.datacenter, guest)
    volids = owned_volumes(guest)
    for volid in volids:
        volume = view.find(volid)
        if volume is not None:
            view.check_base(volume)
    yield 0.3
    free_quietly(view, volids)
    if call.flag("destroy-unreferenced-disks"):
        free_unreferenced(view, vmid)
    leave_no_trace(run.datacenter, vmid)
    if call.flag("purge"):
        yield f"purging CT {vmid} from related configurations.."
        forget_guest(run.datacenter, vmid)
