"""Many guests at once, and two stacks that want the same numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import Simulator
from tests.engine import Program
from tests.integration.guests import asked, clones, guests, most_at_once

pytestmark = pytest.mark.engine


def test_fifty_linked_clones_are_made_twenty_and_more_at_a_time(program: Program, simulator: Simulator) -> None:
    simulator.control("POST", "clock", {"mode": "timed", "speed": 1.0})
    program.declare(clones(50))

    up = program.up()

    assert up.changes == {"create": 50}, up.text
    assert most_at_once(up, "create") >= 20
    assert len(guests(simulator)) == 50


def test_a_clone_is_made_and_removed_with_the_fewest_requests(program: Program, simulator: Simulator) -> None:
    program.declare(clones(10))

    assert program.up().changes == {"create": 10}
    made = asked(simulator)
    assert program.destroy().changes == {"delete": 10}
    removed = asked(simulator)

    one = "GET nodes/pve1/qemu/*/config"
    assert {name: times for name, times in made.items() if "/qemu/*" in name} == {
        "POST nodes/pve1/qemu/*/clone": 10, one: 20 + 1, "PUT nodes/pve1/qemu/*/config": 10,
        "PUT nodes/pve1/qemu/*/resize": 10, "POST nodes/pve1/qemu/*/status/start": 10,
    }, "the one is the template's, which all share"  # fmt: skip
    assert {name: times for name, times in removed.items() if "/qemu/*" in name} == {
        one: 10,
        "DELETE nodes/pve1/qemu/*": 10,
    }, "they are stopped together"
    assert removed["POST cluster/bulk-action/guest/shutdown"] == 1
    assert not any("/status" in name and "/tasks/" in name for name in {*made, *removed})


def test_a_preview_without_changes_asks_the_host_nothing(program: Program, simulator: Simulator) -> None:
    program.declare(clones(10))
    assert program.up().changes == {"create": 10}
    simulator.forget_requests()

    assert program.preview().changes == {}

    assert simulator.requests() == []


def test_a_refresh_asks_once_for_all_places_and_once_for_each_guest(program: Program, simulator: Simulator) -> None:
    program.declare(clones(10))
    assert program.up().changes == {"create": 10}
    simulator.forget_requests()

    assert program.refresh().changes == {}

    asked = [row["path"] for row in simulator.requests()]
    assert sum("cluster/resources" in path for path in asked) == 1
    assert len(asked) <= 1 + 2 * 10


def test_two_stacks_at_once_race_for_numbers_and_both_win(program: Program, simulator: Simulator) -> None:
    simulator.control("POST", "clock", {"mode": "timed", "speed": 5.0})
    program.add_stack("other")
    program.declare(clones(10, vmid=None))

    with ThreadPoolExecutor(2) as both:
        results = list(both.map(lambda stack: program.up(stack=stack), ("test", "other")))

    assert [result.changes for result in results] == [{"create": 10}, {"create": 10}], [r.text for r in results]
    ids = [resource["id"] for stack in ("test", "other") for resource in program.state(stack).values()]
    assert len(set(ids)) == 20
    simulator.control("POST", "clock", {"mode": "immediate"})
    for stack in ("test", "other"):
        assert program.up(stack=stack).changes == {}
        assert program.destroy(stack=stack).code == 0
