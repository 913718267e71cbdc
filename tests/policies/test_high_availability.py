"""`ha-guests-can-move`."""

from __future__ import annotations

from typing import Any

import pytest

from policies.high_availability import MOVABLE
from tests.policies.judging import NOT_KNOWN_YET, Described, container, described, machine, said

MANAGED = described("HaResource", "ha", vmid=100)


def storage(**values: Any) -> Described:
    return described("Storage", "storage", **{"storage": "tank", "type": "zfspool", **values})


def on(storage: str, **values: Any) -> Described:
    return machine(disks={"scsi0": {"storage": storage, "size": "8G", **values}})


def test_a_managed_guest_on_a_local_disk_is_told_with_the_disk() -> None:
    [text] = said(MOVABLE, on("local-lvm"), MANAGED)

    assert text.startswith("virtual machine web (VMID 100) is under high availability with scsi0 on local-lvm: ")
    assert "Add Replication(job_id='100-0', target=…), or move it to a shared storage." in text


@pytest.mark.parametrize(
    "local",
    [
        storage(),
        storage(type="dir"),
        storage(type="lvmthin", shared=False),
    ],
)
def test_a_declared_storage_is_known_by_its_type(local: Described) -> None:
    assert len(said(MOVABLE, on("tank"), MANAGED, local)) == 1


@pytest.mark.parametrize(
    "stack",
    [
        (on("local-lvm"),),
        (on("local-lvm"), described("HaResource", "ha", vmid=100, state="ignored")),
        (on("local-lvm"), described("HaResource", "ha", vmid=NOT_KNOWN_YET)),
        (on("ceph"), MANAGED),
        (on("tank"), MANAGED, storage(type="rbd")),
        (on("tank"), MANAGED, storage(type="dir", shared=True)),
        (on("local", shared=True), MANAGED),
        (on("local-lvm"), MANAGED, described("Replication", "copy", job_id="100-0", target="pve2")),
        (on("local-lvm"), MANAGED, described("Replication", "copy", job_id=NOT_KNOWN_YET, target="pve2")),
        (machine(disks={"ide2": {"file": "local:iso/debian.iso", "media": "cdrom"}}), MANAGED),
    ],
)
def test_a_guest_that_can_start_elsewhere_is_fine(stack: tuple[Described, ...]) -> None:
    assert said(MOVABLE, *stack) == []


def test_replication_helps_only_what_it_takes_along() -> None:
    copy = described("Replication", "copy", job_id="100-0", target="pve2")

    assert len(said(MOVABLE, on("local-zfs", replicate=False), MANAGED, copy)) == 1
    assert (
        len(said(MOVABLE, on("local-zfs"), MANAGED, described("Replication", "c", job_id="100-0", disable=True))) == 1
    )
    assert len(said(MOVABLE, on("local-zfs"), MANAGED, described("Replication", "c", job_id="1001-0"))) == 1


def test_the_volumes_of_a_container_count_alike() -> None:
    guest = container(vmid=100, rootfs={"storage": "ceph", "size": "8G"}, mp={"mp0": {"volume": "local:100/x.raw"}})

    assert "with mp0 on local: " in said(MOVABLE, guest, MANAGED)[0]


def test_which_names_are_local_is_the_stacks_to_set() -> None:
    assert len(said(MOVABLE, on("ssd-1"), MANAGED, local_storages=["ssd-*"])) == 1
    assert said(MOVABLE, on("local-lvm"), MANAGED, local_storages=[]) == []
