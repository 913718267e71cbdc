"""The options of backup jobs, and their formats."""

from __future__ import annotations

from simulator.calendar import parse as parse_event
from simulator.formats import named_format
from simulator.schema import Param, PropertyString, array, boolean, integer, string

_TEXT, _FLAG = string(optional=True), boolean(optional=True)
FLEECING = PropertyString(
    {"enabled": boolean(optional=True, default_key=True), "storage": string(format="pve-storage-id", optional=True)},
    name="backup-fleecing",
)
PERFORMANCE = PropertyString(
    {
        "max-workers": integer(minimum=1, maximum=256, optional=True),
        "pbs-entries-max": integer(minimum=1, optional=True),
    },
    name="backup-performance",
)
OPTIONS: dict[str, Param] = {
    "all": _FLAG,
    "bwlimit": integer(minimum=0, optional=True),
    "comment": string(max_length=512, optional=True),
    "compress": string(enum=("0", "1", "gzip", "lzo", "zstd"), optional=True),
    "dumpdir": _TEXT,
    "enabled": _FLAG,
    "exclude": string(format="pve-vmid-list", optional=True),
    "exclude-path": array(string(), optional=True),
    "fleecing": string(format=FLEECING, optional=True),
    "ionice": integer(minimum=0, maximum=8, optional=True),
    "lockwait": integer(minimum=0, optional=True),
    "mailnotification": string(enum=("always", "failure"), optional=True),
    "mailto": string(format="email-or-username-list", optional=True),
    "mode": string(enum=("snapshot", "suspend", "stop"), optional=True),
    "node": string(format="pve-node", optional=True),
    "notes-template": string(max_length=1024, optional=True, requires="storage"),
    "notification-mode": string(enum=("auto", "legacy-sendmail", "notification-system"), optional=True),
    "pbs-change-detection-mode": string(enum=("legacy", "data", "metadata"), optional=True),
    "performance": string(format=PERFORMANCE, optional=True),
    "pigz": integer(optional=True),
    "pool": _TEXT,
    "protected": boolean(optional=True, requires="storage"),
    "prune-backups": string(format="prune-backups", optional=True),
    "quiet": _FLAG,
    "remove": _FLAG,
    "repeat-missed": _FLAG,
    "schedule": string(format="pve-calendar-event", max_length=128, optional=True),
    "script": _TEXT,
    "stdexcludes": _FLAG,
    "stop": _FLAG,
    "stopwait": integer(minimum=0, optional=True),
    "storage": string(format="pve-storage-id", optional=True),
    "tmpdir": _TEXT,
    "vmid": string(format="pve-vmid-list", optional=True),
    "zstd": integer(optional=True),
}
START: dict[str, Param] = {
    "dow": string(format="pve-day-of-week-list", optional=True, requires="starttime"),
    "starttime": string(pattern=r"\d{1,2}:\d{1,2}", optional=True),
}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@named_format("pve-day-of-week")
def _day_of_week(value: str) -> None:
    if value not in DAYS:
        raise ValueError(f"invalid day '{value}'")


@named_format("pve-calendar-event")
def _calendar_event(value: str) -> None:
    try:
        parse_event(value)
    except ValueError as error:
        raise ValueError(f"invalid calendar event '{value}' - {error}") from None
