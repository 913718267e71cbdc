"""The simulator answers what the real Proxmox VE was recorded to answer, from the first request to the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.simulator import cluster_story, host_story, returning
from tests.simulator.client import Client
from tests.simulator.conftest import client_of, started
from tests.simulator.oracles import api_schema, recordings
from tests.simulator.replay import Replay


@contextmanager
def _nodes(place: Path, topology: str) -> Iterator[dict[str, Client]]:
    """Start a simulator that looks like the recorded hosts before their first request; yield a client of each node."""
    with started(place, topology) as running:
        nodes = next(iter(running.connections.values())).ssh
        clients = {name: client_of(running, number) for number, name in enumerate(nodes)}
        clients["pve1"].call("DELETE", "/access/users/root@pam/token/labs")
        yield clients
        for client in clients.values():
            client.close()


def _assert_explained(differing: dict[str, str], explained: dict[str, str]) -> None:
    unexplained = {name: text for name, text in differing.items() if name not in explained}
    assert not unexplained, "\n".join(f"{name}: {text}" for name, text in unexplained.items())
    assert not explained.keys() - differing.keys(), "these agree by now"


def test_the_whole_recorded_story_of_a_single_host_is_told_again(tmp_path: Path) -> None:
    with _nodes(tmp_path, host_story.TOPOLOGY) as clients:
        replay = Replay(clients, host_story.BEFORE, host_story.WITHIN)
        _assert_explained(replay.tell(recordings("pve-9.2.jsonl")), host_story.DISAGREEMENTS)
        assert replay.not_simulated <= host_story.NOT_SIMULATED


def test_the_whole_recorded_story_of_a_cluster_is_told_again(tmp_path: Path) -> None:
    with _nodes(tmp_path, cluster_story.TOPOLOGY) as clients:
        replay = Replay(clients, cluster_story.BEFORE, cluster_story.WITHIN)
        told = [row for row in recordings("pve-9.2-cluster.jsonl") if row["group"] in cluster_story.GROUPS]
        _assert_explained(replay.tell(told), cluster_story.DISAGREEMENTS)
        assert replay.not_simulated <= cluster_story.NOT_SIMULATED


def test_where_real_answers_contradict_the_schema_is_known() -> None:
    assert api_schema()
    seen: dict[str, str] = {}
    for row in (*recordings("pve-9.2.jsonl"), *recordings("pve-9.2-cluster.jsonl")):
        if row["status"] == 200 and row["path"] and not row["path"].startswith("/api2"):
            path, data = unquote(row["path"].partition("?")[0]), row["response"].get("data")
            for name in returning.disagreements(row["method"], path, data):
                seen.setdefault(name, row["id"])
    assert seen == returning.CONTRADICTED


def test_every_recorded_group_is_told() -> None:
    groups: dict[str, Any] = dict.fromkeys(row["group"] for row in recordings("pve-9.2-cluster.jsonl"))
    assert set(groups) == {*cluster_story.GROUPS, *cluster_story.NOT_TOLD}
