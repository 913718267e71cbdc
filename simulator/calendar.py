"""Calendar events, the way Proxmox writes when a job runs: `daily`, `mon..fri 22:30`, `*/15`, `2027-1-1 8:00`.

An event is days of the week, a date and a time, each optional, separated by spaces. Parts of dates and times
are lists of numbers, ranges `a..b` and steps `a/n` (`*/n`). What is left out is: any day, midnight; a time of
one part only is minutes of every hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = {
    "minutely": "*:*",
    "hourly": "*:00",
    "daily": "00:00",
    "weekly": "mon 00:00",
    "monthly": "*-*-1 00:00",
    "quarterly": "*-1,4,7,10-1 00:00",
    "semiannually": "*-1,7-1 00:00",
    "semi-annually": "*-1,7-1 00:00",
    "yearly": "*-1-1 00:00",
    "annually": "*-1-1 00:00",
}
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_NEVER = datetime(_LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()
_FARTHEST = timedelta(days=366 * 8)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """The moments at which something happens: all values that each part may have."""

    weekdays: frozenset[int]
    years: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]

    def matches_day(self, moment: datetime) -> bool:
        """Tell whether it happens on a moment's day."""
        return (
            moment.weekday() in self.weekdays
            and moment.year in self.years
            and moment.month in self.months
            and moment.day in self.days
        )

    def after(self, timestamp: float) -> int | None:
        """Return the first time at which it happens after this one, or None when it never will."""
        if timestamp >= _NEVER:
            return None
        begin = datetime.fromtimestamp(max(0, int(timestamp)) + 1, UTC)
        day = begin.replace(hour=0, minute=0, second=0)
        while day - begin < _FARTHEST:
            if self.matches_day(day):
                for moment in self._moments(day):
                    if moment >= begin:
                        return int(moment.timestamp())
            day += timedelta(days=1)
        return None

    def _moments(self, day: datetime) -> list[datetime]:
        return [
            day.replace(hour=hour, minute=minute, second=second)
            for hour in self.hours
            for minute in self.minutes
            for second in self.seconds
        ]


def parse(text: str) -> CalendarEvent:
    """Read a calendar event; raise ValueError when it is none."""
    text = _WORDS.get(text.strip().lower(), text.strip())
    parts = text.split()
    weekdays = frozenset(range(7))
    if parts and parts[0][0].isalpha():
        weekdays = _weekdays(parts.pop(0))
        parts = parts or ["00:00"]
    date = parts.pop(0) if parts and "-" in parts[0] else "*-*-*"
    time = parts.pop(0) if parts else "00:00"
    if parts or not text:
        raise ValueError(f"unable to parse calendar event '{text}'")
    year, month, day = _split(date, "-", ["*", "*", "*"], from_end=True)
    hour, minute, second = _split(time if ":" in time else f"*:{time}", ":", ["*", "*", "0"], from_end=False)
    return CalendarEvent(
        weekdays, frozenset(_values(year, _FIRST_YEAR, _LAST_YEAR)), frozenset(_values(month, 1, 12)),
        frozenset(_values(day, 1, 31)), _values(hour, 0, 23), _values(minute, 0, 59), _values(second, 0, 59),
    )  # fmt: skip


def _split(text: str, separator: str, default: list[str], *, from_end: bool) -> list[str]:
    """Return three parts of a date or time; the missing ones are as usual."""
    given = text.split(separator)
    if len(given) > len(default) or (len(given) == 1 and separator == "-"):
        raise ValueError(f"unable to parse '{text}'")
    missing = len(default) - len(given)
    return default[:missing] + given if from_end else given + default[len(given) :]


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.lower().split(","):
        first, dots, last = item.partition("..")
        ends = [_weekday(name) for name in ((first, last) if dots else (first, first))]
        if ends[1] < ends[0]:
            raise ValueError(f"unable to parse '{item}'")
        found |= set(range(ends[0], ends[1] + 1))
    return frozenset(found)


def _weekday(name: str) -> int:
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    found = next((number for number, day in enumerate(full) if name in (day, _DAYS[number])), None)
    if found is None:
        raise ValueError(f"unable to parse '{name}'")
    return found


def _values(text: str, low: int, high: int) -> tuple[int, ...]:
    """Return the numbers that a part of a date or time stands for."""
    found: set[int] = set()
    for item in text.split(","):
        body, slash, step = item.partition("/")
        first, dots, last = body.partition("..")
        number = _bounded(low, high)
        begin = low if first == "*" else number(first)
        end = number(last) if dots else high if first == "*" or slash else begin
        width = _step(step, high) if slash else 1
        if end < begin:
            raise ValueError(f"unable to parse '{item}'")
        found |= set(range(begin, end + 1, width))
    return tuple(sorted(found))


def _step(text: str, high: int) -> int:
    return _bounded(1, high + 1)(text)


def _bounded(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
            raise ValueError(f"unable to parse '{text}'")
        return int(text)

    return number
