"""Faults that the control plane orders: failing, slow and dropped calls."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.errors import ApiError

ACTIONS = ("fail", "delay", "drop")
_ids = itertools.count(1)


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class Withdrawn(Dropped):
    """The simulator was reset while a fault held a call up: what the call was about is gone, and nobody waits."""


@dataclass(slots=True)
class Fault:
    """Disturb the calls that match: from the `nth` on, `count` of them."""

    action: str
    method: str = ".*"
    path: str = ".*"
    node: str = ".*"
    nth: int = 1
    count: int = 1
    status: int = 500
    reason: str = "simulated failure"
    seconds: float = 0.0
    seen: int = 0
    id: int = field(default_factory=lambda: next(_ids))

    def strikes(self, method: str, path: str, node: str) -> bool:
        """Count a call if it matches, and tell whether it is to be disturbed."""
        if not (re.fullmatch(self.method, method) and re.fullmatch(self.path, path) and re.fullmatch(self.node, node)):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.count


class Faults:
    """All ordered faults of calls."""

    def __init__(self) -> None:
        """Begin with none."""
        self.ordered: list[Fault] = []
        self._resets = 0

    def reset(self) -> None:
        """Have none any more, and let calls that are held up come to nothing."""
        self.ordered.clear()
        self._resets += 1

    def order(self, **options: Any) -> Fault:
        """Add a fault; refuse what it does not know."""
        fault = Fault(**options)
        if fault.action not in ACTIONS:
            raise ValueError(f"action must be one of {', '.join(ACTIONS)}")
        for pattern in (fault.method, fault.path, fault.node):
            re.compile(pattern)
        self.ordered.append(fault)
        return fault

    def listing(self) -> list[dict[str, Any]]:
        """Return all faults as plain data."""
        return [asdict(fault) for fault in self.ordered]

    async def disturb(self, method: str, path: str, node: str) -> None:
        """Let the faults that match this call strike."""
        resets = self._resets
        for fault in self.ordered:
            if not fault.strikes(method, path, node):
                continue
            if fault.action == "drop":
                raise Dropped
            if fault.action == "delay":
                await asyncio.sleep(fault.seconds)
                if resets != self._resets:
                    raise Withdrawn
            else:
                raise ApiError(fault.reason, fault.status)
