"""Calendar events, in which Proxmox writes when a job runs: checked in the preview, and passed on as they are.

`[days] [date] [time]`: `mon..fri 22:30`, `*/15`, `sat,sun 3:00`, `*-*-1 4:00`, or a word such as `daily`. A time of one
part is minutes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from providers._runtime.errors import InvalidValue

_WORDS = frozenset({
    "minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "semi-annually", "yearly",
    "annually",
})  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ITEM = re.compile(r"(?P<first>\*|[0-9]{1,4})(\.\.(?P<last>[0-9]{1,4}))?(/(?P<step>[0-9]{1,4}))?")
_DATE = ((1970, 2099), (1, 12), (1, 31))
_TIME = ((0, 23), (0, 59), (0, 59))


def checked(text: str) -> str:
    """The event as it is; refused if Proxmox would refuse it."""
    parts = text.lower().split()
    good = bool(parts)
    if good and text.strip().lower() not in _WORDS:
        if parts[0][0].isalpha():
            good = _is_days(parts.pop(0))
        if good and parts and "-" in parts[0]:
            values = parts.pop(0).split("-")
            good = len(values) in (2, 3) and _are_numbers(values, _DATE[-len(values) :])
        if good and parts:
            values = parts.pop(0).split(":")
            good = len(values) <= len(_TIME) and _are_numbers(values, _TIME if len(values) > 1 else _TIME[1:])
    if not good or (parts and text.strip().lower() not in _WORDS):
        raise InvalidValue(f"{text!r} is no calendar event; write it like `mon..fri 22:30`, `*/15` or `daily`")
    return text


def _is_days(text: str) -> bool:
    """Whether it is a list of days and of ranges of them."""
    for item in text.split(","):
        numbers = [_day(name) for name in item.split("..")]
        if len(numbers) > 2 or None in numbers or numbers != sorted(numbers, key=lambda number: number or 0):  # noqa: PLR2004 - first and last
            return False
    return True


def _day(name: str) -> int | None:
    return next((number for number, day in enumerate(_DAYS) if name in (day, day[:3])), None)


def _are_numbers(texts: Sequence[str], bounds: Sequence[tuple[int, int]]) -> bool:
    """Whether each text is a list of numbers, ranges and steps within its bounds."""
    return all(_is_item(item, *limits) for text, limits in zip(texts, bounds, strict=False) for item in text.split(","))


def _is_item(text: str, low: int, high: int) -> bool:
    found = _ITEM.fullmatch(text)
    if not found:
        return False
    first = low if found["first"] == "*" else int(found["first"])
    last = first if found["last"] is None else int(found["last"])
    step = 1 if found["step"] is None else int(found["step"])
    return low <= first <= last <= high and 1 <= step <= high + 1


Schedule = Annotated[str, Field(max_length=128), AfterValidator(checked)]
