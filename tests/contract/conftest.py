"""The host on which a resource type is tried: a standalone one, or what its test module asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Simulator
from tests.contract.kinds import kind, prepare


@pytest.fixture
def simulator(name: str, _simulators: Callable[[str], Simulator]) -> Simulator:
    """A host as its topology says, with what the type's objects need to be there."""
    if kind(name).lasting:
        pytest.skip(kind(name).lasting)
    made = _simulators(kind(name).topology)
    prepare(made, kind(name))
    return made
