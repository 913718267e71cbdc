"""VNets of somebody else's zone: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

from tests.conftest import Simulator
from tests.providers.guests import Driver

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "vlan", "bridge": "vmbr0"}),
    ("PUT", "/cluster/sdn", {}),
]
EXAMPLE: dict[str, Any] = {"vnet": "front", "zone": "theirs", "tag": 100, "alias": "where users come in"}
UPDATES = [{**EXAMPLE, "tag": 101, "vlanaware": True}, {"vnet": "front", "zone": "theirs", "tag": 102}]
DRIFT = [("PUT", "/cluster/sdn/vnets/front", {"tag": 200}), ("PUT", "/cluster/sdn", {})]


def test_a_tag_has_to_fit_into_the_zone(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "vlan", "bridge": "vmbr0"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "other", "zone": "theirs", "tag": 100})
    vnet = Driver(simulator, "sdn_vnet", ssh=False)

    assert vnet.problems(EXAMPLE) == {"tag": "VNet other of the same zone has the tag 100 already"}
    assert vnet.problems({**EXAMPLE, "tag": 5000}) == {"tag": "4096 is the largest of a vlan zone"}
    assert vnet.problems({"vnet": "front", "zone": "no", "tag": 1}) == {
        "zone": "there is no zone 'no' on the host, and none in this program"
    }
