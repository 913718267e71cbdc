"""Backing guests up: what is in a backup, what the guest notices, who may, and where it goes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from simulator.errors import ApiError, ParamError
from simulator.guests.draft import set_lock
from simulator.records import Capacity, Section, Task
from tests.simulator.client import Client
from tests.simulator.guest_bench import Bench


def _backups(bench: Bench, storage: str = "local", **filters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = bench.call("GET", f"storage/{storage}/content", content="backup", **filters)
    return sorted(rows, key=lambda row: str(row["volid"]))


def _says(task: Task, text: str) -> bool:
    return any(text in line for line in task.log)


@pytest.mark.parametrize(
    ("compress", "ending"),
    [("0", "vma"), ("1", "vma.lzo"), ("lzo", "vma.lzo"), ("gzip", "vma.gz"), ("zstd", "vma.zst")],
)
def test_a_backup_bears_proxmoxs_name_and_what_was_noted(bench: Bench, compress: str, ending: str) -> None:
    bench.create(101, name="web", scsi0="local-lvm:1")
    template = "{{guestname}} on {{node}}: {{vmid}}\\nnext line"
    task = bench.ok("POST", "vzdump", vmid=101, compress=compress, storage="local", notes_template=template)
    assert (task.type, task.id) == ("vzdump", "101")
    row = _backups(bench)[0]
    assert re.fullmatch(
        rf"local:backup/vzdump-qemu-101-(\d{{4}})_\d\d_\d\d-\d\d_\d\d_\d\d\.{re.escape(ending)}", row["volid"]
    )
    assert (row["format"], row["subtype"], row["vmid"]) == (ending, "qemu", 101)
    assert row["notes"] == "web on pve1: 101\nnext line"
    assert "protected" not in row


def test_a_backup_server_names_a_backup_by_its_time_in_utc(bench: Bench) -> None:
    bench.call(
        "POST",
        "/storage",
        storage="pbs1",
        type="pbs",
        server="192.0.2.9",
        datastore="d",
        username="u@pbs",
        password="s",
    )
    bench.create(101, scsi0="local-lvm:1")
    bench.container(102)
    bench.ok("POST", "vzdump", vmid="101,102", storage="pbs1")
    rows = _backups(bench, "pbs1")
    assert [row["format"] for row in rows] == ["pbs-ct", "pbs-vm"]
    assert [row["subtype"] for row in rows] == ["lxc", "qemu"]
    assert re.fullmatch(r"pbs1:backup/vm/101/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[1]["volid"])
    assert rows[1]["size"] == 1 << 30


def test_the_configuration_in_a_backup_is_that_of_its_moment(bench: Bench) -> None:
    bench.create(101, name="before", scsi0="local-lvm:1", scsi1="local-lvm:1,backup=0", ide2="none,media=cdrom")
    task = bench.ok("POST", "vzdump", vmid=101)
    assert _says(task, "INFO: exclude disk 'scsi1' 'local-lvm:vm-101-disk-1' (backup=no)")
    bench.call("PUT", "qemu/101/config", name="after")
    text = bench.call("GET", "vzdump/extractconfig", volume=_backups(bench)[0]["volid"])
    assert "name: before\n" in text
    assert "#qmdump#map:scsi0:drive-scsi0:local-lvm:raw:\n" in text
    assert "map:scsi1" not in text


def test_a_guest_is_locked_while_its_backup_runs_and_free_afterwards(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    bench.ok("POST", "qemu/101/status/start")
    bench.hold()
    upid = bench.call("POST", "vzdump", vmid=101)
    bench.pass_time(0.1)
    assert bench.call("GET", "qemu/101/status/current")["lock"] == "backup"
    with pytest.raises(ApiError, match=r"VM is locked \(backup\)"):
        bench.call("PUT", "qemu/101/config", memory=1024)
    bench.pass_time(60)
    assert bench.task(upid).exitstatus == "OK"
    assert bench.guest(101).lock is None
    assert bench.guest(101).status == "running"


def test_a_stopped_backup_leaves_no_lock_and_no_archive(bench: Bench) -> None:
    bench.container(101)
    bench.ok("POST", "lxc/101/status/start")
    bench.hold()
    upid = bench.call("POST", "vzdump", vmid=101, mode="stop")
    bench.pass_time(0)
    bench.pass_time(3)
    assert bench.guest(101).status == "stopped"
    bench.call("DELETE", f"tasks/{upid}")
    assert bench.task(upid).exitstatus not in (None, "OK")
    assert (bench.guest(101).lock, bench.guest(101).status) == (None, "running")
    assert _backups(bench) == []


def test_mode_stop_shuts_a_machine_down_and_lets_it_run_on_as_soon_as_the_copy_has_begun(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", agent=1)
    bench.ok("POST", "qemu/101/status/start")
    with bench.world.database.transaction():
        volume = bench.volumes(101)[0]
        bench.datacenter.volumes.put(replace(volume, used=volume.size // 2))
    task = bench.ok("POST", "vzdump", vmid=101, mode="stop")
    assert _says(task, "INFO: stopping virtual guest")
    assert _says(task, "INFO: resuming VM again after 0 seconds")
    assert bench.guest(101).status == "running"


def test_a_container_on_volumes_without_snapshots_is_suspended_instead(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="rootdir")
    bench.container(101, rootfs="files:1")
    bench.ok("POST", "lxc/101/status/start")
    task = bench.ok("POST", "vzdump", vmid=101, mode="snapshot")
    assert _says(task, "INFO: mode failure - some volumes do not support snapshots")
    assert _says(task, "INFO: backup mode: suspend")


def test_a_containers_volumes_are_left_out_unless_asked_for(bench: Bench) -> None:
    bench.container(101, mp0="local-lvm:1,mp=/data", mp1="local-lvm:1,mp=/saved,backup=1")
    task = bench.ok("POST", "vzdump", vmid=101)
    assert _says(task, "INFO: excluding volume mount point mp0 ('/data') from backup (disabled)")
    assert _says(task, "INFO: including mount point mp1 ('/saved') in backup")


def test_one_failing_guest_fails_the_job_and_stops_no_other(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    bench.create(102)
    with bench.world.database.transaction():
        set_lock(bench.datacenter, 101, "migrate")
    task = bench.run("POST", "vzdump", vmid="101,102")
    assert task.exitstatus == "job errors"
    assert _says(task, "ERROR: Backup of VM 101 failed - VM is locked (migrate)")
    assert bench.guest(101).lock == "migrate"
    assert [row["vmid"] for row in _backups(bench)] == [102]


def test_a_job_waits_for_the_one_before_it(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    bench.hold()
    first = bench.call("POST", "vzdump", vmid=101)
    second = bench.call("POST", "vzdump", vmid=101)
    bench.pass_time(0.1)
    assert bench.task(second).log == ("INFO: trying to get global lock - waiting...",)
    bench.pass_time(60)
    assert {bench.task(first).exitstatus, bench.task(second).exitstatus} == {"OK"}
    assert "INFO: got global lock" in bench.task(second).log
    assert len(_backups(bench)) == 2


def test_older_backups_are_pruned_except_protected_ones(bench: Bench) -> None:
    bench.create(101)
    bench.ok("POST", "vzdump", vmid=101, storage="local", protected=1)
    for _ in range(3):
        task = bench.ok("POST", "vzdump", vmid=101, storage="local", prune_backups="keep-last=2")
    assert _says(task, "INFO: prune older backups with retention: keep-last=2")
    assert _says(task, "INFO: pruned 1 backup(s) not covered by keep-retention policy")
    assert [row.get("protected", 0) for row in _backups(bench)] == [1, 0, 0]


def test_a_limit_without_removal_refuses_one_more(bench: Bench) -> None:
    bench.create(101)
    bench.call("PUT", "/storage/local", prune_backups="keep-last=1", max_protected_backups=1)
    bench.ok("POST", "vzdump", vmid=101, storage="local", remove=0)
    task = bench.run("POST", "vzdump", vmid=101, storage="local", remove=0)
    assert _says(task, "failed - There is a max backup limit of 1 enforced by the target storage")
    bench.ok("POST", "vzdump", vmid=101, storage="local", protected=1)
    task = bench.run("POST", "vzdump", vmid=101, storage="local", protected=1)
    assert _says(task, "The number of protected backups per guest is limited to 1 on storage 'local'")


def test_a_full_storage_fails_the_backup(bench: Bench) -> None:
    bench.container(101)
    total = bench.datacenter.capacities["local/pve1"].total
    with bench.world.database.transaction():
        bench.datacenter.capacities.put(Capacity(storage="local", node="pve1", total=total, other=total))
    task = bench.run("POST", "vzdump", vmid=101)
    assert _says(task, "No space left on device")
    assert bench.guest(101).lock is None


def test_each_node_backs_up_its_own_guests(three_nodes: Bench) -> None:
    three_nodes.create(101, scsi0="nfs1:1")
    three_nodes.ok("POST", "/nodes/pve2/qemu", vmid=102, scsi0="nfs1:1")
    assert three_nodes.call("POST", "vzdump", vmid=102, storage="nfs1") == "OK"
    task = three_nodes.ok("POST", "vzdump", all=1, exclude="9000,9001", storage="nfs1")
    assert _says(task, "INFO: skip external VMs: 102")
    assert [row["vmid"] for row in _backups(three_nodes, "nfs1")] == [101]


def test_a_pool_names_the_guests_as_well(bench: Bench) -> None:
    bench.call("POST", "/pools", poolid="prod")
    bench.create(101, pool="prod")
    bench.create(102)
    bench.ok("POST", "vzdump", pool="prod")
    assert [row["vmid"] for row in _backups(bench)] == [101]


@pytest.mark.parametrize(
    ("options", "errors"),
    [
        ({"vmid": "101", "all": 1}, {"all": "option conflicts with option 'vmid'"}),
        ({"vmid": "101", "exclude": "102"}, {"exclude": "option conflicts with option 'vmid'"}),
        ({"vmid": "101", "pool": "p"}, {"pool": "option conflicts with option 'vmid'"}),
        ({"vmid": "101", "stdout": 1}, {"stdout": "option is only allowed on the command line interface."}),
        ({"vmid": "101", "dumpdir": "/tmp"}, {"dumpdir": "Only root may set this option."}),
        ({}, {"vmid": "property is missing"}),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    bench: Bench, options: dict[str, Any], errors: dict[str, str]
) -> None:
    with pytest.raises(ParamError) as refusal:
        bench.call("POST", "vzdump", **options)
    assert refusal.value.errors == errors


def test_only_who_may_back_up_a_guest_onto_a_storage_does(client: Client) -> None:
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 101})
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 102})
    client.call("POST", "/access/users", {"userid": "bob@pve", "password": "bobpassword"})
    client.call("PUT", "/access/acl", {"path": "/vms/101", "users": "bob@pve", "roles": "PVEVMUser"})
    client.login("bob@pve", "bobpassword")
    job = {"vmid": "101,102", "storage": "local"}
    refused = client.call("POST", "/nodes/pve1/vzdump", job, as_user="bob@pve")
    assert (refused.status, refused.reason) == (
        403,
        "Permission check failed (/storage/local, Datastore.AllocateSpace)",
    )
    client.call("PUT", "/access/acl", {"path": "/storage/local", "users": "bob@pve", "roles": "PVEDatastoreUser"})
    upid = client.call("POST", "/nodes/pve1/vzdump", job, as_user="bob@pve").data
    status = client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"]
    assert status == "Permission check failed (/vms/102, VM.Backup)"
    everything = client.call("POST", "/nodes/pve1/vzdump", {"all": 1, "storage": "local"}, as_user="bob@pve")
    assert client.call("GET", f"/nodes/pve1/tasks/{everything.data}/status").data["exitstatus"] == "OK"
    saved = client.call("GET", "/nodes/pve1/storage/local/content", {"content": "backup"}).data
    assert [row["vmid"] for row in saved] == [101]
    pruning = client.call("POST", "/nodes/pve1/vzdump", job | {"prune-backups": "keep-last=1"}, as_user="bob@pve")
    assert pruning.status == 403


def test_the_defaults_are_those_of_the_storage(bench: Bench) -> None:
    bench.call("PUT", "/storage/local", prune_backups="keep-last=3")
    found = bench.call("GET", "vzdump/defaults", storage="local")
    assert (found["storage"], found["dumpdir"]) == ("local", "/var/lib/vz/dump")
    assert (found["prune-backups"], found["mode"], found["compress"]) == ("keep-last=3", "snapshot", "0")
    with pytest.raises(ApiError, match="can't use storage 'local-lvm' for backups - wrong content type"):
        bench.call("GET", "vzdump/defaults", storage="local-lvm")


def test_a_folder_that_is_a_storages_may_be_named_by_root(client: Client) -> None:
    client.login("root@pam", client.password)
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 101})
    for folder, ended in (("/var/lib/vz/dump", "OK"), ("/nowhere", "dumpdir '/nowhere' does not exist")):
        upid = client.call("POST", "/nodes/pve1/vzdump", {"vmid": 101, "dumpdir": folder}, as_user="root@pam").data
        assert client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"] == ended


def test_a_running_managed_guest_is_not_stopped_for_its_backup(bench: Bench) -> None:
    bench.create(101)
    with bench.world.database.transaction():
        bench.datacenter.ha_resources.put(Section(id="vm:101", type="vm", options={"state": "started"}))
    task = bench.run("POST", "vzdump", vmid=101, mode="stop")
    assert _says(task, "Cannot execute a backup with stop mode on a HA managed and enabled Service.")
