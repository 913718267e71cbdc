"""A host may be of an older release: it says so, has what was there then, and refuses what came later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import api, versions
from simulator.routing import ROUTES
from simulator.topology import TopologyError, load
from tests.simulator.client import Client
from tests.simulator.conftest import RECORDED_CLUSTER, own_client

assert api.__all__

OLD_CLUSTER = (
    RECORDED_CLUSTER.replace("    clustered: true\n", "    clustered: true\n    version: 8.4\n").rstrip("\n")
    + """
      shr: {type: dir, path: /mnt/shared, content: images, shared: "1", size: 250G}
    guests:
      101: {type: qemu, node: pve1, config: {memory: "64"}, disks: {scsi0: "shr:1G"}}
"""
)
GROUPS = "/cluster/ha/groups"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Client]:
    """A cluster of the older release."""
    with own_client(tmp_path, OLD_CLUSTER) as client:
        yield client


def test_an_older_host_says_of_which_release_it_is(old: Client) -> None:
    assert old.call("GET", "/version").data["release"] == "8.4"
    assert old.call("GET", "/nodes/pve2/version").data["version"].startswith("8.4.")
    status = old.call("GET", "/nodes/pve1/status").data
    assert status["pveversion"].startswith("pve-manager/8.4.")
    assert status["current-kernel"]["release"].startswith("6.8.")
    versions = {row["Package"]: row["OldVersion"] for row in old.call("GET", "/nodes/pve1/apt/versions").data}
    assert (versions["proxmox-ve"], versions["qemu-server"]) == ("8.4.0", "8.4.5")
    assert "token_coefficient" not in old.call("GET", "/cluster/config/totem").data


def test_methods_that_came_later_are_not_there(old: Client) -> None:
    for method, path in (
        ("GET", "/cluster/ha/rules"),
        ("GET", "/cluster/sdn/fabrics"),
        ("POST", "/cluster/sdn/lock"),
        ("GET", "/nodes/pve2/lxc/100/migrate"),
    ):
        answer = old.call(method, path)
        assert (answer.status, answer.reason) == (501, f"Method '{method} {path}' not implemented")
    assert old.call("GET", "/cluster/ha").data == [{"id": name} for name in ("status", "resources", "groups")]
    assert "bulk-action" not in [row["name"] for row in old.call("GET", "/cluster").data]


def test_parameters_that_came_later_are_unknown(old: Client) -> None:
    answer = old.call("POST", "/cluster/ha/resources", {"sid": "vm:101", "failback": 0})
    text = "property is not defined in schema and the schema does not allow additional properties"
    assert (answer.status, answer.body["errors"]) == (400, {"failback": text})
    assert old.call("PUT", "/nodes/pve1/config", {"location": "name=here"}).body["errors"] == {"location": text}
    assert old.call("PUT", "/cluster/options", {"consent-text": "mind the gap"}).status == 200


def test_groups_of_nodes_are_made_changed_and_removed(old: Client) -> None:
    assert old.call("POST", GROUPS, {"group": "g1", "nodes": "pve2:2,pve3", "restricted": 1}).status == 200
    again = old.call("POST", GROUPS, {"group": "g1", "nodes": "pve1"})
    assert again.reason == "create ha group failed: ha group ID 'g1' already defined"
    row = old.call("GET", f"{GROUPS}/g1").data
    assert (row["group"], row["type"], row["nodes"], row["restricted"]) == ("g1", "group", "pve2:2,pve3", 1)
    assert old.call("PUT", f"{GROUPS}/g1", {"comment": "three", "delete": "restricted"}).status == 200
    assert [set(row) for row in old.call("GET", GROUPS).data] == [{"group", "type", "nodes", "comment", "digest"}]
    stale = old.call("PUT", f"{GROUPS}/g1", {"comment": "x", "digest": "0" * 40})
    assert stale.reason.startswith("update ha group failed: detected modified configuration")
    assert old.call("PUT", f"{GROUPS}/nope", {}).reason == "update ha group failed: no such ha group 'nope'"
    required = old.call("PUT", f"{GROUPS}/g1", {"delete": "nodes"})
    assert required.reason == "update ha group failed: unable to delete required option 'nodes'"
    assert old.call("DELETE", f"{GROUPS}/g1").status == 200
    assert old.call("GET", f"{GROUPS}/g1").reason == "no such ha group 'g1'"


def test_a_resource_goes_where_its_group_says(old: Client) -> None:
    unknown = old.call("POST", "/cluster/ha/resources", {"sid": "vm:101", "group": "g1"})
    assert unknown.reason == "HA group 'g1' does not exist"
    old.call("POST", GROUPS, {"group": "g1", "nodes": "pve2:2,pve3", "restricted": 1})
    assert old.call("POST", "/cluster/ha/resources", {"sid": "vm:101", "group": "g1"}).status == 200
    row = old.call("GET", "/cluster/resources", {"type": "vm"}).data[0]
    assert (row["node"], row["status"]) == ("pve2", "running")
    used = old.call("DELETE", f"{GROUPS}/g1")
    assert used.reason == "delete ha group failed: ha group is used by service 'vm:101'"
    service = old.call("GET", "/cluster/ha/status/current").data[-1]
    assert (service["group"], "failback" in service) == ("g1", False)


def test_a_host_may_have_another_release_than_its_cluster(tmp_path: Path) -> None:
    path = tmp_path / "mixed.yaml"
    path.write_text(OLD_CLUSTER.replace("ip: 192.0.2.13}", "ip: 192.0.2.13, version: 9.2}"), encoding="utf-8")
    assert [node.version for node in load(str(path)).datacenters[0].nodes] == ["8.4", "8.4", "9.2"]
    path.write_text(OLD_CLUSTER.replace("8.4", "7.4"), encoding="utf-8")
    with pytest.raises(TopologyError, match=r"datacenters\.bench\.version: 7\.4 cannot be played"):
        load(str(path))


def test_the_newest_release_has_everything_and_the_oldest_lacks_methods_and_parameters() -> None:
    names = {route.name for route in ROUTES}
    assert all(versions.has_method(versions.NEWEST, name) for name in names)
    missing = {name for name in names if not versions.has_method("8.4", name)}
    assert {"GET /cluster/ha/rules", "GET /cluster/sdn/fabrics"} <= missing
    lacking = {
        name
        for name, declared in ((route.name, route.expanded) for route in ROUTES)
        if len(versions.parameters_of("8.4", name, declared)) < len(declared)
    }
    assert {"PUT /cluster/options", "POST /storage", "POST /nodes/{node}/lxc"} <= lacking
