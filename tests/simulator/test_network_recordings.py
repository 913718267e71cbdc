"""The network of a node is changed as it was recorded from the real Proxmox VE, the texts of the files included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.conftest import RECORDED_HOST, _own_simulator
from tests.simulator.oracles import recordings
from tests.simulator.test_recordings import _assert_explained, _disagreement, _play

APPLY_AFTER = ("nw.create-again", "nw.list-after-eth-delete")
"""After these the changes were applied, which is not among the records."""

DISAGREEMENTS: dict[str, str] = {}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Client]:
    """The recorded host with its three network cards."""
    yield from _own_simulator(tmp_path, RECORDED_HOST.replace("{cpus", "{nics: [eno1, eno2, eno3], cpus"))


def _without_times(body: Any) -> Any:
    return body | {"changes": _TIME.sub("", body["changes"])} if isinstance(body, dict) and "changes" in body else body


def test_the_recorded_story_of_a_network_is_told_again(host: Client) -> None:
    differing = {}
    for record in recordings("pve-9.2.jsonl"):
        if record["group"] != "network":
            continue
        answer = _play(host, record)
        answer.body.update(_without_times(answer.body))
        found = _disagreement(record | {"response": _without_times(record["response"])}, answer)
        if found is not None:
            differing[record["id"]] = found
        if record["id"] in APPLY_AFTER:
            host.call("PUT", "/nodes/pve1/network")
    _assert_explained(differing, DISAGREEMENTS)


def test_the_hosts_file_is_written_as_it_was_recorded(host: Client) -> None:
    for record in recordings("pve-9.2.jsonl"):
        if record["id"] in ("nm.hosts-put", "nm.hosts-bad-digest", "nm.time-put-bad"):
            assert _disagreement(record, _play(host, record)) is None


def test_without_quorum_a_network_can_still_be_changed(recorded_cluster: Client) -> None:
    for node in ("pve2", "pve3"):
        recorded_cluster.control("nodes", {"node": node, "online": False})
    for record in recordings("pve-9.2-cluster.jsonl"):
        if record["id"] in ("nq.w.network", "nq.w.network-revert", "nq.w.dns"):
            assert _disagreement(record, _play(recorded_cluster, record)) is None
