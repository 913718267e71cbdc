"""`/nodes/{node}/qemu/{vmid}/agent`: what the agent in a machine answers, from a simple model of a Debian system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.api.qemu import GUEST
from simulator.api.storage_nodes import view_of
from simulator.errors import ApiError
from simulator.guests.draft import is_running
from simulator.guests.facts import guest_name, guest_numbers
from simulator.guests.qemu_power import address_of, agent_answers, agent_enabled, nics
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import string

_ANY = "VM.GuestAgent.Unrestricted"
_SEE = ["perm", "/vms/{vmid}", ["VM.GuestAgent.Audit", _ANY], "any", 1]
_BLOCK = 128 << 20
_NANOSECONDS = 1_000_000_000
_SYSTEM = {
    "id": "debian", "name": "Debian GNU/Linux", "pretty-name": "Debian GNU/Linux 13 (trixie)", "version": "13 (trixie)",
    "version-id": "13", "machine": "x86_64", "kernel-release": "6.12.48+deb13-amd64",
    "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)",
}  # fmt: skip


def _ready(call: Call) -> Guest:
    """Return a machine whose agent answers, or refuse."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    if not agent_enabled(guest):
        raise ApiError("No QEMU guest agent configured")
    if not is_running(guest):
        raise ApiError(f"VM {guest.vmid} is not running")
    at_once = call.world.clock.mode == "immediate"
    if not agent_answers(view_of(call), guest, call.now, at_once=at_once):
        raise ApiError("QEMU guest agent is not running")
    return guest


def _interfaces(_: Call, guest: Guest) -> list[dict[str, Any]]:
    rows = [_interface("lo", "00:00:00:00:00:00", "127.0.0.1/8")]
    for number, (index, nic) in enumerate(nics(guest)):
        mac = str(nic.get("macaddr", "")).lower()
        rows.append(_interface(f"eth{number}", mac, address_of(guest, index, mac)))
    return rows


def _interface(name: str, mac: str, address: str | None) -> dict[str, Any]:
    addresses = []
    if address is not None:
        host, _, prefix = address.partition("/")
        addresses.append({"ip-address": host, "ip-address-type": "ipv4", "prefix": int(prefix)})
    counters = ("rx-bytes", "rx-dropped", "rx-errs", "rx-packets", "tx-bytes", "tx-dropped", "tx-errs", "tx-packets")
    return {
        "name": name, "hardware-address": mac, "ip-addresses": addresses, "statistics": dict.fromkeys(counters, 0),
    }  # fmt: skip


def _processors(_: Call, guest: Guest) -> list[dict[str, Any]]:
    cpus, _memory = guest_numbers(guest)
    return [{"logical-id": number, "online": True, "can-offline": number > 0} for number in range(cpus)]


def _memory_blocks(_: Call, guest: Guest) -> list[dict[str, Any]]:
    _cpus, memory = guest_numbers(guest)
    return [{"phys-index": number, "online": True, "can-offline": True} for number in range(max(1, memory // _BLOCK))]


def _info(*_: object) -> dict[str, Any]:
    names = [f"guest-{name}" for name in _COMMANDS]
    commands = [{"name": name, "enabled": True, "success-response": True} for name in names]
    return {"version": "10.0.3", "supported_commands": commands}


_COMMANDS: dict[str, Callable[[Call, Guest], Any]] = {
    "ping": lambda *_: {},
    "info": _info,
    "network-get-interfaces": _interfaces,
    "get-osinfo": lambda *_: dict(_SYSTEM),
    "get-host-name": lambda _, guest: {"host-name": guest_name(guest)},
    "get-time": lambda call, _: int(call.now * _NANOSECONDS),
    "get-timezone": lambda *_: {"zone": "UTC", "offset": 0},
    "get-users": lambda *_: [],
    "get-vcpus": _processors,
    "get-memory-blocks": _memory_blocks,
    "get-memory-block-info": lambda *_: {"size": _BLOCK},
}


def _answer(call: Call, command: str) -> dict[str, Any]:
    guest = _ready(call)
    answer = _COMMANDS.get(command)
    if answer is None:
        raise ApiError(f"VM {guest.vmid} qga command 'guest-{command}' failed - the command is not supported here")
    return {"result": answer(call, guest)}


@route("GET", "/nodes/{node}/qemu/{vmid}/agent", params=GUEST, user="all", proxyto="node")
def agent_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List the agent's commands."""
    return [{"name": name} for name in sorted(_COMMANDS)]


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/agent",
    params={
        **GUEST,
        "command": string(
            enum=(
                "fsfreeze-freeze", "fsfreeze-status", "fsfreeze-thaw", "fstrim", "get-fsinfo", "get-host-name",
                "get-memory-block-info", "get-memory-blocks", "get-osinfo", "get-time", "get-timezone", "get-users",
                "get-vcpus", "info", "network-get-interfaces", "ping", "shutdown", "suspend-disk", "suspend-hybrid",
                "suspend-ram",
            )
        ),
    },
    check=["perm", "/vms/{vmid}", [_ANY, _ANY], "any", 1],
    protected=True,
    proxyto="node",
)  # fmt: skip
def agent_command(call: Call) -> dict[str, Any]:
    """Give the agent a command by its name."""
    return _answer(call, call.text("command"))


def _declare(command: str) -> None:
    """Declare the method of a command."""

    @route(
        "POST" if command == "ping" else "GET", f"/nodes/{{node}}/qemu/{{vmid}}/agent/{command}",
        params=GUEST, check=_SEE, protected=True, proxyto="node",
    )  # fmt: skip
    def run(call: Call) -> dict[str, Any]:
        return _answer(call, command)


for _name in _COMMANDS:
    _declare(_name)
