"""The network between the nodes of a cluster is cut: each side sees the others as lost, one has the majority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Answer, Client
from tests.simulator.conftest import RECORDED_CLUSTER, client_of, started

GUESTS = """
      shr: {type: dir, path: /mnt/shared, content: "rootdir,images", shared: "1", size: 250G}
    guests:
      101: {type: qemu, node: pve3, config: {memory: "64"}, disks: {scsi0: "shr:1G"}}
"""
MINORITY = {"groups": [["pve3"], ["pve1", "pve2"]]}
ROUND = 5
READ_ONLY = "unable to open file '/etc/pve/nodes/pve3/qemu-server/101.conf.tmp."


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[list[Client]]:
    """A client of each node, at a moment between two rounds of the managers; the clock is held."""
    with started(tmp_path, RECORDED_CLUSTER.rstrip("\n") + GUESTS) as running:
        made = [client_of(running, number) for number in range(3)]
        now = made[0].control("clock", {"mode": "held"}).data["now"]
        made[0].control("clock", {"advance": 11 - now % 10})
        yield made
        for client in made:
            client.close()


def _wait(client: Client, seconds: int) -> None:
    for begun in range(0, seconds, ROUND):
        client.control("clock", {"advance": min(ROUND, seconds - begun)})


def _online(client: Client) -> list[str]:
    return [row["name"] for row in client.call("GET", "/cluster/status").data if row.get("online")]


def _quorate(client: Client) -> int:
    return int(client.call("GET", "/cluster/status").data[0]["quorate"])


def _status_of(client: Client, path: str) -> dict[str, Any]:
    return {row["node"]: row["status"] for row in client.call("GET", path).data if row["type"] == "node"}


def _refused(answer: Answer) -> str:
    assert answer.status == 500
    return answer.reason


def test_each_side_notices_after_seven_seconds_that_the_other_is_lost(clients: list[Client]) -> None:
    clients[0].control("partition", MINORITY)
    _wait(clients[0], 6)
    assert _online(clients[0]) == ["pve1", "pve2", "pve3"]
    _wait(clients[0], 1)
    assert (_online(clients[0]), _quorate(clients[0])) == (["pve1", "pve2"], 1)
    assert (_online(clients[2]), _quorate(clients[2])) == (["pve3"], 0)
    assert _status_of(clients[2], "/nodes") == {"pve1": "offline", "pve2": "offline", "pve3": "online"}
    assert _status_of(clients[0], "/cluster/resources?type=node")["pve3"] == "offline"


def test_calls_do_not_reach_the_other_side(clients: list[Client]) -> None:
    clients[0].control("partition", MINORITY)
    assert clients[0].call("GET", "/nodes/pve3/status").status == 595
    assert clients[2].call("GET", "/nodes/pve1/status").status == 595
    assert clients[2].call("GET", "/nodes/pve3/status").status == 200
    assert clients[0].call("GET", "/nodes/pve2/status").status == 200


def test_the_minority_may_look_but_not_write(clients: list[Client]) -> None:
    clients[0].control("partition", MINORITY)
    _wait(clients[0], 8)
    minority = clients[2]
    assert minority.call("GET", "/nodes/pve3/qemu/101/config").status == 200
    assert _refused(minority.call("PUT", "/nodes/pve3/qemu/101/config", {"memory": 65})).startswith(READ_ONLY)
    assert _refused(minority.call("POST", "/nodes/pve3/qemu", {"vmid": 300})) == "cluster not ready - no quorum?"
    lock = "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"
    assert _refused(minority.call("POST", "/pools", {"poolid": "p"})) == lock
    assert minority.login("root@pam", "benchpw").status == 200
    assert clients[1].call("POST", "/pools", {"poolid": "p"}).status == 200


def test_without_groups_all_nodes_hear_each_other_again(clients: list[Client]) -> None:
    clients[0].control("partition", {"groups": [["pve1"], ["pve2"], ["pve3"]]})
    _wait(clients[0], 8)
    assert [_quorate(client) for client in clients] == [0, 0, 0]
    clients[0].control("partition", {"groups": []})
    assert [_quorate(client) for client in clients] == [1, 1, 1]
    assert _status_of(clients[0], "/nodes") == {"pve1": "online", "pve2": "unknown", "pve3": "unknown"}
    _wait(clients[0], 10)
    assert _status_of(clients[0], "/nodes") == {"pve1": "online", "pve2": "online", "pve3": "online"}


def test_an_unknown_node_cannot_be_cut_off(clients: list[Client]) -> None:
    answer = clients[0].send(
        "POST", "/_sim/partition", headers={"X-Sim-Key": clients[0].control_key}, raw='{"groups": [["nope"]]}'
    )
    assert (answer.status, answer.body) == (400, {"error": "KeyError: 'nope'"})


def test_a_node_that_is_cut_off_restarts_and_the_majority_takes_its_guests(clients: list[Client]) -> None:
    assert clients[0].call("POST", "/cluster/ha/resources", {"sid": "vm:101"}).status == 200
    _wait(clients[0], 40)
    before = clients[2].call("GET", "/nodes/pve3/status").data["uptime"]
    clients[0].control("partition", MINORITY)
    _wait(clients[0], 80)
    assert clients[2].call("GET", "/nodes/pve3/status").data["uptime"] < before
    assert clients[2].call("GET", "/nodes/pve3/qemu/101/status/current").data["status"] == "stopped"
    _wait(clients[0], 80)
    rows = clients[0].call("GET", "/cluster/resources", {"type": "vm"}).data
    assert [(row["node"] in ("pve1", "pve2"), row["status"]) for row in rows] == [(True, "running")]


def test_the_majority_need_not_wait_for_a_node_that_held_no_lock(clients: list[Client]) -> None:
    clients[0].control("partition", MINORITY)
    _wait(clients[0], 8)
    clients[0].call("POST", "/cluster/ha/resources", {"sid": "vm:101"})
    _wait(clients[0], 100)
    rows = clients[0].call("GET", "/cluster/resources", {"type": "vm"}).data
    assert [row["node"] in ("pve1", "pve2") for row in rows] == [True]
