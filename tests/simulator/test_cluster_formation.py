"""Hosts become a cluster and leave it again, as the real Proxmox VE was recorded to do it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from simulator import daemon
from tests.simulator.client import Answer, Client
from tests.simulator.comparing import difference
from tests.simulator.oracles import recordings

HOSTS = ("pve1", "pve2", "pve3")
TOPOLOGY = "password: benchpw\ndatacenters:\n" + "".join(
    f"""
  {name}:
    nodes:
      {name}: {{cpus: 2, memory: 24G, disk: 250G, ip: 192.0.2.1{number}}}
    storages:
      local: {{type: dir, path: /var/lib/vz, content: "iso,vztmpl,backup", size: 250G}}
      local-lvm: {{type: dir, path: /var/lib/vz-lvm, content: "rootdir,images", size: 250G}}
"""
    for number, name in enumerate(HOSTS, 1)
)
ROOT = "root@pam"
_FINGERPRINT = re.compile(r"(?!AA:AA)(?:[0-9A-F]{2}:){31}[0-9A-F]{2}")


@dataclass
class Hosts:
    """Three hosts that are in no cluster yet; their clock is held."""

    running: daemon.Running
    clients: dict[str, Client]
    began: float = 0.0
    differing: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, running: daemon.Running) -> Hosts:
        clients = {name: _client(running, name) for name in HOSTS}
        made = cls(running, clients)
        made.began = made.clock({"mode": "held"})
        return made

    def clock(self, body: dict[str, Any]) -> float:
        return float(self.clients["pve1"].control("clock", body).data["now"])

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(min(seconds, 20) * 2)):
            self.clock({"advance": max(0.5, seconds / 40)})

    def call(self, node: str, method: str, path: str, params: dict[str, Any] | None = None) -> Answer:
        """Call a method as root, who logs in again when his ticket is no longer good."""
        client = self.clients[node]
        if ROOT not in client.tickets:
            assert client.login(ROOT, "benchpw").status == 200
        answer = client.call(method, path, params, as_user=ROOT)
        if answer.status == 401:
            assert client.login(ROOT, "benchpw").status == 200
            answer = client.call(method, path, params, as_user=ROOT)
        return answer

    def run(self, node: str, method: str, path: str, params: dict[str, Any] | None = None) -> tuple[str, list[str]]:
        """Call a method that starts a task, and return how that ended, with its log."""
        answer = self.call(node, method, path, params)
        assert answer.status == 200, answer
        return self.outcome(node, answer.data)

    def outcome(self, node: str, upid: str) -> tuple[str, list[str]]:
        place = f"/nodes/{upid.split(':')[1]}/tasks/{upid}"
        for _ in range(400):
            status = self.call(node, "GET", f"{place}/status").data
            if status["status"] == "stopped":
                break
            self.pass_time(0.5)
        return str(status["exitstatus"]), [line["t"] for line in self.call(node, "GET", f"{place}/log").data]

    def join(self, node: str, member: str = "192.0.2.11", **more: Any) -> tuple[str, list[str]]:
        """Let a host join the cluster of another."""
        params = {"hostname": member, "password": "benchpw", "fingerprint": self.fingerprint(node)}
        return self.run(node, "POST", "/cluster/config/join", params | more)

    def fingerprint(self, node: str = "pve1") -> str:
        return str(self.call(node, "GET", "/nodes").data[0]["ssl_fingerprint"])

    def form(self, *, joining: tuple[str, ...] = ("pve2", "pve3")) -> None:
        """Make a cluster of the first host and others."""
        assert self.run("pve1", "POST", "/cluster/config", {"clustername": "bench"})[0] == "OK"
        for node in joining:
            assert self.join(node)[0] == "OK"
        self.pass_time(15)

    def online(self, node: str) -> dict[str, int]:
        """Return who is in the cluster, as a node sees it, with whether he is online."""
        rows = self.call(node, "GET", "/cluster/status").data
        return {row["name"]: row["online"] for row in rows if row["type"] == "node"}

    def quorate(self, node: str) -> bool:
        return bool(self.call(node, "GET", "/cluster/status").data[0]["quorate"])

    def tell(self, group: str) -> None:
        """Play a recorded story at the times at which it was recorded."""
        records = [row for row in recordings("pve-9.2-cluster.jsonl") if row["group"] == group]
        offset = self.clock({}) - records[0]["at"]
        for record in records:
            self.pass_time(max(0.0, record["at"] + offset - self.clock({})))
            if record["method"] != "(measure)" and record["path"] != "/cluster/resources":
                self._play(record)

    def _play(self, record: dict[str, Any]) -> None:
        node, path = record["asked_node"], record["path"]
        params = json.loads(_FINGERPRINT.sub(self.fingerprint(node), json.dumps(record["params"])))
        if record["as_user"] == "(none)":
            answer = self.clients[node].send(record["method"], path, params, headers={})
        else:
            answer = self.call(node, record["method"], path, params)
        found = difference(_masked(record["response"]), _masked(answer.body))
        if (answer.status, answer.reason) != (record["status"], record["reason"]):
            found = f"recorded {record['status']} {record['reason']!r}, got {answer.status} {answer.reason!r}"
        recorded = record.get("task") or {}
        if found is None and recorded.get("status"):
            expected = _masked([recorded["status"]["exitstatus"], recorded["log"]])
            found = difference(expected, _masked(list(self.outcome(node, answer.data))))
        if found is not None:
            self.differing[record["id"]] = found


def _masked(value: Any) -> Any:
    text = _FINGERPRINT.sub("FINGERPRINT", json.dumps(value))
    return json.loads(re.sub(r"\b[0-9a-f]{40}\b", "DIGEST", text))


def _client(running: daemon.Running, name: str) -> Client:
    return Client(running.connections[name], password="benchpw", control_key=running.control_key)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    path, home = tmp_path / "hosts.yaml", tmp_path / "home"
    path.write_text(TOPOLOGY, encoding="utf-8")
    try:
        made = Hosts.of(daemon.ensure(home, str(path)))
        yield made
        for client in made.clients.values():
            client.close()
    finally:
        daemon.stop(home)


def test_the_recorded_refusals_of_making_and_joining_a_cluster_are_told_again(hosts: Hosts) -> None:
    for group in ("a-precluster", "a-create", "a-join"):
        hosts.tell(group)
    assert not hosts.differing


def test_the_recorded_story_of_how_a_cluster_came_to_be_is_told_again(hosts: Hosts) -> None:
    for group in ("create", "join", "join3"):
        hosts.tell(group)
    assert hosts.differing.keys() == {"join3.log"}, "there somebody logged in more often"


def test_a_host_that_joins_gives_up_its_own_users_storages_and_tickets(hosts: Hosts) -> None:
    hosts.call("pve2", "POST", "/access/users", {"userid": "own@pve"})
    hosts.call("pve2", "POST", "/storage", {"storage": "only2", "type": "dir", "path": "/mnt/only2"})
    hosts.form(joining=())
    old = dict(hosts.clients["pve2"].tickets)
    assert hosts.join("pve2")[0] == "OK"
    hosts.clients["pve2"].tickets = old
    assert hosts.clients["pve2"].call("GET", "/nodes", as_user=ROOT).status == 401
    assert [row["userid"] for row in hosts.call("pve2", "GET", "/access/users").data] == [ROOT]
    assert hosts.call("pve2", "GET", "/storage/only2").status == 500
    assert hosts.online("pve1") == hosts.online("pve2") == {"pve1": 1, "pve2": 1}
    assert hosts.call("pve1", "GET", "/nodes/pve2/version").status == 200


def test_a_cluster_of_one_has_no_quorum_while_another_joins(hosts: Hosts) -> None:
    hosts.form(joining=())
    params = {"hostname": "192.0.2.11", "password": "benchpw", "fingerprint": hosts.fingerprint()}
    hosts.call("pve2", "POST", "/cluster/config/join", params)
    assert hosts.quorate("pve1")
    hosts.pass_time(4)
    assert not hosts.quorate("pve1")
    assert hosts.online("pve1") == {"pve1": 1, "pve2": 0}
    hosts.pass_time(6)
    assert hosts.quorate("pve1")
    assert hosts.quorate("pve2")


def test_a_member_may_be_named_by_the_address_at_which_its_api_is_here(hosts: Hosts) -> None:
    hosts.form(joining=())
    endpoint = hosts.clients["pve1"].url.removeprefix("https://")
    assert hosts.join("pve2", endpoint)[0] == "OK"


def test_a_host_cannot_join_one_that_is_in_no_cluster(hosts: Hosts) -> None:
    status, log = hosts.join("pve2", "192.0.2.11")
    assert status == "Cluster join aborted!"
    assert log[-3:-1] == ["An error occurred on the cluster node: invalid corosync.conf", "! no nodes found"]


def test_a_name_that_the_cluster_knows_already_is_refused(hosts: Hosts) -> None:
    hosts.form(joining=())
    addition = {"new_node_ip": "192.0.2.99", "apiversion": 1}
    assert hosts.call("pve1", "POST", "/cluster/config/nodes/pve1", addition).reason == "can't add existing node 'pve1'"


def test_what_has_joined_is_still_a_member_after_the_simulator_was_started_again(hosts: Hosts) -> None:
    hosts.form()
    home, topology = hosts.running.home, hosts.running.home.parent / "hosts.yaml"
    daemon.stop(home)
    again = Hosts.of(daemon.ensure(home, str(topology)))
    assert again.online("pve3") == {"pve1": 1, "pve2": 1, "pve3": 1}
    assert again.call("pve3", "GET", "/cluster/status").data[0]["name"] == "bench"


def test_a_node_that_is_put_out_is_alone_with_a_copy_of_the_clusters_configuration(hosts: Hosts) -> None:
    hosts.form()
    hosts.call("pve1", "POST", "/pools", {"poolid": "shared"})
    assert hosts.call("pve1", "DELETE", "/cluster/config/nodes/pve1").reason == "Cannot delete myself from cluster!"
    assert hosts.call("pve1", "DELETE", "/cluster/config/nodes/pve3").status == 200
    assert hosts.online("pve1") == {"pve1": 1, "pve2": 1}
    assert hosts.call("pve1", "GET", "/cluster/status").data[0]["version"] == 4
    assert hosts.call("pve1", "GET", "/nodes/pve3/version").reason.startswith("hostname lookup 'pve3' failed")
    assert hosts.online("pve3") == {"pve1": 0, "pve2": 0, "pve3": 1}
    assert not hosts.quorate("pve3")
    assert [row["poolid"] for row in hosts.call("pve3", "GET", "/pools").data] == ["shared"]
    answer = hosts.call("pve3", "POST", "/pools", {"poolid": "late"})
    assert answer.reason == "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"


def test_the_tasks_of_a_host_go_on_where_it_has_joined(hosts: Hosts) -> None:
    hosts.form()
    joined = hosts.call("pve1", "GET", "/nodes/pve2/tasks", {"typefilter": "clusterjoin"}).data
    assert [row["status"] for row in joined] == ["OK"]
