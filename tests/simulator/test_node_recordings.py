"""What a node tells of itself is what the real Proxmox VE was recorded to tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.client import Client
from tests.simulator.conftest import RECORDED_HOST, _own_simulator
from tests.simulator.oracles import recordings
from tests.simulator.test_recordings import _disagreement, _play

DEVICES = ", ".join(
    f'{{id: "0000:00:0{number}.0", class: "{class_}", vendor: "0x1af4", device: "{device}"}}'
    for number, class_, device in (
        (1, "0xffff00", "0x1045"),
        (2, "0x018000", "0x1042"),
        (3, "0x020000", "0x1041"),
        (4, "0xffff00", "0x1053"),
        (5, "0xffff00", "0x1044"),
    )
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Client]:
    """The recorded host with its devices."""
    yield from _own_simulator(tmp_path, RECORDED_HOST.replace("{cpus", f"{{pci: [{DEVICES}], usb: [], cpus"))


def test_the_recorded_devices_are_listed(host: Client) -> None:
    for record in recordings("pve-9.2.jsonl"):
        if record["id"] in ("nm.hardware-pci", "nm.hardware-usb", "nm.bad-status-cmd"):
            assert _disagreement(record, _play(host, record)) is None, record["id"]


def test_a_dead_node_without_an_address_is_not_woken(recorded_cluster: Client) -> None:
    (record,) = (record for record in recordings("pve-9.2-cluster.jsonl") if record["id"] == "down.wol")
    recorded_cluster.control("nodes", {"node": "pve3", "online": False})
    assert _disagreement(record, _play(recorded_cluster, record)) is None


def test_certificates_are_shown_also_without_quorum(recorded_cluster: Client) -> None:
    for name in ("pve2", "pve3"):
        recorded_cluster.control("nodes", {"node": name, "online": False})
    (record,) = (record for record in recordings("pve-9.2-cluster.jsonl") if record["id"] == "nq.get~31")
    answer = _play(recorded_cluster, record)
    for shown, recorded in zip(answer.data, record["response"]["data"], strict=True):
        assert {key: type(value) for key, value in shown.items()} == {
            key: type(value) for key, value in recorded.items()
        }
