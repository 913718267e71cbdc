"""The software-defined network: nothing takes effect before it is applied, and then node by node."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.client import Answer, Client

ZONES = "/cluster/sdn/zones"
VNETS = "/cluster/sdn/vnets"


def _ok(answer: Answer) -> Any:
    assert answer.status == 200, answer.reason
    return answer.data


def _network(client: Client, **zone: Any) -> None:
    """Make a zone with a virtual network and a subnet, not applied yet."""
    _ok(client.call("POST", ZONES, {"zone": "z1", "type": "simple", **zone}))
    _ok(client.call("POST", VNETS, {"vnet": "v1", "zone": "z1"}))
    subnet = {"subnet": "10.1.0.0/24", "type": "subnet", "gateway": "10.1.0.1"}
    _ok(client.call("POST", f"{VNETS}/v1/subnets", subnet))


def test_a_machine_starts_on_a_virtual_network_only_after_that_was_applied(client: Client) -> None:
    _network(client)
    _ok(client.call("POST", "/nodes/pve1/qemu", {"vmid": 150, "net0": "virtio,bridge=v1"}))
    upid = _ok(client.call("POST", "/nodes/pve1/qemu/150/status/start"))
    status = _ok(client.call("GET", f"/nodes/pve1/tasks/{upid}/status"))
    assert status["exitstatus"] == "bridge 'v1' does not exist"
    _ok(client.call("PUT", "/cluster/sdn"))
    _ok(client.call("POST", "/nodes/pve1/qemu/150/status/start"))
    ports = _ok(client.call("GET", "/nodes/pve1/sdn/zones/z1/bridges"))[0]["ports"]
    assert ports == [{"name": "tap150i0", "vmid": 150, "index": "net0"}]


def test_a_deleted_option_is_shown_as_deleted_until_it_is_applied(client: Client) -> None:
    _network(client, mtu=1400)
    _ok(client.call("PUT", "/cluster/sdn"))
    _ok(client.call("PUT", f"{ZONES}/z1", {"delete": "mtu"}))
    zone = _ok(client.call("GET", f"{ZONES}/z1", {"pending": 1}))
    assert (zone["mtu"], zone["state"], zone["pending"]) == (1400, "changed", {"mtu": "deleted"})
    _ok(client.call("POST", "/cluster/sdn/rollback"))
    assert _ok(client.call("GET", f"{ZONES}/z1"))["mtu"] == 1400


def test_applying_to_a_cluster_leaves_a_node_that_is_down_behind(cluster_client: Client) -> None:
    _network(cluster_client)
    cluster_client.control("nodes", {"node": "pve3", "online": False})
    upid = _ok(cluster_client.call("PUT", "/cluster/sdn"))
    assert _ok(cluster_client.call("GET", f"/nodes/pve1/tasks/{upid}/status"))["exitstatus"] == "OK"
    cluster_client.control("nodes", {"node": "pve3", "online": True})
    assert _ok(cluster_client.call("GET", "/nodes/pve2/sdn/zones")) == [{"zone": "z1", "status": "available"}]
    assert _ok(cluster_client.call("GET", "/nodes/pve3/sdn/zones")) == [{"zone": "z1", "status": "pending"}]
    _ok(cluster_client.call("PUT", "/cluster/sdn"))
    assert _ok(cluster_client.call("GET", "/nodes/pve3/sdn/zones")) == [{"zone": "z1", "status": "available"}]


def test_a_dry_run_shows_what_would_change_and_changes_nothing(client: Client) -> None:
    _network(client)
    text = _ok(client.call("GET", "/cluster/sdn/dry-run", {"node": "pve1"}))["interfaces-diff"]
    assert "+iface v1" in text
    assert "+\taddress 10.1.0.1/24" in text
    assert _ok(client.call("GET", f"{ZONES}", {"running": 1})) == []
    _ok(client.call("PUT", "/cluster/sdn"))
    assert _ok(client.call("GET", "/cluster/sdn/dry-run", {"node": "pve1"}))["interfaces-diff"] == ""


def test_only_who_holds_the_lock_may_change_the_network(client: Client) -> None:
    token = _ok(client.call("POST", "/cluster/sdn/lock"))
    refused = client.call("POST", ZONES, {"zone": "z1", "type": "simple"})
    assert (refused.status, "invalid lock token provided!" in refused.reason) == (500, True)
    _ok(client.call("POST", ZONES, {"zone": "z1", "type": "simple", "lock-token": token}))
    _ok(client.call("PUT", "/cluster/sdn", {"lock-token": token}))
    _ok(client.call("POST", ZONES, {"zone": "z2", "type": "simple"}))


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ({"type": "simple", "bridge": "vmbr0"}, "unexpected property 'bridge'"),
        ({"type": "qinq", "bridge": "vmbr0"}, "missing value for required option 'tag'"),
        ({"type": "evpn", "controller": "no", "vrf-vxlan": 1}, "controller no don't exist"),
        ({"type": "simple", "ipam": "no"}, "sdn 'no' does not exist"),
    ],
)
def test_a_zone_that_cannot_be_is_refused(client: Client, zone: dict[str, Any], text: str) -> None:
    refused = client.call("POST", ZONES, {"zone": "z1", **zone})
    assert (refused.status, refused.reason.endswith(text)) == (500, True), refused.reason


def test_a_gateway_outside_of_its_subnet_is_refused(client: Client) -> None:
    _network(client)
    subnet = {"subnet": "10.2.0.0/24", "type": "subnet", "gateway": "10.3.0.1"}
    refused = client.call("POST", f"{VNETS}/v1/subnets", subnet)
    assert refused.body["message"].endswith("gateway: 10.3.0.1 is not in subnet z1-10.2.0.0-24\n")


def test_addresses_are_given_out_once_and_keep_their_subnet_from_being_deleted(client: Client) -> None:
    _network(client, ipam="pve")
    entry = {"zone": "z1", "ip": "10.1.0.20", "mac": "02:00:00:00:00:01"}
    _ok(client.call("POST", f"{VNETS}/v1/ips", entry))
    assert client.call("POST", f"{VNETS}/v1/ips", entry).reason == "IP '10.1.0.20' already exist"
    _ok(client.call("PUT", f"{VNETS}/v1/ips", entry | {"ip": "10.1.0.21", "vmid": 150}))
    rows = _ok(client.call("GET", "/cluster/sdn/ipams/pve/status"))
    assert sorted((row["ip"], row.get("vmid"), row.get("gateway")) for row in rows) == [
        ("10.1.0.1", None, 1),
        ("10.1.0.21", "150", None),
    ]
    assert client.call("DELETE", f"{VNETS}/v1/subnets/z1-10.1.0.0-24").status == 500
    _ok(client.call("DELETE", f"{VNETS}/v1/ips", {"zone": "z1", "ip": "10.1.0.21"}))
    _ok(client.call("DELETE", f"{VNETS}/v1/subnets/z1-10.1.0.0-24"))
    assert client.call("POST", f"{VNETS}/v1/ips", entry).reason == "can't find any subnet for ip 10.1.0.20"


def test_a_fabric_has_its_nodes_and_takes_them_along_when_it_is_deleted(cluster_client: Client) -> None:
    client = cluster_client
    fabric = {"id": "fab", "protocol": "ospf", "area": "0", "ip_prefix": "10.9.0.0/24"}
    _ok(client.call("POST", "/cluster/sdn/fabrics/fabric", fabric))
    for number in (1, 2):
        node = {"node_id": f"pve{number}", "protocol": "ospf", "ip": f"10.9.0.{number}", "interfaces": ["name=eno1"]}
        _ok(client.call("POST", "/cluster/sdn/fabrics/node/fab", node))
    refused = client.call("POST", "/cluster/sdn/fabrics/node/fab", node | {"protocol": "openfabric"})
    assert refused.status == 500
    everything = _ok(client.call("GET", "/cluster/sdn/fabrics/all", {"pending": 1}))
    assert [row["state"] for row in everything["fabrics"] + everything["nodes"]] == ["new", "new", "new"]
    _ok(client.call("PUT", "/cluster/sdn"))
    neighbors = _ok(client.call("GET", "/nodes/pve1/sdn/fabrics/fab/neighbors"))
    assert [row["neighbor"] for row in neighbors] == ["pve2"]
    assert _ok(client.call("GET", "/cluster/sdn/fabrics/node/fab/pve1"))["interfaces"] == ["name=eno1"]
    _ok(client.call("DELETE", "/cluster/sdn/fabrics/fabric/fab"))
    assert _ok(client.call("GET", "/cluster/sdn/fabrics/all"))["nodes"] == []


def test_who_may_audit_one_zone_sees_that_one_only(client: Client) -> None:
    _network(client)
    _ok(client.call("POST", ZONES, {"zone": "z2", "type": "simple"}))
    _ok(client.call("POST", "/access/users", {"userid": "net@pve", "password": "netpassword"}))
    _ok(client.call("PUT", "/access/acl", {"path": "/sdn/zones/z1", "users": "net@pve", "roles": "PVESDNUser"}))
    client.login("net@pve", "netpassword")
    assert [row["zone"] for row in _ok(client.call("GET", ZONES, as_user="net@pve"))] == ["z1"]
    assert [row["vnet"] for row in _ok(client.call("GET", VNETS, as_user="net@pve"))] == ["v1"]
    refused = client.call("PUT", f"{VNETS}/v1", {"alias": "x"}, as_user="net@pve")
    assert (refused.status, refused.reason) == (403, "Permission check failed (/sdn/zones/z1/v1, SDN.Allocate)")
