"""Replication jobs: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver

TOPOLOGY = "three-nodes"
SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/storage", {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images,rootdir"}),
    ("POST", "/nodes/pve1/qemu", {"vmid": 100, "name": "db", "memory": 512, "scsi0": "tank:4"}),
]
EXAMPLE = {"job_id": "100-0", "target": "pve2", "schedule": "*/5", "comment": "to the second node"}
UPDATES = [
    {**EXAMPLE, "schedule": "mon..fri 3:00", "rate": 50, "disable": True},
    {"job_id": "100-0", "target": "pve2", "rate": 12.5},
]
DRIFT = [("PUT", "/cluster/replication/100-0", {"rate": 99})]

REPLICATION = "providers.replication.Replication"


@pytest.fixture
def job(cluster: Simulator) -> Driver:
    """A job that is up."""
    for method, path, parameters in SETUP:
        cluster.by_hand(method, path, parameters)
    job = Driver(cluster, "replication")
    job.up(EXAMPLE)
    return job


@pytest.mark.engine
def test_a_host_that_is_in_no_cluster_has_nowhere_to_copy_to(program: Program) -> None:
    program.declare({"it": Resource(REPLICATION, {"job_id": "9000-0", "target": "pve2"})})

    preview = program.preview()

    assert preview.code != 0
    assert "pve1 is in no cluster, and replication needs a second node of the same one" in preview.text


def test_a_job_that_is_to_be_removed_counts_as_gone(cluster: Simulator, job: Driver) -> None:
    cluster.by_hand("PUT", "/cluster/replication/100-0", {"remove_job": "full"})

    assert job.drift() == {"gone": True}


def test_a_job_that_goes_the_other_way_since_ha_has_its_guest_there_is_as_declared(
    cluster: Simulator, job: Driver
) -> None:
    turn(cluster)

    assert job.drift() == {}


def test_a_job_whose_guest_was_migrated_to_its_target_is_as_declared(cluster: Simulator, job: Driver) -> None:
    cluster.by_hand("POST", "/nodes/pve1/qemu/100/migrate", {"target": "pve2"})

    assert cluster.by_hand("GET", "/cluster/replication/100-0")["target"] == "pve1", "Proxmox has turned it"
    assert job.drift() == {}


@pytest.mark.usefixtures("job")
def test_a_job_that_goes_the_other_way_is_found_again_when_the_state_was_lost(cluster: Simulator) -> None:
    turn(cluster)
    there = cluster.by_hand("GET", "/cluster/replication")

    again = Driver(cluster, "replication")
    again.up(EXAMPLE)

    assert again.drift() == {}
    assert cluster.by_hand("GET", "/cluster/replication") == there


def turn(cluster: Simulator) -> None:
    """Let the job go the other way."""
    there = cluster.by_hand("GET", "/cluster/replication/100-0")
    options = {key: str(there[key]) for key in ("schedule", "comment")}
    turned = {"id": "100-0", "type": "local", "options": {**options, "source": "pve2", "target": "pve1"}}
    cluster.control("POST", "seed", {"table": "replication_jobs", "records": [turned]})
