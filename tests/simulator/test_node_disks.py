"""Disks of a node: what is listed, what can be made of them, and that what is made is really there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.conftest import own_client
from tests.simulator.node_bench import TOPOLOGY, _started, data, ended, log_of, node, somebody

__all__ = ["_started", "node"]
DISKS = "/nodes/pve1/disks"
GIB = 1 << 30


def _disks(node: Client, **params: Any) -> dict[str, dict[str, Any]]:
    return {row["devpath"]: row for row in data(node.call("GET", f"{DISKS}/list", params))}


def _storage(node: Client, name: str) -> dict[str, Any]:
    rows = {row["storage"]: row for row in data(node.call("GET", "/nodes/pve1/storage"))}
    found: dict[str, Any] = rows[name]
    return found


def test_disks_are_listed_as_the_topology_has_them(node: Client) -> None:
    found = _disks(node)
    assert found["/dev/sdd"] | {"size": 200 * GIB, "model": "Old Rust", "serial": "R1"} == found["/dev/sdd"]
    assert (found["/dev/sdd"]["health"], found["/dev/sdd"]["rpm"], found["/dev/sdd"]["wearout"]) == (
        "FAILED!", 7200, "N/A",
    )  # fmt: skip
    assert (found["/dev/nvme0n1"]["type"], found["/dev/nvme0n1"]["gpt"]) == ("nvme", 0)
    assert found["/dev/sda"]["used"] == "BIOS boot"
    assert "used" not in found["/dev/sdb"]
    assert found["/dev/sdb"]["serial"] != found["/dev/sdc"]["serial"]


def test_only_unused_disks_are_listed_when_they_are_asked_for(node: Client) -> None:
    assert "/dev/sda" not in _disks(node, type="unused")
    assert "/dev/sdb" in _disks(node, type="unused")


def test_partitions_are_listed_with_their_disk(node: Client) -> None:
    found = _disks(node, **{"include-partitions": 1})
    assert found["/dev/sda"]["used"] == "partitions"
    assert (found["/dev/sda3"]["parent"], found["/dev/sda3"]["used"]) == ("/dev/sda", "LVM")


def test_health_is_not_read_when_it_is_to_be_skipped(node: Client) -> None:
    assert _disks(node, skipsmart=1)["/dev/sdd"]["health"] == "UNKNOWN"
    assert data(node.call("GET", f"{DISKS}/smart", {"disk": "/dev/sdd", "healthonly": 1})) == {"health": "FAILED!"}
    assert data(node.call("GET", f"{DISKS}/smart", {"disk": "/dev/sdb"}))["type"] == "ata"
    assert "Percentage Used" in data(node.call("GET", f"{DISKS}/smart", {"disk": "/dev/nvme0n1"}))["text"]


def test_a_disk_that_is_not_there_is_no_block_device(node: Client) -> None:
    refused = node.call("GET", f"{DISKS}/smart", {"disk": "/dev/sdz"})
    assert (refused.status, refused.reason) == (500, "not a valid block device")
    elsewhere = node.call("POST", f"{DISKS}/lvm", {"device": "/tmp/image", "name": "vg1"})
    assert elsewhere.reason == "got unusual device path '/tmp/image'"


def test_a_partition_table_is_written_once_to_an_unused_disk(node: Client) -> None:
    assert ended(node, node.call("POST", f"{DISKS}/initgpt", {"disk": "/dev/sdb"})) == "OK"
    assert _disks(node)["/dev/sdb"]["gpt"] == 1
    assert node.call("POST", f"{DISKS}/initgpt", {"disk": "/dev/sda"}).reason == "disk /dev/sda already in use"


@pytest.mark.parametrize("filesystem", ["ext4", "xfs"])
def test_a_directory_is_a_storage_with_the_room_of_its_disk(node: Client, filesystem: str) -> None:
    wanted = {"device": "/dev/sdb", "name": "pool1", "add_storage": 1, "filesystem": filesystem}
    made = node.call("POST", f"{DISKS}/directory", wanted)
    assert ":dircreate:pool1:" in data(made)
    assert ended(node, made) == "OK"
    assert f"# /sbin/mkfs -t {filesystem} /dev/sdb1" in log_of(node, made)
    (row,) = data(node.call("GET", f"{DISKS}/directory"))
    assert (row["path"], row["type"], row["options"]) == ("/mnt/pve/pool1", filesystem, "defaults")
    config = data(node.call("GET", "/storage/pool1"))
    assert (config["type"], config["path"], config["nodes"], config["is_mountpoint"]) == (
        "dir", "/mnt/pve/pool1", "pve1", "1",
    )  # fmt: skip
    storage = _storage(node, "pool1")
    assert 99 * GIB < storage["total"] <= 100 * GIB
    assert data(node.call("POST", "/nodes/pve1/storage/pool1/content", {
        "filename": "vm-100-disk-0.raw", "vmid": 100, "size": "1G",
    })) == "pool1:100/vm-100-disk-0.raw"  # fmt: skip


def test_a_used_disk_can_not_be_taken_again(node: Client) -> None:
    ended(node, node.call("POST", f"{DISKS}/lvm", {"device": "/dev/sdb", "name": "vg1"}))
    refused = node.call("POST", f"{DISKS}/directory", {"device": "/dev/sdb", "name": "pool1"})
    assert refused.reason == "device '/dev/sdb' is already in use"


def test_a_volume_group_has_room_for_disks_and_counts_them(node: Client) -> None:
    made = node.call("POST", f"{DISKS}/lvm", {"device": "/dev/sdb", "name": "vg1", "add_storage": 1})
    assert ":lvmcreate:vg1:" in data(made)
    assert ended(node, made) == "OK"
    data(
        node.call("POST", "/nodes/pve1/storage/vg1/content", {"filename": "vm-100-disk-0", "vmid": 100, "size": "10G"})
    )
    groups = {row["name"]: row for row in data(node.call("GET", f"{DISKS}/lvm"))["children"]}
    assert groups["vg1"]["size"] - groups["vg1"]["free"] == 10 * GIB
    assert [child["name"] for child in groups["vg1"]["children"]] == ["/dev/sdb"]
    assert _storage(node, "vg1")["total"] == groups["vg1"]["size"]
    assert [child["name"] for child in groups["pve"]["children"]] == ["/dev/sda3"]
    wiped = node.call("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdb"}, as_user=_root(node))
    assert wiped.reason == "disk/partition '/dev/sdb' has a holder"


def _root(node: Client) -> str:
    data(node.login("root@pam", node.password))
    return "root@pam"


def test_a_volume_group_of_a_name_that_is_taken_fails_in_the_task(node: Client) -> None:
    made = node.call("POST", f"{DISKS}/lvm", {"device": "/dev/sdb", "name": "pve"})
    assert ended(node, made) == "volume group with name 'pve' already exists on node 'pve1'"
    assert "used" not in _disks(node)["/dev/sdb"]


def test_a_thin_pool_leaves_room_for_its_metadata(node: Client) -> None:
    made = node.call("POST", f"{DISKS}/lvmthin", {"device": "/dev/nvme0n1", "name": "fast", "add_storage": 1})
    assert ended(node, made) == "OK"
    pools = {f"{row['vg']}/{row['lv']}": row for row in data(node.call("GET", f"{DISKS}/lvmthin"))}
    pool = pools["fast/fast"]
    assert pool["metadata_size"] == 1024 * GIB // 100 // (4 << 20) * (4 << 20)
    assert 1000 * GIB < pool["lv_size"] < 1024 * GIB - 2 * pool["metadata_size"]
    assert _storage(node, "fast")["total"] == pool["lv_size"]
    assert pools["pve/data"]["lv_size"] == 200 * GIB


@pytest.mark.parametrize(
    ("level", "names", "size", "room"),
    [
        ("single", ["sdb"], 100, 100),
        ("mirror", ["sdb", "sdc"], 100, 100),
        ("raid10", ["sdb", "sdc", "sdd", "sde"], 200, 200),
        ("raidz", ["sdb", "sdc", "sde"], 300, 200),
        ("raidz2", ["sdb", "sdc", "sdd", "sde"], 400, 200),
    ],
)
def test_a_zfs_pool_has_the_room_that_its_level_leaves(
    node: Client, level: str, names: list[str], size: int, room: int
) -> None:
    devices = ",".join(f"/dev/{name}" for name in names)
    made = node.call("POST", f"{DISKS}/zfs", {"devices": devices, "name": "tank", "raidlevel": level, "add_storage": 1})
    assert ended(node, made) == "OK"
    (pool,) = data(node.call("GET", f"{DISKS}/zfs"))
    assert (pool["size"], pool["health"]) == (size * GIB, "ONLINE")
    assert _storage(node, "tank")["total"] == room * GIB
    assert _disks(node)["/dev/sdb"]["used"] == "ZFS"
    detail = data(node.call("GET", f"{DISKS}/zfs/tank"))
    assert (detail["state"], detail["errors"]) == ("ONLINE", "No known data errors")


@pytest.mark.parametrize(
    ("level", "devices", "refusal"),
    [
        ("raidz", "/dev/sdb", "raidz needs at least 3 disks"),
        ("raid10", "/dev/sdb,/dev/sdc,/dev/sdd", "raid10 needs an even number of disks"),
        ("single", "/dev/sdb,/dev/sdc", "please give only one disk for single disk mode"),
    ],
)
def test_a_zfs_pool_needs_the_disks_of_its_level(node: Client, level: str, devices: str, refusal: str) -> None:
    made = node.call("POST", f"{DISKS}/zfs", {"devices": devices, "name": "tank", "raidlevel": level})
    assert made.reason == refusal


def test_removing_with_all_that_belongs_to_it_frees_the_disk(node: Client) -> None:
    for kind, task in (("directory", "dirremove"), ("lvm", "lvmremove"), ("lvmthin", "lvmthinremove")):
        ended(node, node.call("POST", f"{DISKS}/{kind}", {"device": "/dev/sdb", "name": "gone", "add_storage": 1}))
        more = {"volume-group": "gone"} if kind == "lvmthin" else {}
        removed = node.call(
            "DELETE", f"{DISKS}/{kind}/gone", {"cleanup-config": 1, "cleanup-disks": 1, **more}
        )  # fmt: skip
        assert f":{task}:" in data(removed)
        assert ended(node, removed) == "OK"
        assert node.call("GET", "/storage/gone").reason == "storage 'gone' does not exist"
        assert "used" not in _disks(node)["/dev/sdb"], kind


def test_a_zfs_pool_that_is_destroyed_leaves_its_marks_on_the_disks(node: Client) -> None:
    ended(node, node.call("POST", f"{DISKS}/zfs", {"devices": "/dev/sdb", "name": "tank", "raidlevel": "single"}))
    busy = node.call("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdb"}, as_user=_root(node))
    assert "Device or resource busy" in ended(node, busy)
    assert ended(node, node.call("DELETE", f"{DISKS}/zfs/tank")) == "OK"
    assert data(node.call("GET", f"{DISKS}/zfs")) == []
    assert _disks(node)["/dev/sdb"]["used"] == "ZFS"
    wiped = node.call("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdb"}, as_user=_root(node))
    assert log_of(node, wiped)[:2] == [
        "found child partitions to wipe: /dev/sdb1, /dev/sdb9", "wiping block device /dev/sdb",
    ]  # fmt: skip
    assert _disks(node)["/dev/sdb"]["gpt"] == 0


def test_what_is_mounted_is_not_wiped(node: Client) -> None:
    ended(node, node.call("POST", f"{DISKS}/directory", {"device": "/dev/sdb", "name": "pool1"}))
    refused = node.call("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdb"}, as_user=_root(node))
    assert refused.reason == "disk/partition '/dev/sdb1' is mounted"


def test_what_is_not_there_is_removed_by_a_task_that_fails(node: Client) -> None:
    assert ended(node, node.call("DELETE", f"{DISKS}/lvm/nope")) == "no such volume group 'nope'"
    missing = node.call("DELETE", f"{DISKS}/lvmthin/nope", {"volume-group": "vg"})
    assert ended(node, missing) == "no such thin pool vg/nope"


def test_a_storage_of_that_name_is_not_made_twice(node: Client) -> None:
    refused = node.call("POST", f"{DISKS}/lvm", {"device": "/dev/sdb", "name": "local", "add_storage": 1})
    assert refused.reason == "Storage ID 'local' already exists on node pve1"


def test_a_storage_made_by_hand_has_the_room_of_the_volume_group_below_it(node: Client) -> None:
    ended(node, node.call("POST", f"{DISKS}/lvm", {"device": "/dev/sdd", "name": "vg1"}))
    data(node.call("POST", "/storage", {"storage": "mine", "type": "lvm", "vgname": "vg1", "content": "images"}))
    assert 199 * GIB < _storage(node, "mine")["total"] < 200 * GIB


def test_adding_the_storage_needs_the_right_to_allocate_storages(node: Client) -> None:
    eve = somebody(node, "Sys.Modify", "Sys.Audit")
    params = {"device": "/dev/sdb", "name": "vg1"}
    refused = node.call("POST", f"{DISKS}/lvm", {**params, "add_storage": 1}, as_user=eve)
    assert refused.reason == "Permission check failed (/storage, Datastore.Allocate)"
    assert node.call("POST", f"{DISKS}/lvm", params, as_user=eve).status == 200
    assert node.call("PUT", f"{DISKS}/wipedisk", {"disk": "/dev/sdc"}, as_user=eve).status == 403


def test_local_storages_of_the_topology_stand_on_disks(tmp_path: Path) -> None:
    storages = """
      local: {type: dir, path: /var/lib/vz, content: "iso"}
      thin: {type: lvmthin, vgname: fast, thinpool: data, content: "images", size: 300G}
      tank: {type: zfspool, pool: tank, content: "images", size: 500G}
"""
    topology = TOPOLOGY.partition("    storages:\n")[0] + "    storages:" + storages
    with own_client(tmp_path, topology) as client:
        used = {name: row["used"] for name, row in _disks(client).items() if "used" in row}
        assert used == {"/dev/sda": "BIOS boot", "/dev/sdf": "LVM", "/dev/sdg": "ZFS"}
        assert [row["name"] for row in data(client.call("GET", f"{DISKS}/lvm"))["children"]] == ["fast", "pve"]
        (pool,) = data(client.call("GET", f"{DISKS}/zfs"))
        assert (pool["name"], pool["size"]) == ("tank", 500 * GIB)
        assert [row["lv_size"] for row in data(client.call("GET", f"{DISKS}/lvmthin"))] == [300 * GIB]
