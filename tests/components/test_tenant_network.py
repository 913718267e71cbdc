"""Networks of tenants: what they ask for, and that the engine makes and removes two of them on a host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.networks import Network
from components.tenant_network import InZone, OnBridge, TenantNetwork, TenantNetworkArgs
from tests.components.asked import Asked, asked
from tests.conftest import Simulator, as_json
from tests.engine import Program

NETWORK = Network(cidr="10.40.0.0/24", vlan=40, dhcp=("10.40.0.100", "10.40.0.199"))
TENANT = TenantNetworkArgs(network=NETWORK, at=InZone(zone="tenants", vnet="red"), apart_from=["10.41.0.0/24"])


def asked_for(args: TenantNetworkArgs) -> Asked:
    """What a network asks for."""

    def make() -> dict[str, pulumi.Output[Any]]:
        made = TenantNetwork("red", args)
        return {"nic": made.nic, "cidr": made.cidr, "gateway": made.gateway}

    return asked(make)


def test_a_vnet_has_the_vlan_the_addresses_and_the_range_of_its_tenant() -> None:
    found = asked_for(TENANT)

    assert found.inputs["red-vnet"] == {"vnet": "red", "zone": "tenants", "tag": 40}
    assert found.inputs["red-subnet"]["gateway"] == "10.40.0.1"
    assert found.inputs["red-subnet"]["dhcp_range"] == [{"start-address": "10.40.0.100", "end-address": "10.40.0.199"}]
    assert found.outputs == {"nic": {"bridge": "red"}, "cidr": "10.40.0.0/24", "gateway": "10.40.0.1"}


def test_it_is_fenced_off_in_both_directions_before_its_firewall_is_on() -> None:
    found = asked_for(replace(TENANT, guests_apart=True))

    rules = found.inputs["red-fence"]["rules"]
    assert [(row["action"], row.get("source"), row.get("dest")) for row in rules] == [
        ("DROP", "10.41.0.0/24", None),
        ("DROP", None, "10.41.0.0/24"),
    ]
    assert list(found.inputs)[-1] == "red-firewall"
    assert found.inputs["red-firewall"] == {"vnet": "red", "enable": True}
    assert found.inputs["red-vnet"]["isolate_ports"] is True


def test_on_a_bridge_it_is_a_tag_and_an_mtu_of_the_guests_nic() -> None:
    found = asked_for(TenantNetworkArgs(network=replace(NETWORK, mtu=9000), at=OnBridge(bridge="vmbr0")))

    assert (found.inputs, found.outputs["nic"]) == ({}, {"bridge": "vmbr0", "tag": 40, "mtu": 9000})


@pytest.mark.parametrize("wrong", [{"apart_from": ["10.41.0.0/24"]}, {"guests_apart": True}])
def test_a_bridge_has_no_fence(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a VLAN of a bridge has no fence"):
        replace(TENANT, at=OnBridge(bridge="vmbr0"), **{"apart_from": (), **wrong})  # type: ignore[arg-type]


MAIN = """\
import pulumi

from components.networks import Network
from components.tenant_network import InZone, TenantNetwork, TenantNetworkArgs
from providers.sdn_zone import SdnZone

zone = SdnZone("tenants", zone="tenants", type="vlan", bridge="vmbr0")
networks = {"red": Network(cidr="10.40.0.0/24", vlan=40), "blue": Network(cidr="10.41.0.0/24", vlan=41)}
for name, network in networks.items():
    others = [other.cidr for other in networks.values() if other is not network]
    made = TenantNetwork(name, TenantNetworkArgs(
        network=network, at=InZone(zone=zone.zone, vnet=name), apart_from=others))
    pulumi.export(name, made.nic)
"""


@pytest.mark.engine
def test_two_tenants_share_a_zone_and_leave_nothing_behind(
    simulator: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program, before = program_on(simulator), as_json(simulator.state())
    (program.folder / "__main__.py").write_text(MAIN)

    first = program.up()

    assert first.changes == {"create": 11}, first.text
    assert {row["vnet"]: row["tag"] for row in simulator.by_hand("GET", "/cluster/sdn/vnets")} == {
        "red": 40,
        "blue": 41,
    }
    assert simulator.by_hand("GET", "/cluster/sdn/vnets/red/firewall/options")["enable"] == 1
    again = program.up()
    assert not again.changes, again.text
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert as_json(simulator.state()) == before
