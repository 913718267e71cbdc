"""The control plane breaks things on purpose, and puts everything back."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from simulator.daemon import DaemonError
from tests.conftest import Simulator
from tests.simulator.client import Client
from tests.simulator.conftest import client_of


def test_without_its_key_the_control_plane_refuses(client: Client) -> None:
    assert client.send("GET", "/_sim/state", headers={}).status == 403
    assert client.send("POST", "/_sim/reset", headers={"X-Sim-Key": "wrong"}).status == 403


def test_an_unknown_command_and_a_wrong_body_are_answered(simulator: Simulator) -> None:
    with pytest.raises(DaemonError, match="no such command"):
        simulator.control("GET", "nosuch")
    with pytest.raises(DaemonError, match="action must be one of"):
        simulator.fail(action="explode")
    with pytest.raises(DaemonError, match="mode must be one of"):
        simulator.control("POST", "clock", {"mode": "backwards"})


def test_the_nth_matching_call_fails_and_only_that(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="fail", method="GET", path="/pools", nth=2, status=503, reason="try later")
    answers = [client.call("GET", "/pools") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 503, 200]
    assert answers[1].reason == "try later"
    assert client.call("GET", "/version").status == 200


def test_a_failed_call_changes_nothing(client: Client, simulator: Simulator) -> None:
    before = simulator.state()
    simulator.fail(action="fail", method="POST", path="/pools")
    assert client.call("POST", "/pools", {"poolid": "a"}).status == 500
    assert simulator.state() == before


def test_a_connection_can_be_dropped(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="drop", path="/version")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.call("GET", "/version")
    assert client.call("GET", "/version").status == 200


def test_a_call_can_be_delayed_while_others_go_on(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="delay", path="/version", seconds=0.4)
    started = time.monotonic()
    assert client.call("GET", "/nodes").status == 200
    assert time.monotonic() - started < 0.4
    client.call("GET", "/version")
    assert time.monotonic() - started >= 0.4


def test_a_call_that_is_held_up_over_a_reset_never_happens(client: Client, simulator: Simulator) -> None:
    simulator.fail(action="delay", method="POST", path="/pools", seconds=0.5)

    def late() -> None:
        with pytest.raises(requests.exceptions.ConnectionError):
            client.call("POST", "/pools", {"poolid": "late"})

    caller = threading.Thread(target=late)
    caller.start()
    while not [fault for fault in simulator.control("GET", "faults") if fault["seen"]]:
        time.sleep(0.01)
    simulator.control("POST", "reset")
    simulator.forget_requests()
    caller.join()

    assert simulator.by_hand("GET", "/pools") == []
    assert [row for row in simulator.requests() if row["method"] == "POST"] == []


def test_calls_of_a_node_that_is_down_are_595_and_its_port_is_dead(cluster: Simulator) -> None:
    first, third = client_of(cluster.running, 0), client_of(cluster.running, 2)
    cluster.control("POST", "nodes", {"node": "pve3", "online": False})
    answer = first.call("GET", "/nodes/pve3/status")
    assert (answer.status, answer.reason, answer.body) == (595, "No route to host", {"_raw": ""})
    assert first.call("GET", "/nodes/pve3").status == 200
    with pytest.raises(requests.exceptions.ConnectionError):
        third.call("GET", "/version")
    rows = {row["name"]: row["online"] for row in first.call("GET", "/cluster/status").data if row["type"] == "node"}
    assert rows == {"pve1": 1, "pve2": 1, "pve3": 0}
    cluster.control("POST", "nodes", {"node": "pve3", "online": True})
    assert first.call("GET", "/nodes/pve3/status").status == 200
    first.close()
    third.close()


def test_a_majority_that_is_down_takes_quorum_away(cluster: Simulator, cluster_client: Client) -> None:
    for node in ("pve2", "pve3"):
        cluster.control("POST", "nodes", {"node": node, "online": False})
    assert cluster_client.call("GET", "/cluster/status").data[0]["quorate"] == 0


def test_a_storage_can_be_filled_up(client: Client, simulator: Simulator) -> None:
    simulator.control("POST", "storages", {"storage": "local-lvm", "free": 1024})
    rows = client.call("GET", "/cluster/resources", {"type": "storage"}).data
    row = next(row for row in rows if row["storage"] == "local-lvm")
    assert row["maxdisk"] - row["disk"] == 1024


def test_a_guest_can_be_locked_and_unlocked(client: Client, simulator: Simulator) -> None:
    def lock() -> str | None:
        rows = client.call("GET", "/cluster/resources", {"type": "vm"}).data
        found: str | None = next(row for row in rows if row["vmid"] == 9000).get("lock")
        return found

    simulator.control("POST", "guests", {"vmid": 9000, "lock": "backup"})
    assert lock() == "backup"
    simulator.control("POST", "guests", {"vmid": 9000, "lock": None})
    assert lock() is None


def test_seeded_records_are_as_if_they_had_always_been_there(client: Client, simulator: Simulator) -> None:
    guests = [{"vmid": vmid, "type": "lxc", "node": "pve1", "config": {"hostname": f"ct{vmid}"}} for vmid in (101, 102)]
    simulator.control("POST", "seed", {"table": "guests", "records": guests})
    rows = client.call("GET", "/cluster/resources", {"type": "vm"}).data
    assert {row["name"] for row in rows} >= {"ct101", "ct102"}
    assert client.call("GET", "/cluster/nextid").data == "100"


def test_reset_brings_the_topology_back_and_keeps_addresses_and_secrets(client: Client, simulator: Simulator) -> None:
    before = simulator.state()
    client.call("POST", "/pools", {"poolid": "a"})
    client.call("POST", "/access/users", {"userid": "a@pve"})
    simulator.fail(action="fail")
    simulator.control("POST", "reset")
    after = simulator.state()
    for state in (before, after):
        for guest in state["pve"]["guests"].values():
            for name in ("meta", "smbios1", "vmgenid"):
                del guest["config"][name]
    assert after == before
    assert client.call("GET", "/version").status == 200
