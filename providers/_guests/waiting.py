"""Waiting until a guest is of use: its agent answers, it has an address, one can log in, cloud-init is through.

Only a create or a change waits, with a budget of its own; a read never does. What can't come is said at once.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from providers._guests.place import Place
from providers._guests.qemu_system import Agent
from providers._runtime.api import Api
from providers._runtime.errors import ApiRefused, InvalidValue, Missing, TookTooLong
from providers._runtime.model import Values

BUDGET = 300.0
"""Seconds, where the program says nothing else."""
PAUSE = 1.0
SSH_PORT = 22
SSH_SECONDS = 3.0
NOT_YET = r"guest agent is not running|got timeout|unable to connect"
NEVER = r"[Nn]o QEMU guest agent configured|VM \d+ is not running"
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
    _Wait(api, place, what, seconds, [address.partition("/")[0] for address in fixed]).run()


class _Wait:
    """One wait for one guest."""

    def __init__(self, api: Api, place: Place, what: str, seconds: float, fixed: list[str]) -> None:
        self._api = api
        self._place = place
        self._what = what
        self._seconds = seconds
        self._fixed = fixed
        self._is_on: bool | None = None
        self._until = time.monotonic() + seconds

    def run(self) -> None:
        """Step by step; each is waited for with what is left of the budget."""
        if self._what == "ssh":
            self._for("its SSH server", self._ssh)
        elif self._what == "ip":
            self._for("an address", lambda: next(self._addresses(), None))
        else:
            self._for("its agent", lambda: self._ask("POST", "ping") is not None)
        if self._what == "cloud-init":
            self._cloud_init()

    def _for(self, what: str, look: Callable[[], Any]) -> Any:
        """Look until there is something."""
        while True:
            found = look()
            if found:
                return found
            self._api.say(f"waiting for {what} of {self._place.id}")
            if time.monotonic() + PAUSE > self._until:
                raise TookTooLong(
                    f"{self._place.id} is there and runs, but waiting for {what} has taken more than "
                    f"{self._seconds:g} s (wait_seconds); the next `up` goes on from here"
                )
            time.sleep(PAUSE)

    def _ask(self, method: str, command: str, parameters: Values | None = None) -> Any:
        """What the agent answers; None if it does not do so yet."""
        door = self._api.post if method == "POST" else self._api.get
        try:
            answer: Values = door(f"{self._place.path}/agent/{command}", parameters)
        except ApiRefused as refused:
            if refused.says(NEVER) or (refused.says(NOT_YET) and self._is_off()):
                raise InvalidValue(
                    f"wait_for: the agent of {self._place.id} will never answer ({refused.reason}); switch it on, "
                    f"start the guest, or wait for something else"
                ) from None
            if refused.says(NOT_YET):
                return None
            raise
        return answer

    def _is_off(self) -> bool:
        """Whether the agent is switched off, of which Proxmox says no more than that it does not run."""
        if self._is_on is None:
            text = str(self._api.get(f"{self._place.path}/config").get("agent", ""))
            self._is_on = bool(Agent.parse(text).get("enabled"))
        return not self._is_on

    def _addresses(self) -> Iterator[str]:
        """Its addresses that others can use, as its agent says."""
        answer = self._ask("GET", "network-get-interfaces") or {}
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
        started = self._for("its agent", lambda: self._ask("POST", "exec", {"command": list(CLOUD_INIT)}))
        pid = {"pid": started["pid"]}

        def ended() -> Values | None:
            status: Values | None = self._ask("GET", "exec-status", pid)
            return status if status and status.get("exited") else None

        status = self._for("the end of cloud-init", ended)
        code = status.get("exitcode", 0)
        said = str(status.get("out-data") or status.get("err-data") or "").strip()
        if code == DEGRADED:
            self._api.warn(f"cloud-init of {self._place.id} is through, with complaints: {said}")
        elif code:
            raise Missing(f"cloud-init of {self._place.id} has failed: {said or f'exit code {code}'}")


def _greets(address: str) -> bool:
    """Whether an SSH server says hello there."""
    try:
        with socket.create_connection((address, SSH_PORT), timeout=SSH_SECONDS) as line:
            line.settimeout(SSH_SECONDS)
            return line.recv(4) == b"SSH-"
    except OSError:
        return False
