"""Waiting for a Proxmox task: looks early, backs off, tells how far it is, and reports how it ended.

All that wait for a node look at one list, the node's own of its last tasks, so that fifty tasks cost hardly more
requests than one. What is not on the list, or has ended otherwise than well, is asked for by itself.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from providers._runtime.errors import ApiRefused, TaskFailed, TookTooLong, Unreachable
from providers._runtime.shared import Shared

if TYPE_CHECKING:
    from providers._runtime.api import Api
    from providers._runtime.client import Client

FIRST_LOOK = 0.04
SLOWER = 1.25
LONGEST_PAUSE = 1.0
PROGRESS_AFTER = 1.0
"""Seconds after which the log of a task is read for its progress; shorter ones are over before anybody reads it."""
LOG_TAIL = 5
PAGE = 500
"""Lines of a log that are asked for at once."""
LOOKED_AT = 0.06
"""Seconds for which a list that somebody has asked for is good enough for everybody else."""
LISTED = 200
"""Tasks of a node that are asked for at once: more than run, and than end between two looks."""

Row = dict[str, Any]

_PERCENT = re.compile(r"\(?(\d{1,3}(?:\.\d+)?)\s?%\)?")


class Board:
    """Each node's list of its last tasks, asked for once for all that wait at the same time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: defaultdict[str, Shared[dict[str, Row]]] = defaultdict(Shared)

    def row(self, upid: str, max_age: float, deadline: float) -> Row | None:
        """A task as the list has it; None if it is not there, or the list is not to be had."""
        node = _node(upid)

        def ask() -> dict[str, Row]:
            rows: list[Row] = self._client.request(
                "GET", f"/nodes/{node}/tasks", {"source": "all", "limit": LISTED}, deadline=deadline, attempts=1
            )
            return {str(row["upid"]): row for row in rows}

        try:
            listed = self._lists[node].get(max(max_age, LOOKED_AT), ask)
            if upid not in listed:  # it was made before the task was
                listed = self._lists[node].get(max_age, ask)
            return listed.get(upid)
        except (ApiRefused, Unreachable, TookTooLong):
            return None


def wait(api: Api, upid: str, what: str) -> None:
    """Until the task is over; raises TaskFailed with the end of its log, passes its warnings on."""
    task, log = _path(upid), _Log()
    began, pause, told = time.monotonic(), FIRST_LOOK, ""
    while True:
        time.sleep(max(0.0, min(pause, api.deadline - time.monotonic())))
        if time.monotonic() >= api.deadline:
            raise TookTooLong(f"{what} is still running; the task goes on as {upid}")
        exitstatus = _exitstatus(api, upid, pause / 2, listed=not log.ended)
        if exitstatus is not None:
            break
        if time.monotonic() - began > PROGRESS_AFTER:
            told = _tell(api.say, what, log.more(api, task), told)
        pause = min(pause * SLOWER, LONGEST_PAUSE)
    if exitstatus == "OK":
        return
    log.more(api, task)
    if not exitstatus.startswith("WARNINGS"):
        raise TaskFailed(what, upid, exitstatus, list(log.tail))
    for line in log.warnings:
        api.warn(f"{what}: {line}")


def _exitstatus(api: Api, upid: str, max_age: float, *, listed: bool) -> str | None:
    """How the task has ended; None while it runs. Once its own log tells of its end, no list is asked any more."""
    row = api.facts.tasks.row(upid, max_age, api.deadline) if listed else None
    if row is not None and "endtime" not in row:
        return None
    if row is not None and row.get("status") == "OK":
        return "OK"
    status = api.get(f"{_path(upid)}/status")
    return None if status["status"] == "running" else str(status.get("exitstatus", ""))


def progress(line: str) -> str | None:
    """The percentage in a line of a task log, such as `transferred 1.2 GiB of 8.0 GiB (15.00%)`."""
    found = _PERCENT.search(line)
    return f"{float(found[1]):.0f} %" if found else None


def _tell(say: Callable[[str], None], what: str, lines: list[str], told: str) -> str:
    """Show how far the task is, if that is news; returns what was shown last."""
    latest = next((found for found in map(progress, reversed(lines)) if found), None)
    if latest and latest != told:
        say(f"{what} {latest}")
    return latest or told


class _Log:
    """A task's log, read on from where it was left: a long one is many times the length of one answer."""

    def __init__(self) -> None:
        self.tail: deque[str] = deque(maxlen=LOG_TAIL)
        self.warnings: list[str] = []
        self.ended = False
        self._read = 0

    def more(self, api: Api, task: str) -> list[str]:
        """The lines that have come since the last look."""
        fresh: list[str] = []
        while True:
            rows = api.get(f"{task}/log", {"start": self._read, "limit": PAGE})
            fresh += [text for row in rows if (text := str(row.get("t", ""))) and text != "no content"]
            if fresh:
                self._read += len(rows)
            if len(rows) < PAGE:
                break
        self.tail.extend(fresh)
        self.ended = self.ended or any(line.startswith("TASK ") for line in fresh)
        self.warnings += [line for line in fresh if line.startswith("WARN")]
        return fresh


def _path(upid: str) -> str:
    """A task is asked for on the node that runs it, which its UPID names."""
    return f"/nodes/{_node(upid)}/tasks/{quote(upid, safe='')}"


def _node(upid: str) -> str:
    """The node that runs a task."""
    return upid.split(":")[1]
