"""Reserved addresses: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Simulator
from tests.providers.guests import Driver

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/cluster/sdn/zones", {"zone": "lab", "type": "simple", "ipam": "pve", "dhcp": "dnsmasq"}),
    ("POST", "/cluster/sdn/vnets", {"vnet": "front", "zone": "lab"}),
    ("POST", "/cluster/sdn/vnets/front/subnets", {"subnet": "10.1.0.0/24", "type": "subnet", "gateway": "10.1.0.1"}),
    ("PUT", "/cluster/sdn", {}),
]
EXAMPLE: dict[str, Any] = {"zone": "lab", "vnet": "front", "ip": "10.1.0.20", "mac": "BC:24:11:00:00:01"}
UPDATES = [{**EXAMPLE, "mac": "bc:24:11:00:00:02"}, {**EXAMPLE, "vmid": 100}]
DRIFT = [
    ("DELETE", "/cluster/sdn/vnets/front/ips", {"zone": "lab", "ip": "10.1.0.20"}),
    ("POST", "/cluster/sdn/vnets/front/ips", {"zone": "lab", "ip": "10.1.0.20", "mac": "BC:24:11:00:00:99"}),
]


@pytest.fixture
def driver(simulator: Simulator) -> Driver:
    """A reservation of a program, on a VNet that is there."""
    for method, path, parameters in SETUP:
        simulator.by_hand(method, path, parameters)
    return Driver(simulator, "ip_reservation", ssh=False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ip": "10.2.0.20"}, {"ip": "10.2.0.20 is in none of the subnets of front: 10.1.0.0/24"}),
        ({"vnet": "back"}, {"vnet": "there is no vnet 'back' on the host, and none in this program"}),
        ({"zone": "no"}, {"zone": "there is no zone 'no' on the host, and none in this program"}),
    ],
)
def test_an_address_that_can_not_be_kept_is_told_in_the_preview(
    driver: Driver, change: dict[str, str], told: dict[str, str]
) -> None:
    assert driver.problems({**EXAMPLE, **change}) == told


def test_a_zone_without_proxmoxs_own_ipam_keeps_nothing(driver: Driver) -> None:
    driver.simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "bare", "type": "simple"})

    assert "does not use the IPAM pve" in driver.problems({**EXAMPLE, "zone": "bare"})["zone"]


def test_a_reservation_whose_subnet_is_gone_is_gone_without_an_error(driver: Driver) -> None:
    driver.up(EXAMPLE)
    for method, path, parameters in (
        ("DELETE", "/cluster/sdn/vnets/front/ips", {"zone": "lab", "ip": "10.1.0.20"}),
        ("DELETE", "/cluster/sdn/vnets/front/subnets/lab-10.1.0.0-24", {}),
    ):
        driver.simulator.by_hand(method, path, parameters)

    assert driver.drift() == {"gone": True}
    driver.delete()
