"""A request costs what it costs, however many guests there are: counted in calls of functions, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulator_size import NODES, topology
from tests.simulator.guest_bench import Bench

FEW, MANY = 2 * NODES, 2_000
VMID = 100 + NODES
_AT = f"/nodes/pve1/qemu/{VMID}"
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "read a configuration": ("GET", f"{_AT}/config", {}),
    "read a status": ("GET", f"{_AT}/status/current", {}),
    "change a configuration": ("PUT", f"{_AT}/config", {"memory": "2048"}),
    "start": ("POST", f"{_AT}/status/start", {}),
    "stop": ("POST", f"{_AT}/status/stop", {}),
    "create": ("POST", "/nodes/pve1/qemu", {"vmid": 999999, "scsi0": "shared:1"}),
    "clone": ("POST", f"{_AT}/clone", {"newid": 999998, "full": "1"}),
    "migrate": ("POST", "/nodes/pve1/qemu/999998/migrate", {"target": "pve2"}),
    "destroy": ("DELETE", "/nodes/pve1/qemu/999999", {"purge": "1"}),
    "list nodes": ("GET", "/nodes", {}),
    "read a pool": ("GET", "/pools", {"poolid": "small"}),
}


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, int]]:
    """Return what each request costs with few and with many guests."""
    return {guests: _costs(tmp_path_factory.mktemp("size"), guests) for guests in (FEW, MANY)}


def _costs(place: Path, guests: int) -> dict[str, int]:
    path = place / "big.yaml"
    path.write_text(topology(guests), encoding="utf-8")
    bench = Bench.open(place, str(path))
    bench.call("POST", "/pools", poolid="small")
    return {
        name: _calls_in(partial(bench.call, method, at, **values)) for name, (method, at, values) in REQUESTS.items()
    }


def _calls_in(step: Callable[[], Any]) -> int:
    """Return how many functions are called, and generators resumed, within a step."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_request_costs_no_more_with_more_guests(costs: dict[int, dict[str, int]], request_name: str) -> None:
    few, many = costs[FEW][request_name], costs[MANY][request_name]
    assert many <= 1.25 * few, f"{few} calls with {FEW} guests, {many} with {MANY}"
