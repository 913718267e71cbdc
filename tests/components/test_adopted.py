"""What a lab that was taken over tells of itself, by what its resources say."""

from __future__ import annotations

from typing import Any

from components.adopted_outputs import guest_facts, hosts_of, networks_of
from lab_outputs import Host, Network, Ssh

GUEST: dict[str, Any] = dict.fromkeys(("connection", "node", "net", "ipconfig", "ciuser", "pool", "tags")) | {
    "node": "pve1"
}
ZONE: dict[str, Any] = dict.fromkeys(("connection", "type", "mtu", "dnszone", "vnets"))


def test_a_host_is_reached_by_its_address_in_the_network_with_the_gateway() -> None:
    inside = {"type": "bridge", "cidr": "10.0.0.1/24"}
    outside = {"type": "bridge", "cidr": "192.0.2.11/24", "gateway": "192.0.2.1"}

    hosts = hosts_of([{**GUEST, "node": "pve2"}], [_node("pve1", {"vmbr1": inside, "vmbr0": outside})])

    assert hosts == {"pve1": Host(node="pve1", address="192.0.2.11"), "pve2": Host(node="pve2")}


def test_a_guest_tells_its_fixed_addresses_and_what_it_is_part_of() -> None:
    machine = {
        **GUEST,
        "net": {"net0": {"bridge": "vmbr0", "tag": 30.0}, "net1": {"bridge": "vn20"}, "net2": {}},
        "ipconfig": {"ipconfig0": {"ip": "dhcp", "ip6": "auto"}, "ipconfig1": {"ip": "10.1.0.5/24"}},
        "ciuser": "ann",
        "pool": "web",
        "tags": ["prod", "web"],
    }
    container = {**GUEST, "net": {"net0": {"bridge": "vmbr0", "ip": "manual", "ip6": "2001:db8::5/64"}}}

    assert guest_facts(machine) == {
        "host": "pve1",
        "nics": {"net0": ("vmbr0.30", None), "net1": ("vn20", "10.1.0.5"), "net2": (None, None)},
        "groups": ("web", "prod"),
        "ssh": Ssh(user="ann", address="10.1.0.5"),
    }
    assert guest_facts(container)["nics"] == {"net0": ("vmbr0", "2001:db8::5")}
    assert guest_facts(container)["ssh"] is None


def test_networks_are_bridges_vnets_and_the_vlans_that_guests_are_in() -> None:
    subnet = {"gateway": "10.1.0.1", "dhcp_range": [{"start_address": "10.1.0.50", "end_address": "10.1.0.99"}]}
    guest = {**GUEST, "net": {"net0": {"bridge": "vmbr0", "tag": 30}, "net1": {"bridge": "vmbr9"}}}
    nodes = [
        _node("pve1", {"vmbr0": {"type": "bridge", "cidr": "192.0.2.11/24", "mtu": 9000}, "eno1": {"type": "eth"}}),
        _node("pve2", {"vmbr0": {"type": "OVSBridge", "cidr": "192.0.2.12/24"}}),
    ]
    vlan = {**ZONE, "type": "vlan", "mtu": 1450, "dnszone": "example.org", "vnets": {"vn20": {"tag": 20}}}
    vxlan = {**ZONE, "type": "vxlan", "vnets": {"vn9": {"tag": 70000, "subnets": {"10.1.0.0/24": subnet}}}}

    assert networks_of([guest], nodes, [vlan, vxlan, {**ZONE, "type": "simple"}]) == {
        "vmbr0": Network(bridge="vmbr0", cidr="192.0.2.0/24"),
        "vmbr0.30": Network(bridge="vmbr0", vlan=30),
        "vmbr9": Network(bridge="vmbr9"),
        "vn20": Network(bridge="vn20", vnet=True, vlan=20, mtu=1450, domain="example.org"),
        "vn9": Network(
            bridge="vn9", vnet=True, cidr="10.1.0.0/24", gateway="10.1.0.1", dhcp=("10.1.0.50", "10.1.0.99")
        ),
    }


def test_where_there_are_several_connections_each_name_says_which() -> None:
    guest = {**GUEST, "connection": "alpha", "net": {"net0": {"bridge": "vmbr0"}}}
    alone = _node("beta", {"vmbr0": {"type": "bridge"}}) | {"connection": "beta"}

    assert list(hosts_of([guest], [alone])) == ["alpha-pve1", "beta"]
    assert list(networks_of([guest], [alone], [])) == ["alpha-vmbr0", "beta-vmbr0"]
    assert guest_facts(guest)["host"] == "alpha-pve1"
    assert guest_facts(guest)["nics"] == {"net0": ("alpha-vmbr0", None)}


def _node(name: str, interfaces: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"connection": None, "node": name, "interfaces": interfaces}
