"""A simulator with live containers, as tests use it: containers started over the API, looked into over SSH."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulator import daemon
from tests.simulator.client import Client
from tests.simulator.conftest import client_of, started
from tests.simulator.test_ssh import Ran, Remote, connected

TWO_NODES = """
guests: live
datacenters:
  lab:
    nodes:
      pve1: {ip: 192.0.2.11}
      pve2: {ip: 192.0.2.12}
    bridges: [vmbr0, vmbr1]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "rootdir,images", size: 100G}
    guests:
""" + "".join(
    f"      {vmid}: {{type: lxc, node: pve{vmid // 100}, disks: {{rootfs: 'local:4G'}}, "
    f"config: {{hostname: ct{vmid}}}}}\n"
    for vmid in (101, 102, 103, 104, 201, 202)
)
"""Containers 101 to 104 on the first node, 201 and 202 on the second; none has a network card."""


def until(what: Callable[[], bool], seconds: float = 30.0) -> float:
    """Wait for something to come true and return how long that took."""
    begin = time.monotonic()
    while not what():
        assert time.monotonic() - begin < seconds, "it did not come true in time"
        time.sleep(0.02)
    return time.monotonic() - begin


@dataclass
class Lab:
    """A running simulator with live containers."""

    running: daemon.Running
    client: Client
    _open: ExitStack = field(default_factory=ExitStack)
    _remotes: dict[str, Remote] = field(default_factory=dict)

    def node_of(self, vmid: int) -> str:
        """Return the node that a container is on."""
        rows = self.client.call("GET", "/cluster/resources", {"type": "vm"}).data
        return str(next(row["node"] for row in rows if row["vmid"] == vmid))

    def remote(self, node: str) -> Remote:
        """Return a connection to a node over SSH, a new one when the node has ended the last."""
        transport = self._remotes[node].client.get_transport() if node in self._remotes else None
        if transport is None or not transport.is_active():
            self._remotes[node] = Remote(self._open.enter_context(connected(self.running, node)))
        return self._remotes[node]

    def do(self, method: str, path: str, **params: Any) -> Any:
        """Make a call that is answered well, and wait for its task; return the task's exit status or the data."""
        answer = self.client.call(method, path, params)
        assert answer.status == 200, answer
        if not str(answer.data).startswith("UPID:"):
            return answer.data
        task = f"/nodes/{answer.data.split(':')[1]}/tasks/{answer.data}"
        until(lambda: self.client.call("GET", f"{task}/status").data["status"] == "stopped")
        self.log = [row["t"] for row in self.client.call("GET", f"{task}/log").data]
        return self.client.call("GET", f"{task}/status").data["exitstatus"]

    def configure(self, vmid: int, **options: Any) -> None:
        """Change a container's configuration."""
        self.do("PUT", f"/nodes/{self.node_of(vmid)}/lxc/{vmid}/config", **options)

    def start(self, vmid: int, *cards: str, **options: Any) -> None:
        """Start a container, with these network cards."""
        nets = {f"net{number}": f"name=eth{number},{card}" for number, card in enumerate(cards)}
        if nets or options:
            self.configure(vmid, **nets, **options)
        assert self.do("POST", f"/nodes/{self.node_of(vmid)}/lxc/{vmid}/status/start") == "OK", self.log

    def stop(self, vmid: int) -> None:
        """Stop a container."""
        assert self.do("POST", f"/nodes/{self.node_of(vmid)}/lxc/{vmid}/status/stop") == "OK", self.log

    def status(self, vmid: int) -> dict[str, Any]:
        """Return a container's status."""
        found: dict[str, Any] = self.client.call("GET", f"/nodes/{self.node_of(vmid)}/lxc/{vmid}/status/current").data
        return found

    def inside(self, vmid: int, command: str) -> Ran:
        """Run a line of shell inside a container."""
        return self.remote(self.node_of(vmid)).run(f"pct exec {vmid} -- bash -s", command.encode())

    def ok(self, vmid: int, command: str) -> str:
        """Run a line of shell inside a container that ends well."""
        ran = self.inside(vmid, command)
        assert ran.code == 0, ran
        return ran.out

    def reaches(self, vmid: int, address: str, options: str = "") -> bool:
        """Tell whether an address answers a container."""
        return self.inside(vmid, f"ping -c 1 -W 0.5 {options} {address}").code == 0

    def switch(self, node: str, *, online: bool) -> None:
        """Cut a node's power, or switch it on."""
        self.client.control("nodes", {"node": node, "online": online})

    def clear(self) -> None:
        """Stop all containers and take their cards away."""
        for node in ("pve1", "pve2"):
            self.switch(node, online=True)
        for row in self.client.call("GET", "/cluster/resources", {"type": "vm"}).data:
            if row["status"] == "running":
                self.stop(row["vmid"])
            config = self.do("GET", f"/nodes/{row['node']}/lxc/{row['vmid']}/config")
            cards = [key for key in config if key.startswith("net")]
            if cards:
                self.configure(row["vmid"], delete=",".join(cards))

    def close(self) -> None:
        """Close the connections."""
        self._open.close()
        self.client.close()


@contextmanager
def live_lab(place: Path, topology: str = TWO_NODES) -> Iterator[Lab]:
    """Start a simulator of its own; skip the test, with the reason, where there can be no live containers."""
    with started(place, topology) as running:
        if running.guests != "live":
            pytest.skip(running.guests)
        lab = Lab(running, client_of(running))
        yield lab
        lab.close()
