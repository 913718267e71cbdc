"""A node's time zone: what is peculiar to it; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from providers._runtime.model import canonical
from providers.node_time import NodeTimeInputs

EXAMPLE = {"node": "pve1", "timezone": "Europe/Athens"}
UPDATES = [{"node": "pve1", "timezone": "Europe/Madrid"}, {"node": "pve1", "timezone": "Asia/Tokyo"}]
DRIFT = [("PUT", "/nodes/pve1/time", {"timezone": "America/New_York"})]
EXCLUSIVE = False


def test_a_time_zone_that_nobody_knows_is_refused() -> None:
    _, problems = canonical(NodeTimeInputs, {"node": "pve1", "timezone": "Europe/Atlantis"}, frozenset())

    assert problems == [("timezone", "there is no time zone 'Europe/Atlantis'; they are named like Europe/Berlin")]
