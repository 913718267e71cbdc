"""What a resource type says of the privileges that it needs is enough for its whole life."""

from __future__ import annotations

import pytest

from tests.conftest import Simulator
from tests.contract.kinds import KINDS, kind, prepare
from tests.providers.lives import Life, Piece


@pytest.mark.parametrize("name", KINDS)
def test_an_identity_that_has_what_it_names_is_refused_nothing(name: str, simulator: Simulator) -> None:
    it = kind(name)
    changes = {**dict.fromkeys(it.example), **it.updates[-1]}
    life = Life(simulator, {"it": Piece(name, it.example, changes)}, lambda: prepare(simulator, it))
    privileges = life.privileges()
    if not privileges:
        pytest.skip(f"a {name} does not say yet what it needs")
    life.allow(privileges)

    assert life.preview() == {}
    assert life.run() == ""
