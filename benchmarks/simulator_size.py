"""What the simulator costs with 100, 1,000 and 10,000 guests on 32 nodes: time to start, memory, and time of requests.

Run by `make bench`. The last columns are ratios between sizes: what is flat in the number of guests stays near 1.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import requests
import yaml
from rich.console import Console
from rich.table import Column, Table

from simulator import daemon

SIZES = (100, 1_000, 10_000)
NODES, CLIENTS, REPEATS = 32, 200, 25
LIMITS = {
    "start (s)": 5.0,
    "memory (MiB)": 500.0,
    "GET /cluster/resources (ms)": 200.0,
    "PUT config (ms)": 10.0,
    "errors of 200 parallel clients": 0.0,
}
"""What a figure may be at the most with 10,000 guests."""
RESULTS = Path(__file__).parent / "results" / "simulator_size.json"


def topology(guests: int) -> str:
    """Return a cluster with so many guests, each with a disk, spread over all nodes."""
    storages = {
        "local": {"type": "dir", "path": "/var/lib/vz", "content": "iso,vztmpl,backup"},
        "shared": {"type": "rbd", "pool": "rbd", "content": "images,rootdir", "size": "500T"},
    }
    rows = {
        100 + number: {
            "type": "qemu",
            "node": f"pve{number % NODES + 1}",
            "config": {"name": f"vm{number}", "memory": "1024", "cores": "2", "boot": "order=scsi0"},
            "disks": {"scsi0": "shared:8G"},
        }
        for number in range(guests)
    }
    nodes = {f"pve{number}": {"cpus": 64, "memory": "1T"} for number in range(1, NODES + 1)}
    return yaml.safe_dump({"datacenters": {"big": {"nodes": nodes, "storages": storages, "guests": rows}}})


class Node:
    """A client of the first node."""

    def __init__(self, running: daemon.Running) -> None:
        """Use the token that the simulator made."""
        (self._connection,) = running.connections.values()
        self._url = f"{self._connection.endpoints[0]}/api2/json"
        self.session = self.new_session()

    def new_session(self) -> requests.Session:
        """Return a session of its own, as each of many clients has."""
        session = requests.Session()
        session.verify, session.trust_env = str(self._connection.ca_file), False
        session.headers["Authorization"] = f"PVEAPIToken={self._connection.token_id}={self._connection.token_secret}"
        return session

    def call(self, method: str, path: str, values: dict[str, object] | None = None) -> None:
        """Make a call that has to succeed."""
        response = self.session.request(method, self._url + path, data=values, timeout=60)
        assert response.status_code == requests.codes.ok, response.text

    def crowd(self) -> int:
        """Let many clients read at the same time; return how many of them failed."""

        def client(_number: int) -> bool:
            with self.new_session() as session:
                answers = [session.get(f"{self._url}/nodes/pve1/qemu/{100 + NODES}/config", timeout=60) for _ in "123"]
            return all(answer.status_code == requests.codes.ok for answer in answers)

        with ThreadPoolExecutor(CLIENTS) as pool:
            return sum(not good for good in pool.map(client, range(CLIENTS)))


def measure(guests: int) -> dict[str, float]:
    """Start a simulator of that size and measure it."""
    with tempfile.TemporaryDirectory() as name:
        home, path = Path(name) / "home", Path(name) / "big.yaml"
        path.write_text(topology(guests), encoding="utf-8")
        began = time.monotonic()
        running = daemon.ensure(home, str(path))
        try:
            return {"start (s)": time.monotonic() - began, **_requests(Node(running)), **_process(running)}
        finally:
            daemon.stop(home)


def _requests(node: Node) -> dict[str, float]:
    at = f"/nodes/pve1/qemu/{100 + NODES}"
    numbers = iter(range(900_000, 1_000_000))

    def create() -> None:
        node.call("POST", "/nodes/pve1/qemu", {"vmid": next(numbers), "scsi0": "shared:1"})

    def clone() -> None:
        node.call("POST", f"{at}/clone", {"newid": next(numbers), "full": 1})

    return {
        "GET /cluster/resources (ms)": _milliseconds(lambda: node.call("GET", "/cluster/resources")),
        "GET config (ms)": _milliseconds(lambda: node.call("GET", f"{at}/config")),
        "GET /cluster/nextid (ms)": _milliseconds(lambda: node.call("GET", "/cluster/nextid")),
        "PUT config (ms)": _milliseconds(lambda: node.call("PUT", f"{at}/config", {"memory": 2048})),
        "create (ms)": _milliseconds(create),
        "clone (ms)": _milliseconds(clone),
        "GET storage content (ms)": _milliseconds(lambda: node.call("GET", "/nodes/pve1/storage/local/content")),
        "errors of 200 parallel clients": float(node.crowd()),
    }


def _milliseconds(step: Callable[[], None]) -> float:
    """Return the median time of a step."""
    times = []
    for _ in range(REPEATS):
        began = time.monotonic()
        step()
        times.append((time.monotonic() - began) * 1000)
    return median(times)


def _process(running: daemon.Running) -> dict[str, float]:
    pid = json.loads((running.home / "simulator.json").read_text(encoding="utf-8"))["pid"]
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return {"memory (MiB)": int(found[1]) / 1024} if found is not None else {}


def main() -> None:
    """Measure all sizes, print the figures, and keep them."""
    figures = {size: measure(size) for size in SIZES}
    largest = figures[SIZES[-1]]
    table = Table(
        Column("", no_wrap=True), *(f"{size:,}" for size in SIZES), "at most", "1,000 : 100", "10,000 : 1,000"
    )
    for name, value in largest.items():
        small, middle = (figures[size][name] for size in SIZES[:2])
        ratios = [f"{b / a:.1f}" if a else "" for a, b in ((small, middle), (middle, value))]
        limit = f"{LIMITS[name]:g}" if name in LIMITS else ""
        table.add_row(name, *(f"{figures[size][name]:.1f}" for size in SIZES), limit, *ratios)
    Console(width=120).print(table)
    rounded = {str(size): {name: round(value, 1) for name, value in row.items()} for size, row in figures.items()}
    RESULTS.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")
    broken = [name for name, limit in LIMITS.items() if largest.get(name, 0.0) > limit]
    if broken:
        raise SystemExit(f"too much with {SIZES[-1]:,} guests: {', '.join(broken)}")


if __name__ == "__main__":
    main()
