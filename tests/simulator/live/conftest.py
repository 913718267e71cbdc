"""A simulator with live containers for the tests of each worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.live.lab import Lab, live_lab


@pytest.fixture(scope="session")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with live_lab(tmp_path_factory.mktemp("live")) as lab:
        yield lab


@pytest.fixture
def lab(_lab: Lab) -> Iterator[Lab]:
    """Two nodes with live containers, none of which runs."""
    yield _lab
    _lab.clear()


@pytest.fixture
def new_lab(lab: Lab) -> Iterator[Lab]:
    """The same for a test that changes more than containers: everything is as new afterwards."""
    yield lab
    lab.client.control("reset", {})
