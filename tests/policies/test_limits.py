"""`ram-limit` and `disk-limit`."""

from __future__ import annotations

import pytest

from policies.limits import DISK_LIMIT, MEMORY_LIMIT
from tests.policies.judging import NOT_KNOWN_YET, Described, container, machine, said

STACK = [
    machine("db", memory=8192, disks={"scsi0": {"storage": "a", "size": "100G"}, "scsi1": {"size": "1T"}}),
    machine("web", memory=1024, disks={"scsi0": {"storage": "a", "size": "512M"}, "ide2": {"file": "none"}}),
    container("dns", rootfs={"storage": "a", "size": "4G"}, mp={"mp0": {"size": "4G"}, "mp1": {"volume": "/srv"}}),
]


def test_a_stack_over_its_ram_is_told_with_the_biggest() -> None:
    assert said(MEMORY_LIMIT, *STACK, stack_gib=9) == [
        "The stack's 3 guests take 9.5 GiB of RAM, and 9 GiB are the most; the biggest: db 8, web 1, dns 0.5. Make "
        "them smaller or fewer, or raise `stack_gib`."
    ]
    assert said(MEMORY_LIMIT, *STACK, stack_gib=9.5) == []


def test_a_guest_over_its_ram_is_named() -> None:
    [text] = said(MEMORY_LIMIT, *STACK, guest_gib=4)

    assert text.startswith("virtual machine db (VMID 100) takes 8 GiB of RAM, and 4 GiB are the most.")


def test_disks_of_all_kinds_are_added_up() -> None:
    [whole] = said(DISK_LIMIT, *STACK, stack_gib=1000)
    [guest] = said(DISK_LIMIT, *STACK, guest_gib=1000)

    assert "3 guests take 1132.5 GiB of disk" in whole
    assert "db (VMID 100) takes 1124 GiB of disk" in guest


@pytest.mark.parametrize(
    "guest", [machine(clone={"vmid": 9000}), machine(memory=NOT_KNOWN_YET), machine(template=True, memory=8192)]
)
def test_what_is_not_known_or_does_not_run_takes_no_ram(guest: Described) -> None:
    assert said(MEMORY_LIMIT, guest, stack_gib=0.1) == []


def test_there_is_no_limit_until_one_is_set() -> None:
    assert said(MEMORY_LIMIT, *STACK) == said(DISK_LIMIT, *STACK) == []
