"""Storages beyond their disks: copies, identities, scans, backup servers, other hypervisors, and the cost of room."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ApiError
from simulator.guests.storage_types import TYPES
from simulator.guests.volume_names import parse_name
from simulator.records import Volume
from simulator.state import World, volume_key
from tests.simulator.client import Client
from tests.simulator.guest_bench import Bench


def _volume(storage: str, name: str, node: str = "pve1", **fields: int) -> Volume:
    parsed = parse_name(TYPES[{"pbs1": "pbs", "esx1": "esxi"}.get(storage, "dir")], name)
    return Volume(
        storage=storage, node="" if storage in ("pbs1", "esx1") else node, name=name, content=parsed.content,
        format=parsed.format, size=fields.get("size", 1), used=fields.get("size", 1), vmid=parsed.vmid,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("pbs", "backup/vm/100/2026-11-21T10:00:00Z", ("backup", 100, "pbs-vm")),
        ("pbs", "backup/ct/101/2026-11-21T10:00:00Z", ("backup", 101, "pbs-ct")),
        ("esxi", "ha-datacenter/ds1/web/web.vmx", ("import", None, "vmx")),
        ("iscsi", "0.0.1.scsi-36000000000000001", ("images", None, "raw")),
    ],
)
def test_each_type_of_storage_names_volumes_in_its_own_way(
    kind: str, name: str, expected: tuple[str, int | None, str]
) -> None:
    parsed = parse_name(TYPES[kind], name)
    assert (parsed.content, parsed.vmid, parsed.format) == expected


@pytest.mark.parametrize("kind", ["pbs", "esxi", "iscsi"])
@pytest.mark.parametrize("name", ["", "..", "../x", "backup/vm/../x", "a/../b/c.vmx", "x" * 300, "vm-100-disk-0\n"])
def test_a_name_that_a_type_does_not_have_is_refused(kind: str, name: str) -> None:
    with pytest.raises(ApiError, match="unable to parse"):
        parse_name(TYPES[kind], name)


def test_root_copies_a_volume_and_overwrites_none(client: Client) -> None:
    client.login("root@pam", client.password)
    path = "/nodes/pve1/storage/local/content/local:iso/debian-13.1.0-amd64-netinst.iso"
    refused = client.call("POST", path, {"target": "local:iso/copy.iso"})
    assert refused.status == 403
    upid = client.call("POST", path, {"target": "local:iso/copy.iso"}, as_user="root@pam").data
    assert client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"] == "OK"
    rows = client.call("GET", "/nodes/pve1/storage/local/content", {"content": "iso"}).data
    assert {row["size"] for row in rows if row["volid"] == "local:iso/copy.iso"} == {783 << 20}
    again = client.call("POST", path, {"target": "local:iso/copy.iso"}, as_user="root@pam").data
    assert "already exists" in client.call("GET", f"/nodes/pve1/tasks/{again}/status").data["exitstatus"]


def test_a_copy_may_go_to_another_node(cluster_client: Client) -> None:
    client = cluster_client
    client.login("root@pam", client.password)
    name = client.call("GET", "/nodes/pve1/storage/local/content", {"content": "iso"}).data[0]["volid"]
    wanted = {"target": "local:iso/copy.iso", "target_node": "pve2"}
    upid = client.call("POST", f"/nodes/pve1/storage/local/content/{name}", wanted, as_user="root@pam").data
    assert client.call("GET", f"/nodes/pve1/tasks/{upid}/status").data["exitstatus"] == "OK"
    there, here = (
        [row["volid"] for row in client.call("GET", f"/nodes/{node}/storage/local/content").data]
        for node in ("pve2", "pve1")
    )
    assert ("local:iso/copy.iso" in there, "local:iso/copy.iso" in here) == (True, False)


def test_a_shared_storage_is_the_same_from_everywhere_and_a_local_one_is_not(three_nodes: Bench) -> None:
    def identity(node: str, storage: str) -> dict[str, str]:
        found: dict[str, str] = three_nodes.call("GET", f"/nodes/{node}/storage/{storage}/identity")
        return found

    assert identity("pve1", "nfs1") == identity("pve3", "nfs1")
    assert identity("pve1", "local") != identity("pve3", "local")
    assert identity("pve1", "local")["type"] == "dir"


def test_a_scan_finds_what_storages_use(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="share", type="nfs", server="192.0.2.9", export="/srv/a")
    bench.call("POST", "/storage", storage="tank", type="zfspool", pool="tank")
    bench.call("POST", "/storage", storage="ds", type="pbs", server="192.0.2.9", datastore="store1", username="u@pbs")
    bench.call("POST", "/storage", storage="lun", type="iscsi", portal="192.0.2.9", target="iqn.2026-01.test:a")
    bench.call("POST", "/storage", storage="win", type="cifs", server="192.0.2.9", share="data")
    assert [row["method"] for row in bench.call("GET", "scan")][:2] == ["cifs", "iscsi"]
    assert bench.call("GET", "scan/nfs", server="192.0.2.9") == [{"path": "/srv/a", "options": "*"}]
    assert bench.call("GET", "scan/nfs", server="192.0.2.8") == []
    assert bench.call("GET", "scan/cifs", server="192.0.2.9") == [{"share": "data", "description": ""}]
    assert bench.call("GET", "scan/zfs") == [{"pool": "tank"}]
    assert bench.call("GET", "scan/lvm") == [{"vg": "pve"}]
    assert bench.call("GET", "scan/lvmthin", vg="pve") == [{"lv": "data"}]
    assert bench.call("GET", "scan/pbs", server="192.0.2.9", username="u@pbs", password="x") == [{"store": "store1"}]
    assert bench.call("GET", "scan/iscsi", portal="192.0.2.9") == [
        {"portal": "192.0.2.9:3260", "target": "iqn.2026-01.test:a"}
    ]


def test_a_backup_on_a_server_can_be_looked_into(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="pbs1", type="pbs", server="192.0.2.9", datastore="d", username="u@pbs")
    bench.create(101, scsi0="local-lvm:2")
    bench.ok("POST", "vzdump", vmid=101, storage="pbs1")
    bench.ok("POST", "vzdump", vmid=101, storage="local")
    volid = bench.call("GET", "storage/pbs1/content")[0]["volid"]
    rows = bench.call("GET", "storage/pbs1/file-restore/list", volume=volid.removeprefix("pbs1:backup/"), filepath="/")
    assert [(row["text"], row["size"], row["leaf"]) for row in rows] == [("drive-scsi0.img.fidx", 2 << 30, 0)]
    assert bench.call("GET", "storage/pbs1/file-restore/list", volume=volid, filepath=rows[0]["filepath"]) == []
    nowhere = base64.b64encode(b"/etc").decode()
    with pytest.raises(ApiError, match="no such file or directory: '/etc'"):
        bench.call("GET", "storage/pbs1/file-restore/list", volume=volid, filepath=nowhere)
    on_files = bench.call("GET", "storage/local/content", content="backup")[0]["volid"]
    with pytest.raises(ApiError) as refusal:
        bench.call("GET", "storage/local/file-restore/list", volume=on_files, filepath="/")
    assert "Only PBS storages supported" in str(getattr(refusal.value, "errors", {}))


def test_a_key_is_shown_once_and_then_only_named(bench: Bench) -> None:
    options = {"type": "pbs", "server": "192.0.2.9", "datastore": "d", "username": "u@pbs", "password": "hunter2"}
    made = bench.call("POST", "/storage", storage="pbs1", encryption_key="autogen", **options)
    key = json.loads(made["config"]["encryption-key"])
    shown = bench.call("GET", "/storage/pbs1")
    assert shown["encryption-key"] == key["fingerprint"]
    assert key["data"] not in str(shown)
    assert "hunter2" not in str(shown)
    again = bench.call("PUT", "/storage/pbs1", encryption_key=made["config"]["encryption-key"])
    assert again == {"storage": "pbs1", "type": "pbs", "config": {}}
    with pytest.raises(ApiError, match="does not look like a valid, JSON formatted encryption key"):
        bench.call("PUT", "/storage/pbs1", encryption_key="secret")


def test_no_content_goes_with_no_other(bench: Bench) -> None:
    with pytest.raises(ApiError, match="unable to combine 'none' with other content types"):
        bench.call("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="none,iso")
    with pytest.raises(ApiError, match="update storage failed: unable to combine 'none'"):
        bench.call("PUT", "/storage/local", content="none,iso")


def test_a_guest_of_another_hypervisor_is_described_by_its_files(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="esx1", type="esxi", server="192.0.2.9", username="root", password="secret")
    with bench.world.database.transaction():
        for file in ("web.vmx", "web.vmdk", "web_1.vmdk"):
            bench.datacenter.volumes.put(_volume("esx1", f"ha-datacenter/ds1/web/{file}"))
    found = bench.call("GET", "storage/esx1/import-metadata", volume="ha-datacenter/ds1/web/web.vmx")
    assert found["create-args"] == {"name": "web"}
    assert found["disks"] == {
        "scsi0": "esx1:ha-datacenter/ds1/web/web.vmdk", "scsi1": "esx1:ha-datacenter/ds1/web/web_1.vmdk",
    }  # fmt: skip
    assert "secret" not in str(bench.call("GET", "/storage/esx1"))


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.integers(100, 104), st.integers(0, 5), st.booleans()), max_size=30
    )
)
def test_the_room_in_use_is_the_sum_of_what_the_volumes_use(changes: list[tuple[str, int, int, bool]]) -> None:
    world = World(Path(":memory:"))
    volumes = world.add("pve").volumes
    for storage, vmid, size, keep in changes:
        volume = _volume(storage, f"{vmid}/vm-{vmid}-disk-0.raw", size=size)
        with contextlib.suppress(ZeroDivisionError), world.database.transaction():
            volumes.put(volume)
            volumes.put(replace(volume, used=size * 2 // keep))
        if size == 0:
            with world.database.transaction():
                volumes.delete(volume_key(volume.node, volume.volid))
    for storage in ("a", "b"):
        assert volumes.total("place", (storage, "pve1")) == sum(row.used for row in volumes if row.storage == storage)
    world.database.close()


def test_making_a_volume_costs_the_same_among_many_volumes_as_among_few(bench: Bench) -> None:
    """The bound is coarse on purpose: what grows with every volume would be a hundred times slower here."""

    def seconds(first: int) -> float:
        begun = time.process_time()
        for vmid in range(first, first + 40):
            bench.call("POST", "storage/local-lvm/content", vmid=vmid, filename=f"vm-{vmid}-disk-0", size="1G")
        return time.process_time() - begun

    few = seconds(1000)
    with bench.world.database.transaction():
        for vmid in range(10000, 30000):
            volume = _volume("local-lvm", f"{vmid}/vm-{vmid}-disk-0.raw")
            bench.datacenter.volumes.put(replace(volume, name=f"vm-{vmid}-disk-0", vmid=vmid))
    assert seconds(2000) < few * 5 + 0.05
