"""Storages, machines and containers answer as the real Proxmox VE was recorded to answer, whole stories at a time."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Answer, Client
from tests.simulator.conftest import RECORDED_CLUSTER, RECORDED_HOST
from tests.simulator.conftest import _own_simulator as own_simulator
from tests.simulator.oracles import recordings
from tests.simulator.stories import NEEDED_FIRST, without_volatile
from tests.simulator.test_recordings import _disagreement as disagreement
from tests.simulator.test_recordings import _play as play

GROUPS = (
    "storage", "qemu-create", "qemu-create-errors", "qemu-config", "qemu-disks", "qemu-clone", "qemu-snapshot",
    "qemu-power", "qemu-delete", "lxc-create", "lxc-create-errors", "lxc-config", "lxc-power", "lxc-misc",
    "permissions", "json-bodies",
)  # fmt: skip
CLUSTER_GROUPS = ("storage", "guest", "migrate", "clone", "lxc")
COVERED = re.compile(r"/storage(?:/.*)?|/nodes/[^/]+/(?:qemu|lxc|storage)(?:/.*)?|/(?:pools|access/(?:users|acl)).*")
ELSEWHERE = re.compile(r".*/(?:firewall|vncproxy|sendkey|prunebackups|remote_migrate)(?:/.*)?")
FILES = """
    files:
      - {volume: "local:iso/test.iso", size: 2M}
      - {volume: "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst", size: 344131}
      - {volume: "local:vztmpl/t.tar.gz", size: 1}
"""
LOCAL_LVM = """      local-lvm: {type: dir, path: /var/lib/vz-lvm, content: "rootdir,images", size: 250G}
"""

NOT_TOLD = {
    "storage.create-nfs-dead": "every server that a storage names answers here",
    "storage.create-lvmthin-bad": "volume groups and pools that a storage names are there",
    "storage.create-zfs-bad": "as above",
}
_ALREADY = "it shows what the calls of other stories left behind"
DISAGREEMENTS = {
    "del.acl-after": _ALREADY,
    "del.pool-get-before": _ALREADY,
    "lp.interfaces": "the recorded container had no working network; here it has its address",
    "lm.template-config": "the real call answers before its work is done",
    "pm.pool-get": _ALREADY,
}
CLUSTER_DISAGREEMENTS: dict[str, str] = {}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Client]:
    yield from own_simulator(tmp_path, RECORDED_HOST.rstrip("\n") + FILES)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    yield from own_simulator(tmp_path, RECORDED_CLUSTER.rstrip("\n") + "\n" + LOCAL_LVM.rstrip("\n") + FILES)


def _told(record: dict[str, Any]) -> bool:
    path = record["path"] or ""
    return bool(COVERED.fullmatch(path)) and not ELSEWHERE.fullmatch(path) and record["id"] not in NOT_TOLD


def _task_disagreement(client: Client, record: dict[str, Any], answer: Answer) -> str | None:
    """Return in what the end of a task differs from the recorded one."""
    task, upid = record.get("task"), answer.body.get("data") if isinstance(answer.body, dict) else None
    if not task or not isinstance(upid, str) or not upid.startswith("UPID:"):
        return None
    place = f"/nodes/{upid.split(':')[1]}/tasks/{upid}"
    log = [line["t"] for line in client.call("GET", f"{place}/log", {"limit": 5000}).data]
    ended = without_volatile([client.call("GET", f"{place}/status").data.get("exitstatus"), log[-1]])
    expected = without_volatile([task["status"].get("exitstatus"), task["log"][-1]])
    return None if ended == expected else f"the task ended {ended}, recorded {expected}"


def _tell(client: Client, records: list[dict[str, Any]]) -> dict[str, str]:
    """Make the recorded calls once more; return in what each differing answer differs."""
    differing = {}
    for record in filter(_told, records):
        for call in NEEDED_FIRST.get(record["id"], ()):
            assert client.call(*call).status == 200, call
        answer = play(client, record)
        masked = dataclasses.replace(answer, body=without_volatile(answer.body))
        found = disagreement(record | {"response": without_volatile(record["response"])}, masked)
        found = found or _task_disagreement(client, record, answer)
        if found is not None:
            differing[record["id"]] = found
    return differing


def _assert_explained(differing: dict[str, str], explained: dict[str, str]) -> None:
    unexplained = {name: text for name, text in differing.items() if name not in explained}
    assert not unexplained, "\n".join(f"{name}: {text}" for name, text in unexplained.items())
    assert not explained.keys() - differing.keys(), "these agree by now"


def test_the_recorded_stories_of_storages_and_guests_are_told_again(host: Client) -> None:
    story = [record for record in recordings("pve-9.2.jsonl") if record["group"] in GROUPS]
    _assert_explained(_tell(host, story), DISAGREEMENTS)


def test_the_recorded_stories_of_guests_that_move_in_a_cluster_are_told_again(cluster: Client) -> None:
    story = [record for record in recordings("pve-9.2-cluster.jsonl") if record["group"] in CLUSTER_GROUPS]
    _assert_explained(_tell(cluster, story), CLUSTER_DISAGREEMENTS)
