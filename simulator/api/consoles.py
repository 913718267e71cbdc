"""`vncproxy`, `termproxy`, `spiceproxy` and `vncwebsocket` of guests and nodes, and `/access/vncticket`."""

from __future__ import annotations

from typing import Any

from simulator import consoles
from simulator.access import Access
from simulator.errors import ApiError, PermissionDenied
from simulator.formats import split_list
from simulator.guests.draft import is_running
from simulator.guests.qemu_options import VGA
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string

_NODE = {"node": string(format="pve-node")}
_GUEST = {**_NODE, "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999)}
_GUEST_CONSOLE = ["perm", "/vms/{vmid}", ["VM.Console"]]
_NODE_CONSOLE = ["perm", "/nodes/{node}", ["Sys.Console"]]
_SIZE = {
    "height": integer(minimum=16, maximum=2160, optional=True),
    "width": integer(minimum=16, maximum=4096, optional=True),
    "websocket": boolean(optional=True),
}
_PROXY = {"proxy": string(format="address", optional=True)}
_SOCKET = {
    "port": integer(minimum=consoles.FIRST_PORT, maximum=consoles.LAST_PORT), "vncticket": string(max_length=512),
}  # fmt: skip
_COMMAND = {
    "cmd": string(enum=("ceph_install", "login", "upgrade"), optional=True),
    "cmd-opts": string(optional=True, requires="cmd"),
}
_SERIALS = ("serial0", "serial1", "serial2", "serial3")


def _there(call: Call, kind: str) -> Guest:
    """Return a guest, wherever the call was made; its console opens on the guest's own node."""
    return call.datacenter.guest(call.integer("vmid"), kind, call.text("node"))


def _path(guest: Guest) -> str:
    return f"/vms/{guest.vmid}"


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/vncproxy",
    params={**_GUEST, "generate-password": boolean(optional=True), "websocket": boolean(optional=True)},
    check=_GUEST_CONSOLE, protected=True,
)  # fmt: skip
def machine_screen(call: Call) -> dict[str, Any]:
    """Open the screen of a machine."""
    guest = _there(call, "qemu")
    return consoles.screen(call, "vncproxy", _path(guest), str(guest.vmid))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/vncproxy", params={**_GUEST, **_SIZE}, check=_GUEST_CONSOLE, protected=True,
)  # fmt: skip
def container_screen(call: Call) -> dict[str, Any]:
    """Open the console of a container for a VNC viewer."""
    guest = _there(call, "lxc")
    return consoles.screen(call, "vncproxy", _path(guest), str(guest.vmid))


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/termproxy", params={**_GUEST, "serial": string(enum=_SERIALS, optional=True)},
    check=_GUEST_CONSOLE, protected=True,
)  # fmt: skip
def machine_terminal(call: Call) -> dict[str, Any]:
    """Open a serial console of a machine: the one that is asked for, or its display when that is one."""
    guest = _there(call, "qemu")
    display = str(VGA.parse(guest.config.get("vga", "std"), "vga").get("type", "std"))
    serial = call.optional("serial") or (display if display in _SERIALS else None)
    if serial is None:
        raise ApiError("unable to find a serial interface")
    if serial not in guest.config:
        raise ApiError(f"serial interface '{serial}' is not configured")
    if guest.config[serial] != "socket":
        raise ApiError(f"wrong serial type on interface '{serial}'")
    return consoles.terminal(call, "vncproxy", _path(guest), str(guest.vmid))


@route("POST", "/nodes/{node}/lxc/{vmid}/termproxy", params=_GUEST, check=_GUEST_CONSOLE, protected=True)
def container_terminal(call: Call) -> dict[str, Any]:
    """Open the console of a container for a terminal."""
    guest = _there(call, "lxc")
    return consoles.terminal(call, "vncproxy", _path(guest), str(guest.vmid))


@route("GET", "/nodes/{node}/qemu/{vmid}/vncwebsocket", params={**_GUEST, **_SOCKET}, check=_GUEST_CONSOLE)
@route("GET", "/nodes/{node}/lxc/{vmid}/vncwebsocket", params={**_GUEST, **_SOCKET}, check=_GUEST_CONSOLE)
def guest_websocket(call: Call) -> dict[str, str]:
    """Connect to an opened console of a guest."""
    return consoles.websocket(call, f"/vms/{call.integer('vmid')}")


@route(
    "POST", "/nodes/{node}/qemu/{vmid}/spiceproxy", params={**_GUEST, **_PROXY},
    check=_GUEST_CONSOLE, protected=True, proxyto="node",
)  # fmt: skip
def machine_viewer(call: Call) -> dict[str, Any]:
    """Return how a SPICE viewer reaches a running machine with a display of that kind."""
    guest = call.datacenter.guest(call.integer("vmid"), "qemu", call.node)
    if not is_running(guest):
        raise ApiError(f"VM {guest.vmid} not running")
    if not str(VGA.parse(guest.config.get("vga", "std"), "vga").get("type", "std")).startswith("qxl"):
        raise ApiError("no spice port")
    name = guest.config.get("name")
    return consoles.viewer(call, f"VM {guest.vmid}" + (f" - {name}" if name else ""), str(guest.vmid))


@route(
    "POST", "/nodes/{node}/lxc/{vmid}/spiceproxy", params={**_GUEST, **_PROXY},
    check=_GUEST_CONSOLE, protected=True, proxyto="node",
)  # fmt: skip
def container_viewer(call: Call) -> dict[str, Any]:
    """Open the console of a container for a SPICE viewer."""
    guest = call.datacenter.guest(call.integer("vmid"), "lxc", call.node)
    call.start_task("spiceproxy", str(guest.vmid), consoles.waiting())
    return consoles.viewer(call, f"CT {guest.vmid}", str(guest.vmid))


def _check_shell(call: Call) -> None:
    """Refuse a node's shell to users that the node's own system does not know."""
    user = call.authid.partition("!")[0]
    if not user.endswith("@pam"):
        raise PermissionDenied("realm != pam")
    if call.text("cmd", "login") != "login" and user != "root@pam":
        raise PermissionDenied("user != root@pam")


@route("POST", "/nodes/{node}/vncshell", params={**_NODE, **_SIZE, **_COMMAND}, check=_NODE_CONSOLE, protected=True)
def node_screen(call: Call) -> dict[str, Any]:
    """Open a shell of a node for a VNC viewer."""
    _check_shell(call)
    return consoles.screen(call, "vncshell", f"/nodes/{call.text('node')}", "")


@route("POST", "/nodes/{node}/termproxy", params={**_NODE, **_COMMAND}, check=_NODE_CONSOLE, protected=True)
def node_terminal(call: Call) -> dict[str, Any]:
    """Open a shell of a node for a terminal."""
    _check_shell(call)
    return consoles.terminal(call, "vncshell", f"/nodes/{call.text('node')}", "")


@route("GET", "/nodes/{node}/vncwebsocket", params={**_NODE, **_SOCKET}, check=_NODE_CONSOLE)
def node_websocket(call: Call) -> dict[str, str]:
    """Connect to an opened shell of a node."""
    _check_shell(call)
    return consoles.websocket(call, f"/nodes/{call.text('node')}")


@route(
    "POST", "/nodes/{node}/spiceshell", params={**_NODE, **_PROXY, **_COMMAND},
    check=_NODE_CONSOLE, protected=True, proxyto="node",
)  # fmt: skip
def node_viewer(call: Call) -> dict[str, Any]:
    """Open a shell of a node for a SPICE viewer."""
    _check_shell(call)
    call.start_task("spiceshell", "", consoles.waiting())
    return consoles.viewer(call, f"Shell on '{call.node}'", "0")


@route(
    "POST",
    "/access/vncticket",
    params={
        "authid": string(max_length=64),
        "path": string(max_length=64),
        "port": integer(optional=True),
        "privs": string(format="pve-priv-list", max_length=64),
        "vncticket": string(),
    },
    user="world",
    protected=True,
)
def check_ticket(call: Call) -> None:
    """Tell a console's own server whether a ticket is good, and its user has the privileges."""
    authid, path, privileges = call.text("authid"), call.text("path"), split_list(call.text("privs"))
    known = consoles.verify(call, call.text("vncticket"), authid, path)
    if not known or not Access(call.datacenter, authid).may(path, privileges):
        raise ApiError("authentication failure", 401)
