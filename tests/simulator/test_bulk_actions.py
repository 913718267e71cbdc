"""Doing something with many guests at once: order, what is left out, and what is told of failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.errors import ApiError, ParamError, PermissionDenied
from simulator.guests.draft import set_lock
from simulator.records import Setting, Task
from tests.simulator.guest_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A host with machines 101 to 103 and a container 104."""
    made = Bench.open(tmp_path)
    made.create(101, onboot=1, startup="order=2,up=7")
    made.create(102, onboot=1, startup="order=1,down=30")
    made.create(103)
    made.container(104, onboot=1)
    return made


def running(bench: Bench) -> set[int]:
    """Return which guests run."""
    return {guest.vmid for guest in bench.datacenter.guests if guest.status == "running"}


def of_type(bench: Bench, kind: str) -> list[Task]:
    """Return the tasks of a type in the order of their starts."""
    return [task for task in bench.datacenter.tasks if task.type == kind]


def test_starting_all_takes_what_starts_with_the_node_in_its_order(bench: Bench) -> None:
    task = bench.ok("POST", "/nodes/pve1/startall")
    assert running(bench) == {101, 102, 104}
    assert task.log == (
        "Starting VM 102", "Starting VM 101", "Waiting for 7 seconds (startup delay)", "Starting CT 104", "TASK OK",
    )  # fmt: skip
    assert task.id == ""


def test_starting_by_force_takes_all_but_templates(bench: Bench) -> None:
    bench.ok("POST", "/nodes/pve1/startall", force=1)
    assert running(bench) == {101, 102, 103, 104}
    assert bench.guest(9000).status == "stopped"


def test_a_guest_that_does_not_start_is_told_and_the_task_ends_well(bench: Bench) -> None:
    bench.call("PUT", "qemu/103/config", net0="virtio,bridge=vmbr9")
    task = bench.ok("POST", "/nodes/pve1/startall", vms="103", force=1)
    assert task.log[:2] == ("Starting VM 103", "Starting VM 103 failed: bridge 'vmbr9' does not exist")


def test_a_start_removes_the_lock_of_a_backup_that_died(bench: Bench) -> None:
    with bench.world.database.transaction():
        set_lock(bench.datacenter, 101, "backup")
    task = bench.ok("POST", "/nodes/pve1/startall", vms="101")
    assert task.log[0] == "removed left over backup lock from '101'!"
    assert running(bench) == {101}


def test_stopping_all_goes_backwards_with_each_guests_own_timeout(bench: Bench) -> None:
    bench.ok("POST", "/nodes/pve1/startall")
    task = bench.ok("POST", "/nodes/pve1/stopall", timeout=60, max_workers=1)
    assert running(bench) == set()
    assert task.log == (
        "Stopping CT 104 (timeout = 60 seconds)", "Stopping VM 101 (timeout = 60 seconds)",
        "Stopping VM 102 (timeout = 30 seconds)", "TASK OK",
    )  # fmt: skip


def test_no_more_tasks_run_at_once_than_are_wanted(bench: Bench) -> None:
    bench.hold()
    bench.call("POST", "/cluster/bulk-action/guest/start", vms=[101, 102, 103], **{"max-workers": 1})
    bench.pass_time(0)
    assert len(of_type(bench, "qmstart")) == 1
    for _ in range(30):
        bench.pass_time(1)
    assert [task.id for task in of_type(bench, "qmstart")] == ["102", "101", "103"]
    assert of_type(bench, "bulk-start")[0].exitstatus == "OK"


def test_suspending_all_puts_machines_to_sleep_and_leaves_containers(bench: Bench) -> None:
    bench.ok("POST", "/nodes/pve1/startall")
    task = bench.run("POST", "/nodes/pve1/suspendall")
    assert "WARN: skipping 104, only VMs can be suspended" in task.log
    assert task.exitstatus == "WARNINGS: 1"
    assert {vmid for vmid in (101, 102) if bench.guest(vmid).lock == "suspended"} == {101, 102}
    assert running(bench) == {104}


def test_a_bulk_start_fails_when_one_guest_does_and_tells_what_runs_already(bench: Bench) -> None:
    bench.ok("POST", "qemu/101/status/start")
    bench.call("PUT", "qemu/103/config", net0="virtio,bridge=vmbr9")
    task = bench.run("POST", "/cluster/bulk-action/guest/start", vms=[101, 102, 103])
    assert task.exitstatus == "Some guests failed to start: 103"
    assert task.log == (
        "Starting guests: 101, 102, 103", "Starting VM 102", "WARN: Skipping VM 101, already running.",
        "Starting VM 103", "WARN: Starting VM 103 failed: bridge 'vmbr9' does not exist",
        "TASK ERROR: Some guests failed to start: 103",
    )  # fmt: skip


def test_a_bulk_start_goes_on_with_what_is_paused(bench: Bench) -> None:
    bench.ok("POST", "qemu/103/status/start")
    bench.run("POST", "/cluster/bulk-action/guest/suspend", vms=[103])
    assert bench.guest(103).paused
    bench.ok("POST", "/cluster/bulk-action/guest/start", vms=[103])
    assert not bench.guest(103).paused


def test_a_bulk_shutdown_takes_all_that_run(bench: Bench) -> None:
    bench.ok("POST", "/nodes/pve1/startall")
    task = bench.run("POST", "/cluster/bulk-action/guest/shutdown")
    assert running(bench) == set()
    assert task.log[0] == "Shutting down all guests"
    assert "Shutting down VM 102 (Timeout = 30 seconds)" in task.log
    assert task.exitstatus == "WARNINGS: 1"


def test_only_who_may_switch_a_guest_may_do_so_in_bulk(bench: Bench) -> None:
    bench.call("POST", "/access/users", userid="anna@pve")
    secret = bench.call("POST", "/access/users/anna@pve/token/tok", privsep=0)["value"]
    bench.call("PUT", "/access/acl", path="/vms/101", users="anna@pve", roles="PVEVMUser")
    anna = bench.by(f"anna@pve!tok={secret}")
    anna("POST", "/nodes/pve1/startall", vms="101")
    assert running(bench) == {101}
    for path, values in (
        ("/nodes/pve1/stopall", {}),
        ("/nodes/pve1/startall", {"vms": "101,102"}),
        ("/nodes/pve1/suspendall", {}),
        ("/cluster/bulk-action/guest/shutdown", {}),
        ("/cluster/bulk-action/guest/migrate", {"vms": [101], "target": "pve1"}),
    ):
        with pytest.raises(PermissionDenied):
            anna("POST", path, **values)


@pytest.fixture
def cluster(tmp_path: Path) -> Bench:
    """A cluster of three nodes with a machine and a container on the first."""
    made = Bench.open(tmp_path, "three-nodes")
    made.create(101)
    made.container(102, rootfs="local-lvm:1")
    return made


def test_all_guests_of_a_node_migrate_away(cluster: Bench) -> None:
    cluster.ok("POST", "qemu/101/status/start")
    task = cluster.ok("POST", "/nodes/pve1/migrateall", target="pve2", maxworkers=2)
    assert "Check VM 101: precondition check passed" in task.log
    assert {cluster.guest(vmid).node for vmid in (101, 102)} == {"pve2"}
    assert cluster.guest(101).status == "running"


def test_a_migration_of_all_needs_a_target_and_a_number_of_workers(cluster: Bench) -> None:
    with pytest.raises(ParamError):
        cluster.call("POST", "/nodes/pve1/migrateall", target="pve1", maxworkers=1)
    with pytest.raises(ApiError, match="no such cluster node 'nope'"):
        cluster.call("POST", "/nodes/pve1/migrateall", target="nope", maxworkers=1)
    with pytest.raises(ApiError, match="either 'max-workers' parameter or max_workers in"):
        cluster.call("POST", "/nodes/pve1/migrateall", target="pve2")
    with cluster.world.database.transaction():
        cluster.datacenter.options.put(Setting(name="max_workers", value="2"))
    assert cluster.run("POST", "/nodes/pve1/migrateall", target="pve2").exitstatus == "OK"


def test_a_running_machine_with_a_local_disk_stays_unless_its_disk_may_go_along(cluster: Bench) -> None:
    cluster.create(103, scsi0="local-lvm:1")
    cluster.ok("POST", "qemu/103/status/start")
    task = cluster.run("POST", "/nodes/pve1/migrateall", target="pve2", maxworkers=1, vms="103")
    assert task.exitstatus == "no migrations worker started..."
    assert "WARN:   Has local disks: local-lvm:vm-103-disk-0" in task.log
    cluster.ok("POST", "/nodes/pve1/migrateall", target="pve2", vms="103", maxworkers=1, with_local_disks=1)
    assert cluster.guest(103).node == "pve2"


def test_a_bulk_migration_leaves_what_is_there_already(cluster: Bench) -> None:
    cluster.ok("POST", "qemu/101/migrate", target="pve2")
    task = cluster.run("POST", "/cluster/bulk-action/guest/migrate", vms=[101, 102], target="pve2")
    assert task.exitstatus == "WARNINGS: 1"
    assert task.log[:3] == (
        "Migrating guests to pve2: 101, 102", "WARN: VM 101 already on pve2, skipping.", "Migrating CT 102",
    )  # fmt: skip
    assert cluster.guest(102).node == "pve2"
