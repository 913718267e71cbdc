"""`/nodes/{node}/qemu/{vmid}/agent`: the commands of the guest agent that are given by their names alone."""

from __future__ import annotations

from typing import Any

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError
from simulator.guests.draft import is_running
from simulator.guests.qemu_power import agent_answers, agent_enabled
from simulator.inside.agent import COMMANDS, Machine, answer
from simulator.routing import Call, route
from simulator.schema import string

ANY = "VM.GuestAgent.Unrestricted"
_FILE_SYSTEMS = ["VM.GuestAgent.FileSystemMgmt", ANY]
_POWER = ["VM.PowerMgmt", ANY]
_PRIVILEGES = {
    "fsfreeze-freeze": _FILE_SYSTEMS, "fsfreeze-thaw": _FILE_SYSTEMS, "fstrim": _FILE_SYSTEMS,
    "fsfreeze-status": ["VM.GuestAgent.Audit", *_FILE_SYSTEMS], "shutdown": _POWER, "suspend-disk": _POWER,
    "suspend-hybrid": _POWER, "suspend-ram": _POWER,
}  # fmt: skip
"""What a command needs, any of it; all others are for whoever may look."""
_WITH_ARGUMENTS = ("exec", "exec-status", "file-read", "file-write", "set-user-password")


def ready(call: Call) -> Machine:
    """Return a machine whose agent answers, or refuse."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    if "agent" not in guest.config:
        raise ApiError("No QEMU guest agent configured")
    if not is_running(guest):
        raise ApiError(f"VM {guest.vmid} is not running")
    at_once = call.world.clock.mode == "immediate"
    if not agent_enabled(guest) or not agent_answers(view_of(call), guest, call.now, at_once=at_once):
        raise ApiError("QEMU guest agent is not running")
    return Machine(call.datacenter, guest, call.now)


@route("GET", "/nodes/{node}/qemu/{vmid}/agent", params=GUEST, user="all", proxyto="node")
def agent_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List the agent's commands."""
    return [{"name": name} for name in sorted((*COMMANDS, *_WITH_ARGUMENTS))]


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/agent",
    params={**GUEST, "command": string(enum=tuple(sorted(COMMANDS)))},
    check=["perm", "/vms/{vmid}", [ANY, ANY], "any", 1],
    protected=True,
    proxyto="node",
)
def agent_command(call: Call) -> dict[str, Any]:
    """Give the agent a command by its name."""
    return {"result": answer(ready(call), call.text("command"))}


def _declare(command: str) -> None:
    """Declare the method of a command: what only asks is a GET, but for the ping."""
    asks = command not in _PRIVILEGES and command != "ping"

    @route(
        "GET" if asks else "POST", f"/nodes/{{node}}/qemu/{{vmid}}/agent/{command}", params=GUEST,
        check=["perm", "/vms/{vmid}", _PRIVILEGES.get(command, ["VM.GuestAgent.Audit", ANY]), "any", 1],
        protected=True, proxyto="node",
    )  # fmt: skip
    def run(call: Call) -> dict[str, Any]:
        return {"result": answer(ready(call), command)}


for _name in COMMANDS:
    _declare(_name)
