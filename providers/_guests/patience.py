"""Looking for something in a guest again and again, with a budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from providers._guests.place import Place
from providers._runtime.api import Api
from providers._runtime.errors import TookTooLong

BUDGET = 300.0
"""Seconds, where the program says nothing else."""
PAUSE = 1.0

Seen = TypeVar("Seen")


class Patience:
    """What is left of the time for one guest, during one operation."""

    def __init__(self, api: Api, place: Place, seconds: float) -> None:
        self._api = api
        self._place = place
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def until(self, what: str, look: Callable[[], Seen | None]) -> Seen:
        """Look until there is something, with what is left of the budget."""
        while True:
            found = look()
            if found:
                return found
            self._api.say(f"waiting for {what} of {self._place.id}")
            if time.monotonic() + PAUSE > self._until:
                raise TookTooLong(
                    f"{self._place.id} is there and runs, but waiting for {what} has taken more than "
                    f"{self._seconds:g} s (wait_seconds); the next `up` goes on from here"
                )
            time.sleep(PAUSE)
