"""Jobs that run by themselves: when, on which nodes, and what becomes of them when their guest goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulator.backup.scheduler import BackupScheduler
from simulator.errors import ApiError
from simulator.records import Task
from simulator.replication import Replicator
from tests.simulator.guest_bench import Bench

_HOUR, _DAY = 3600.0, 86400.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Bench]:
    made = Bench.open(tmp_path, "three-nodes")
    made.tasks.actors += [
        BackupScheduler(made.world, made.datacenter, made.tasks), Replicator(made.world, made.datacenter),
    ]  # fmt: skip
    made.hold()
    yield made
    made.world.database.close()


def _machine(bench: Bench, vmid: int, node: str = "pve1", **options: object) -> None:
    upid = bench.call("POST", f"/nodes/{node}/qemu", vmid=vmid, **options)
    bench.pass_time(60)
    assert bench.task(upid).exitstatus == "OK"


def _runs(bench: Bench) -> list[Task]:
    return [task for task in bench.datacenter.tasks if task.type == "vzdump"]


def _at(bench: Bench, hour: int) -> str:
    """Return the next moment at which it is this hour, as the schedule of every day."""
    now = datetime.fromtimestamp(bench.world.clock.now(), UTC)
    return f"{(now + timedelta(hours=hour)).hour:02}:00"


def test_a_job_runs_when_its_schedule_says_and_every_time_again(cluster: Bench) -> None:
    _machine(cluster, 101, scsi0="nfs1:1")
    cluster.call("POST", "/cluster/backup", id="nightly", schedule=_at(cluster, 2), storage="nfs1", vmid="101")
    cluster.pass_time(30 * 60)
    assert _runs(cluster) == []
    cluster.pass_time(2 * _HOUR)
    cluster.pass_time(3 * _DAY)
    tasks = _runs(cluster)
    assert [(task.node, task.user, task.exitstatus) for task in tasks] == [("pve1", "root@pam", "OK")] * 4
    assert [datetime.fromtimestamp(task.starttime, UTC).minute for task in tasks] == [0] * 4
    assert len(cluster.call("GET", "storage/nfs1/content", content="backup")) == 4


def test_each_node_does_its_part_of_a_job(cluster: Bench) -> None:
    _machine(cluster, 101, scsi0="nfs1:1")
    _machine(cluster, 102, "pve2", scsi0="nfs1:1")
    cluster.call("POST", "/cluster/backup", id="all", schedule="hourly", storage="nfs1", vmid="101,102")
    cluster.pass_time(_HOUR)
    cluster.pass_time(60)
    assert {(task.node, task.id) for task in _runs(cluster)} == {("pve1", "101"), ("pve2", "102")}
    cluster.call("PUT", "/cluster/backup/all", node="pve2")
    cluster.pass_time(_HOUR)
    assert [task.node for task in _runs(cluster)][2:] == ["pve2"]


def test_a_disabled_job_and_nodes_that_are_down_do_nothing(cluster: Bench) -> None:
    _machine(cluster, 102, "pve2", scsi0="nfs1:1")
    cluster.call("POST", "/cluster/backup", id="off", schedule="hourly", storage="nfs1", vmid="102", enabled=0)
    cluster.pass_time(2 * _HOUR)
    with cluster.world.database.transaction():
        cluster.datacenter.nodes.put(replace(cluster.datacenter.nodes["pve2"], online=False))
    cluster.call("PUT", "/cluster/backup/off", enabled=1)
    cluster.pass_time(2 * _HOUR)
    assert _runs(cluster) == []


def test_the_rules_of_a_jobs_storage_prune_its_backups(cluster: Bench) -> None:
    _machine(cluster, 101)
    cluster.call("PUT", "/storage/nfs1", prune_backups="keep-last=2")
    cluster.call("POST", "/cluster/backup", id="hourly", schedule="hourly", storage="nfs1", vmid="101")
    for _ in range(5):
        cluster.pass_time(_HOUR)
    cluster.pass_time(60)
    assert len(_runs(cluster)) == 5
    assert len(cluster.call("GET", "storage/nfs1/content", content="backup")) == 2


def _replicated(bench: Bench, schedule: str = "*/15") -> None:
    bench.call("POST", "/storage", storage="tank", type="zfspool", pool="tank", content="images")
    _machine(bench, 150, scsi0="tank:1")
    bench.call("POST", "/cluster/replication", id="150-0", type="local", target="pve2", schedule=schedule)
    bench.pass_time(1)


def test_a_replication_job_copies_at_once_and_then_as_scheduled(cluster: Bench) -> None:
    _replicated(cluster)
    copies = cluster.call("GET", "/nodes/pve2/storage/tank/content")
    assert [row["volid"] for row in copies] == ["tank:vm-150-disk-0"]
    first = cluster.call("GET", "replication/150-0/status")
    assert (first["fail_count"], first["last_sync"]) == (0, first["last_try"])
    assert first["last_sync"] > 0
    cluster.pass_time(900)
    second = cluster.call("GET", "replication/150-0/status")
    assert second["last_sync"] % 900 == 0
    assert second["next_sync"] == second["last_sync"] + 900
    log = [row["t"] for row in cluster.call("GET", "replication/150-0/log")]
    assert log[0].endswith("150-0: start replication job")
    assert log[-1].endswith("150-0: end replication job")


def test_a_failing_replication_is_counted_and_tried_again(cluster: Bench) -> None:
    _replicated(cluster)
    with cluster.world.database.transaction():
        cluster.datacenter.nodes.put(replace(cluster.datacenter.nodes["pve2"], online=False))
    cluster.pass_time(900)
    cluster.pass_time(300)
    failed = cluster.call("GET", "/nodes/pve1/replication")[0]
    assert failed["fail_count"] in (2, 3)
    assert "failed: exit code 255" in failed["error"]
    with cluster.world.database.transaction():
        cluster.datacenter.nodes.put(replace(cluster.datacenter.nodes["pve2"], online=True))
    cluster.call("POST", "replication/150-0/schedule_now")
    cluster.pass_time(1)
    recovered = cluster.call("GET", "/nodes/pve1/replication")[0]
    assert (recovered["fail_count"], "error" in recovered) == (0, False)


def test_a_removed_replication_job_takes_its_copies_along_unless_they_are_kept(cluster: Bench) -> None:
    _replicated(cluster)
    cluster.call("DELETE", "/cluster/replication/150-0")
    assert cluster.call("GET", "/cluster/replication/150-0")["remove_job"] == "full"
    cluster.pass_time(1)
    with pytest.raises(ApiError, match="no such job '150-0'"):
        cluster.call("GET", "/cluster/replication/150-0")
    assert cluster.call("GET", "/nodes/pve2/storage/tank/content") == []


def test_a_job_goes_the_other_way_when_its_guest_has_been_taken_to_its_target(cluster: Bench) -> None:
    _replicated(cluster)
    with cluster.world.database.transaction():
        cluster.datacenter.guests.put(replace(cluster.datacenter.guests[150], node="pve2"))
    cluster.pass_time(900)
    job = cluster.call("GET", "/cluster/replication/150-0")
    assert (job["source"], job["target"]) == ("pve2", "pve1")
    assert cluster.call("GET", "/nodes/pve2/replication")[0]["fail_count"] == 0


def test_a_job_that_has_failed_is_removed_as_soon_as_any_other(cluster: Bench) -> None:
    _replicated(cluster)
    with cluster.world.database.transaction():
        cluster.datacenter.nodes.put(replace(cluster.datacenter.nodes["pve2"], online=False))
    cluster.pass_time(900)
    cluster.call("DELETE", "/cluster/replication/150-0", keep=1)
    cluster.pass_time(61)
    with pytest.raises(ApiError, match="no such job '150-0'"):
        cluster.call("GET", "/cluster/replication/150-0")


def test_a_destroyed_guest_leaves_its_jobs_only_when_it_is_purged(cluster: Bench) -> None:
    _replicated(cluster)
    _machine(cluster, 151)
    job = {"schedule": "daily", "storage": "nfs1"}
    cluster.call("POST", "/cluster/backup", id="both", vmid="150,151", **job)
    cluster.call("POST", "/cluster/backup", id="alone", vmid="150", **job)
    with pytest.raises(ApiError, match="There is a replication job '150-0' for guest '150' - Please remove that first"):
        cluster.call("DELETE", "qemu/150")
    cluster.call("DELETE", "qemu/150", purge=1)
    cluster.pass_time(60)
    assert {row["id"]: row["vmid"] for row in cluster.call("GET", "/cluster/backup")} == {"both": "151"}
    assert cluster.call("GET", "/cluster/replication") == []
    cluster.call("DELETE", "qemu/151")
    cluster.pass_time(60)
    assert cluster.call("GET", "/cluster/backup/both")["vmid"] == "151"
