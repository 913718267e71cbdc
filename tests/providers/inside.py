"""Guests with something inside: a virtual machine whose agent answers, and a container, both running."""

from __future__ import annotations

from typing import Any

from tests.conftest import Simulator

MACHINE, CONTAINER = 100, 200
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/nodes/pve1/qemu/9000/clone", {"newid": MACHINE, "name": "machine"}),
    ("PUT", f"/nodes/pve1/qemu/{MACHINE}/config", {"agent": "1", "delete": "vmgenid"}),
    ("POST", f"/nodes/pve1/qemu/{MACHINE}/status/start", {}),
]
"""The virtual machine; without an ID that is another one after each rollback."""
ALSO_CONTAINER: list[tuple[str, str, dict[str, Any]]] = [
    (
        "POST",
        "/nodes/pve1/lxc",
        {"vmid": CONTAINER, "hostname": "container", "ostemplate": TEMPLATE, "rootfs": "local-lvm:4", "start": 1},
    ),
]


def prepare(simulator: Simulator) -> None:
    """Make both."""
    for method, path, parameters in (*SETUP, *ALSO_CONTAINER):
        simulator.by_hand(method, path, parameters)
    simulator.forget_requests()


def agent(simulator: Simulator, command: list[str]) -> str:
    """Run something in the machine, as somebody else does; returns what it prints."""
    path = f"/nodes/pve1/qemu/{MACHINE}/agent"
    started = simulator.by_hand("POST", f"{path}/exec", {"command": command})
    done = simulator.by_hand("GET", f"{path}/exec-status", started)
    return str(done.get("out-data", ""))
