"""Pools: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import pytest

from providers._runtime.model import canonical
from providers.pool import PoolInputs
from tests.conftest import Simulator
from tests.engine import Program, Resource

EXAMPLE = {"poolid": "prod", "comment": "what earns money"}
UPDATES = [
    {"poolid": "prod", "comment": "what earns\nmoney, in two lines"},
    {"poolid": "prod"},
    {"poolid": "prod", "comment": "again"},
]
DRIFT = [("PUT", "/pools", {"poolid": "prod", "comment": "by hand"})]

POOL = "providers.pool.Pool"


@pytest.mark.parametrize("poolid", ["prod/web/front", "a-b.c_d", "9"])
def test_a_name_that_proxmox_takes_is_taken(poolid: str) -> None:
    assert canonical(PoolInputs, {"poolid": poolid}, frozenset())[1] == []


@pytest.mark.parametrize("poolid", ["", "a b", "a//b", "/a", "a/", "a/b/c/d", "ä"])
def test_a_name_that_proxmox_refuses_is_refused_in_preview(poolid: str) -> None:
    assert [field for field, _ in canonical(PoolInputs, {"poolid": poolid}, frozenset())[1]] == ["poolid"]


@pytest.mark.engine
def test_a_nested_pool_is_made_after_its_parent_and_removed_before_it(program: Program, simulator: Simulator) -> None:
    before = simulator.state()
    program.declare(
        {
            "parent": Resource(POOL, {"poolid": "prod"}),
            "child": Resource(POOL, {"poolid": "prod/web", "comment": "nested"}, after=("parent",)),
        }
    )

    assert program.up().changes == {"create": 2}
    assert program.destroy().code == 0
    assert simulator.state() == before


@pytest.mark.engine
def test_another_name_replaces_the_pool(program: Program, simulator: Simulator) -> None:
    program.declare({"it": Resource(POOL, {"poolid": "prod"})})
    program.up()
    program.declare({"it": Resource(POOL, {"poolid": "production"})})

    preview = program.preview()
    assert "poolid: replace" in preview.inputs("it")["impact"]
    assert program.up().code == 0

    assert [pool["poolid"] for pool in simulator.by_hand("GET", "/pools")] == ["production"]


@pytest.mark.engine
def test_one_that_was_made_by_hand_is_taken_over_only_when_that_is_said(program: Program, simulator: Simulator) -> None:
    program.declare({"it": Resource(POOL, {"poolid": "prod", "adopt": "required"})})
    missing = program.up()
    assert missing.code != 0
    assert "adopt is `required`, and there is no such object on the host" in missing.diagnostics

    simulator.by_hand("POST", "/pools", {"poolid": "prod", "comment": "by hand"})
    program.declare({"it": Resource(POOL, {"poolid": "prod"})})
    refused = program.up()
    assert refused.code != 0
    assert "to take it over, set adopt to `if-exists`" in refused.diagnostics

    program.declare({"it": Resource(POOL, {"poolid": "prod", "adopt": "if-exists"})})
    assert program.up().changes == {"create": 1}
    (pool,) = simulator.by_hand("GET", "/pools")
    assert pool["comment"].startswith("by hand [pulumi proxmox/test "), "what is not declared stays as it is"
    program.declare({"it": Resource(POOL, {"poolid": "prod"})})
    assert program.up().changes == {}
