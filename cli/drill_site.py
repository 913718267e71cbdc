"""What a drill sees of a running lab: through whichever of its hosts answers, and inside its guests over SSH."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab_outputs import Guest, Lab, Vip
from providers._runtime.client import Client
from providers._runtime.command import Finished
from providers._runtime.errors import Missing, ProxmoxError

ANSWER = 30.0
"""Seconds for one question."""
PAUSE = 0.2
"""Seconds from one question to the next."""


class DrillError(Exception):
    """A drill that can't be done; the text says why, in one line."""


@dataclass(frozen=True)
class Seat:
    """Where somebody has an address."""

    device: str
    address: str
    """With the prefix length."""


class Site:
    """A lab as it is now. Questions are asked of the hosts that are left."""

    def __init__(self, lab: Lab, clients: Mapping[str, Client]) -> None:
        """`clients` has every connection of the stack: when one is lost with its host, another one answers."""
        self.lab = lab
        self._clients = list(clients.values())

    def request(self, method: str, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """By the first connection that works; one that does not is asked last from then on."""
        for _ in self._clients[1:]:
            try:
                return self._request(method, path, parameters)
            except ProxmoxError:
                self._clients.append(self._clients.pop(0))
        return self._request(method, path, parameters)

    def _request(self, method: str, path: str, parameters: Mapping[str, str] | None) -> Any:
        return self._clients[0].request(method, path, parameters, deadline=time.monotonic() + ANSWER, attempts=1)

    def guests(self) -> dict[int, dict[str, Any]]:
        """VMID -> what the cluster says of a guest now."""
        rows: list[dict[str, Any]] = self.request("GET", "/cluster/resources")
        return {int(row["vmid"]): row for row in rows if row["type"] in ("qemu", "lxc")}

    def place(self, name: str) -> str:
        """The node that a guest of the lab is on; a host is on itself."""
        guest = self.lab.guests.get(name)
        return str(self.guests()[guest.vmid]["node"]) if guest else self.lab.hosts[name].node

    def online(self, node: str) -> bool:
        """Whether the cluster sees the node."""
        rows: list[dict[str, Any]] = self.request("GET", "/cluster/status")
        return any(row.get("online") for row in rows if row["type"] == "node" and row["name"] == node)

    def power(self, vmid: int, command: str) -> None:
        """Start or stop a guest where it is."""
        self.request("POST", f"{self._path(vmid)}/status/{command}")

    def status(self, vmid: int) -> str:
        """What a guest is now: running, or stopped."""
        return str(self.request("GET", f"{self._path(vmid)}/status/current")["status"])

    def config(self, vmid: int) -> dict[str, Any]:
        """A guest's configuration."""
        found: dict[str, Any] = self.request("GET", f"{self._path(vmid)}/config")
        return found

    def configure(self, vmid: int, options: Mapping[str, str]) -> None:
        """Change some options of a guest."""
        self.request("PUT", f"{self._path(vmid)}/config", options)

    def _path(self, vmid: int) -> str:
        row = self.guests()[vmid]
        return f"/nodes/{row['node']}/{row['type']}/{vmid}"

    def holders(self, vip: Vip, lost: Callable[[str], bool] = lambda _: False) -> list[str]:
        """Those of its members that have the address, of all that are not lost."""
        return [member for member in vip.members if not lost(member) and self.seat(member, vip.address)]

    def seat(self, member: str, address: str) -> Seat | None:
        """Where a host or container has an address; None if it is not seen to have it."""
        try:
            done = self.inside(member, ["ip", "-json", "-4", "address", "show"])
            rows = json.loads(done.out or b"[]")
        except (ProxmoxError, ValueError):
            return None
        for row in rows:
            for info in row.get("addr_info", ()):
                if info.get("local") == address:
                    return Seat(row["ifname"], f"{address}/{info['prefixlen']}")
        return None

    def inside(self, name: str, command: Sequence[str], seconds: float = ANSWER) -> Finished:
        """Run a command in a container of the lab, or on one of its hosts."""
        guest = self.lab.guests.get(name)
        return self.on(self.place(name), [*(pct(guest) if guest else ()), *command], seconds)

    def on(self, node: str, command: Sequence[str], seconds: float = ANSWER) -> Finished:
        """Run a command on a node."""
        client = next((client for client in self._clients if client.ssh.reaches(node)), None)
        if client is None:
            raise Missing(f"no connection of the stack says how to log in to {node} over SSH")
        return client.ssh.run(node, command, deadline=time.monotonic() + seconds)


def pct(guest: Guest) -> list[str]:
    """The words on its node that run a command in a container."""
    return ["pct", "exec", str(guest.vmid), "--"]
