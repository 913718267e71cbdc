"""Waiting until a guest is of use: its agent answers, it has an address, one can log in, cloud-init is through.

Only a create or a change waits, with a budget of its own; a read never does. What can't come is said at once.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator

from providers._guests.agent import BUDGET, GuestAgent
from providers._guests.place import Place
from providers._runtime.api import Api
from providers._runtime.errors import Missing
from providers._runtime.model import Values

SSH_PORT = 22
SSH_SECONDS = 3.0
CLOUD_INIT = ("cloud-init", "status", "--wait")
DEGRADED = 2
"""What `cloud-init status` answers where it went through with complaints."""


def wait(api: Api, place: Place, wanted: Values) -> None:
    """Until what the program asks for is there."""
    what = wanted.get("wait_for") or "none"
    if what == "none":
        return
    seconds = min(float(wanted.get("wait_seconds") or BUDGET), max(api.deadline - time.monotonic(), 0.0))
    fixed = [str(entry["ip"]) for entry in (wanted.get("ipconfig") or {}).values() if "/" in entry.get("ip", "")]
    agent = GuestAgent(api, place, seconds)
    _Wait(api, place, agent, [address.partition("/")[0] for address in fixed]).run(what)


class _Wait:
    """One wait for one guest."""

    def __init__(self, api: Api, place: Place, agent: GuestAgent, fixed: list[str]) -> None:
        self._api = api
        self._place = place
        self._agent = agent
        self._fixed = fixed

    def run(self, what: str) -> None:
        """Step by step; each is waited for with what is left of the budget."""
        if what == "ssh":
            self._agent.until("its SSH server", self._ssh)
        elif what == "ip":
            self._agent.until("an address", lambda: next(self._addresses(), None))
        elif what == "agent":
            self._agent.until("its agent", lambda: self._agent.ask("POST", "ping") is not None)
        else:
            self._cloud_init()

    def _addresses(self) -> Iterator[str]:
        """Its addresses that others can use, as its agent says."""
        answer = self._agent.ask("GET", "network-get-interfaces") or {}
        for card in answer.get("result") or ():
            for entry in card.get("ip-addresses") or ():
                address = ipaddress.ip_address(str(entry["ip-address"]).partition("%")[0])
                if not (address.is_loopback or address.is_link_local or card.get("name") == "lo"):
                    yield str(address)

    def _ssh(self) -> bool:
        """Where cloud-init gives it an address, its agent is not needed."""
        return any(_greets(address) for address in self._fixed or self._addresses())

    def _cloud_init(self) -> None:
        """The command itself waits; its end is what is looked for."""
        pid = self._agent.start(CLOUD_INIT)
        done = self._agent.until("the end of cloud-init", lambda: self._agent.ended(pid))
        said = (done.out or done.error).decode(errors="replace").strip()
        if done.code == DEGRADED:
            self._api.warn(f"cloud-init of {self._place.id} is through, with complaints: {said}")
        elif done.code:
            raise Missing(f"cloud-init of {self._place.id} has failed: {said or f'exit code {done.code}'}")


def _greets(address: str) -> bool:
    """Whether an SSH server says hello there."""
    try:
        with socket.create_connection((address, SSH_PORT), timeout=SSH_SECONDS) as line:
            line.settimeout(SSH_SECONDS)
            return line.recv(4) == b"SSH-"
    except OSError:
        return False
