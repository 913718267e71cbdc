"""High availability answers as the real Proxmox VE was recorded to answer, whole stories at a time."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.conftest import RECORDED_CLUSTER, RECORDED_HOST, _own_simulator
from tests.simulator.oracles import recordings
from tests.simulator.test_recordings import _assert_explained, _disagreement, _play

DISAGREEMENTS: dict[str, str] = {
    "ha.vm-status": "there the managers had not done a round yet",
    "ha.status-current2": "as above; here the resource is stopped by then",
}
_TIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")
CLUSTER_DISAGREEMENTS: dict[str, str] = {
    "ham.after": "there the node that had been fenced still waited for its old lock to expire",
}
BEFORE = {"ha.current": 10, "har.node-affinity": 45, "har.mig-against-rule": 45, "har.after-mig": 12, "har.strict": 30}
BEFORE |= {"haf.current-8s": 8, "haf.current-recovered": 45, "haf.after-rejoin": 12, "ham.after": 2}
WITHIN = {"haf.before": 60, "haf.manager-fence": 75, "haf.current-recovered": 80, "haf.after-rejoin": 30}
WITHIN |= {"ham.current": 60, "ham.after": 30}
BEFORE |= {"har.mig-strict": 45, "har.neg": 15, "har.mig-onto-negative": 45, "har.pos-conflict": 120}
"""How many seconds the story waits before a call, for what the managers need time."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Client]:
    yield from _own_simulator(tmp_path, RECORDED_HOST)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    shared = """
      shr: {type: dir, path: /mnt/shared, content: "rootdir,images", shared: "1", size: 250G}
    guests:
      101: {type: qemu, node: pve1, config: {name: vm101, memory: "64"}, disks: {scsi0: "shr:1G"}}
      103: {type: qemu, node: pve1, config: {name: vm103, memory: "64"}, disks: {scsi0: "shr:1G"}}
      104: {type: qemu, node: pve3, config: {name: vm104, memory: "96"}, disks: {scsi0: "shr:1G"}}
      106: {type: qemu, node: pve3, config: {name: vm106, memory: "64"}, disks: {scsi0: "local:1G"}}
"""
    yield from _own_simulator(tmp_path, RECORDED_CLUSTER.rstrip("\n") + shared)


def _masked(value: Any) -> Any:
    """Leave times and the managers' random marks out of an answer."""
    text = _TIME.sub("TIME", json.dumps(value))
    text = re.sub(r'"results": \{(?:[^{}]|\{[^{}]*\})*\}', '"results": {}', text)
    return json.loads(re.sub(r'"timestamp": \d+|"uid": "[^"]+"', '"mark": 0', text))


def _tell(client: Client, records: list[dict[str, Any]]) -> dict[str, str]:
    """Make the recorded calls once more; return in what each differing answer differs."""
    differing = {}
    for record in records:
        answer = _play(client, record)
        masked = dataclasses.replace(answer, body=_masked(answer.body))
        found = _disagreement(record | {"response": _masked(record["response"])}, masked)
        if found is not None:
            differing[record["id"]] = found
    return differing


def test_the_recorded_story_of_a_managed_machine_is_told_again(host: Client) -> None:
    told = [row for row in recordings("pve-9.2.jsonl") if row["group"] == "ha" and row["path"] != "/cluster/resources"]
    assert host.call("POST", "/nodes/pve1/qemu", {"vmid": 100}).status == 200
    _assert_explained(_tell(host, told), DISAGREEMENTS)


_LISTS = r"/cluster/(?:resources|tasks|log)|/nodes(?:/[^/]+/qemu/\d+/(?:config|status/current))?"


CLUSTER_GROUPS = ("ha", "ha-rules", "ha-fence", "ha-maintenance")
_POWER = "nodes"
FILL: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "har.neg": (("PUT", "/cluster/ha/resources/vm:103", {"state": "started"}),),
    "haf.before": (
        ("DELETE", "/cluster/ha/rules/ra1", {}),
        ("POST", "/cluster/ha/resources/vm:101/migrate", {"node": "pve3"}),
    ),
}
"""Calls that the story needs but that are not among its records."""
MEANWHILE: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "haf.mig-of-dead": ((_POWER, {"node": "pve3", "online": False}),),
    "haf.after-rejoin": ((_POWER, {"node": "pve3", "online": True}),),
    "ham.current": (("maintenance", {"node": "pve1", "maintenance": True}),),
    "ham.after": (("maintenance", {"node": "pve1", "maintenance": False}),),
}
"""What happened to the nodes before a call."""


def _wait(client: Client, seconds: int) -> None:
    """Let time pass, second by second."""
    for _ in range(seconds):
        client.control("clock", {"advance": 1.0})


def _tell_within(client: Client, record: dict[str, Any], seconds: int) -> dict[str, str]:
    """Make a recorded call, and again each second as long as it differs: the moment within a round is no matter."""
    differing = _tell(client, [record])
    for _ in range(seconds):
        if not differing:
            break
        _wait(client, 1)
        differing = _tell(client, [record])
    return differing


def _steps(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in records:
        if record["path"] and not re.fullmatch(_LISTS, record["path"]):
            yield record


def test_the_recorded_story_of_managed_machines_in_a_cluster_is_told_again(cluster: Client) -> None:
    now = cluster.control("clock", {"mode": "held"}).data["now"]
    _wait(cluster, int(11 - now % 10))
    differing: dict[str, str] = {}
    for record in _steps([row for row in recordings("pve-9.2-cluster.jsonl") if row["group"] in CLUSTER_GROUPS]):
        _wait(cluster, BEFORE.get(record["id"], 0))
        for command, body in MEANWHILE.get(record["id"], ()):
            cluster.control(command, body)
        for call in FILL.get(record["id"], ()):
            assert cluster.call(*call).status == 200
        differing |= _tell_within(cluster, record, WITHIN.get(record["id"], 0))
    for node in ("pve2", "pve3"):
        cluster.control("nodes", {"node": node, "online": False})
    _wait(cluster, 8)
    refused = [row for row in recordings("pve-9.2-cluster.jsonl") if row["id"] in ("nq.w.ha-res", "nq.w.ha-rule")]
    differing |= _tell(cluster, refused)
    _assert_explained(differing, CLUSTER_DISAGREEMENTS)
