"""Waiting until a guest is of use: its agent answers, it has an address, one can log in, cloud-init is through.

Only a create or a change waits, with a budget of its own; a read never does. What can't come is said at once.
"""

from __future__ import annotations

import abc
import ipaddress
import socket
import time
from collections.abc import Iterator

from providers._guests.agent import GuestAgent
from providers._guests.patience import BUDGET, Patience
from providers._guests.place import Place
from providers._runtime.api import Api
from providers._runtime.errors import InvalidValue, Missing
from providers._runtime.model import Values

SSH_PORT = 22
SSH_SECONDS = 3.0
CLOUD_INIT = ("cloud-init", "status", "--wait")
DEGRADED = 2
"""What `cloud-init status` answers where it went through with complaints."""


def wait(api: Api, place: Place, wanted: Values) -> None:
    """Until what the program asks for is there; the addresses that are then known are noted for the outputs."""
    what = wanted.get("wait_for") or "none"
    api.recorded = {**api.recorded, "wait_for": what}
    if what == "none":
        return
    seconds = min(float(wanted.get("wait_seconds") or BUDGET), max(api.deadline - time.monotonic(), 0.0))
    kind = _Container if place.kind == "lxc" else _Machine
    api.recorded = {**api.recorded, "addresses": kind(api, place, seconds, fixed_addresses(wanted)).run(what)}


def addresses(api: Api, values: Values) -> list[str]:
    """Where others reach a guest: what the last wait has found, or what is fixed; a read asks nothing in the guest."""
    waited = (api.recorded.get("wait_for") or "none") != "none"
    return list(api.recorded.get("addresses") or ()) if waited else fixed_addresses(values)


def fixed_addresses(values: Values) -> list[str]:
    """Those that Proxmox gives it: by cloud-init, or as a container's."""
    given = [*(values.get("ipconfig") or {}).values(), *(values.get("net") or {}).values()]
    found = [str(entry.get(version, "")) for entry in given for version in ("ip", "ip6")]
    return [address.partition("/")[0] for address in found if "/" in address]


class _Wait(abc.ABC):
    """One wait for one guest."""

    def __init__(self, api: Api, place: Place, patience: Patience, fixed: list[str]) -> None:
        self._api = api
        self._place = place
        self._patience = patience
        self._fixed = fixed

    @abc.abstractmethod
    def cards(self) -> list[Values]:
        """Its network cards with their addresses, as far as they are known by now."""

    def run(self, what: str) -> list[str]:
        """Wait with what is left of the budget; returns its addresses."""
        if what == "ssh":
            self._patience.until("its SSH server", self._ssh)
        elif what == "ip":
            self._patience.until("an address", lambda: next(self._addresses(), None))
        return list(dict.fromkeys([*self._fixed, *(() if what == "ssh" and self._fixed else self._addresses())]))

    def _addresses(self) -> Iterator[str]:
        """Its addresses that others can use."""
        for card in self.cards():
            for entry in card.get("ip-addresses") or ():
                address = ipaddress.ip_address(str(entry["ip-address"]).partition("%")[0])
                if not (address.is_loopback or address.is_link_local or card.get("name") == "lo"):
                    yield str(address)

    def _ssh(self) -> bool:
        """Where cloud-init gives it an address, its agent is not needed."""
        return any(_greets(address) for address in self._fixed or self._addresses())


class _Container(_Wait):
    """A container, whose addresses its node knows."""

    def __init__(self, api: Api, place: Place, seconds: float, fixed: list[str]) -> None:
        super().__init__(api, place, Patience(api, place, seconds), fixed)

    def cards(self) -> list[Values]:
        """Nothing at all is what Proxmox answers for one that does not run."""
        found: list[Values] | None = self._api.get(f"{self._place.path}/interfaces")
        if found is None:
            raise InvalidValue(f"{self._place.id} does not run, so it gets no address")
        return found


class _Machine(_Wait):
    """A virtual machine, whose addresses only its agent knows."""

    def __init__(self, api: Api, place: Place, seconds: float, fixed: list[str]) -> None:
        self._agent = GuestAgent(api, place, seconds)
        super().__init__(api, place, self._agent, fixed)

    def cards(self) -> list[Values]:
        """As its agent says."""
        return list((self._agent.ask("GET", "network-get-interfaces") or {}).get("result") or ())

    def run(self, what: str) -> list[str]:
        """Its agent tells more than addresses."""
        if what == "agent":
            self._agent.until("its agent", lambda: self._agent.ask("POST", "ping") is not None)
        elif what == "cloud-init":
            self._cloud_init()
        return super().run(what)

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
