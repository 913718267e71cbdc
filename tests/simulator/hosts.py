"""Three hosts in one simulator that are in no cluster yet, and clients that can make them one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

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
