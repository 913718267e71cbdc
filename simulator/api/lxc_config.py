"""`/nodes/{node}/lxc/{vmid}/config`, `pending` and `interfaces`."""

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
    is_running,
    pending_rows,
    shown_config,
    snapshot_config,
)
from simulator.guests.lxc_options import EXPANDED, LXC_OPTIONS
from simulator.guests.lxc_power import interface_rows
from simulator.guests.lxc_rights import check_keys, check_mount_sources, check_values
from simulator.guests.lxc_update import carry_out, normalise, requested_change
from simulator.guests.qemu_update import Change
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, string
from simulator.tasks import guest_lock_path

AUDIT = ["perm", "/vms/{vmid}", ["VM.Audit"]]
_CONFIG_PRIVILEGES = [f"VM.Config.{name}" for name in ("Disk", "CPU", "Memory", "Network", "Options")]


@route(
    "GET",
    "/nodes/{node}/lxc/{vmid}/config",
    params={
        **GUEST,
        "current": boolean(optional=True),
        "snapshot": string(format="pve-configid", max_length=40, optional=True),
    },
    check=AUDIT,
    proxyto="node",
)
def read_config(call: Call) -> dict[str, Any]:
    """Return a container's configuration."""
    guest = call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    if "snapshot" in call:
        if "current" in call:
            text = "cannot use 'snapshot' parameter with 'current'"
            raise ParamError({"snapshot": text, "current": text})
        return shown_config(EXPANDED, guest, snapshot_config(guest, call.text("snapshot")))
    return shown_config(EXPANDED, guest, current_config(guest, current=call.flag("current")))


@route("GET", "/nodes/{node}/lxc/{vmid}/pending", params=GUEST, check=AUDIT, proxyto="node")
def read_pending(call: Call) -> list[dict[str, Any]]:
    """Return each option with its value and what is pending."""
    return pending_rows(EXPANDED, call.datacenter.guest(call.integer("vmid"), "lxc", call.node))


@route(
    "PUT",
    "/nodes/{node}/lxc/{vmid}/config",
    params={
        **GUEST,
        **LXC_OPTIONS,
        "delete": string(format="pve-configid-list", optional=True),
        "digest": string(max_length=40, optional=True),
        "revert": string(format="pve-configid-list", optional=True),
    },
    check=["perm", "/vms/{vmid}", _CONFIG_PRIVILEGES, "any", 1],
    protected=True,
    proxyto="node",
)
def update_config(call: Call) -> None:
    """Change a configuration, with all that takes."""
    view, vmid = view_of(call), call.integer("vmid")
    wanted = requested_change(call)
    check_keys(call, vmid, None, wanted.keys)
    guest = _open(call)
    values = normalise(call.datacenter, wanted.values)
    check_values(call, values, unprivileged=guest.config.get("unprivileged") == "1")
    check_mount_sources(call, view, vmid, values)
    call.need_lock(guest_lock_path(vmid, "lxc"))
    change = Change(values, wanted.delete, wanted.revert)
    drain(carry_out(view, Draft.of(_open(call)), change))


def _open(call: Call) -> Guest:
    """Return the container, or refuse: changed meanwhile, or locked."""
    guest = call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    call.check_digest(config_digest(guest))
    check_lock(guest)
    return guest


@route(
    "GET", "/nodes/{node}/lxc/{vmid}/interfaces", params=GUEST,
    check=AUDIT, protected=True, proxyto="node",
)  # fmt: skip
def interfaces(call: Call) -> list[dict[str, Any]] | None:
    """Return the network interfaces of a running container."""
    guest = call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    return interface_rows(call.world, call.datacenter, guest) if is_running(guest) else None
