"""The agent of a virtual machine: waited for within a budget, and said at once where it can't come."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from providers._guests.patience import Patience
from providers._guests.place import Place
from providers._guests.qemu_system import Agent
from providers._runtime.api import Api
from providers._runtime.command import Finished
from providers._runtime.errors import ApiRefused, InvalidValue
from providers._runtime.model import Values

NOT_YET = r"guest agent is not running|got timeout|unable to connect"
NEVER = r"[Nn]o QEMU guest agent configured|VM \d+ is not running"
CHUNK = 61440 // 4 * 3
"""Bytes that one request can write: Proxmox takes so much base64."""


class GuestAgent(Patience):
    """The agent of one machine, during one operation."""

    def __init__(self, api: Api, place: Place, seconds: float) -> None:
        super().__init__(api, place, seconds)
        self._is_on: bool | None = None

    def ask(self, method: str, command: str, parameters: Values | None = None) -> Values | None:
        """What the agent answers; None if it does not do so yet."""
        door = self._api.post if method == "POST" else self._api.get
        try:
            answer: Values | None = door(f"{self._place.path}/agent/{command}", parameters)
        except ApiRefused as refused:
            if refused.says(NEVER) or (refused.says(NOT_YET) and self._is_off()):
                raise InvalidValue(
                    f"the agent of {self._place.id} will never answer ({refused.reason}); switch it on and start the "
                    f"guest, or do without it"
                ) from None
            if refused.says(NOT_YET):
                return None
            raise
        return answer or {}

    def _is_off(self) -> bool:
        """Whether the agent is switched off, of which Proxmox says no more than that it does not run."""
        if self._is_on is None:
            text = str(self._api.get(f"{self._place.path}/config").get("agent", ""))
            self._is_on = bool(Agent.parse(text).get("enabled"))
        return not self._is_on

    def start(self, command: Sequence[str], stdin: bytes = b"") -> int:
        """Start a command once the agent is there; returns its process ID."""
        given: Values = {"command": list(command)}
        if stdin:
            given["input-data"] = stdin.decode("latin-1")
        return int(self.until("its agent", lambda: self.ask("POST", "exec", given))["pid"])

    def ended(self, pid: int) -> Finished | None:
        """How a command has ended; None while it runs. Proxmox tells it once."""
        status = self.ask("GET", "exec-status", {"pid": pid})
        if not status or not status.get("exited"):
            return None
        return Finished(int(status.get("exitcode", 0)), _bytes(status, "out-data"), _bytes(status, "err-data"))

    def write(self, path: str, chunk: bytes) -> None:
        """A small file."""
        given = {"file": path, "content": base64.b64encode(chunk).decode(), "encode": 0}
        self.until("its agent", lambda: self.ask("POST", "file-write", given) is not None)


def _bytes(status: Values, name: str) -> bytes:
    """Proxmox gives each byte as a character of its own."""
    return str(status.get(name, "")).encode("latin-1", errors="replace")
