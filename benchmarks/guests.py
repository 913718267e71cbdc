"""Fifty machines through the real engine: requests a machine, and wall time beside the engine's own share.

Each machine is a full clone with cloud-init, a disk that grows from 3 to 20 GiB, a configuration, and a start; the
simulated host takes 20 ms for a request and 200 ms for a task. Run by `make bench`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from simulator import daemon
from tests.engine import ROOT, Program, Resource, Result

COUNT = 50
REQUEST, TASK = 0.020, 0.200
STEPS: Mapping[str, Callable[[Program], Result]] = {
    "up": Program.up,
    "empty up": Program.up,
    "preview": Program.preview,
    "refresh": Program.refresh,
    "destroy": Program.destroy,
}
RESULTS = Path(__file__).parent / "results" / "guests.json"


@dataclass(frozen=True)
class Step:
    """What one run of the engine took."""

    seconds: float
    requests: Counter[str]

    @property
    def per_guest(self) -> float:
        """Requests a machine."""
        return self.requests.total() / COUNT


def machine(number: int) -> dict[str, Any]:
    """The arguments of one machine."""
    return {
        "name": f"web-{number}",
        "node": "pve1",
        "clone": {"vmid": 9000, "full": True},
        "cores": 2,
        "memory": 2048,
        "disks": {"scsi0": {"storage": "local-lvm", "size": "20G"}},
        "net": {"net0": {"model": "virtio", "bridge": "vmbr0"}},
        "ipconfig": {"ipconfig0": {"ip": f"192.0.2.{number}/24", "gw": "192.0.2.254"}},
    }


def measured(kind: str, folder: Path, running: daemon.Running) -> dict[str, Step]:
    """Take the program with resources of that type through its life."""
    config = {"proxmox:simulator": "standalone", "proxmox:parallel": 50}
    environment = {
        "PROXMOX_SIM_HOME": str(running.home.parent),
        "PULUMI_PARALLEL": "50",
        "PYTHONPATH": str(ROOT),
    }
    program = Program(folder, config, environment)
    program.declare({f"web-{number}": Resource(kind, machine(number)) for number in range(1, COUNT + 1)})
    steps = {}
    for name, run in STEPS.items():
        daemon.control(running, "DELETE", "requests")
        began = time.monotonic()
        result = run(program)
        seconds = time.monotonic() - began
        if result.code:
            raise SystemExit(result.text)
        rows = daemon.control(running, "GET", "requests")
        steps[name] = Step(seconds, Counter(f"{row['method']} {_kind_of(row['path'])}" for row in rows))
    return steps


def _kind_of(path: str) -> str:
    """A request's path without what differs from machine to machine."""
    words = path.removeprefix("/api2/json/").split("/")
    return "/".join("*" if word.isdigit() or word.startswith("UPID") else word for word in words)


def main() -> None:
    """Measure, print, and keep the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        running = daemon.ensure(folder / "simulators" / "standalone", "standalone")
        try:
            daemon.control(running, "POST", "clock", {"mode": "timed", "task_seconds": TASK})
            daemon.control(
                running, "POST", "faults", {"action": "delay", "path": "/.*", "seconds": REQUEST, "count": 10**9}
            )
            ours = measured("providers.vm.VirtualMachine", folder / "ours", running)
            engine = measured("benchmarks.nothing.Nothing", folder / "nothing", running)
        finally:
            daemon.stop(running.home)
    show(ours, engine)
    keep(ours, engine)


def show(ours: dict[str, Step], engine: dict[str, Step]) -> None:
    """Print the figures as a table, and which requests there were."""
    console = Console()
    table = Table("", "requests a machine", "seconds", "engine alone", "above it", title=f"{COUNT} machines by clone")
    for name, step in ours.items():
        alone = engine[name].seconds
        table.add_row(
            name, f"{step.per_guest:.2f}", f"{step.seconds:.1f}", f"{alone:.1f}", f"{step.seconds - alone:.1f}"
        )
    console.print(table)
    for name, step in ours.items():
        for request, times in step.requests.most_common():
            console.print(f"{name}: {times:4} x {request}", highlight=False)


def keep(ours: dict[str, Step], engine: dict[str, Step]) -> None:
    """Write the figures down beside this file."""
    figures = {
        name: {
            "requests_a_machine": round(step.per_guest, 2),
            "seconds": round(step.seconds, 1),
            "seconds_of_the_engine_alone": round(engine[name].seconds, 1),
        }
        for name, step in ours.items()
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machines": COUNT, **figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
