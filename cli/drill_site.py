"""What a drill sees of a running lab: through whichever of its hosts answers, and inside its guests over SSH."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from lab_outputs import Guest, Lab, Vip
from providers._runtime.client import Client
from providers._runtime.command import Finished
from providers._runtime.errors import Missing, ProxmoxError

PATIENCE = 30.0
"""Seconds for one question."""


class Site:
    """A lab as it is now. Questions are asked of the hosts that are left."""

    def __init__(self, lab: Lab, clients: Mapping[str, Client]) -> None:
        """`clients` has every connection of the stack: when one is lost with its host, another one answers."""
        self.lab = lab
        self._clients = list(clients.values())

    def request(self, method: str, path: str) -> Any:
        """By the first connection that works; one that does not is asked last from then on."""
        for _ in self._clients[1:]:
            try:
                return self._request(method, path)
            except ProxmoxError:
                self._clients.append(self._clients.pop(0))
        return self._request(method, path)

    def _request(self, method: str, path: str) -> Any:
        return self._clients[0].request(method, path, deadline=time.monotonic() + PATIENCE, attempts=1)

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

    def start(self, vmid: int) -> None:
        """Start a guest where it is."""
        row = self.guests()[vmid]
        self.request("POST", f"/nodes/{row['node']}/{row['type']}/{vmid}/status/start")

    def holder(self, vip: Vip, lost: str | None = None) -> str | None:
        """Who of its members has the address; None if nobody is seen to have it. A lost node is not asked."""
        places = {member: self.place(member) for member in vip.members}
        asked = [member for member, node in places.items() if node != lost]
        return next((member for member in asked if self._has(member, vip.address)), None)

    def _has(self, member: str, address: str) -> bool:
        try:
            done = self.inside(member, ["ip", "-4", "-o", "address", "show"])
        except ProxmoxError:
            return False
        return re.search(rf"\binet {re.escape(address)}/", done.out.decode(errors="replace")) is not None

    def inside(self, name: str, command: Sequence[str], seconds: float = PATIENCE) -> Finished:
        """Run a command in a container of the lab, or on one of its hosts."""
        guest = self.lab.guests.get(name)
        return self.on(self.place(name), [*(pct(guest) if guest else ()), *command], seconds)

    def on(self, node: str, command: Sequence[str], seconds: float = PATIENCE) -> Finished:
        """Run a command on a node."""
        client = next((client for client in self._clients if client.ssh.reaches(node)), None)
        if client is None:
            raise Missing(f"no connection of the stack says how to log in to {node} over SSH")
        return client.ssh.run(node, command, deadline=time.monotonic() + seconds)


def pct(guest: Guest) -> list[str]:
    """The words on its node that run a command in a container."""
    return ["pct", "exec", str(guest.vmid), "--"]
