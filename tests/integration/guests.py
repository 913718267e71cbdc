"""Programs of many guests, and what is asked of the simulator about them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.conftest import Simulator
from tests.engine import Resource, Result

TEMPLATE = 9000


def clones(count: int, **more: Any) -> dict[str, Resource]:
    """Linked clones of the topology's template, with a disk that grows and an address by cloud-init."""
    return {
        f"web-{number}": Resource("providers.vm.VirtualMachine", clone(f"web-{number}", **more))
        for number in range(1, count + 1)
    }


def clone(name: str, **more: Any) -> dict[str, Any]:
    """Arguments of one linked clone."""
    return {
        "name": name,
        "node": "pve1",
        "clone": {"vmid": TEMPLATE, "full": False},
        "cores": 2,
        "memory": 1024,
        "disks": {"scsi0": {"storage": "local-lvm", "size": "12G"}},
        "net": {"net0": {"model": "virtio", "bridge": "vmbr0"}},
        "ipconfig": {"ipconfig0": {"ip": "dhcp"}},
        **more,
    }


def guests(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """The guests that the node lists, by name, without templates; fails where two have the same name."""
    rows = [row for row in simulator.by_hand("GET", "/nodes/pve1/qemu") if not row.get("template")]
    doubled = [name for name, times in Counter(row["name"] for row in rows).items() if times > 1]
    assert doubled == []
    return {row["name"]: row for row in rows}


def asked(simulator: Simulator) -> Counter[str]:
    """How often each kind of request was made since the last time this was asked for."""
    rows = simulator.requests()
    simulator.forget_requests()
    paths = ((row["method"], row["path"].removeprefix("/api2/json/").split("/")) for row in rows)
    return Counter(
        f"{method} {'/'.join('*' if word.isdigit() or word.startswith('UPID') else word for word in words)}"
        for method, words in paths
    )


def config(simulator: Simulator, vmid: int) -> dict[str, Any]:
    """The configuration of a guest."""
    found: dict[str, Any] = simulator.by_hand("GET", f"/nodes/pve1/qemu/{vmid}/config")
    return found


def most_at_once(result: Result, operation: str) -> int:
    """How many resources were in that operation at the same time, by the engine's own events."""
    running: set[str] = set()
    most = 0
    for event in result.events:
        started = event.get("resourcePreEvent", {}).get("metadata")
        ended = event.get("resOutputsEvent", event.get("resOpFailedEvent", {})).get("metadata")
        if started and started["op"] == operation and not started["type"].startswith("pulumi:"):
            running.add(started["urn"])
        if ended:
            running.discard(ended["urn"])
        most = max(most, len(running))
    return most
