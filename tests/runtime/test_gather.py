"""What several threads want at the same moment is done once for all of them."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from providers._runtime.gather import Gathering, _Batch
from tests.runtime.doors import at_once

_EMPTY: _Batch[int, None] = _Batch()


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


def test_the_door_stays_open_while_others_keep_coming_and_not_for_ever() -> None:
    gathering: Gathering[int, list[int]] = Gathering(quiet=0.3, most=30)
    rounds = []

    def come(number: int) -> None:
        rounds.append(tuple(sorted(gathering.join("sdn", number, list))))

    threads = [threading.Thread(target=come, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)  # later than a door that only counts from the first one would stay open
    for thread in threads:
        thread.join()

    assert set(rounds) == {(0, 1, 2, 3)}
    gathering.expect("sdn")  # nobody's door is open
    impatient: Gathering[int, list[int]] = Gathering(quiet=30, most=0)
    assert impatient.join("sdn", 1, list) == [1]


def test_one_round_at_a_time_and_who_comes_meanwhile_is_in_the_next() -> None:
    gathering: Gathering[int, None] = Gathering(0, 0, threading.Lock())
    begun, go_on = threading.Event(), threading.Event()
    rounds: list[list[int]] = []

    def work(items: list[int]) -> None:
        rounds.append(sorted(items))
        begun.set()
        go_on.wait(10)

    threads = [threading.Thread(target=gathering.join, args=("sdn", number, work)) for number in range(4)]
    threads[0].start()
    begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(gathering._open.get("sdn", _EMPTY).items) < 3:
        time.sleep(0.005)
    go_on.set()
    for thread in threads:
        thread.join()

    assert rounds == [[0], [1, 2, 3]]
