"""The firewall answers as the real Proxmox VE was recorded to answer, down to the digests."""

from __future__ import annotations

from typing import Any

from tests.simulator.client import Client
from tests.simulator.oracles import recordings
from tests.simulator.test_recordings import _assert_explained, _disagreement, _play

GROUPS = ("firewall-cluster", "firewall-vm", "firewall-node")
NO_QUORUM = ("nq.w.fw-rule", "nq.w.fw-options", "nq.w.fw-group", "nq.w.fw-ipset", "nq.w.vm-fw", "nq.get~29")
DISAGREEMENTS = {"fwc.macros": "the descriptions are the simulator's own words; the names are tested apart"}


def _digests(answer: Any) -> list[str]:
    data = answer.get("data") if isinstance(answer, dict) else None
    rows = data if isinstance(data, list) else [data]
    return [row["digest"] for row in rows if isinstance(row, dict) and "digest" in row]


def test_the_recorded_stories_of_the_firewall_are_told_again(recorded_host: Client) -> None:
    differing = {}
    for record in recordings("pve-9.2.jsonl"):
        if record["group"] not in GROUPS:
            continue
        answer = _play(recorded_host, record)
        found = _disagreement(record, answer)
        if found is None and _digests(record["response"]) != _digests(answer.body):
            found = f"digests: recorded {_digests(record['response'])}, got {_digests(answer.body)}"
        if found is not None:
            differing[record["id"]] = found
    _assert_explained(differing, DISAGREEMENTS)


def test_the_macros_have_the_recorded_names(recorded_host: Client) -> None:
    (record,) = [record for record in recordings("pve-9.2.jsonl") if record["id"] == "fwc.macros"]

    answer = _play(recorded_host, record)

    names = [[row["macro"] for row in body["data"]] for body in (record["response"], answer.body)]
    assert sorted(names[0]) == sorted(names[1])


def test_a_container_and_a_missing_network_answer_as_recorded(recorded_host: Client) -> None:
    for record in recordings("pve-9.2.jsonl"):
        if record["id"].startswith("lm.fw-") or record["id"] == "sdn.vnet-fw-missing":
            assert _disagreement(record, _play(recorded_host, record)) is None


def test_without_quorum_the_firewall_can_be_read_and_not_changed(recorded_cluster: Client) -> None:
    for node in ("pve2", "pve3"):
        recorded_cluster.control("nodes", {"node": node, "online": False})
    story = {record["id"]: record for record in recordings("pve-9.2-cluster.jsonl")}
    differing = {}
    for name in NO_QUORUM:
        found = _disagreement(story[name], _play(recorded_cluster, story[name]))
        if found is not None:
            differing[name] = found
    _assert_explained(differing, {})


def test_the_firewall_of_a_guest_on_a_node_that_is_down_can_be_changed(recorded_cluster: Client) -> None:
    recorded_cluster.control("nodes", {"node": "pve3", "online": False})
    for record in recordings("pve-9.2-cluster.jsonl"):
        if record["id"].startswith("down.fw-"):
            assert _disagreement(record, _play(recorded_cluster, record)) is None
