"""The software-defined network answers as the real Proxmox VE was recorded to answer, whole stories at a time."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.simulator.client import Answer, Client
from tests.simulator.oracles import recordings
from tests.simulator.test_recordings import _assert_explained, _disagreement, _play

_MAC = re.compile(r"BC:24:11(?::[0-9A-F]{2}){3}")
_TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OURS = re.compile(r"/cluster/sdn(?:/.*)?|/nodes/[^/]+/sdn(?:/.*)?|/nodes/[^/]+/qemu(?:/170)?")

DISAGREEMENTS: dict[str, str] = {
    "sdn.node-zones": "the recorded host had no real bridges; here the zone `zv` finds its bridge",
}
CLUSTER_DISAGREEMENTS: dict[str, str] = {}


def _masked(value: Any) -> Any:
    return json.loads(_TOKEN.sub("TOKEN", _MAC.sub("MAC", json.dumps(value))))


def _told(record: dict[str, Any]) -> bool:
    return bool(_OURS.fullmatch(record["path"] or "")) and "firewall" not in record["path"]


def _tell(client: Client, records: list[dict[str, Any]]) -> dict[str, str]:
    """Make the recorded calls once more, with the lock tokens of here; return what differs."""
    differing, tokens = dict[str, str](), dict[str, str]()
    for record in filter(_told, records):
        params = record["params"] and {
            name: tokens.get(value, value) if isinstance(value, str) else value
            for name, value in record["params"].items()
        }
        answer = _play(client, record | {"params": params})
        if record["path"].endswith("/lock") and record["status"] == answer.status == 200:
            tokens[str(record["response"]["data"])] = str(answer.data)
        masked = Answer(answer.status, answer.reason, _masked(answer.body), answer.headers)
        found = _disagreement(record | {"response": _masked(record["response"])}, masked)
        found = found or _task_disagreement(client, record, answer)
        if found is not None:
            differing[record["id"]] = found
    return differing


def _task_disagreement(client: Client, record: dict[str, Any], answer: Answer) -> str | None:
    """Return in what the log of a reload differs from the recorded one; the order of the nodes is none."""
    if record["method"] != "PUT" or not record.get("task"):
        return None
    node = answer.data.split(":")[1]
    log = [row["t"] for row in client.call("GET", f"/nodes/{node}/tasks/{answer.data}/log", {"limit": 500}).data]
    expected = record["task"]["log"]
    return None if sorted(log) == sorted(expected) else f"recorded the log {expected}, got {log}"


def test_the_recorded_story_of_zones_networks_and_subnets_is_told_again(recorded_host: Client) -> None:
    story = [record for record in recordings("pve-9.2.jsonl") if record["group"] in ("sdn", "sdn-lock")]
    _assert_explained(_tell(recorded_host, story), DISAGREEMENTS)


def test_the_recorded_story_of_a_network_on_three_nodes_is_told_again(recorded_cluster: Client) -> None:
    records = recordings("pve-9.2-cluster.jsonl")
    differing = _tell(recorded_cluster, [row for row in records if row["group"] == "sdn" and _cluster_wide(row)])
    recorded_cluster.control("nodes", {"node": "pve3", "online": False})
    differing |= _tell(recorded_cluster, [row for row in records if row["id"] in ("down.sdn-zone", "down.sdn-apply")])
    recorded_cluster.control("nodes", {"node": "pve2", "online": False})
    quorum = [row for row in records if row["id"] in ("nq.get~11", "nq.w.sdn-apply")]
    _assert_explained(differing | _tell(recorded_cluster, quorum), CLUSTER_DISAGREEMENTS)


def _cluster_wide(record: dict[str, Any]) -> bool:
    return record.get("asked_node") == "pve1"
