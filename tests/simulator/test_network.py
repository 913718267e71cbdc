"""The network of a node: what is refused, what is settled by itself, and what applying does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.topology import TopologyError, load
from tests.simulator.client import Answer, Client
from tests.simulator.conftest import own_client

NETWORK = "/nodes/pve1/network"
TOPOLOGY = """
datacenters:
  lab:
    clustered: false
    nodes:
      pve1: {ip: 192.0.2.10, nics: [eno1, eno2, eno3, eno4]}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso"}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a host with four network cards; its tests begin with a reset."""
    with own_client(tmp_path_factory.mktemp("network"), TOPOLOGY) as made:
        yield made


@pytest.fixture
def host(lab: Client) -> Client:
    lab.control("reset", {})
    return lab


def test_a_topology_with_a_wrong_network_card_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TOPOLOGY.replace("eno4", "'not a card'"), encoding="utf-8")
    with pytest.raises(TopologyError, match=r"datacenters\.lab\.nodes\.pve1\.nics: must be a list of names"):
        load(str(wrong))


def _create(host: Client, name: str, kind: str, **settings: Any) -> Answer:
    return host.call("POST", NETWORK, {"iface": name, "type": kind, **settings})


def _change(host: Client, name: str, kind: str, **settings: Any) -> Answer:
    return host.call("PUT", f"{NETWORK}/{name}", {"type": kind, **settings})


def _read(host: Client, name: str) -> dict[str, Any]:
    answer = host.call("GET", f"{NETWORK}/{name}")
    assert answer.status == 200, answer.body
    data: dict[str, Any] = answer.data
    return data


def _names(host: Client, **params: str) -> set[str]:
    return {row["iface"] for row in host.call("GET", NETWORK, params).data}


def _apply(host: Client) -> None:
    upid = host.call("PUT", NETWORK).data
    assert ":srvreload:networking:" in upid
    assert host.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"] == "OK"


def _assert_done(*answers: Answer) -> None:
    assert [answer.reason for answer in answers] == ["OK"] * len(answers)


@pytest.mark.parametrize(
    "mode", ["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"]
)
def test_a_bond_of_each_mode_reads_back_as_it_was_made(host: Client, mode: str) -> None:
    _assert_done(_create(host, "bond0", "bond", slaves="eno2 eno3", bond_mode=mode, autostart=1))
    _apply(host)
    bond = _read(host, "bond0")
    assert (bond["bond_mode"], bond["slaves"], bond["type"]) == (mode, "eno2 eno3", "bond")
    assert _read(host, "eno2")["autostart"] == 1


def test_the_hash_policy_is_kept_only_where_a_bond_uses_one(host: Client) -> None:
    _assert_done(_create(host, "bond0", "bond", slaves="eno2", bond_mode="802.3ad", bond_xmit_hash_policy="layer3+4"))
    assert _read(host, "bond0")["bond_xmit_hash_policy"] == "layer3+4"
    _assert_done(_change(host, "bond0", "bond", bond_mode="balance-rr"))
    assert "bond_xmit_hash_policy" not in _read(host, "bond0")


def test_the_primary_of_a_bond_must_be_one_of_its_slaves(host: Client) -> None:
    settings = {"slaves": "eno2 eno3", "bond_mode": "active-backup"}
    refused = _create(host, "bond0", "bond", **settings, **{"bond-primary": "eno4"})
    assert (refused.status, refused.reason) == (500, "bond 'bond0' - bond-primary interface is not a slave")
    _assert_done(_create(host, "bond0", "bond", **settings, **{"bond-primary": "eno3"}))
    assert _read(host, "bond0")["bond-primary"] == "eno3"


def test_a_vlan_aware_bridge_has_all_vlans_unless_some_are_named(host: Client) -> None:
    _assert_done(
        _create(host, "vmbr1", "bridge", bridge_vlan_aware=1),
        _create(host, "vmbr2", "bridge", bridge_vlan_aware=1, bridge_vids="2-10;20"),
    )
    assert _read(host, "vmbr1")["bridge_vids"] == "2-4094"
    assert _read(host, "vmbr2")["bridge_vids"] == "2-10 20"


def test_an_open_vswitch_bridge_turns_the_cards_that_it_names_into_ports(host: Client) -> None:
    _assert_done(_create(host, "vmbr1", "OVSBridge", ovs_ports="eno2", mtu=9000, autostart=1))
    port = _read(host, "eno2")
    assert (port["type"], port["ovs_bridge"]) == ("OVSPort", "vmbr1")
    assert _read(host, "vmbr1")["mtu"] == "9000"


def test_a_port_that_is_not_there_yet_can_not_be_named_by_its_bridge(host: Client) -> None:
    refused = _create(host, "vmbr1", "OVSBridge", ovs_ports="eno2 vlan7i")
    assert refused.reason == "OVS bridge 'vmbr1' - unable to find port 'vlan7i'"


def test_an_internal_port_joins_its_bridge_and_leaves_it(host: Client) -> None:
    _assert_done(
        _create(host, "vmbr1", "OVSBridge", ovs_ports="eno2", mtu=9000),
        _create(host, "vlan7i", "OVSIntPort", ovs_bridge="vmbr1", ovs_tag=7, cidr="10.7.0.1/24", mtu=9000),
    )
    assert _read(host, "vmbr1")["ovs_ports"] == "eno2 vlan7i"
    port = _read(host, "vlan7i")
    assert (port["ovs_tag"], port["cidr"], port["mtu"]) == ("7", "10.7.0.1/24", "9000")
    assert "ovs_options" not in port
    _assert_done(host.call("DELETE", f"{NETWORK}/vlan7i"))
    assert _read(host, "vmbr1")["ovs_ports"] == "eno2"


def test_a_port_can_not_have_a_larger_mtu_than_its_bridge(host: Client) -> None:
    _assert_done(_create(host, "vmbr1", "OVSBridge"))
    refused = _create(host, "vlan7i", "OVSIntPort", ovs_bridge="vmbr1", mtu=9000)
    assert refused.reason == "interface 'vmbr1' - mtu 1500 is lower than 'vlan7i' - mtu 9000"


def test_a_card_that_exists_can_not_be_created_as_a_port(host: Client) -> None:
    refused = _create(host, "eno2", "OVSPort", ovs_bridge="vmbr0")
    assert refused.body["errors"] == {"iface": "interface already exists"}


def test_a_port_that_is_in_no_bridge_is_a_card_again(host: Client) -> None:
    _assert_done(
        _create(host, "vmbr1", "OVSBridge", ovs_ports="eno2"),
        _change(host, "vmbr1", "OVSBridge", delete="ovs_ports"),
    )
    assert _read(host, "eno2")["type"] == "eth"


@pytest.mark.parametrize("mode", ["active-backup", "balance-slb", "lacp-balance-slb", "lacp-balance-tcp"])
def test_an_open_vswitch_bond_keeps_its_mode_and_tag(host: Client, mode: str) -> None:
    _assert_done(
        _create(host, "vmbr1", "OVSBridge"),
        _create(host, "bond0", "OVSBond", ovs_bridge="vmbr1", ovs_bonds="eno2 eno3", bond_mode=mode, ovs_tag=5),
    )
    bond = _read(host, "bond0")
    assert (bond["type"], bond["bond_mode"], bond["ovs_tag"]) == ("OVSBond", mode, "5")


def test_a_linux_bond_mode_is_refused_for_an_open_vswitch_bond(host: Client) -> None:
    _create(host, "vmbr1", "OVSBridge")
    refused = _create(host, "bond0", "OVSBond", ovs_bridge="vmbr1", ovs_bonds="eno2", bond_mode="802.3ad")
    assert refused.status == 500
    assert refused.reason.startswith("OVS does not support bond mode '802.3ad")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"name": "vlan7"}, "missing vlan-raw-device option"),
        ({"name": "storage", "vlan-raw-device": "eno2"}, "missing vlan-id option"),
        ({"name": "eno9.5"}, "vlan 'eno9.5' - unable to find parent 'eno9'"),
        ({"name": "eno2.4095"}, "vlan 'eno2.4095' - vlan-id 4095 should be <= 4094"),
    ],
)
def test_a_vlan_needs_a_parent_and_a_number(host: Client, settings: dict[str, Any], reason: str) -> None:
    assert _create(host, settings.pop("name"), "vlan", **settings).reason.startswith(reason)


def test_a_bridge_on_a_vlan_needs_no_interface_for_it(host: Client) -> None:
    _assert_done(_create(host, "vmbr1", "bridge", bridge_ports="eno2.30"))
    assert _read(host, "vmbr1")["bridge_ports"] == "eno2.30"


def test_a_card_with_an_address_can_not_be_bridged(host: Client) -> None:
    _assert_done(_change(host, "eno2", "eth", cidr="198.51.100.2/24"))
    refused = _create(host, "vmbr1", "bridge", bridge_ports="eno2")
    assert refused.reason == "iface eno2 - ip address can't be set on interface if bridged in vmbr1"


def test_there_is_one_default_gateway_for_each_address_family(host: Client) -> None:
    _assert_done(_create(host, "vmbr1", "bridge", cidr6="fd00::2/64", gateway6="fd00::1"))
    refused = _create(host, "vmbr2", "bridge", cidr6="fd01::2/64", gateway6="fd01::1")
    assert refused.body["errors"] == {"gateway6": "Default ipv6 gateway already exists on interface 'vmbr1'."}
    assert _read(host, "vmbr1")["families"] == ["inet6"]


def test_an_address_no_host_can_have_is_refused(host: Client) -> None:
    refused = _create(host, "vmbr1", "bridge", cidr6="ff02::1/64")
    assert refused.body["errors"]["address"].startswith("ff02::1 with type 'MULTICAST'")


def test_an_update_without_the_address_takes_it_away(host: Client) -> None:
    _assert_done(_create(host, "vmbr1", "bridge", cidr="198.51.100.2/24"), _change(host, "vmbr1", "bridge", mtu=1400))
    bridge = _read(host, "vmbr1")
    assert (bridge["method"], bridge["mtu"]) == ("manual", "1400")


def test_only_what_is_applied_is_up(host: Client) -> None:
    _assert_done(_create(host, "vmbr1", "bridge", autostart=1), _create(host, "vmbr2", "bridge"))
    assert "active" not in _read(host, "vmbr1")
    _apply(host)
    assert "changes" not in host.call("GET", NETWORK).body
    assert _read(host, "vmbr1")["active"] == 1
    assert "active" not in _read(host, "vmbr2")
    _assert_done(host.call("DELETE", f"{NETWORK}/vmbr1"))
    assert "-auto vmbr1\n" in host.call("GET", NETWORK).body["changes"]
    _apply(host)
    assert _names(host, type="any_bridge") == {"vmbr0", "vmbr2"}


def test_a_reload_that_fails_has_put_the_file_in_place_and_no_interface_up(host: Client) -> None:
    _create(host, "vmbr1", "bridge", autostart=1)
    host.control("task-faults", {"type": "srvreload", "text": "command 'ifreload -a' failed: exit code 1"})
    upid = host.call("PUT", NETWORK).data
    assert host.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"].startswith("command 'ifreload")
    assert "changes" not in host.call("GET", NETWORK).body
    assert "active" not in _read(host, "vmbr1")
    _apply(host)
    assert _read(host, "vmbr1")["active"] == 1


def test_a_reverted_change_never_was(host: Client) -> None:
    before = host.call("GET", NETWORK).body
    _assert_done(_change(host, "vmbr0", "bridge", comments="oops"), host.call("DELETE", NETWORK))
    assert host.call("GET", NETWORK).body == before


def test_virtual_networks_are_listed_beside_the_bridges(host: Client) -> None:
    host.call("POST", "/cluster/sdn/zones", {"zone": "z1", "type": "simple"})
    host.call("POST", "/cluster/sdn/vnets", {"vnet": "vnet1", "zone": "z1", "alias": "lab"})
    assert _names(host, type="any_bridge") == {"vmbr0"}
    host.call("PUT", "/cluster/sdn")
    assert _names(host, type="any_bridge") == {"vmbr0", "vnet1"}
    assert _names(host, type="any_local_bridge") == {"vmbr0"}
    assert host.call("GET", NETWORK, {"type": "vnet"}).data == [
        {"iface": "vnet1", "type": "vnet", "active": "1", "ipam": 0, "vlanaware": 0, "comments": "lab"}
    ]


def test_whoever_may_not_use_a_bridge_does_not_see_it(host: Client) -> None:
    host.call("POST", "/access/users", {"userid": "eve@pve", "password": "secret-of-eve"})
    host.login("eve@pve", "secret-of-eve")
    assert {row["iface"] for row in host.call("GET", NETWORK, as_user="eve@pve").data} == {
        "eno1", "eno2", "eno3", "eno4",
    }  # fmt: skip
    refused = host.call("GET", f"{NETWORK}/vmbr0", as_user="eve@pve")
    assert refused.reason == "Permission check failed (/nodes/pve1, Sys.Audit)"


def test_the_hosts_file_is_replaced_when_its_digest_is_the_current_one(host: Client) -> None:
    path = "/nodes/pve1/hosts"
    first = host.call("GET", path).data
    assert "192.0.2.10 pve1" in first["data"]
    assert host.call("POST", path, {"data": "x\n", "digest": "0" * 40}).status == 500
    _assert_done(host.call("POST", path, {"data": "127.0.0.1 localhost\n", "digest": first["digest"]}))
    assert host.call("GET", path).data["data"] == "127.0.0.1 localhost\n"
