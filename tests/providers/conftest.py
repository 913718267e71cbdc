"""Guests of a program on the standalone host."""

from __future__ import annotations

import pytest

from tests.conftest import Simulator
from tests.providers.guests import Driver


@pytest.fixture
def vm(simulator: Simulator) -> Driver:
    """A virtual machine of a program on the standalone host."""
    return Driver(simulator, "vm")


@pytest.fixture
def container(simulator: Simulator) -> Driver:
    """A container of a program on the standalone host."""
    return Driver(simulator, "container")
