"""Objects of Proxmox's configuration files, for the example of pools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers._runtime import lifecycle
from providers._runtime.errors import AlreadyThere, ApiRefused
from providers._runtime.registry import handler_of
from tests.conftest import Simulator
from tests.runtime.doors import OWNER, Call, call_on, connection_to, opened, requests_on

POOL = handler_of("pool")
WANTED = {"poolid": "prod", "comment": "text"}


@pytest.fixture
def call(simulator: Simulator) -> Iterator[Call]:
    """One operation on the standalone host."""
    with opened(connection_to(simulator)) as client:
        yield call_on(client)


def comment(simulator: Simulator) -> str | None:
    """What Proxmox has."""
    (pool,) = simulator.by_hand("GET", "/pools")
    text: str | None = pool.get("comment")
    return text


def test_an_object_carries_the_mark_behind_the_users_text(call: Call, simulator: Simulator) -> None:
    id_, outs = lifecycle.create(POOL, call, WANTED)

    assert comment(simulator) == f"text {OWNER.mark}"
    assert (id_, outs) == ("pools/prod", WANTED)


def test_without_a_text_there_is_the_mark_alone_and_it_stays(call: Call, simulator: Simulator) -> None:
    lifecycle.create(POOL, call, WANTED)
    outs = lifecycle.update(POOL, call, "pools/prod", WANTED, {"poolid": "prod"})

    assert comment(simulator) == OWNER.mark
    assert outs == {"poolid": "prod"}


def test_a_text_that_is_not_declared_stays_when_an_object_is_adopted(call: Call, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/pools", {"poolid": "prod", "comment": "theirs"})

    lifecycle.create(POOL, call, {"poolid": "prod", "adopt": "required"})

    assert comment(simulator) == f"theirs {OWNER.mark}"


def test_one_that_is_there_already_is_told_in_proxmoxs_words(call: Call, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/pools", {"poolid": "prod"})

    with pytest.raises(AlreadyThere, match="pool 'prod' already exists; to take it over, set adopt"):
        lifecycle.create(POOL, call, WANTED)


def test_one_whose_making_was_not_answered_is_made_once(call: Call, simulator: Simulator) -> None:
    simulator.fail(action="drop", method="POST", path="/pools", count=2)

    lifecycle.create(POOL, call, WANTED)

    assert comment(simulator) == f"text {OWNER.mark}"
    assert requests_on(simulator, "/pools", "POST") == 3


def test_nothing_is_written_where_nothing_differs(call: Call, simulator: Simulator) -> None:
    lifecycle.create(POOL, call, WANTED)
    lifecycle.update(POOL, call, "pools/prod", WANTED, WANTED)

    assert requests_on(simulator, "/pools", "PUT") == 0


def test_one_that_is_gone_is_gone_only_if_proxmox_says_so(call: Call, simulator: Simulator) -> None:
    assert POOL.read(call, "pools/prod") is None
    simulator.fail(action="fail", path="/pools", status=403, reason="Permission check failed")
    with pytest.raises(ApiRefused):
        POOL.read(call, "pools/prod")


def test_removing_what_is_gone_already_is_no_error(call: Call, simulator: Simulator) -> None:
    lifecycle.create(POOL, call, WANTED)
    for _ in range(2):
        POOL.delete(call, "pools/prod", WANTED)

    assert simulator.by_hand("GET", "/pools") == []


def test_removing_what_is_refused_is_an_error(call: Call, simulator: Simulator) -> None:
    lifecycle.create(POOL, call, WANTED)
    simulator.by_hand("POST", "/pools", {"poolid": "prod/web"})

    with pytest.raises(ApiRefused, match="is not empty"):
        POOL.delete(call, "pools/prod", WANTED)
