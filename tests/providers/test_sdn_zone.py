"""Zones: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from providers._runtime.client import Client
from providers._runtime.errors import ApiRefused, ProxmoxError
from providers._runtime.model import canonical
from providers.sdn_zone import SdnZoneInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.network import Network
from tests.runtime.doors import connection_to

EXAMPLE: dict[str, Any] = {
    "zone": "lab",
    "type": "simple",
    "ipam": "pve",
    "dhcp": "dnsmasq",
    "vnets": {
        "front": {
            "alias": "where users come in",
            "subnets": {
                "10.1.0.0/24": {
                    "gateway": "10.1.0.1",
                    "snat": True,
                    "dhcp_range": [{"start_address": "10.1.0.100", "end_address": "10.1.0.199"}],
                }
            },
        },
        "back": {"isolate_ports": True},
    },
}
UPDATES = [
    {
        "zone": "lab",
        "type": "simple",
        "ipam": "pve",
        "mtu": 1400,
        "vnets": {
            "front": {"subnets": {"10.1.0.0/24": {"gateway": "10.1.0.254"}, "10.2.0.0/24": {}}},
            "middle": {"alias": "in between", "vlanaware": True},
        },
    },
    {"zone": "lab", "type": "simple", "vnets": {"front": {"alias": "again"}, "middle": {}}},
]
DRIFT = [
    ("PUT", "/cluster/sdn/vnets/front", {"alias": "by hand"}),
    ("POST", "/cluster/sdn/vnets", {"vnet": "extra", "zone": "lab"}),
    ("PUT", "/cluster/sdn", {}),
]


@pytest.fixture(autouse=True)
def _notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run keeps its notes on what it has staged in a folder of its own."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))


@pytest.fixture
def driver(simulator: Simulator) -> Driver:
    """A zone of a program on the host that stands alone."""
    return Network(simulator).driver()


def wrong(args: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a zone before any host is asked."""
    return dict(canonical(SdnZoneInputs, dict(args), frozenset())[1])


def with_subnets(*cidrs: str, **subnet: Any) -> dict[str, Any]:
    """A zone with a VNet that has these subnets."""
    return {"zone": "z1", "type": "simple", "vnets": {"v1": {"subnets": dict.fromkeys(cidrs, subnet)}}}


def dhcp(first: str, last: str) -> dict[str, str]:
    """A range."""
    return {"start_address": first, "end_address": last}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"type": "simple", "bridge": "vmbr0"}, "bridge: a zone of type simple has no such field"),
        ({"type": "qinq", "bridge": "vmbr0"}, "tag: a zone of type qinq needs it"),
        ({"type": "vxlan"}, "peers: a zone of type vxlan needs either peers or fabric"),
        ({"type": "vxlan", "peers": ["192.0.2.1"], "fabric": "under"}, "needs either peers or fabric"),
        ({"type": "evpn", "controller": "evpn"}, "vrf_vxlan: a zone of type evpn needs it"),
        ({"type": "simple", "vnets": {"v1": {"tag": 5}}}, "vnets.v1.tag: a VNet of a simple zone has none"),
        ({"type": "vlan", "bridge": "vmbr0", "vnets": {"v1": {}}}, "vnets.v1.tag: a VNet of a vlan zone needs one"),
        (
            {"type": "vlan", "bridge": "vmbr0", "vnets": {"v1": {"tag": 5000}}},
            "vnets.v1.tag: 4096 is the largest of a vlan zone",
        ),
        (
            {"type": "vlan", "bridge": "vmbr0", "vnets": {"v1": {"tag": 5}, "v2": {"tag": 5}}},
            "vnets.v2.tag: v1 has the tag 5 already",
        ),
    ],
)
def test_what_does_not_belong_to_the_type_is_refused_by_its_field(args: dict[str, Any], told: str) -> None:
    assert told in wrong({"zone": "z1", **args})[""]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (with_subnets("10.1.0.5/24"), "10.1.0.5/24 has host bits set"),
        (with_subnets("10.1.0.0/24", gateway="10.2.0.1"), "gateway: 10.2.0.1 is not in 10.1.0.0/24"),
        (
            with_subnets("10.1.0.0/24", dhcp_range=[dhcp("10.1.0.9", "10.1.1.1")]),
            "dhcp_range: 10.1.1.1 is not in 10.1.0.0/24",
        ),
        (
            with_subnets("10.1.0.0/24", dhcp_range=[dhcp("10.1.0.9", "10.1.0.5")]),
            "dhcp_range: 10.1.0.9 is behind 10.1.0.5",
        ),
        (
            with_subnets("10.1.0.0/24", dhcp_range=[dhcp("10.1.0.5", "10.1.0.9"), dhcp("10.1.0.9", "10.1.0.20")]),
            "dhcp_range: 10.1.0.5 to 10.1.0.9 and 10.1.0.9 to 10.1.0.20 have addresses in common",
        ),
        (with_subnets("10.1.0.0/24", "10.1.0.128/25"), "10.1.0.0/24 and 10.1.0.128/25 have addresses in common"),
        (
            {
                "zone": "z1",
                "type": "simple",
                "vnets": {"v1": {"subnets": {"10.0.0.0/8": {}}}, "v2": {"subnets": {"10.1.0.0/24": {}}}},
            },
            "10.0.0.0/8 and 10.1.0.0/24 have addresses in common",
        ),
    ],
)
def test_addresses_that_do_not_fit_are_refused(args: dict[str, Any], told: str) -> None:
    assert told in " ".join(wrong(args).values())


def test_zones_that_do_not_route_may_use_an_address_twice() -> None:
    vnets: dict[str, Any] = {f"v{number}": {"tag": number, "subnets": {"10.0.0.0/24": {}}} for number in (1, 2)}

    assert wrong({"zone": "z1", "type": "vlan", "bridge": "vmbr0", "vnets": vnets}) == {}


def test_a_preview_names_what_is_not_there(driver: Driver) -> None:
    vlan = {"zone": "lan", "type": "vlan", "bridge": "vmbr7", "nodes": ["pve1", "pve9"], "ipam": "netbox", "dns": "no"}
    evpn = {"zone": "e1", "type": "evpn", "controller": "evpn", "vrf_vxlan": 10}

    assert driver.problems(vlan) == {
        "nodes": "there is no node 'pve9'; there are pve1",
        "bridge": "there is no bridge 'vmbr7' on pve1; there are vmbr0, vmbr1",
        "ipam": "there is no ipam 'netbox' on the host, and none in this program",
        "dns": "there is no dns 'no' on the host, and none in this program",
    }
    assert driver.problems(evpn) == {
        "controller": "there is no controller 'evpn' on the host, and none in this program"
    }


def test_a_preview_names_what_others_have_already(driver: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "web", "zone": "theirs"})

    assert driver.problems({"zone": "mine", "type": "simple", "vnets": {"web": {}}}) == {
        "vnets.web": "VNet web already exists in zone theirs"
    }
    assert driver.problems({"zone": "theirs", "type": "simple", "mtu": 1400, "vnets": {}}) == {
        "zone": "it already exists; to take it over, set adopt to `if-exists`"
    }


def test_two_resources_can_not_have_the_same_vnet(driver: Driver) -> None:
    other = Network(driver.simulator).driver("other", beside=driver)
    driver.check({"zone": "z1", "type": "simple", "vnets": {"web": {}}})

    assert other.problems({"zone": "z2", "type": "simple", "vnets": {"web": {}}}) == {
        "vnets.web": "another resource of this program makes vnet web as well"
    }


@pytest.mark.parametrize("started", [True, False])
def test_a_vnet_that_a_guest_is_on_is_not_removed(driver: Driver, simulator: Simulator, started: bool) -> None:
    driver.up(EXAMPLE)
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 100, "memory": 64, "net0": "virtio,bridge=back"})
    if started:
        simulator.by_hand("POST", "/nodes/pve1/qemu/100/status/start")
    driver.again()
    front = {**EXAMPLE, "vnets": {"front": EXAMPLE["vnets"]["front"]}}

    assert driver.problems(front) == {
        "vnets": "guest 100 is on back: give them another bridge, or remove them in a run of its own, "
        "before the VNet is removed"
    }
    with pytest.raises(ProxmoxError, match="guest 100 is on back"):
        driver.delete()


def test_an_mtu_for_which_the_network_below_has_no_room_is_a_hint(driver: Driver) -> None:
    driver.check({"zone": "vx", "type": "vxlan", "peers": ["192.0.2.77"], "mtu": 1500})

    assert any("has to carry 1550 bytes, and pve1 carries 1500: set mtu to 1450 or less" in t for t in driver.warnings)
    assert any("none of pve1's addresses is one of the peers 192.0.2.77" in text for text in driver.warnings)


def test_what_a_zone_takes_in_privileges_is_named(driver: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "net@pve"})
    token = simulator.by_hand("POST", "/access/users/net@pve/token/tok", {"privsep": 0})
    access = {"token_id": "net@pve!tok", "token_secret": token["value"]}
    driver.client = Client("net", connection_to(simulator, **access), 4)
    driver.again()

    told = [text for _, text in driver.check({"zone": "z1", "type": "simple"})[1]]

    assert any("it needs SDN.Allocate on /sdn:" in text for text in told)
    assert any("it needs SDN.Allocate on /sdn/zones:" in text for text in told)


def test_a_zone_that_the_identity_may_not_see_any_more_is_not_gone(driver: Driver, simulator: Simulator) -> None:
    driver.up({"zone": "z1", "type": "simple"})
    simulator.by_hand("POST", "/access/users", {"userid": "net@pve"})
    token = simulator.by_hand("POST", "/access/users/net@pve/token/tok", {"privsep": 0})
    access = {"token_id": "net@pve!tok", "token_secret": token["value"]}
    driver.client = Client("net", connection_to(simulator, **access), 4)

    with pytest.raises(ApiRefused, match="Permission check failed"):
        driver.drift()


def test_an_alias_that_is_not_declared_keeps_somebody_elses_words(driver: Driver, simulator: Simulator) -> None:
    driver.up({"zone": "z1", "type": "simple", "vnets": {"web": {}}})
    simulator.by_hand("PUT", "/cluster/sdn/vnets/web", {"alias": "by hand"})
    simulator.by_hand("PUT", "/cluster/sdn")

    driver.up({"zone": "z1", "type": "simple", "mtu": 1400, "vnets": {"web": {}}})

    alias = simulator.by_hand("GET", "/cluster/sdn/vnets/web")["alias"]
    assert alias == f"by hand {driver.owner.mark}"


def test_a_zone_whose_vnets_are_not_declared_leaves_them_alone(driver: Driver, simulator: Simulator) -> None:
    driver.up({"zone": "z1", "type": "simple"})
    simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "web", "zone": "z1"})
    simulator.by_hand("PUT", "/cluster/sdn")

    assert driver.drift() == {}
    driver.up({"zone": "z1", "type": "simple", "mtu": 1400})

    assert [row["vnet"] for row in simulator.by_hand("GET", "/cluster/sdn/vnets")] == ["web"]


VNETS = {"web": {"tag": 100, "subnets": {"10.7.0.0/24": {"gateway": "10.7.0.1"}}}}
EVERY_TYPE = [
    {"type": "simple", "nodes": ["pve2", "pve1"], "dns": "pdns", "reversedns": "pdns", "dnszone": "lab.example.org"},
    {"type": "vlan", "bridge": "vmbr0", "bridge_disable_mac_learning": True, "vnets": VNETS},
    {"type": "qinq", "bridge": "vmbr0", "tag": 20, "vlan_protocol": "802.1ad", "mtu": 1496, "vnets": VNETS},
    {"type": "vxlan", "peers": ["192.0.2.3", "192.0.2.1"], "vxlan_port": 4790, "vnets": VNETS},
    {"type": "vxlan", "fabric": "under", "vnets": VNETS},
    {
        "type": "evpn",
        "controller": "evpn",
        "vrf_vxlan": 10,
        "exitnodes": ["pve3", "pve1"],
        "exitnodes_primary": "pve1",
        "advertise_subnets": True,
        "rt_import": ["65000:2", "65000:1"],
        "vnets": VNETS,
    },
]


@pytest.mark.parametrize("args", EVERY_TYPE, ids=lambda args: f"{args['type']}-{'fabric' in args}")
def test_every_type_of_zone_comes_up_changes_and_goes(cluster: Simulator, args: dict[str, Any]) -> None:
    for path, below in (
        ("dns", {"dns": "pdns", "type": "powerdns", "url": "https://ns.example.org", "key": "x"}),
        ("controllers", {"controller": "evpn", "type": "evpn", "asn": 65000, "peers": "192.0.2.1"}),
        ("fabrics/fabric", {"id": "under", "protocol": "ospf", "area": "0", "ip_prefix": "10.9.0.0/24"}),
    ):
        cluster.by_hand("POST", f"/cluster/sdn/{path}", below)
    cluster.by_hand("PUT", "/cluster/sdn")
    before = cluster.state()
    driver = Network(cluster).driver()

    driver.up({"zone": "z1", **args})
    assert driver.drift() == {}
    assert set(Network(cluster).status("pve1").values()) == {"available"}
    driver.up({"zone": "z1", **args, "mtu": 1300})
    assert driver.drift() == {}
    driver.delete()

    assert cluster.state() == before
