"""Backup jobs, mappings, metric servers and replication answer as the real Proxmox VE was recorded to answer."""

from __future__ import annotations

import re
from typing import Any

from tests.simulator.client import Client
from tests.simulator.oracles import recordings
from tests.simulator.test_recordings import _assert_explained, _disagreement, _play

GROUPS = ("backup-jobs", "mapping", "metrics-replication")
_OURS = re.compile(r"/cluster/(?:backup|backup-info|mapping|metrics|replication)(?:/.*)?|/nodes/[^/]+/replication")
_OTHER_GUESTS = "it shows guests from stories that are not told here"
DISAGREEMENTS: dict[str, str] = {"bj.included": _OTHER_GUESTS}
CLUSTER_DISAGREEMENTS: dict[str, str] = {}


def _masked(value: Any) -> Any:
    """Leave the times of next runs, which are counted from another day, out of an answer."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items() if key != "next-run"}
    return value


def _tell(client: Client, records: list[dict[str, Any]]) -> dict[str, str]:
    differing = {}
    for record in records:
        answer = _play(client, record)
        answer.body.update(_masked(answer.body))
        found = _disagreement(record | {"response": _masked(record["response"])}, answer)
        if found is not None:
            differing[record["id"]] = found
    return differing


def test_the_recorded_stories_of_jobs_mappings_and_metric_servers_are_told_again(recorded_host: Client) -> None:
    recorded_host.call("POST", "/nodes/pve1/qemu", {"vmid": 100})
    recorded_host.call("POST", "/pools", {"poolid": "prod"})
    told = [row for row in recordings("pve-9.2.jsonl") if row["group"] in GROUPS]
    _assert_explained(_tell(recorded_host, told), DISAGREEMENTS)


def test_the_recorded_story_of_a_clusters_jobs_is_told_again(recorded_cluster: Client) -> None:
    client = recorded_cluster
    for storage in ("local-lvm", "shr"):
        section = {"storage": storage, "type": "dir", "path": f"/mnt/{storage}", "content": "images"}
        client.call("POST", "/storage", section | ({"shared": 1} if storage == "shr" else {}))
    client.call("POST", "/nodes/pve2/qemu", {"vmid": 105, "scsi0": "local-lvm:1,format=raw"})
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 101, "scsi0": "shr:1,format=raw"})
    rows = [row for row in recordings("pve-9.2-cluster.jsonl") if _OURS.fullmatch(row["path"] or "")]
    differing = _tell(client, [row for row in rows if row["group"] == "cluster-misc"])
    for node in ("pve2", "pve3"):
        client.control("nodes", {"node": node, "online": False})
    differing |= _tell(client, [row for row in rows if row["group"] == "no-quorum"])
    _assert_explained(differing, CLUSTER_DISAGREEMENTS)
