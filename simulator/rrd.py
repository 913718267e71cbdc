"""Series of measurements over time, as rrdtool keeps them: made up, but the same whenever they are asked for.

Nothing is recorded. What an object shows today is taken as its level, and each moment's value swings around it by
the hour of the day and by chance, where chance is a hash of the object's name and the moment. There are no values
from before an object was there.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.errors import ApiError

FOLDER = "/var/lib/rrdcached/db"
_DAY = 86400
_FRAMES = {
    "hour": (60, 60), "day": (60, 1440), "week": (1800, 336), "month": (1800, 1440), "year": (21600, 1440),
    "decade": (604800, 570),
}  # fmt: skip
"""Seconds between two values, and how many of those stretches are looked at."""
_PEAK = 0.15
_COLOURS = 2


@dataclass(frozen=True, slots=True)
class Source:
    """Something that is measured: its name, when that began, and its values at a moment."""

    name: str
    since: float
    values: Callable[[int], Mapping[str, float]]

    def swing(self, what: str, moment: int, level: float) -> float:
        """Return a value that swings around a level: more by day, less by night, and a little by chance."""
        seed = hashlib.sha256(f"{self.name}/{what}/{moment // 60}".encode()).digest()
        chance = int.from_bytes(seed[:4], "big") / 2**32 - 0.5
        hour = math.sin(2 * math.pi * (moment % _DAY) / _DAY - 2)
        return level * (1 + 0.3 * hour + 0.2 * chance)


def data(source: Source, timeframe: str, cf: str, now: float) -> list[dict[str, Any]]:
    """Return the rows of a timeframe; a row from before there was anything has only its time."""
    step, count = _FRAMES[timeframe]
    end = int(now) // step * step
    rows: list[dict[str, Any]] = []
    for moment in range(end - step * (count - 1), end, step):
        row: dict[str, Any] = {"time": moment}
        if moment >= source.since:
            row |= _peaks(source.values(moment)) if cf == "MAX" and step > _FRAMES["hour"][0] else source.values(moment)
        rows.append(row)
    return rows


def _peaks(values: Mapping[str, float]) -> dict[str, float]:
    """Return the highest values within a step; a limit has none higher."""
    limits = {name for name in values if name.startswith("max") or name.endswith("total")}
    return {name: value if name in limits else value * (1 + _PEAK) for name, value in values.items()}


def graph(source: Source, wanted: list[str], now: float) -> dict[str, str]:
    """Return the file of a graph of one or two values."""
    path = f"{FOLDER}/{source.name}"
    unknown = next((name for name in wanted if name not in source.values(int(now))), None)
    if len(wanted) > _COLOURS:
        raise ApiError("fixme: no color definition at /usr/share/perl5/PVE/RRD.pm line 194.")
    if unknown is not None:
        raise ApiError(f"RRD error: No DS called '{unknown}' in '{path}'")
    return {"filename": f"{path}_{'_'.join(wanted)}.png"}


def missing(name: str) -> ApiError:
    """Make the refusal for something that was never measured."""
    return ApiError(f"RRD error: opening '{FOLDER}/{name}': No such file or directory")
