"""From a kind to its handler."""

from __future__ import annotations

import pytest

from providers._runtime import registry
from providers._runtime.errors import ConfigProblem
from providers._runtime.handler import Handler
from tests.contract.kinds import KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_handler(kind: str) -> None:
    assert isinstance(registry.handler_of(kind), Handler)
    assert registry.handler_of(kind) is registry.handler_of(kind)


def test_a_kind_that_this_version_does_not_know_is_told_in_one_line() -> None:
    with pytest.raises(ConfigProblem) as told:
        registry.handler_of("no_such_kind")

    assert "'no_such_kind'" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_kind_that_was_renamed_is_found_by_its_old_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._MOVED, "resource_pool", "pool")

    assert type(registry.handler_of("resource_pool")) is type(registry.handler_of("pool"))
