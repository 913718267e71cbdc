"""`remote_migrate` of machines and containers, and `mtunnel`, by which the other cluster takes them in."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from simulator import consoles
from simulator.access import signer_of
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import check_lock, is_running, set_lock, worker
from simulator.guests.life import check_vmid_free, free_quietly, leave_no_trace, reserve_vmid
from simulator.guests.lxc_power import halted as container_halted
from simulator.guests.lxc_power import start_locked as start_container
from simulator.guests.migration import MigrationLog, StorageMap, renamed_config
from simulator.guests.qemu_drives import drives, is_cloudinit
from simulator.guests.qemu_power import halted as machine_halted
from simulator.guests.qemu_power import view_for
from simulator.guests.remote import Remote, bridged, check_storages, connect, pairs
from simulator.guests.snapshots import volumes_of
from simulator.guests.storages import StorageView
from simulator.guests.transfer import data_of, progress
from simulator.guests.volume_names import own_name
from simulator.ha.state import sid_of
from simulator.records import Guest, Volume
from simulator.routing import Call, route
from simulator.schema import boolean, integer, number, string
from simulator.tasks import Lock, Step, Steps, TaskRun, guest_lock_path

_VMID = integer(format="pve-vmid", minimum=100, maximum=999999999)
_GUEST = {"node": string(format="pve-node"), "vmid": _VMID}
_COMMON = {
    **_GUEST,
    "delete": boolean(optional=True),
    "online": boolean(optional=True),
    "target-bridge": string(format="bridge-pair-list"),
    "target-endpoint": string(format="proxmox-remote"),
    "target-storage": string(format="storage-pair-list"),
    "target-vmid": integer(format="pve-vmid", minimum=100, maximum=999999999, optional=True),
}
_MIGRATE = ["perm", "/vms/{vmid}", ["VM.Migrate"]]
_TUNNEL = {
    **_GUEST,
    "bridges": string(format="pve-bridge-id-list", optional=True),
    "storages": string(format="pve-storage-id-list", optional=True),
}
_INCOMING = ["and", ["perm", "/vms/{vmid}", ["VM.Allocate"]], ["perm", "/", ["Sys.Incoming"]]]
_SOCKET = {**_GUEST, "socket": string(), "ticket": string()}
_WORDS = {"qemu": "VM", "lxc": "CT"}
_TYPES = {"qemu": "qmigrate", "lxc": "vzmigrate"}
_CONTENTS = {"qemu": "images", "lxc": "rootdir"}


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/remote_migrate",
    params={**_COMMON, "bwlimit": integer(minimum=0, optional=True)},
    check=_MIGRATE, protected=True, proxyto="node",
)  # fmt: skip
def migrate_machine(call: Call) -> str:
    """Move a machine to another cluster."""
    guest = _movable(call, "qemu")
    if is_running(guest) and not call.flag("online"):
        raise ApiError("can't migrate running VM without --online")
    return _start(call, guest)


@route(
    "POST",
    "/nodes/{node}/lxc/{vmid}/remote_migrate",
    params={
        **_COMMON,
        "bwlimit": number(minimum=0, optional=True),
        "restart": boolean(optional=True),
        "timeout": integer(optional=True),
    },
    check=_MIGRATE,
    protected=True,
    proxyto="node",
)
def migrate_container(call: Call) -> str:
    """Move a container to another cluster."""
    guest = _movable(call, "lxc")
    if is_running(guest) and not (call.flag("online") or call.flag("restart")):
        raise ApiError("can't migrate running container without --online or --restart")
    return _start(call, guest)


def _movable(call: Call, kind: str) -> Guest:
    call.need_quorum()
    guest = call.datacenter.guest(call.integer("vmid"), kind, call.node)
    check_lock(guest)
    return guest


def _start(call: Call, guest: Guest) -> str:
    """Look whether the other cluster can take a guest, and begin to move it."""
    remote = connect(call, call.integer("target-vmid", guest.vmid))
    if sid_of(guest) in call.datacenter.ha_resources:
        raise ApiError(f"cannot remote-migrate HA-managed {_WORDS[guest.type]}")
    wanted = pairs(call, "target-storage")
    volids = [volume.volid for volume in _volumes(view_of(call), guest)]
    check_storages(remote, call.now, volids, wanted, _CONTENTS[guest.type])
    bridged(remote, call.now, guest.config, pairs(call, "target-bridge"))
    body = worker(lambda run: _migrate(run, call, guest.type, remote, wanted))
    return call.start_task(_TYPES[guest.type], str(guest.vmid), body)


def _migrate(run: TaskRun, call: Call, kind: str, remote: Remote, wanted: StorageMap) -> Steps:
    vmid, log, made = call.integer("vmid"), MigrationLog(run), dict[str, str]()
    yield f"Establishing API connection with remote at '{remote.host}'"
    yield Lock(guest_lock_path(vmid, kind))
    guest = run.datacenter.guest(vmid, kind, run.node)
    check_lock(guest)
    check_vmid_free(remote.datacenter, remote.vmid, _WORDS[kind])
    yield log.line("local WS tunnel version: 2")
    yield log.line("remote WS tunnel version: 2")
    yield log.line("websocket tunnel started")
    yield log.line(f"starting migration of {_WORDS[kind]} {vmid} to node '{remote.node}' ({remote.host})")
    reserve_vmid(remote.datacenter, remote.vmid, kind, remote.node)
    set_lock(run.datacenter, vmid, "migrate")
    try:
        for volume in _volumes(view_for(run), guest):
            moved = yield from _copy(run, log, remote, volume, wanted.target(volume.storage))
            made[volume.volid] = moved.volid
        yield 1.0
    except (ApiError, TaskError) as error:
        free_quietly(remote.view(run.now), list(made.values()))
        remote.datacenter.guests.delete(remote.vmid)
        set_lock(run.datacenter, vmid, None)
        raise log.abort(str(error)) from None
    yield from _arrive(run, call, guest, remote, made)
    yield log.line(f"migration finished successfully {log.duration()}")


def _volumes(view: StorageView, guest: Guest) -> list[Volume]:
    """Return the volumes that go along, cloud-init data among them."""
    found = list(volumes_of(view, guest, guest.config).values())
    if guest.type == "qemu":
        data = (view.find(drive["file"]) for _, drive in drives(guest.config) if is_cloudinit(drive))
        found += [volume for volume in data if volume is not None]
    return found


def _copy(
    run: TaskRun, log: MigrationLog, remote: Remote, volume: Volume, storage: str
) -> Generator[Step, None, Volume]:
    """Copy a volume into a new one of the other cluster."""
    there = remote.view(run.now)
    formats = there.type_of(storage).formats
    content = "rootdir" if volume.content == "rootdir" else "images"
    format_ = volume.format if volume.format in formats else there.default_format(storage, content)
    own = "cloudinit" in own_name(volume.name)
    name = there.full_name(storage, remote.vmid, f"vm-{remote.vmid}-cloudinit", format_) if own else None
    made = there.allocate(storage, remote.vmid, volume.size, format_, name=name, content=content)
    data = data_of(view_for(run), volume)
    for text in progress(volume.size, data):
        yield log.line(text) if isinstance(text, str) else text
    yield log.line(f"volume '{volume.volid}' is '{made.volid}' on the target")
    return there.fill(made.volid, data, volume)


def _arrive(run: TaskRun, call: Call, guest: Guest, remote: Remote, names: dict[str, str]) -> Steps:
    """Let the guest live in the other cluster; here it is stopped, or gone when that is wanted."""
    running = is_running(guest)
    config = bridged(remote, run.now, renamed_config(dict(guest.config), names), pairs(call, "target-bridge"))
    config = {key: value for key, value in config.items() if key not in ("lock", "parent")}
    moved = Guest(vmid=remote.vmid, type=guest.type, node=remote.node, config=config)
    if running and guest.type == "qemu":
        moved = replace(moved, status="running", started=guest.started, running=config, pid=guest.pid)
    remote.datacenter.guests.put(moved)
    set_lock(run.datacenter, guest.vmid, None)
    if running and guest.type == "qemu":
        machine_halted(view_for(run), guest.vmid)
    elif running:
        container_halted(run.datacenter, guest.vmid)
        yield from start_container(TaskRun(run.world, remote.datacenter, run.upid, remote.node, run.user), remote.vmid)
    if call.flag("delete"):
        free_quietly(view_for(run), list(names))
        leave_no_trace(run.datacenter, guest.vmid)


def _tunnel(call: Call, kind: str) -> dict[str, str]:
    vmid = call.integer("vmid")
    call.need_quorum()
    check_vmid_free(call.datacenter, vmid, _WORDS[kind])
    for storage in call.listing("storages"):
        call.access.require(f"/storage/{storage}", ["Datastore.AllocateSpace"])
    folder, type_ = ("qemu-server", "qmtunnel") if kind == "qemu" else ("pve", "vzmtunnel")
    socket = f"/run/{folder}/{'ct-' if kind == 'lxc' else ''}{vmid}.mtunnel"
    signer = signer_of(call.world, call.datacenter)
    ticket = signer.short_ticket(consoles.TUNNEL, call.authid, f"/socket/{socket}", call.now)
    return {"socket": socket, "ticket": ticket, "upid": call.start_task(type_, str(vmid), consoles.waiting())}


@route("POST", "/nodes/{node}/qemu/{vmid}/mtunnel", params=_TUNNEL, check=_INCOMING, protected=True)
def machine_tunnel(call: Call) -> dict[str, str]:
    """Wait for a machine that another cluster sends."""
    return _tunnel(call, "qemu")


@route("POST", "/nodes/{node}/lxc/{vmid}/mtunnel", params=_TUNNEL, check=_INCOMING, protected=True)
def container_tunnel(call: Call) -> dict[str, str]:
    """Wait for a container that another cluster sends."""
    return _tunnel(call, "lxc")


@route("GET", "/nodes/{node}/qemu/{vmid}/mtunnelwebsocket", params=_SOCKET, user="all")
@route("GET", "/nodes/{node}/lxc/{vmid}/mtunnelwebsocket", params=_SOCKET, user="all")
def tunnel_websocket(call: Call) -> dict[str, str]:
    """Let the other cluster in whose ticket is good."""
    socket, signer = call.text("socket"), signer_of(call.world, call.datacenter)
    path = f"/socket/{socket}"
    if not signer.verify_short_ticket(consoles.TUNNEL, call.text("ticket"), call.authid, path, call.now):
        raise ApiError("permission denied - invalid PVETUNNEL ticket", 401)
    return {"socket": socket}
