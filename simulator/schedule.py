"""When something that has a calendar event is due next, given when it was last done."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.calendar import parse
from simulator.clock import Clock
from simulator.records import Section

_MEMORY = 1000


class Schedule:
    """Keeps track of jobs: one that is new, or was changed, counts from the moment at which it is first seen."""

    def __init__(self, clock: Clock) -> None:
        """Begin with no job seen."""
        self._clock = clock
        self._seen: dict[str, tuple[Section, float]] = {}
        self._known: dict[tuple[str, float], int | None] = {}

    def seen(self, job: Section) -> float:
        """Return since when a job is as it is."""
        known = self._seen.get(job.id)
        if known is None or known[0] is not job:
            known = self._seen[job.id] = (job, self._clock.now())
        return known[1]

    def following(self, event: str, since: float) -> int | None:
        """Return the first time of an event after a moment, or None when it never comes."""
        if (event, since) not in self._known:
            if len(self._known) > _MEMORY:
                self._known.clear()
            self._known[event, since] = parse(event).after(since)
        return self._known[event, since]

    def first(self, moments: Iterable[float | None]) -> float | None:
        """Return the first of some moments; a clock on which work needs no time must not run ahead to it."""
        found = min((moment for moment in moments if moment is not None), default=None)
        ahead = found is not None and self._clock.mode == "immediate" and found > self._clock.now()
        return None if ahead else found
