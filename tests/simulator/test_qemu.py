"""Virtual machines: what a client sees of their configuration, their disks, their power and their clones."""

from __future__ import annotations

import dataclasses

import pytest

from simulator.errors import ApiError, ParamError
from tests.simulator.guest_bench import Bench

CLOUDINIT = 2 << 20
"""What the template's cloud-init drive holds; a clone gets one of its own."""


def test_a_linked_clone_of_a_thin_template_takes_no_room(bench: Bench) -> None:
    before = bench.call("GET", "storage/local-lvm/status")["used"]
    bench.ok("POST", "qemu/9000/clone", newid=101, name="web")
    assert bench.guest(101).config["scsi0"] == "local-lvm:vm-101-disk-0,size=3G"
    assert bench.call("GET", "storage/local-lvm/status")["used"] - before == CLOUDINIT


def test_a_full_clone_takes_the_room_of_the_data_it_copies(bench: Bench) -> None:
    before = bench.call("GET", "storage/local-lvm/status")["used"]
    bench.ok("POST", "qemu/9000/clone", newid=101, full=1)
    assert bench.call("GET", "storage/local-lvm/status")["used"] - before == (3 << 30) // 2 + CLOUDINIT


def test_a_clone_logs_its_progress_as_time_passes(bench: Bench) -> None:
    bench.hold()
    upid = bench.call("POST", "qemu/9000/clone", newid=101, full=1)
    bench.pass_time(0)
    assert bench.call("GET", "qemu/101/config").keys() == {"lock", "digest"}
    bench.pass_time(3)
    percents = [line for line in bench.task(upid).log if line.startswith("transferred")]
    assert percents[0] == "transferred 0.0 B of 3.0 GiB (0.00%)"
    assert percents[1].endswith("(16.67%)")
    assert bench.task(upid).exitstatus is None
    bench.pass_time(60)
    assert bench.task(upid).exitstatus == "OK"
    assert "lock" not in bench.call("GET", "qemu/101/config")


def test_a_clone_that_is_stopped_leaves_nothing_behind(bench: Bench) -> None:
    bench.hold()
    upid = bench.call("POST", "qemu/9000/clone", newid=101, full=1)
    bench.pass_time(2)
    bench.call("DELETE", f"tasks/{upid}")
    assert bench.task(upid).exitstatus != "OK"
    assert 101 not in bench.datacenter.guests
    assert not bench.volumes(101)


def test_twenty_clones_of_one_template_run_at_once(bench: Bench) -> None:
    bench.hold()
    upids = [bench.call("POST", "qemu/9000/clone", newid=newid, full=1) for newid in range(200, 220)]
    bench.pass_time(1)
    assert all(bench.task(upid).exitstatus is None for upid in upids)
    bench.pass_time(60)
    assert [bench.task(upid).exitstatus for upid in upids] == ["OK"] * 20


def test_of_two_clones_with_one_vmid_the_second_fails(bench: Bench) -> None:
    bench.hold()
    first = bench.call("POST", "qemu/9000/clone", newid=101)
    second = bench.call("POST", "qemu/9000/clone", newid=101)
    bench.pass_time(60)
    assert bench.task(first).exitstatus == "OK"
    assert "File exists" in str(bench.task(second).exitstatus)
    assert bench.guest(101).lock is None


def test_a_machine_that_is_being_made_cannot_be_changed(bench: Bench) -> None:
    bench.hold()
    bench.call("POST", "qemu", vmid=101, scsi0="local-lvm:8")
    with pytest.raises(ApiError, match=r"VM is locked \(create\)"):
        bench.call("PUT", "qemu/101/config", memory=512)


def test_a_create_that_fails_frees_what_it_had_made(bench: Bench) -> None:
    task = bench.run("POST", "qemu", vmid=101, scsi0="local-lvm:8", scsi1="local-lvm:vm-999-disk-0")
    assert task.exitstatus == "unable to create VM 101 - volume 'local-lvm:vm-999-disk-0' does not exist"
    assert 101 not in bench.datacenter.guests
    assert not bench.volumes(101)


def test_a_vmid_is_unique_in_the_cluster(three_nodes: Bench) -> None:
    three_nodes.create(101)
    with pytest.raises(ApiError, match="unable to create VM 101 - VM 101 already exists on node 'pve1'"):
        three_nodes.call("POST", "/nodes/pve2/qemu", vmid=101)
    with pytest.raises(ApiError, match="unable to create CT 9000 - VM 9000 already exists on node 'pve1'"):
        three_nodes.call("POST", "/nodes/pve2/lxc", vmid=9000, ostemplate="nfs1:vztmpl/x.tar.gz", rootfs="nfs1:1")


def test_a_digest_changes_with_the_configuration_and_guards_it(bench: Bench) -> None:
    bench.create(101)
    first = bench.call("GET", "qemu/101/config")["digest"]
    bench.call("PUT", "qemu/101/config", memory=1024, digest=first)
    assert bench.call("GET", "qemu/101/config")["digest"] != first
    with pytest.raises(ApiError, match="checksum mismatch"):
        bench.call("PUT", "qemu/101/config", memory=2048, digest=first)


def test_memory_and_cores_of_a_running_machine_wait_for_a_restart(bench: Bench) -> None:
    bench.create(101, memory=512, cores=1)
    bench.ok("POST", "qemu/101/status/start")
    bench.call("PUT", "qemu/101/config", memory=1024, cores=2, name="live", tags="B;a")
    assert bench.call("GET", "qemu/101/config", current=1)["memory"] == "512"
    assert bench.call("GET", "qemu/101/config")["memory"] == "1024"
    rows = {row["key"]: row for row in bench.call("GET", "qemu/101/pending")}
    assert (rows["cores"]["value"], rows["cores"]["pending"]) == (1, 2)
    assert (rows["name"]["value"], rows["tags"]["value"]) == ("live", "a;b")
    bench.ok("POST", "qemu/101/status/stop")
    assert bench.guest(101).config["memory"] == "1024"
    assert not bench.guest(101).pending


def test_a_reboot_lets_pending_changes_take_effect(bench: Bench) -> None:
    bench.ok("POST", "qemu/9000/clone", newid=101)
    bench.ok("POST", "qemu/101/status/start")
    bench.call("PUT", "qemu/101/config", cores=4)
    bench.ok("POST", "qemu/101/status/reboot")
    assert bench.guest(101).config["cores"] == "4"
    assert bench.guest(101).status == "running"


def test_a_network_card_is_plugged_at_once_but_not_into_a_missing_bridge(bench: Bench) -> None:
    bench.create(101)
    bench.ok("POST", "qemu/101/status/start")
    bench.call("PUT", "qemu/101/config", net0="virtio,bridge=vmbr0")
    assert "net0" in bench.call("GET", "qemu/101/config", current=1)
    with pytest.raises(ParamError):
        bench.call("PUT", "qemu/101/config", net1="virtio,bridge=vmbr9")


def test_a_start_with_a_missing_bridge_fails(bench: Bench) -> None:
    bench.create(101, net0="virtio,bridge=vmbr9")
    assert bench.run("POST", "qemu/101/status/start").exitstatus == "bridge 'vmbr9' does not exist"
    assert bench.guest(101).status == "stopped"


def test_a_machine_without_a_system_does_not_listen_to_a_shutdown(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    bench.ok("POST", "qemu/101/status/start")
    task = bench.run("POST", "qemu/101/status/shutdown", timeout=5)
    assert task.exitstatus == "VM quit/powerdown failed - got timeout"
    bench.ok("POST", "qemu/101/status/shutdown", timeout=5, forceStop=1)
    assert bench.guest(101).status == "stopped"


def test_the_agent_of_a_clone_answers_after_boot_with_its_address(bench: Bench) -> None:
    bench.ok("POST", "qemu/9000/clone", newid=101)
    bench.call("PUT", "qemu/101/config", ipconfig0="ip=192.0.2.50/24,gw=192.0.2.1")
    bench.hold()
    bench.call("POST", "qemu/101/status/start")
    bench.pass_time(0)
    bench.pass_time(2)
    with pytest.raises(ApiError, match="QEMU guest agent is not running"):
        bench.call("POST", "qemu/101/agent/ping")
    bench.pass_time(30)
    assert bench.call("POST", "qemu/101/agent/ping") == {"result": {}}
    interfaces = bench.call("GET", "qemu/101/agent/network-get-interfaces")["result"]
    addresses = {row["name"]: [entry["ip-address"] for entry in row["ip-addresses"]] for row in interfaces}
    assert addresses == {"lo": ["127.0.0.1"], "eth0": ["192.0.2.50"]}


def test_an_address_by_dhcp_stays_the_same(bench: Bench) -> None:
    bench.ok("POST", "qemu/9000/clone", newid=101)
    bench.ok("POST", "qemu/101/status/start")
    first = bench.call("GET", "qemu/101/agent/network-get-interfaces")
    bench.ok("POST", "qemu/101/status/reboot")
    assert bench.call("GET", "qemu/101/agent/network-get-interfaces") == first


def test_a_disk_grows_but_never_shrinks(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:2")
    bench.ok("PUT", "qemu/101/resize", disk="scsi0", size="+1G")
    assert bench.guest(101).config["scsi0"] == "local-lvm:vm-101-disk-0,size=3G"
    task = bench.run("PUT", "qemu/101/resize", disk="scsi0", size="1G")
    assert task.exitstatus == "shrinking disks is not supported"


def test_a_disk_moves_to_another_storage_and_its_old_volume_becomes_unused(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="images")
    bench.ok("POST", "qemu/9000/clone", newid=101, full=1)
    bench.ok("POST", "qemu/101/move_disk", disk="scsi0", storage="files", format="qcow2")
    config = bench.guest(101).config
    assert (config["scsi0"], config["unused0"]) == ("files:101/vm-101-disk-0.qcow2,size=3G", "local-lvm:vm-101-disk-0")
    bench.ok("POST", "qemu/101/move_disk", disk="scsi0", storage="local-lvm", delete=1)
    assert bench.guest(101).config["scsi0"] == "local-lvm:vm-101-disk-1,size=3G"
    assert not [volume for volume in bench.volumes(101) if volume.storage == "files"]


def test_detached_disks_are_kept_until_they_are_deleted_as_unused(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", boot="order=scsi0")
    bench.call("PUT", "qemu/101/config", delete="scsi0")
    assert bench.guest(101).config["unused0"] == "local-lvm:vm-101-disk-0"
    assert bench.guest(101).config["boot"] == " "
    bench.call("PUT", "qemu/101/config", delete="unused0")
    assert not bench.volumes(101)


def test_protection_stands_before_destroying_and_before_removing_disks(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", protection=1)
    with pytest.raises(ApiError, match="can't remove VM 101 - protection mode enabled"):
        bench.call("DELETE", "qemu/101")
    with pytest.raises(ApiError, match="can't remove drive 'scsi0' - protection mode enabled"):
        bench.call("PUT", "qemu/101/config", delete="scsi0")


def test_destroying_takes_volumes_pool_membership_and_permissions_along(bench: Bench) -> None:
    bench.call("POST", "/pools", poolid="prod")
    bench.create(101, scsi0="local-lvm:1", pool="prod")
    bench.call("PUT", "qemu/101/config", scsi0="local-lvm:2")
    bench.call("PUT", "/access/acl", path="/vms/101", roles="PVEVMUser", users="root@pam")
    assert bench.datacenter.pools["prod"].vms == {101}
    bench.ok("DELETE", "qemu/101")
    assert not bench.volumes(101)
    assert not bench.datacenter.pools["prod"].vms
    assert "/vms/101" not in bench.datacenter.acl


def test_a_volume_that_the_configuration_forgot_goes_only_when_asked(bench: Bench) -> None:
    bench.create(101)
    volid = bench.call("POST", "storage/local-lvm/content", vmid=101, filename="vm-101-disk-9", size="1G")
    bench.create(102)
    bench.call("POST", "storage/local-lvm/content", vmid=102, filename="vm-102-disk-9", size="1G")
    bench.ok("DELETE", "qemu/101")
    bench.ok("DELETE", "qemu/102", destroy_unreferenced_disks=1)
    assert [volume.volid for volume in bench.volumes(101)] == [volid]
    assert not bench.volumes(102)


def test_a_held_lock_file_makes_a_task_give_up(bench: Bench) -> None:
    bench.create(101)
    bench.tasks.lock_holders["/var/lock/qemu-server/lock-101.conf"] = None
    task = bench.run("POST", "qemu/101/status/start")
    assert task.exitstatus == "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"


def test_a_template_of_files_cannot_go_before_its_linked_clones(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="images")
    bench.create(101, scsi0="files:1")
    bench.ok("POST", "qemu/101/template")
    bench.ok("POST", "qemu/101/clone", newid=102)
    assert bench.guest(102).config["scsi0"] == "files:101/base-101-disk-0.raw/102/vm-102-disk-0.qcow2,size=1G"
    failed = bench.run("DELETE", "qemu/101")
    assert failed.exitstatus == "base volume 'files:101/base-101-disk-0.raw' is still in use by linked cloned"
    bench.ok("DELETE", "qemu/102")
    bench.ok("DELETE", "qemu/101")


def test_a_snapshot_brings_back_the_configuration_and_the_size(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", memory=512)
    bench.ok("POST", "qemu/101/snapshot", snapname="before", description="as it was")
    bench.ok("PUT", "qemu/101/resize", disk="scsi0", size="5G")
    bench.call("PUT", "qemu/101/config", memory=1024)
    bench.ok("POST", "qemu/101/snapshot/before/rollback")
    assert bench.guest(101).config["memory"] == "512"
    assert bench.volumes(101)[0].size == 1 << 30
    bench.ok("DELETE", "qemu/101/snapshot/before")
    assert [row["name"] for row in bench.call("GET", "qemu/101/snapshot")] == ["current"]


def test_an_offline_migration_takes_local_disks_along(three_nodes: Bench) -> None:
    three_nodes.create(101, scsi0="local-lvm:2", scsi1="nfs1:1")
    three_nodes.ok("POST", "qemu/101/migrate", target="pve2")
    guest = three_nodes.guest(101)
    assert (guest.node, guest.config["scsi0"]) == ("pve2", "local-lvm:vm-101-disk-0,size=2G")
    assert [(volume.volid, volume.node) for volume in three_nodes.volumes(101)] == [
        ("local-lvm:vm-101-disk-0", "pve2"),
        ("nfs1:101/vm-101-disk-0.raw", ""),
    ]


def test_a_running_machine_moves_only_online_and_keeps_running(three_nodes: Bench) -> None:
    three_nodes.create(101, scsi0="nfs1:1")
    three_nodes.ok("POST", "qemu/101/status/start")
    with pytest.raises(ApiError, match="can't migrate running VM without --online"):
        three_nodes.call("POST", "qemu/101/migrate", target="pve2")
    three_nodes.ok("POST", "qemu/101/migrate", target="pve2", online=1)
    assert (three_nodes.guest(101).node, three_nodes.guest(101).status) == ("pve2", "running")


def test_a_migration_to_a_node_that_is_down_fails_and_leaves_the_machine_where_it_was(three_nodes: Bench) -> None:
    three_nodes.create(101, scsi0="local-lvm:1")
    with three_nodes.world.database.transaction():
        node = three_nodes.datacenter.nodes["pve3"]
        three_nodes.datacenter.nodes.put(dataclasses.replace(node, online=False))
    assert three_nodes.run("POST", "qemu/101/migrate", target="pve3").exitstatus == "migration aborted"
    assert three_nodes.guest(101).node == "pve1"
    assert three_nodes.guest(101).lock is None


def test_a_machine_can_be_imported_from_an_uploaded_image(bench: Bench) -> None:
    bench.ok(
        "POST", "storage/local/download-url", url="https://example.test/d.qcow2", content="import", filename="d.qcow2"
    )  # fmt: skip
    bench.create(101, scsi0="local-lvm:0,import-from=local:import/d.qcow2", ide2="local-lvm:cloudinit")
    assert bench.guest(101).config["scsi0"] == "local-lvm:vm-101-disk-0,size=512M"
    assert bench.guest(101).config["boot"] == "order=scsi0;ide2"


def test_a_password_is_never_shown(bench: Bench) -> None:
    bench.create(101, cipassword="geheim123")
    assert bench.call("GET", "qemu/101/config")["cipassword"] == "**********"
    assert "geheim123" not in str(bench.guest(101))
    bench.ok("POST", "qemu/101/config", cipassword="geheim456")
    assert "geheim456" not in str([task.log for task in bench.datacenter.tasks])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Prod;web,db prod", "db;prod;web"),
        ("", " "),
        ("zeta alpha", "alpha;zeta"),
    ],
)
def test_tags_are_kept_in_one_form(bench: Bench, given: str, kept: str) -> None:
    bench.create(101, tags=given)
    assert bench.call("GET", "qemu/101/config")["tags"] == kept


def test_clones_share_their_source_and_whoever_changes_it_waits_for_all_of_them(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    bench.hold()
    clones = [bench.call("POST", "qemu/101/clone", newid=newid, full=1) for newid in (102, 103)]
    bench.pass_time(0)
    assert [bench.task(upid).log[:2][-1] for upid in clones] == [
        "create full clone of drive scsi0 (local-lvm:vm-101-disk-0)"
    ] * 2
    start = bench.call("POST", "qemu/101/status/start")
    bench.pass_time(0)
    assert bench.task(start).log == ("trying to acquire lock...",)
    for _ in range(20):
        bench.pass_time(0.5)
    assert {bench.task(upid).exitstatus for upid in clones} == {"OK"}
    assert bench.task(start).log == ("trying to acquire lock...", " OK", "TASK OK")
    assert bench.guest(101).status == "running"
