"""Controllers: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

from tests.conftest import Simulator
from tests.providers.guests import Driver

EXAMPLE: dict[str, Any] = {"controller": "evpn", "type": "evpn", "asn": 65000, "peers": ["192.0.2.2", "192.0.2.1"]}
UPDATES = [{**EXAMPLE, "asn": 65001}, {**EXAMPLE, "peers": ["192.0.2.1"]}]
DRIFT = [("PUT", "/cluster/sdn/controllers/evpn", {"asn": 65100}), ("PUT", "/cluster/sdn", {})]


def test_a_cluster_has_one_controller_of_type_evpn(simulator: Simulator) -> None:
    theirs = {"controller": "theirs", "type": "evpn", "asn": 65000, "peers": "192.0.2.1"}
    simulator.by_hand("POST", "/cluster/sdn/controllers", theirs)

    assert Driver(simulator, "sdn_controller", ssh=False).problems(EXAMPLE) == {
        "type": "there is a controller of type evpn already, theirs, and a cluster has one"
    }


def test_a_preview_names_what_is_not_there(simulator: Simulator) -> None:
    controller = Driver(simulator, "sdn_controller", ssh=False)
    bgp = {"controller": "bgp", "type": "bgp", "asn": 65000, "peers": ["192.0.2.1"]}

    assert controller.problems({**bgp, "node": "pve9"}) == {"node": "there is no node 'pve9'; there are pve1"}
    assert controller.problems(bgp) == {"": "node: a controller of type bgp needs it"}
    assert controller.problems({"controller": "evpn", "type": "evpn", "asn": 1, "fabric": "no"}) == {
        "fabric": "there is no fabric 'no' on the host, and none in this program"
    }
