"""Storages: their options, their room, their content, and who sees them."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ApiError
from simulator.guests.draft import format_size
from simulator.guests.facts import parse_size
from simulator.guests.qemu_drives import parse_drive, print_drive
from simulator.guests.storage_types import TYPES
from simulator.guests.volume_names import parse_name
from simulator.records import Capacity
from tests.simulator.guest_bench import Bench

_NEEDED = {
    "dir": {"path": "/mnt/x"}, "btrfs": {"path": "/mnt/x"}, "nfs": {"server": "192.0.2.9", "export": "/srv"},
    "cifs": {"server": "192.0.2.9", "share": "s"}, "cephfs": {}, "lvm": {"vgname": "vg"},
    "lvmthin": {"vgname": "vg", "thinpool": "data"}, "zfspool": {"pool": "rpool/data"}, "rbd": {},
    "zfs": {"portal": "192.0.2.9", "target": "iqn.x", "pool": "p", "iscsiprovider": "LIO", "blocksize": "4k"},
    "iscsi": {"portal": "192.0.2.9", "target": "iqn.x"}, "iscsidirect": {"portal": "192.0.2.9", "target": "iqn.x"},
    "pbs": {"server": "192.0.2.9", "datastore": "d", "username": "u@pbs", "password": "secret"},
    "esxi": {"server": "192.0.2.9", "username": "u", "password": "secret"},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_storage_of_each_type_can_be_made_read_and_forgotten(bench: Bench, kind: str) -> None:
    bench.call("POST", "/storage", storage="new", type=kind, **_NEEDED[kind])
    shown = bench.call("GET", "/storage/new")
    assert (shown["type"], set(shown["content"].split(","))) == (kind, set(TYPES[kind].default.split(",")))
    assert shown.get("shared", 0) == int(TYPES[kind].shared)
    assert "password" not in shown
    bench.call("PUT", "/storage/new", disable=1)
    assert bench.call("GET", "storage/new/status")["enabled"] == 0
    bench.call("DELETE", "/storage/new")
    with pytest.raises(ApiError, match="storage 'new' does not exist"):
        bench.call("GET", "/storage/new")


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_what_a_type_needs_is_missed_and_what_it_does_not_know_refused(bench: Bench, kind: str) -> None:
    for name in TYPES[kind].required:
        options = {key: value for key, value in _NEEDED[kind].items() if key != name}
        with pytest.raises(ApiError, match=f"missing value for required option '{name}'"):
            bench.call("POST", "/storage", storage="new", type=kind, **options)
    with pytest.raises(ApiError, match="unexpected property 'authsupported'"):
        bench.call("POST", "/storage", storage="new", type=kind, authsupported="x", **_NEEDED[kind])


def test_all_storages_share_one_digest(bench: Bench) -> None:
    digests = {row["digest"] for row in bench.call("GET", "/storage")}
    assert len(digests) == 1
    bench.call("PUT", "/storage/local", content="iso", digest=digests.pop())
    assert bench.call("GET", "/storage/local")["content"] == "iso"


def test_thin_storages_may_promise_more_than_they_have_and_thick_ones_not(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="thick", type="lvm", vgname="vg")
    with bench.world.database.transaction():
        bench.datacenter.capacities.put(Capacity(storage="thick", node="pve1", total=10 << 30))
    bench.create(101, scsi0="local-lvm:100000")
    bench.create(102, scsi0="thick:8")
    task = bench.run("POST", "qemu", vmid=103, scsi0="thick:4")
    assert "insufficient free space (512 extents): 1024 required." in str(task.exitstatus)


def test_a_full_pool_stops_a_clone_halfway_and_nothing_is_left(bench: Bench) -> None:
    total = bench.datacenter.capacities["local-lvm/pve1"].total
    with bench.world.database.transaction():
        full = Capacity(storage="local-lvm", node="pve1", total=total, other=total - (2 << 30))
        bench.datacenter.capacities.put(full)
    before = bench.call("GET", "storage/local-lvm/status")["used"]
    task = bench.run("POST", "qemu/9000/clone", newid=101, full=1)
    assert "clone failed: lvcreate" in str(task.exitstatus)
    assert bench.call("GET", "storage/local-lvm/status")["used"] == before
    assert 101 not in bench.datacenter.guests


def test_a_storage_is_seen_by_its_nodes_only(three_nodes: Bench) -> None:
    three_nodes.call(
        "POST", "/storage", storage="two", type="dir", path="/mnt/two", content="images", nodes="pve1,pve2"
    )
    assert three_nodes.call("GET", "/nodes/pve2/storage/two/status")["active"] == 1
    assert three_nodes.call("GET", "/nodes/pve3/storage/two/status")["active"] == 0
    with pytest.raises(ApiError, match="storage 'two' is not available on node 'pve3'"):
        three_nodes.call("GET", "/nodes/pve3/storage/two/content")


def test_shared_storages_have_one_content_and_local_ones_one_per_node(three_nodes: Bench) -> None:
    three_nodes.create(101, scsi0="nfs1:1", scsi1="local-lvm:1")

    def listed(node: str, storage: str) -> list[str]:
        rows = three_nodes.call("GET", f"/nodes/{node}/storage/{storage}/content", vmid=101)
        return [row["volid"] for row in rows]

    assert listed("pve1", "nfs1") == listed("pve3", "nfs1") == ["nfs1:101/vm-101-disk-0.raw"]
    assert (listed("pve1", "local-lvm"), listed("pve3", "local-lvm")) == (["local-lvm:vm-101-disk-0"], [])


def test_a_forgotten_storage_is_found_again_with_its_content(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="images")
    bench.create(101, scsi0="files:1")
    bench.call("DELETE", "/storage/files")
    with pytest.raises(ApiError, match="storage 'files' does not exist"):
        bench.call("GET", "storage/files/content")
    bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="images")
    assert [row["volid"] for row in bench.call("GET", "storage/files/content")] == ["files:101/vm-101-disk-0.raw"]


def test_a_cluster_without_quorum_lets_nobody_write(three_nodes: Bench) -> None:
    with three_nodes.world.database.transaction():
        for name in ("pve2", "pve3"):
            node = three_nodes.datacenter.nodes[name]
            three_nodes.datacenter.nodes.put(dataclasses.replace(node, online=False))
    with pytest.raises(ApiError, match="create storage failed: cfs-lock 'file-storage_cfg' error: no quorum!"):
        three_nodes.call("POST", "/storage", storage="new", type="dir", path="/mnt/x")
    with pytest.raises(ApiError, match="cluster not ready - no quorum"):
        three_nodes.call("POST", "qemu", vmid=101)
    with pytest.raises(ApiError, match="Permission denied"):
        three_nodes.call("PUT", "qemu/9000/config", memory=512)


@pytest.mark.parametrize(
    "volume", ["local:../../etc/passwd", "local:iso/../../x.iso", "local-lvm:../vm-1-disk-0", "local:100/../x.raw"]
)
def test_a_path_that_leads_out_of_a_storage_is_refused(bench: Bench, volume: str) -> None:
    with pytest.raises(ApiError):
        bench.call("GET", f"storage/{volume.partition(':')[0]}/content/{volume}")
    with pytest.raises(ApiError):
        bench.call("POST", "qemu", vmid=101, ide2=f"{volume},media=cdrom")


@given(st.integers(0, 1 << 50))
def test_a_size_reads_back_as_it_was_written(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(
    st.sets(st.sampled_from(["discard", "cache", "ssd", "iothread", "mbps_rd", "iops"])),
    st.sampled_from(["local-lvm:vm-100-disk-0", "nfs1:100/vm-100-disk-1.qcow2", "none", "local:iso/x.iso"]),
)
def test_a_drive_reads_back_as_it_was_written(chosen: set[str], file: str) -> None:
    values = {"discard": "on", "cache": "none", "ssd": "1", "iothread": "0", "mbps_rd": "1.5", "iops": "100"}
    drive = {"file": file} | {key: values[key] for key in chosen}
    assert parse_drive("scsi0", print_drive(drive)) == drive


@given(vmid=st.integers(100, 999999999), number=st.integers(0, 99), kind=st.sampled_from(["dir", "lvmthin", "zfspool"]))
def test_the_name_of_a_disk_tells_whose_it_is(vmid: int, number: int, kind: str) -> None:
    name = f"{vmid}/vm-{vmid}-disk-{number}.qcow2" if kind == "dir" else f"vm-{vmid}-disk-{number}"
    assert parse_name(TYPES[kind], name).vmid == vmid
