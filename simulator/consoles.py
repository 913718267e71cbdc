"""Consoles: the tickets, ports and tasks by which a viewer is let in."""

from __future__ import annotations

import secrets
from typing import Any

from simulator.access import signer_of
from simulator.errors import ApiError, TaskError
from simulator.records import Console
from simulator.routing import Call
from simulator.tasks import Body, Steps, TaskRun

VNC, TUNNEL = "PVEVNC", "PVETUNNEL"
FIRST_PORT, LAST_PORT = 5900, 5999
_FIRST_SPICE_PORT, _LAST_SPICE_PORT = 61000, 61999
_PATIENCE = 10.0
_PASSWORD_LENGTH = 8
_PRINTABLE = "".join(chr(code) for code in range(ord("!"), ord("~") + 1) if chr(code) not in ":\"'\\")


def waiting(line: str = "") -> Body:
    """Return the task of a console for which nobody comes."""

    def body(run: TaskRun) -> Steps:  # noqa: ARG001 - every body takes the run
        if line:
            yield line
        yield _PATIENCE
        raise TaskError("connection timed out")

    return body


def free_port(call: Call, node: str, first: int = FIRST_PORT, last: int = LAST_PORT) -> int:
    """Take the first port of a node on which no console waits."""
    taken = set()
    for console in call.datacenter.consoles:
        if console.until <= call.now:
            call.datacenter.consoles.delete(f"{console.node}/{console.port}")
        elif console.node == node:
            taken.add(console.port)
    port = next((port for port in range(first, last + 1) if port not in taken), None)
    if port is None:
        raise ApiError("unable to find free port (5900-5999)")
    call.datacenter.consoles.put(Console(node=node, port=port, until=call.now + _PATIENCE))
    return port


def terminal(call: Call, kind: str, path: str, id_: str) -> dict[str, Any]:
    """Open a console for a terminal and return how to reach it."""
    ticket = signer_of(call.world, call.datacenter).short_ticket(VNC, call.authid, path, call.now)
    port = free_port(call, call.node)
    upid = call.start_task(kind, id_, waiting())
    return {"user": call.authid, "ticket": ticket, "port": str(port), "upid": upid}


def screen(call: Call, kind: str, path: str, id_: str) -> dict[str, Any]:
    """Open a console for a VNC viewer; its password is how the ticket begins, as viewers take no more of it."""
    opened = terminal(call, kind, path, id_)
    password = "".join(secrets.choice(_PRINTABLE) for _ in range(_PASSWORD_LENGTH))
    ticket = f"{password}:{opened['ticket']}"
    return opened | {"ticket": ticket, "password": password, "cert": call.world.authority.read_text(encoding="utf-8")}


def verify(call: Call, ticket: str, authid: str, path: str) -> bool:
    """Tell whether a console's ticket is this user's for this path."""
    bare = ticket[ticket.find(f"{VNC}:") :] if f"{VNC}:" in ticket else ticket
    return signer_of(call.world, call.datacenter).verify_short_ticket(VNC, bare, authid, path, call.now)


def websocket(call: Call, path: str) -> dict[str, str]:
    """Let a viewer in whose ticket is good."""
    if not verify(call, call.text("vncticket"), call.authid, path):
        raise ApiError("permission denied - invalid PVEVNC ticket", 401)
    return {"port": str(call.integer("port"))}


def viewer(call: Call, title: str, id_: str, port: int | None = None) -> dict[str, Any]:
    """Return the settings that a SPICE viewer takes."""
    chosen = port if port is not None else free_port(call, call.node, _FIRST_SPICE_PORT, _LAST_SPICE_PORT)
    node = call.datacenter.nodes[call.node]
    domain = node.dns.get("search", "")
    name = f"{node.name}.{domain}" if domain else node.name
    target = f"pvespiceproxy:{int(call.now):08x}:{id_}:{node.name}:{chosen}"
    signed = signer_of(call.world, call.datacenter).short_ticket("pvespiceproxy", id_, node.name, call.now)
    return {
        "type": "spice", "title": title, "host": f"{target}::{signed.rpartition('::')[2].lower()}",
        "proxy": f"http://{call.text('proxy', name)}:3128", "tls-port": chosen, "password": secrets.token_hex(20),
        "host-subject": f"OU=PVE Cluster Node,O=Proxmox Virtual Environment,CN={name}",
        "ca": call.world.authority.read_text(encoding="utf-8").replace("\n", "\\n"), "delete-this-file": 1,
        "secure-attention": "Ctrl+Alt+Ins", "toggle-fullscreen": "Shift+F11", "release-cursor": "Ctrl+Alt+R",
    }  # fmt: skip
