"""The labs that come up on modelled guests alone, each as its page says."""

from __future__ import annotations

import pytest

from tests.pages.reader import Reader

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_larger_labs_come_up(reader: Reader) -> None:
    reader.read("docs/labs/openstack-lab.md")
    assert "    + 36 created\n" in reader.printed

    reader.read("docs/labs/teaching-cluster.md")
    assert "    + 88 created\n" in reader.printed
