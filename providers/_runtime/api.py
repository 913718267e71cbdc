"""What a handler works with during one call: the client, with the owner, the deadline and the voice of that call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from providers._runtime import retry, tasks
from providers._runtime.errors import TaskFailed
from providers._runtime.facts import Facts
from providers._runtime.ownership import Owner

if TYPE_CHECKING:
    from providers._runtime.client import Client


def quoted(segment: object) -> str:
    """One segment of a path: volume IDs and pool names have slashes and colons in them."""
    return quote(str(segment), safe="")


def _silent(_: str) -> None:
    """Says nothing."""


@dataclass
class Api:
    """One operation on one resource."""

    client: Client
    facts: Facts
    owner: Owner
    deadline: float
    say: Callable[[str], None] = field(default=_silent)
    """Shows progress; gone when the next line comes."""
    warn: Callable[[str], None] = field(default=_silent)
    """Tells something that stays on the screen."""
    note: Callable[[str], None] = field(default=_silent)
    """Tells what is worth keeping and asks for nothing."""
    kept: str | None = None
    """The ID of what is on the host already, should the rest of a create fail."""
    recorded: Mapping[str, Any] = field(default_factory=dict)
    """What the state says of the object, for what the host can't be asked."""

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """GET."""
        return self.client.request("GET", path, parameters, deadline=self.deadline)

    def answer(self, path: str) -> dict[str, Any]:
        """GET, with what stands beside the data."""
        return self.client.answer("GET", path, deadline=self.deadline)

    def post(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """POST."""
        return self.client.request("POST", path, parameters, deadline=self.deadline)

    def put(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """PUT."""
        return self.client.request("PUT", path, parameters, deadline=self.deadline)

    def delete(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """DELETE."""
        return self.client.request("DELETE", path, parameters, deadline=self.deadline)

    def run(self, what: str, method: str, path: str, parameters: Mapping[str, Any] | None = None) -> None:
        """A request that starts a task, and the task. One that found a lock busy did nothing and is started again."""
        for attempt in range(retry.ATTEMPTS):
            upid = self.client.request(method, path, parameters, deadline=self.deadline)
            if not isinstance(upid, str) or not upid.startswith("UPID:"):
                return
            try:
                tasks.wait(self, upid, what)
            except TaskFailed as failed:
                if attempt == retry.ATTEMPTS - 1 or not retry.lock_busy(failed.exitstatus):
                    raise
                time.sleep(retry.pause(attempt))
            else:
                return

    def on(self, connection: str) -> Api:
        """The same operation, on another connection."""
        facts = self.facts.elsewhere(connection)
        return replace(self, client=facts.client, facts=facts)

    def created(self, id_: str) -> None:
        """Note that there is something on the host now, which must not be lost if the rest fails."""
        self.kept = id_
