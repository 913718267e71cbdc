"""Every kind of interface as the file has it, up to a host whose only bridge is one of Open vSwitch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.conftest import own_client
from tests.simulator.node_bench import data, ended

NETWORK = "/nodes/pve1/network"
FILE = "/etc/network/interfaces"
TOPOLOGY = """
datacenters:
  lab:
    clustered: false
    nodes:
      pve1: {ip: 192.0.2.10, nics: [eno1, eno2, eno3, eno4, ens1f0, ens1f1]}
    bridges: []
    storages:
      local: {type: dir, path: /var/lib/vz, content: "iso"}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a host without any bridge; its tests begin with a reset."""
    with own_client(tmp_path_factory.mktemp("kinds"), TOPOLOGY) as made:
        yield made


@pytest.fixture
def host(lab: Client) -> Client:
    lab.control("reset", {})
    return lab


def _create(host: Client, name: str, kind: str, **settings: Any) -> None:
    data(host.call("POST", NETWORK, {"iface": name, "type": kind, **settings}))


def _read(host: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = data(host.call("GET", f"{NETWORK}/{name}"))
    return found


def _stanza(host: Client, name: str) -> list[str]:
    """Apply what is staged and return the lines of an interface in the file."""
    assert ended(host, host.call("PUT", NETWORK)) == "OK"
    text = data(host.call("GET", "/nodes/pve1/report")).partition(f"# cat {FILE}\n")[2]
    lines: list[str] = text.partition(f"iface {name} ")[2].partition("\n\n")[0].split("\n")
    return [line.strip() for line in lines[1:]]


@pytest.mark.parametrize(
    ("mode", "more", "written"),
    [
        ("balance-rr", {}, []),
        ("active-backup", {"bond-primary": "eno3"}, ["bond-primary eno3"]),
        ("balance-xor", {"bond_xmit_hash_policy": "layer2+3"}, ["bond-xmit-hash-policy layer2+3"]),
        ("broadcast", {"bond_xmit_hash_policy": "layer2"}, []),
        ("802.3ad", {"bond_xmit_hash_policy": "layer3+4"}, ["bond-xmit-hash-policy layer3+4"]),
        ("balance-tlb", {"bond-primary": "eno3"}, []),
        ("balance-alb", {"mtu": 9000}, ["mtu 9000"]),
    ],
)
def test_a_bond_is_written_with_what_its_mode_uses(
    host: Client, mode: str, more: dict[str, Any], written: list[str]
) -> None:
    _create(host, "bond0", "bond", slaves="eno2 eno3", bond_mode=mode, autostart=1, **more)
    assert _read(host, "bond0")["bond_miimon"] == "100"
    expected = ["bond-slaves eno2 eno3", "bond-miimon 100", f"bond-mode {mode}", *written]
    assert _stanza(host, "bond0") == expected


def test_the_interval_in_which_a_bond_is_watched_is_kept(host: Client) -> None:
    bond = "\tbond-slaves eno2\n\tbond-miimon 50\n\tbond-mode active-backup\n"
    text = f"iface eno2 inet manual\n\niface bond0 inet manual\n{bond}"
    host.control("seed", {"table": "files", "records": [{"node": "pve1", "path": FILE, "text": text, "changed": 0}]})
    data(host.call("PUT", f"{NETWORK}/bond0", {"type": "bond", "bond_mode": "802.3ad"}))
    assert _stanza(host, "bond0") == ["bond-slaves eno2", "bond-miimon 50", "bond-mode 802.3ad"]


def test_a_vlan_aware_bridge_is_written_with_its_vlans(host: Client) -> None:
    _create(host, "vmbr0", "bridge", bridge_ports="eno1", bridge_vlan_aware=1, bridge_vids="2-10 20", autostart=1)
    assert _stanza(host, "vmbr0") == [
        "bridge-ports eno1", "bridge-stp off", "bridge-fd 0", "bridge-vlan-aware yes", "bridge-vids 2-10 20",
    ]  # fmt: skip


@pytest.mark.parametrize("vids", ["1", "4095", "10-5", "a"])
def test_vlans_that_no_bridge_has_are_refused(host: Client, vids: str) -> None:
    refused = host.call(
        "POST", NETWORK, {"iface": "vmbr0", "type": "bridge", "bridge_vlan_aware": 1, "bridge_vids": vids}
    )
    assert refused.body["errors"].keys() == {"bridge_vids"}


def test_an_alias_has_an_address_of_its_own(host: Client) -> None:
    _create(host, "eno2:1", "alias", cidr="198.51.100.9/24", autostart=1)
    alias = _read(host, "eno2:1")
    assert (alias["type"], alias["cidr"], alias["method"]) == ("alias", "198.51.100.9/24", "static")
    assert [row["iface"] for row in data(host.call("GET", NETWORK, {"type": "alias"}))] == ["eno2:1"]
    assert _stanza(host, "eno2:1") == ["address 198.51.100.9/24"]


def test_a_vlan_is_named_after_its_parent_or_names_it(host: Client) -> None:
    _create(host, "bond0", "bond", slaves="eno2", mtu=9000)
    refused = host.call("POST", NETWORK, {"iface": "bond0.7", "type": "vlan", "mtu": 9001})
    assert refused.reason == "interface 'bond0' - mtu 9000 is lower than 'bond0.7' - mtu 9001"
    _create(host, "bond0.7", "vlan", cidr="10.7.0.1/24", mtu=9000)
    _create(host, "storage", "vlan", **{"vlan-raw-device": "bond0", "vlan-id": 8})
    assert (_read(host, "bond0.7")["vlan-id"], _read(host, "bond0.7")["vlan-raw-device"]) == ("7", "bond0")
    assert _stanza(host, "storage") == ["vlan-id 8", "vlan-raw-device bond0"]


def test_the_ports_of_a_bridge_must_be_there_and_be_free(host: Client) -> None:
    missing = host.call("POST", NETWORK, {"iface": "vmbr0", "type": "bridge", "bridge_ports": "eno9"})
    assert missing.reason == "bridge 'vmbr0' - unable to find bridge port 'eno9'"
    _create(host, "vmbr0", "bridge", bridge_ports="eno1")
    taken = host.call("POST", NETWORK, {"iface": "bond0", "type": "bond", "slaves": "eno2 eno1"})
    assert taken.body["errors"] == {"slaves": "eno1 is already used on interface 'vmbr0'."}


def test_there_is_one_default_gateway(host: Client) -> None:
    _create(host, "vmbr0", "bridge", cidr="192.0.2.10/24", gateway="192.0.2.1")
    second = {"iface": "vmbr1", "type": "bridge", "cidr": "198.51.100.2/24", "gateway": "198.51.100.1"}
    refused = host.call("POST", NETWORK, second)
    assert refused.body["errors"] == {"gateway": "Default gateway already exists on interface 'vmbr0'."}


def test_an_internal_port_needs_a_bridge_of_open_vswitch(host: Client) -> None:
    _create(host, "vmbr0", "bridge")
    for bridge, text in (
        ({}, "parameter is required"),
        ({"ovs_bridge": "vmbr9"}, "bridge 'vmbr9' does not exist"),
        ({"ovs_bridge": "vmbr0"}, "interface 'vmbr0' is no OVS bridge"),
    ):
        refused = host.call("POST", NETWORK, {"iface": "vlan7i", "type": "OVSIntPort", **bridge})
        assert refused.body["errors"] == {"ovs_bridge": text}


def test_a_host_whose_only_bridge_is_one_of_open_vswitch(host: Client) -> None:
    _create(host, "vmbr0", "OVSBridge", ovs_ports="ens1f0", mtu=9000, autostart=1, comments="Web Management")
    for tag in (7, 8, 10, 18):
        address = f"10.{tag}.0.1/24"
        _create(host, f"vlan{tag}i", "OVSIntPort", ovs_bridge="vmbr0", ovs_tag=tag, cidr=address, mtu=9000)
    outside = {"cidr": "203.0.113.111/24", "gateway": "203.0.113.1", "mtu": 9000}
    _create(host, "outside", "OVSIntPort", ovs_bridge="vmbr0", **outside)
    assert _read(host, "vmbr0")["ovs_ports"] == "ens1f0 vlan7i vlan8i vlan10i vlan18i outside"
    assert _stanza(host, "vlan7i") == [
        "address 10.7.0.1/24", "ovs_type OVSIntPort", "ovs_bridge vmbr0", "ovs_mtu 9000", "ovs_options tag=7",
    ]  # fmt: skip
    port = _read(host, "vlan7i")
    assert (port["ovs_tag"], port["mtu"], port["active"]) == ("7", "9000", 1)
    assert "ovs_options" not in port
    assert _read(host, "ens1f0")["type"] == "OVSPort"
    assert {_read(host, name)["type"] for name in ("eno1", "eno4", "ens1f1")} == {"eth"}
    assert _stanza(host, "vmbr0") == [
        "ovs_type OVSBridge", "ovs_ports ens1f0 vlan7i vlan8i vlan10i vlan18i outside", "ovs_mtu 9000",
        "#Web Management",
    ]  # fmt: skip


def test_a_line_that_only_a_person_can_write_outlives_a_change(host: Client) -> None:
    _create(host, "vmbr0", "OVSBridge", ovs_ports="ens1f0", mtu=9000)
    _create(host, "vlan6i", "OVSIntPort", ovs_bridge="vmbr0", mtu=9000)
    assert _stanza(host, "vlan6i")[-1] == "ovs_mtu 9000"
    extra = "ovs_extra set interface ${IFACE} external-ids:iface-id=pve1-vlan6i-vif"
    text = data(host.call("GET", "/nodes/pve1/report")).partition(f"# cat {FILE}\n\n")[2].partition("\n# cat")[0]
    text = text.replace("iface vlan6i inet manual\n", f"iface vlan6i inet manual\n\t{extra}\n")
    host.control("seed", {"table": "files", "records": [{"node": "pve1", "path": FILE, "text": text, "changed": 0}]})
    settings = {"type": "OVSIntPort", "ovs_bridge": "vmbr0", "cidr": "10.6.0.1/24", "mtu": 9000}
    data(host.call("PUT", f"{NETWORK}/vlan6i", settings))
    assert extra in _stanza(host, "vlan6i")
    refused = host.call("PUT", f"{NETWORK}/vlan6i", {**settings, "ovs_extra": extra})
    assert refused.body["errors"].keys() == {"ovs_extra"}
