"""What has to be done to a guest's volumes, for each way in which they can differ."""

from __future__ import annotations

from typing import Any

import pytest

from providers._guests.volumes import Work, work
from providers._runtime.errors import InvalidValue
from providers._runtime.model import changes
from providers.vm import VmInputs

VOLID = "local-lvm:vm-100-disk-0"
THERE = {"file": VOLID, "storage": "local-lvm", "format": "raw", "size": "8G", "ssd": True}


def of(wanted: dict[str, Any], before: dict[str, Any] | None = None, actual: dict[str, Any] | None = None) -> Work:
    """What is to be done to bring `scsi0` (or the given disks) to the wanted ones."""
    there = {"disks": {"scsi0": THERE} if actual is None else actual}
    target = {"disks": wanted}
    todo = changes(VmInputs, {"disks": before or {}}, there, target)
    return work(VmInputs, there, target, todo, {"scsi0": VOLID})


def test_nothing_is_done_to_a_disk_that_is_as_declared() -> None:
    assert of({"scsi0": {"storage": "local-lvm", "size": "8G"}}) == Work()


def test_a_bigger_disk_grows_and_is_not_written() -> None:
    assert of({"scsi0": {"storage": "local-lvm", "size": "9G"}}) == Work(grow={"scsi0": "9G"})


def test_a_smaller_disk_is_refused_with_its_slot_and_both_sizes() -> None:
    with pytest.raises(InvalidValue, match=r"scsi0: it has 8G, .*4G"):
        of({"scsi0": {"storage": "local-lvm", "size": "4G"}})


def test_another_storage_moves_the_disk_and_another_format_as_well() -> None:
    assert of({"scsi0": {"storage": "nfs1", "size": "8G"}}).move == {"scsi0": {"storage": "nfs1"}}
    assert of({"scsi0": {"format": "qcow2"}}).move == {"scsi0": {"storage": "local-lvm", "format": "qcow2"}}


def test_an_option_is_written_beside_those_that_somebody_else_has_set() -> None:
    found = of({"scsi0": {"storage": "local-lvm", "size": "8G", "cache": "none"}})

    assert found == Work(write={"scsi0": f"{VOLID},cache=none,ssd=1"})


def test_an_option_that_is_declared_no_longer_is_taken_out() -> None:
    declared = {"storage": "local-lvm", "size": "8G"}

    assert of({"scsi0": declared}, {"scsi0": {**declared, "ssd": True}}) == Work(write={"scsi0": VOLID})


def test_a_new_slot_is_allocated() -> None:
    found = of({"scsi0": {"size": "8G"}, "scsi1": {"storage": "local-lvm", "size": "1G"}})

    assert found == Work(write={"scsi1": "local-lvm:1"}, allocates=True)


def test_a_new_slot_without_a_storage_is_refused() -> None:
    with pytest.raises(InvalidValue, match="scsi1: a new volume needs a storage"):
        of({"scsi0": {"size": "8G"}, "scsi1": {"size": "1G"}})


def test_an_existing_volume_is_attached_and_then_grown() -> None:
    found = of({"scsi0": {"size": "8G"}, "scsi1": {"file": "local-lvm:vm-7-disk-0", "size": "9G"}})

    assert found == Work(write={"scsi1": "local-lvm:vm-7-disk-0"}, grow={"scsi1": "9G"})


def test_a_slot_that_is_not_declared_is_to_go() -> None:
    assert of({}, before={"scsi0": {"size": "8G"}}).gone == ["scsi0"]


def test_a_slot_that_was_never_declared_nor_seen_stays() -> None:
    assert of({}).gone == []


def test_another_image_in_a_drive_is_one_write() -> None:
    drive = {"ide2": {"file": "local:iso/a.iso", "storage": "local", "format": "raw", "media": "cdrom", "size": "2M"}}

    found = of({"ide2": {"file": "none"}}, actual=drive)

    assert found == Work(write={"ide2": "none,media=cdrom"})
