"""Making guests of backups: what comes back, what the call may change, and what becomes of the guest before."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import ApiError, ParamError
from tests.simulator.client import Client
from tests.simulator.guest_bench import Bench


def _backup(bench: Bench, vmid: int, storage: str = "local") -> str:
    bench.ok("POST", "vzdump", vmid=vmid, storage=storage)
    rows = bench.call("GET", f"storage/{storage}/content", content="backup", vmid=vmid)
    return max(str(row["volid"]) for row in rows)


def _mac(config: dict[str, Any], key: str = "net0") -> str:
    return str(config[key]).partition(",")[0]


def test_a_restored_machine_is_as_it_was_at_the_moment_of_the_backup(bench: Bench) -> None:
    bench.create(101, name="web", memory=768, scsi0="local-lvm:2,discard=on", net0="virtio,bridge=vmbr0")
    archive, before = _backup(bench, 101), bench.call("GET", "qemu/101/config")
    bench.call("PUT", "qemu/101/config", name="other", memory=1024)
    bench.ok("PUT", "qemu/101/resize", disk="scsi0", size="+1G")
    task = bench.ok("POST", "qemu", vmid=101, archive=archive, force=1)
    assert task.type == "qmrestore"
    after = bench.call("GET", "qemu/101/config")
    changing = {"digest", "vmgenid"}
    assert {key: after[key] for key in after.keys() - changing} == {
        key: before[key] for key in before.keys() - changing
    }
    assert after["vmgenid"] != before["vmgenid"]
    assert [volume.size for volume in bench.volumes(101) if volume.content == "images"] == [2 << 30]


def test_a_restore_logs_what_it_does(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:2")
    log = bench.ok("POST", "qemu", vmid=105, archive=_backup(bench, 101)).log
    assert log[0].startswith("restore vma archive: vma extract -v -r /var/tmp/vzdumptmp")
    for line in (
        "DEV: dev_id=1 size: 2147483648 devname: drive-scsi0",
        "new volume ID is 'local-lvm:vm-105-disk-0'",
        "map 'drive-scsi0' to '/dev/pve/vm-105-disk-0' (write zeros = 0)",
        "rescan volumes...",
        "TASK OK",
    ):
        assert line in log


def test_a_unique_copy_shares_no_identity_and_options_of_the_call_win(bench: Bench) -> None:
    bench.call("POST", "/pools", poolid="copies")
    bench.create(101, name="web", net0="virtio,bridge=vmbr0", scsi0="local-lvm:1")
    bench.ok("POST", "qemu", vmid=105, archive=_backup(bench, 101), unique=1, name="copy", pool="copies", start=1)
    old, new = bench.call("GET", "qemu/101/config"), bench.call("GET", "qemu/105/config")
    assert _mac(old) != _mac(new)
    assert old["smbios1"] != new["smbios1"]
    assert new["name"] == "copy"
    assert bench.datacenter.pools["copies"].vms == {105}
    assert bench.guest(105).status == "running"


def test_disks_go_to_the_storage_that_is_asked_for_in_a_format_that_it_holds(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="images")
    bench.create(101, scsi0="files:1,format=qcow2", ide2="local-lvm:cloudinit")
    bench.ok("POST", "qemu", vmid=105, archive=_backup(bench, 101), storage="local-lvm")
    config = bench.call("GET", "qemu/105/config")
    assert config["scsi0"] == "local-lvm:vm-105-disk-0,size=1G"
    assert config["ide2"].startswith("local-lvm:vm-105-cloudinit")


def test_a_disk_that_was_left_out_stays_as_an_unused_one(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", scsi1="local-lvm:1,backup=0")
    bench.ok("POST", "qemu", vmid=101, archive=_backup(bench, 101), force=1)
    config = bench.call("GET", "qemu/101/config")
    assert config["unused0"] == "local-lvm:vm-101-disk-1"
    assert "scsi1" not in config
    assert config["description"] == "scsi1: local-lvm:vm-101-disk-1,backup=0,size=1G"


def test_a_template_comes_back_as_a_template(bench: Bench) -> None:
    archive = _backup(bench, 9000)
    bench.ok("POST", "qemu", vmid=105, archive=archive)
    config = bench.call("GET", "qemu/105/config")
    assert config["template"] == 1
    assert config["scsi0"].startswith("local-lvm:base-105-disk-0")


def test_what_exists_runs_or_is_protected_is_not_overwritten(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    archive = _backup(bench, 101)
    with pytest.raises(ApiError, match="unable to restore VM 101 - VM 101 already exists on node 'pve1'"):
        bench.call("POST", "qemu", vmid=101, archive=archive)
    bench.ok("POST", "qemu/101/status/start")
    running = bench.run("POST", "qemu", vmid=101, archive=archive, force=1)
    assert running.exitstatus == "unable to restore VM 101 - vm is running"
    assert bench.guest(101).lock is None
    bench.ok("POST", "qemu/101/status/stop")
    bench.call("PUT", "qemu/101/config", protection=1)
    protected = bench.run("POST", "qemu", vmid=101, archive=archive, force=1)
    assert "protection mode enabled" in str(protected.exitstatus)


def test_a_restore_that_fails_halfway_frees_what_it_has_made(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1", scsi1="local-lvm:1")
    archive = _backup(bench, 101)
    task = bench.run("POST", "qemu", vmid=105, archive=archive, storage="local")
    assert task.exitstatus == "Content type 'images' is not available on storage 'local'"
    assert bench.volumes(105) == []
    assert bench.guest(105).lock is None


def test_live_restore_needs_a_backup_server(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="pbs1", type="pbs", server="192.0.2.9", datastore="d", username="u@pbs")
    bench.create(101, scsi0="local-lvm:1")
    on_files, on_server = _backup(bench, 101), _backup(bench, 101, "pbs1")
    refused = bench.run("POST", "qemu", vmid=105, archive=on_files, live_restore=1)
    assert "live-restore is only compatible with backup images from a Proxmox Backup Server" in str(refused.exitstatus)
    bench.ok("POST", "qemu", vmid=106, archive=on_server, live_restore=1)
    assert bench.guest(106).status == "running"


def test_disks_cannot_be_set_and_restored_at_once(bench: Bench) -> None:
    bench.create(101, scsi0="local-lvm:1")
    archive = _backup(bench, 101)
    with pytest.raises(ParamError) as refusal:
        bench.call("POST", "qemu", vmid=105, archive=archive, scsi1="local-lvm:1")
    assert refusal.value.errors == {"scsi1": "option conflicts with option 'archive'"}
    with pytest.raises(ApiError, match="content type needs to be 'backup'"):
        bench.call("POST", "qemu", vmid=105, archive="local:iso/debian-13.1.0-amd64-netinst.iso")
    with pytest.raises(ApiError, match="does not exist"):
        bench.call("POST", "qemu", vmid=105, archive="local:backup/vzdump-qemu-101-2020_01_01-00_00_00.vma.zst")


def test_a_firewall_comes_back_with_its_guest(bench: Bench) -> None:
    bench.create(101)
    bench.call("POST", "qemu/101/firewall/rules", type="in", action="ACCEPT", comment="kept")
    bench.ok("POST", "qemu", vmid=105, archive=_backup(bench, 101))
    assert [rule["comment"] for rule in bench.call("GET", "qemu/105/firewall/rules")] == ["kept"]


def test_a_container_gets_all_its_volumes_on_the_storage_that_is_asked_for(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="rootdir")
    bench.container(101, mp0="local-lvm:2,mp=/data,backup=1", hostname="db", memory=300)
    task = bench.ok("POST", "lxc", vmid=105, ostemplate=_backup(bench, 101), restore=1, storage="files", memory=400)
    assert task.type == "vzrestore"
    config = bench.call("GET", "lxc/105/config")
    assert (config["hostname"], config["memory"], config["unprivileged"]) == ("db", 400, 1)
    assert config["rootfs"] == "files:105/vm-105-disk-0.raw,size=4G"
    assert config["mp0"] == "files:105/vm-105-disk-1.raw,mp=/data,backup=1,size=2G"


def test_a_containers_own_mount_points_replace_those_of_the_backup(bench: Bench) -> None:
    bench.container(101, mp0="local-lvm:2,mp=/data")
    archive = _backup(bench, 101)
    bench.ok("POST", "lxc", vmid=105, ostemplate=archive, restore=1, rootfs="local-lvm:8", storage="local-lvm")
    config = bench.call("GET", "lxc/105/config")
    assert config["rootfs"].endswith("size=8G")
    assert "mp0" not in config
    with pytest.raises(ApiError, match="mount points configured, but 'rootfs' not set - aborting"):
        bench.call("POST", "lxc", vmid=106, ostemplate=archive, restore=1, mp0="local-lvm:1,mp=/x", storage="local-lvm")


def test_a_container_is_replaced_with_force_only_and_never_while_it_runs(bench: Bench) -> None:
    bench.container(101)
    archive = _backup(bench, 101)
    with pytest.raises(ApiError, match="CT 101 already exists on node 'pve1'"):
        bench.call("POST", "lxc", vmid=101, ostemplate=archive, restore=1, storage="local-lvm")
    bench.ok("POST", "lxc/101/status/start")
    with pytest.raises(ApiError, match="can't overwrite running container"):
        bench.call("POST", "lxc", vmid=101, ostemplate=archive, restore=1, storage="local-lvm", force=1)
    bench.ok("POST", "lxc/101/status/stop")
    bench.ok("POST", "lxc", vmid=101, ostemplate=archive, restore=1, storage="local-lvm", force=1)
    assert [volume.name for volume in bench.volumes(101) if volume.content == "rootdir"] == ["vm-101-disk-1"]


def test_a_container_that_cannot_be_restored_leaves_nothing_behind(bench: Bench) -> None:
    bench.create(101)
    task = bench.run("POST", "lxc", vmid=105, ostemplate=_backup(bench, 101), restore=1, storage="local-lvm")
    assert "contains no configuration file" in str(task.exitstatus)
    assert 105 not in bench.datacenter.guests


def test_whoever_may_back_a_guest_up_may_put_it_back(client: Client) -> None:
    client.call("POST", "/nodes/pve1/qemu", {"vmid": 101})
    client.call("POST", "/nodes/pve1/vzdump", {"vmid": 101, "storage": "local"})
    archive = client.call("GET", "/nodes/pve1/storage/local/content", {"content": "backup"}).data[0]["volid"]
    client.call("POST", "/access/users", {"userid": "bob@pve", "password": "bobpassword"})
    for path, role in (("/vms/101", "PVEVMUser"), ("/storage/local", "PVEDatastoreUser")):
        client.call("PUT", "/access/acl", {"path": path, "users": "bob@pve", "roles": role})
    client.login("bob@pve", "bobpassword")
    wanted = {"vmid": 101, "archive": archive}
    assert client.call("POST", "/nodes/pve1/qemu", wanted, as_user="bob@pve").status == 403
    assert client.call("POST", "/nodes/pve1/qemu", wanted | {"vmid": 105, "force": 1}, as_user="bob@pve").status == 403
    allowed = client.call("POST", "/nodes/pve1/qemu", wanted | {"force": 1}, as_user="bob@pve")
    assert client.call("GET", f"/nodes/pve1/tasks/{allowed.data}/status").data["exitstatus"] == "OK"
