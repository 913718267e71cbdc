"""`/nodes/{node}/qemu/{vmid}/config`, `pending` and `unlink`: reading and changing a configuration."""

from __future__ import annotations

from typing import Any

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ParamError
from simulator.guests.draft import (
    Draft,
    check_lock,
    config_digest,
    current_config,
    drain,
    pending_rows,
    shown_config,
    snapshot_config,
    worker,
)
from simulator.guests.qemu_options import EXPANDED, QEMU_OPTIONS, REQUEST_ONLY
from simulator.guests.qemu_rights import check_drive_sources, check_keys, check_values
from simulator.guests.qemu_update import Change, carry_out, check_against, log_lines, normalise, requested_change
from simulator.guests.storages import StorageView
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

AUDIT = ["perm", "/vms/{vmid}", ["VM.Audit"]]
_CONFIG_PRIVILEGES = [
    f"VM.Config.{name}"
    for name in ("Disk", "CDROM", "CPU", "Memory", "Network", "HWType", "Options", "Cloudinit")
]  # fmt: skip
_UPDATE = {
    **GUEST,
    **QEMU_OPTIONS,
    **REQUEST_ONLY,
    "delete": string(format="pve-configid-list", optional=True),
    "digest": string(max_length=40, optional=True),
    "force": boolean(optional=True, requires="delete"),
    "revert": string(format="pve-configid-list", optional=True),
    "skiplock": boolean(optional=True),
}
_ANY_CONFIG = ["perm", "/vms/{vmid}", _CONFIG_PRIVILEGES, "any", 1]


@route(
    "GET",
    "/nodes/{node}/qemu/{vmid}/config",
    params={
        **GUEST,
        "current": boolean(optional=True),
        "snapshot": string(format="pve-configid", max_length=40, optional=True),
    },
    check=AUDIT,
    proxyto="node",
)
def read_config(call: Call) -> dict[str, Any]:
    """Return a machine's configuration."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    if "snapshot" in call:
        if "current" in call:
            text = "cannot use 'snapshot' parameter with 'current'"
            raise ParamError({"snapshot": text, "current": "cannot use 'snapshot' parameter with 'current'"})
        return shown_config(EXPANDED, guest, snapshot_config(guest, call.text("snapshot")))
    return shown_config(EXPANDED, guest, current_config(guest, current=call.flag("current")))


@route("GET", "/nodes/{node}/qemu/{vmid}/pending", params=GUEST, check=AUDIT, proxyto="node")
def read_pending(call: Call) -> list[dict[str, Any]]:
    """Return each option with its value and what is pending."""
    return pending_rows(EXPANDED, call.datacenter.guest(call.integer("vmid"), "qemu", call.node))


def _checked(call: Call) -> tuple[StorageView, Change]:
    """Check everything of a change that can be checked before the machine is locked."""
    call.root_only("skiplock")
    view, vmid = view_of(call), call.integer("vmid")
    wanted = requested_change(call)
    values = normalise(call.datacenter, view, wanted.values)
    check_drive_sources(call, view, vmid, values)
    check_keys(call, vmid, None, wanted.keys)
    check_values(call, vmid, None, values)
    _open(call)
    return view, Change(values, wanted.delete, wanted.revert, wanted.force)


def _open(call: Call) -> Guest:
    """Return the machine, or refuse: changed meanwhile, or locked."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    call.check_digest(config_digest(guest), "checksum mismatch (file change by other user?)")
    if not call.flag("skiplock"):
        check_lock(guest)
    return guest


@route(
    "PUT", "/nodes/{node}/qemu/{vmid}/config", params=_UPDATE,
    check=_ANY_CONFIG, protected=True, proxyto="node",
)  # fmt: skip
def update_config(call: Call) -> None:
    """Change a configuration, with all that takes."""
    view, change = _checked(call)
    call.need_lock(guest_lock_path(call.integer("vmid"), "qemu"))
    draft = Draft.of(_open(call))
    check_against(draft, change)
    drain(carry_out(view, draft, change))


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/config",
    params={
        **_UPDATE,
        "background_delay": integer(minimum=1, maximum=30, optional=True),
        "import-working-storage": string(format="pve-storage-id", optional=True),
    },
    check=_ANY_CONFIG,
    protected=True,
    proxyto="node",
)
def update_config_in_background(call: Call) -> str:
    """Change a configuration in a task."""
    view, change = _checked(call)
    vmid = call.integer("vmid")

    def body(run: TaskRun) -> Steps:
        yield Lock(guest_lock_path(vmid, "qemu"))
        yield from log_lines(vmid, change)
        draft = Draft.of(run.datacenter.guest(vmid, "qemu", run.node))
        if not call.flag("skiplock"):
            check_lock(draft.guest)
        check_against(draft, change)
        yield from carry_out(view, draft, change)

    return call.start_task("qmconfig", str(vmid), worker(body))


@route(
    "PUT",
    "/nodes/{node}/qemu/{vmid}/unlink",
    params={**GUEST, "force": boolean(optional=True), "idlist": string(format="pve-configid-list")},
    check=["perm", "/vms/{vmid}", ["VM.Config.Disk"]],
    protected=True,
    proxyto="node",
)
def unlink(call: Call) -> None:
    """Detach disks, or delete those that are unused already."""
    _open(call)
    call.need_lock(guest_lock_path(call.integer("vmid"), "qemu"))
    change = Change(delete=call.listing("idlist"), force=call.flag("force"))
    drain(carry_out(view_of(call), Draft.of(_open(call)), change))
