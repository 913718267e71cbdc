"""`/nodes/{node}/qemu/{vmid}/monitor`, `sendkey` and `dbus-vmstate`: talking to the process of a machine itself."""

from __future__ import annotations

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError, PermissionDenied
from simulator.guests.draft import check_lock, is_running
from simulator.guests.monitor import MODIFY, OPEN, answer, send_keys
from simulator.routing import Call, route
from simulator.schema import boolean, string


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/monitor", params={**GUEST, "command": string()},
    check=["perm", "/vms/{vmid}", ["Sys.Audit", "Sys.Modify"], "any", 1], protected=True, proxyto="node",
)  # fmt: skip
def monitor(call: Call) -> str:
    """Give the monitor a command and return what it prints."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    command = call.text("command").strip()
    name = command.partition(" ")[0]
    if name in MODIFY:
        call.access.require(f"/vms/{guest.vmid}", ["Sys.Modify"])
    elif name not in OPEN and not call.is_root:
        raise PermissionDenied(f"monitor command '{name}' is only allowed for root@pam")
    if not is_running(guest):
        return f"ERROR: VM {guest.vmid} not running\n"
    return answer(view_of(call), guest, command)


@route(
    "PUT", "/nodes/{node}/qemu/{vmid}/sendkey", params={**GUEST, "key": string(), "skiplock": boolean(optional=True)},
    check=["perm", "/vms/{vmid}", ["VM.Console"]], protected=True, proxyto="node",
)  # fmt: skip
def send_key(call: Call) -> None:
    """Press keys."""
    call.root_only("skiplock")
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    if not call.flag("skiplock"):
        check_lock(guest)
    if not is_running(guest):
        raise ApiError(f"VM {guest.vmid} not running")
    refusal = send_keys(call.text("key"))
    if refusal:
        raise ApiError(refusal.rstrip("\n"))


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/dbus-vmstate", params={**GUEST, "action": string(enum=("start", "stop"))},
    check=["perm", "/vms/{vmid}", ["VM.Migrate"]], proxyto="node",
)  # fmt: skip
def helper(call: Call) -> None:
    """Start or stop the helper that takes further state along when a machine migrates."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    if not is_running(guest):
        raise ApiError(f"VM {guest.vmid} not running")
