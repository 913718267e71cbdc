"""What a backup job is: its guests, its options, and the command that stands for it in logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULTS: Mapping[str, Any] = {
    "all": 0, "bwlimit": 0, "compress": "0", "ionice": 7, "lockwait": 180, "mailnotification": "always",
    "mode": "snapshot", "notification-mode": "auto", "pigz": 0, "prune-backups": "keep-all=1", "quiet": 0,
    "remove": 1, "stdexcludes": 1, "stop": 0, "stopwait": 10, "zstd": 1,
}  # fmt: skip
_NOT_SHOWN = ("id", "vmid", "type", "enabled", "schedule", "starttime", "dow", "repeat-missed", "comment", "stdout")
_PLAIN = re.compile(r"[\w!%+,\-./:=@^]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be backed up, and how; `options` are those that were given."""

    authid: str
    vmids: list[int]
    skipped: list[int]
    options: Mapping[str, Any] = field(default_factory=dict)

    def option(self, name: str) -> Any:
        """Return an option, or its default."""
        return self.options.get(name, DEFAULTS.get(name))

    @property
    def task_id(self) -> str:
        """Return what the task bears as its ID: the VMID when there is just one."""
        return str(self.vmids[0]) if len(self.vmids) == 1 else ""


def command_line(options: Mapping[str, Any]) -> str:
    """Write a job as the command that would start it."""
    words = ["vzdump", *re.split(r"[\s,;]+", str(options["vmid"]))] if options.get("vmid") else ["vzdump"]
    for name in sorted(options.keys() - set(_NOT_SHOWN)):
        values = options[name] if isinstance(options[name], list) else [options[name]]
        for value in values:
            text = str(int(value)) if isinstance(value, bool) else str(value)
            words += [f"--{name}", text if _PLAIN.fullmatch(text) else f"'{text}'"] if text else []
    return " ".join(words)
