"""The HA managers keep guests running: on the virtual clock, second by second, or at once on the immediate one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.conftest import RECORDED_CLUSTER, own_client

GUESTS = """
      pve3-own: {type: dir, path: /mnt/own, content: "rootdir,images", nodes: "pve3", size: 250G}
      shr: {type: dir, path: /mnt/shared, content: "rootdir,images", shared: "1", size: 250G}
    guests:
      101: {type: qemu, node: pve3, config: {memory: "64"}, disks: {scsi0: "shr:1G"}}
      102: {type: qemu, node: pve3, config: {memory: "64"}, disks: {scsi0: "local:1G"}}
      103: {type: qemu, node: pve3, config: {memory: "64"}, disks: {scsi0: "pve3-own:1G"}}
      104: {type: lxc, node: pve3, config: {memory: "64"}, disks: {rootfs: "pve3-own:1G"}}
      201: {type: lxc, node: pve2, config: {memory: "64"}, disks: {rootfs: "shr:1G"}}
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    """Three nodes with guests on a shared and a local storage, at a moment between two rounds."""
    with own_client(tmp_path, RECORDED_CLUSTER.rstrip("\n") + GUESTS) as client:
        now = client.control("clock", {"mode": "held"}).data["now"]
        client.control("clock", {"advance": 11 - now % 10})
        yield client


def _wait(client: Client, seconds: int) -> None:
    for _ in range(seconds):
        client.control("clock", {"advance": 1.0})


def _manage(client: Client, sid: str, **options: Any) -> None:
    assert client.call("POST", "/cluster/ha/resources", {"sid": sid, **options}).status == 200


def _service(client: Client, sid: str) -> tuple[str, str]:
    """Return node and state of a resource."""
    rows = client.call("GET", "/cluster/ha/status/current").data
    row = next(row for row in rows if row.get("sid") == sid)
    return row["node"], row["state"]


def _node_status(client: Client) -> dict[str, str]:
    status: dict[str, str] = client.call("GET", "/cluster/ha/status/manager_status").data["manager_status"][
        "node_status"
    ]
    return status


def test_a_resource_is_queued_then_starting_then_started(cluster: Client) -> None:
    _manage(cluster, "vm:101")
    assert _service(cluster, "vm:101") == ("pve3", "queued")
    _wait(cluster, 10)
    assert _service(cluster, "vm:101") == ("pve3", "starting")
    _wait(cluster, 20)
    assert _service(cluster, "vm:101") == ("pve3", "started")
    assert cluster.call("GET", "/nodes/pve3/qemu/101/status/current").data["ha"] == {"managed": 1, "state": "started"}


def test_guests_of_a_lost_node_are_fenced_after_a_minute_and_start_elsewhere_after_two(cluster: Client) -> None:
    _manage(cluster, "vm:101")
    _wait(cluster, 30)
    cluster.control("nodes", {"node": "pve3", "online": False})
    _wait(cluster, 20)
    assert _node_status(cluster)["pve3"] == "unknown"
    assert _service(cluster, "vm:101") == ("pve3", "started")
    _wait(cluster, 50)
    assert _node_status(cluster)["pve3"] == "fence"
    assert _service(cluster, "vm:101") == ("pve3", "fence")
    _wait(cluster, 60)
    assert _service(cluster, "vm:101")[0] in ("pve1", "pve2")
    assert _node_status(cluster)["pve3"] == "unknown"
    _wait(cluster, 20)
    node, state = _service(cluster, "vm:101")
    assert state == "started"
    assert cluster.call("GET", f"/nodes/{node}/qemu/101/status/current").data["status"] == "running"
    cluster.control("nodes", {"node": "pve3", "online": True})
    _wait(cluster, 11)
    assert _node_status(cluster)["pve3"] == "online"
    assert _service(cluster, "vm:101") == (node, "started")


def test_on_the_immediate_clock_a_lost_nodes_guests_run_elsewhere_at_once(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101")
    assert _service(cluster, "vm:101") == ("pve3", "started")
    cluster.control("nodes", {"node": "pve3", "online": False})
    node, state = _service(cluster, "vm:101")
    assert (node in ("pve1", "pve2"), state) == (True, "started")


def test_a_machine_that_ha_has_brought_elsewhere_gets_its_cloud_init_drive_made_anew(cluster: Client) -> None:
    own = {"storage": "own", "type": "dir", "path": "/srv/own", "content": "images"}
    assert cluster.call("POST", "/storage", own).status == 200
    assert cluster.call("PUT", "/nodes/pve3/qemu/101/config", {"ide2": "own:cloudinit"}).status == 200
    _manage(cluster, "vm:101")
    cluster.control("clock", {"mode": "immediate"})
    cluster.control("nodes", {"node": "pve3", "online": False})
    node, state = _service(cluster, "vm:101")
    assert (node != "pve3", state) == (True, "started")
    volumes = cluster.call("GET", f"/nodes/{node}/storage/own/content").data
    assert ["cloudinit" in row["volid"] for row in volumes] == [True]


def test_on_the_timed_clock_the_rounds_follow_each_other_by_themselves(cluster: Client) -> None:
    cluster.control("clock", {"mode": "timed", "speed": 100.0})
    _manage(cluster, "vm:101")
    deadline = time.monotonic() + 20
    while _service(cluster, "vm:101") != ("pve3", "started") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _service(cluster, "vm:101") == ("pve3", "started")


def test_a_guest_whose_disk_was_lost_is_tried_as_often_as_it_may_and_ends_in_error(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:102", max_restart=1, max_relocate=1)
    assert _service(cluster, "vm:102") == ("pve3", "started")
    cluster.control("nodes", {"node": "pve3", "online": False})
    assert _service(cluster, "vm:102")[1] == "error"
    starts = [task for task in cluster.call("GET", "/cluster/tasks").data if task["type"] == "qmstart"]
    assert len([task for task in starts if task["status"] != "OK"]) == 4
    refused = cluster.call("PUT", "/cluster/ha/resources/vm:102", {"state": "started"})
    assert refused.reason == "service 'vm:102' in error state, must be disabled and fixed first"
    cluster.call("PUT", "/cluster/ha/resources/vm:102", {"state": "disabled"})
    assert _service(cluster, "vm:102")[1] == "disabled"


def _pin(client: Client, sid: str, node: str) -> None:
    rule = {"rule": "pinned", "type": "node-affinity", "nodes": node, "resources": sid, "strict": 1}
    assert client.call("POST", "/cluster/ha/rules", rule).status == 200


def _tasks(client: Client, kind: str) -> list[str]:
    return [task["status"] for task in client.call("GET", "/cluster/tasks").data if task["type"] == kind]


def test_a_running_machine_that_a_strict_rule_sends_elsewhere_takes_its_local_disks_along(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:102")
    _pin(cluster, "vm:102", "pve1")
    assert _service(cluster, "vm:102") == ("pve1", "started")
    assert _tasks(cluster, "qmigrate") == ["OK"]
    assert cluster.call("GET", "/nodes/pve1/qemu/102/status/current").data["status"] == "running"


def test_a_move_that_cannot_succeed_is_tried_again_as_time_passes_and_the_guest_stays_on(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101")
    _manage(cluster, "vm:103")
    _pin(cluster, "vm:103", "pve1")
    assert _service(cluster, "vm:103")[0] == "pve3"
    assert cluster.call("GET", "/nodes/pve3/qemu/103/status/current").data["status"] == "running"
    cluster.control("nodes", {"node": "pve2", "online": False})
    assert _service(cluster, "vm:103")[0] == "pve3"
    assert cluster.call("POST", "/cluster/ha/resources/vm:101/migrate", {"node": "pve1"}).status == 200
    assert _service(cluster, "vm:101") == ("pve1", "started")
    assert cluster.call("PUT", "/storage/pve3-own", {"nodes": "pve1,pve3"}).status == 200
    cluster.control("clock", {"advance": 1000})
    assert _service(cluster, "vm:103") == ("pve1", "started")
    assert _tasks(cluster, "qmigrate") == ["OK", "OK"]


def test_a_container_that_cannot_be_moved_where_it_belongs_stays_shut_down_for_the_move(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "ct:104")
    _pin(cluster, "ct:104", "pve1")
    assert _service(cluster, "ct:104") == ("pve3", "relocate")
    assert cluster.call("GET", "/nodes/pve3/lxc/104/status/current").data["status"] == "stopped"
    assert cluster.call("DELETE", "/cluster/ha/rules/pinned").status == 200
    assert _service(cluster, "ct:104") == ("pve3", "started")
    assert cluster.call("GET", "/nodes/pve3/lxc/104/status/current").data["status"] == "running"


def test_on_the_timed_clock_a_move_that_cannot_succeed_is_tried_every_ten_seconds(cluster: Client) -> None:
    _manage(cluster, "vm:103")
    _wait(cluster, 30)
    _pin(cluster, "vm:103", "pve1")
    states = []
    for _ in range(30):
        _wait(cluster, 10)
        states.append(_service(cluster, "vm:103"))
    assert set(states) == {("pve3", "migrate")}
    assert cluster.call("PUT", "/storage/pve3-own", {"nodes": "pve1,pve3"}).status == 200
    _wait(cluster, 60)
    assert _service(cluster, "vm:103") == ("pve1", "started")


def test_a_node_in_maintenance_hands_its_guests_over_and_gets_them_back(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101")
    cluster.control("maintenance", {"node": "pve3", "maintenance": True})
    assert _service(cluster, "vm:101") == ("pve1", "started")
    assert _node_status(cluster)["pve3"] == "maintenance"
    rows = cluster.call("GET", "/cluster/resources", {"type": "node"}).data
    assert {row["node"]: row["hastate"] for row in rows}["pve3"] == "maintenance"
    cluster.control("maintenance", {"node": "pve3", "maintenance": False})
    assert _service(cluster, "vm:101") == ("pve3", "started")


def test_a_managed_container_moves_by_being_shut_down_and_started_again(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "ct:201")
    assert _service(cluster, "ct:201") == ("pve2", "started")
    answer = cluster.call("POST", "/cluster/ha/resources/ct:201/migrate", {"node": "pve1"})
    assert answer.data == {"sid": "ct:201", "requested-node": "pve1"}
    assert _service(cluster, "ct:201") == ("pve1", "started")
    kinds = [task["type"] for task in cluster.call("GET", "/cluster/tasks").data if task["id"] == "201"]
    assert {"vzshutdown", "vzmigrate", "vzstart"} <= set(kinds)


def test_resources_with_positive_affinity_follow_each_other(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101")
    _manage(cluster, "ct:201")
    rule = {"rule": "together", "type": "resource-affinity", "affinity": "positive", "resources": "vm:101,ct:201"}
    assert cluster.call("POST", "/cluster/ha/rules", rule).status == 200
    assert _service(cluster, "vm:101")[0] == _service(cluster, "ct:201")[0]
    node = next(name for name in ("pve1", "pve2", "pve3") if name != _service(cluster, "vm:101")[0])
    answer = cluster.call("POST", "/cluster/ha/resources/vm:101/migrate", {"node": node})
    assert answer.data["comigrated-resources"] == ["ct:201"]
    assert (_service(cluster, "vm:101"), _service(cluster, "ct:201")) == ((node, "started"), (node, "started"))


def test_another_node_becomes_master_when_the_masters_lock_has_expired(cluster: Client) -> None:
    _manage(cluster, "vm:101")
    _wait(cluster, 30)
    cluster.control("nodes", {"node": "pve1", "online": False})
    other = Client(cluster.connection, node=1, password=cluster.password, control_key=cluster.control_key)
    _wait(other, 140)
    assert other.call("GET", "/cluster/ha/status/manager_status").data["manager_status"]["master_node"] == "pve2"
    other.close()


def test_a_disarmed_cluster_leaves_its_guests_alone(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101")
    cluster.call("POST", "/cluster/ha/status/disarm-ha", {"resource-mode": "freeze"})
    assert _service(cluster, "vm:101")[1] == "freeze"
    cluster.call("PUT", "/cluster/ha/resources/vm:101", {"state": "stopped"})
    assert cluster.call("GET", "/nodes/pve3/qemu/101/status/current").data["status"] == "running"
    cluster.call("POST", "/cluster/ha/status/arm-ha")
    assert cluster.call("GET", "/nodes/pve3/qemu/101/status/current").data["status"] == "stopped"


def test_stopping_a_managed_guest_keeps_it_stopped_and_starting_it_again_is_a_request_too(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101")
    assert ":hastop:101:" in cluster.call("POST", "/nodes/pve3/qemu/101/status/stop").data
    assert cluster.call("GET", "/cluster/ha/resources/vm:101").data["state"] == "stopped"
    assert _service(cluster, "vm:101") == ("pve3", "stopped")
    assert ":hastart:101:" in cluster.call("POST", "/nodes/pve3/qemu/101/status/start").data
    assert _service(cluster, "vm:101") == ("pve3", "started")


def test_deleting_a_resource_takes_it_out_of_its_rules(cluster: Client) -> None:
    _manage(cluster, "vm:101")
    rule = {"rule": "here", "type": "node-affinity", "nodes": "pve3", "resources": "vm:101"}
    assert cluster.call("POST", "/cluster/ha/rules", rule).status == 200
    assert cluster.call("DELETE", "/cluster/ha/resources/vm:101").status == 200
    assert cluster.call("GET", "/cluster/ha/rules").data == []


def test_purging_a_guest_ends_its_management(cluster: Client) -> None:
    cluster.control("clock", {"mode": "immediate"})
    _manage(cluster, "vm:101", state="stopped")
    refused = cluster.call("DELETE", "/nodes/pve3/qemu/101")
    assert refused.reason == "unable to remove VM 101 - used in HA resources and purge parameter not set."
    assert cluster.call("DELETE", "/nodes/pve3/qemu/101", {"purge": 1}).status == 200
    assert cluster.call("GET", "/cluster/ha/resources").data == []
    assert not [row for row in cluster.call("GET", "/cluster/ha/status/current").data if row["type"] == "service"]


def test_without_quorum_nothing_is_recovered_and_requests_are_refused(cluster: Client) -> None:
    _manage(cluster, "vm:101")
    _wait(cluster, 30)
    for node in ("pve2", "pve3"):
        cluster.control("nodes", {"node": node, "online": False})
    _wait(cluster, 200)
    assert _service(cluster, "vm:101")[0] == "pve3"
    refused = cluster.call("POST", "/cluster/ha/resources", {"sid": "vm:102"})
    assert (refused.status, refused.reason) == (500, "cluster not ready - no quorum?")
