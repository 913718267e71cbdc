"""What several threads want at the same moment is done once for all of them."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from providers._runtime.gather import Gathering
from tests.runtime.doors import at_once


def test_those_that_come_together_are_served_together() -> None:
    gathering: Gathering[int, None] = Gathering()
    numbers, served = itertools.count(), []

    at_once(8, lambda: gathering.join("pve", next(numbers), lambda items: served.append(sorted(items))))

    assert served == [list(range(8))]


def test_who_comes_later_is_served_by_another_round() -> None:
    gathering: Gathering[int, list[int]] = Gathering()

    assert [gathering.join("pve", number, list) for number in (1, 2)] == [[1], [2]]


def test_other_places_do_not_wait_for_each_other() -> None:
    gathering: Gathering[str, None] = Gathering()
    began, places = time.monotonic(), iter(["one", "two"])

    def work() -> None:
        place = next(places)
        gathering.join(place, place, lambda _: time.sleep(0.3))

    at_once(2, work)

    assert time.monotonic() - began < 0.55


def test_an_error_is_everybodys() -> None:
    gathering: Gathering[int, None] = Gathering()
    told: list[str] = []

    def fail(_: list[int]) -> None:
        raise ValueError("refused")

    def work() -> None:
        with pytest.raises(ValueError, match="refused"):
            gathering.join("pve", 1, fail)
        told.append(threading.current_thread().name)

    at_once(4, work)

    assert len(told) == 4
