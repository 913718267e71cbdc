"""Subnets of somebody else's VNet: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Simulator
from tests.providers.guests import Driver

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple", "ipam": "pve", "dhcp": "dnsmasq"}),
    ("POST", "/cluster/sdn/vnets", {"vnet": "front", "zone": "theirs"}),
    ("PUT", "/cluster/sdn", {}),
]
SUBNET: dict[str, Any] = {"zone": "theirs", "vnet": "front", "subnet": "10.1.0.0/24"}
EXAMPLE: dict[str, Any] = {
    **SUBNET,
    "gateway": "10.1.0.1",
    "dhcp_range": [{"start_address": "10.1.0.100", "end_address": "10.1.0.199"}],
}
UPDATES = [
    {**EXAMPLE, "gateway": "10.1.0.2", "snat": True, "dhcp_dns_server": "10.1.0.3"},
    {**SUBNET, "gateway": "10.1.0.254"},
]
DRIFT = [
    ("PUT", "/cluster/sdn/vnets/front/subnets/theirs-10.1.0.0-24", {"gateway": "10.1.0.77"}),
    ("PUT", "/cluster/sdn", {}),
]


@pytest.fixture
def subnet(simulator: Simulator) -> Driver:
    """A subnet of a program, on a VNet that is there."""
    for method, path, parameters in SETUP:
        simulator.by_hand(method, path, parameters)
    return Driver(simulator, "sdn_subnet", ssh=False)


def test_a_preview_names_what_does_not_fit_on_the_vnet(subnet: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/cluster/sdn/vnets/front/subnets", {"subnet": "10.1.0.128/25", "type": "subnet"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "aware", "zone": "theirs", "vlanaware": 1})

    assert subnet.problems(EXAMPLE) == {"subnet": "10.1.0.0/24 and 10.1.0.128/25 have addresses in common"}
    assert subnet.problems({**SUBNET, "zone": "lab"}) == {"zone": "VNet front is in zone theirs"}
    assert subnet.problems({**SUBNET, "vnet": "aware"}) == {"vnet": "VNet aware is vlanaware, and can have no subnets"}
    assert subnet.problems({**SUBNET, "vnet": "no"}) == {
        "vnet": "there is no vnet 'no' on the host, and none in this program"
    }
