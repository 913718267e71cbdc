"""Every resource type keeps the promises, from its first preview to its end, through the real engine."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Simulator, as_json
from tests.contract.kinds import KINDS, Kind, kind, prepare
from tests.engine import Program

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("name", KINDS)]

TO_ADOPT = "to take it over, set adopt to `if-exists`"


def written(simulator: Simulator) -> list[str]:
    """The requests that changed something."""
    return [f"{row['method']} {row['path']}" for row in simulator.requests() if row["method"] != "GET"]


def test_it_lives_from_preview_to_destroy_and_leaves_nothing(name: str, simulator: Simulator, program: Program) -> None:
    it = kind(name)
    before = as_json(simulator.state())

    program.declare(it.declared(it.example))
    preview = program.preview()
    assert preview.changes == {"create": 1}, preview.text
    assert not written(simulator), "a preview changes nothing on the host"

    up = program.up()
    assert up.changes == {"create": 1}, up.text
    refresh = program.refresh()
    assert not refresh.changes, refresh.text
    _nothing_to_do(simulator, program)

    program.declare(it.declared(it.updates[0]))
    preview = program.preview()
    assert preview.changes == {"update": 1}, preview.text
    assert preview.inputs("it").get("impact"), "a preview says what a change takes"
    assert not written(simulator), "a preview changes nothing on the host"
    for update in it.updates:
        program.declare(it.declared(update))
        up = program.up()
        assert up.changes == {"update": 1}, up.text
        assert up.inputs("it").get("impact")
        _nothing_to_do(simulator, program)

    _change_by_hand_is_seen_and_set_right(it, simulator, program)

    destroy = program.destroy()
    assert destroy.code == 0, destroy.text
    assert as_json(simulator.state()) == before


def _change_by_hand_is_seen_and_set_right(it: Kind, simulator: Simulator, program: Program) -> None:
    """By refresh and by `up`."""
    outputs = program.state()["it"]["outputs"]
    for method, path, parameters in it.drift:
        simulator.by_hand(method, path.format(**outputs), parameters)
    refresh = program.refresh()
    assert refresh.changes == {"update": 1}, refresh.text
    up = program.up()
    assert up.changes == {"update": 1}, up.text
    _nothing_to_do(simulator, program)


def test_one_that_is_lost_is_found_or_made_again_and_no_other_stack_gets_it(
    name: str, simulator: Simulator, program: Program
) -> None:
    it = kind(name)
    program.declare(it.declared(it.example))
    up = program.up()
    assert up.code == 0, up.text

    prepare(simulator, it)
    _one_that_was_removed_by_hand_is_gone_after_refresh_and_made_again(program)
    _one_that_a_died_run_made_is_found_again_and_not_made_twice(it, simulator, program)
    if it.exclusive:  # else two stacks may each have one, and know their own by its mark
        program.declare(it.declared(it.updates[0]))  # one that is just as declared may be taken over
        up = program.up()
        assert up.code == 0, up.text
        _one_that_is_another_stacks_is_refused_in_one_line(it, program)


def _one_that_was_removed_by_hand_is_gone_after_refresh_and_made_again(program: Program) -> None:
    refresh = program.refresh()
    assert refresh.code == 0, refresh.text
    assert "it" not in program.state()
    up = program.up()
    assert up.changes == {"create": 1}, up.text


def _one_that_a_died_run_made_is_found_again_and_not_made_twice(
    it: Kind, simulator: Simulator, program: Program
) -> None:
    there = as_json(simulator.state())
    (urn,) = (resource["urn"] for resource in program.state().values())
    program.pulumi("state", "delete", urn, "--yes")

    up = program.up()
    if TO_ADOPT in up.text:  # without room for a mark, one whose secret can't be read may be anybody's
        program.declare(it.declared({**it.example, "adopt": "if-exists"}))
        up = program.up()

    assert (up.code, up.changes) == (0, {"create": 1}), up.text
    assert as_json(simulator.state()) == there


def _one_that_is_another_stacks_is_refused_in_one_line(it: Kind, program: Program) -> None:
    program.add_stack("other")
    program.declare(it.declared(it.example))

    refused = program.up(stack="other")

    assert refused.code != 0
    assert "Traceback" not in refused.text
    assert re.search("already (exists|defined)", refused.text)


def _nothing_to_do(simulator: Simulator, program: Program) -> None:
    simulator.forget_requests()
    again = program.up()
    assert (again.code, again.changes) == (0, {}), again.text
    assert not written(simulator)
