"""`guests-are-backed-up`: who is in no job is named, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from policies.backups import BACKED_UP
from tests.policies.judging import NOT_KNOWN_YET, Described, container, described, machine, said


def job(**values: Any) -> Described:
    return described("BackupJob", "nightly", **{"job_id": "nightly", "schedule": "02:00", **values})


def test_a_guest_in_no_job_is_named_with_a_remedy() -> None:
    assert said(BACKED_UP, machine(), job(vmid=[101])) == [
        "virtual machine web (VMID 100) is in no backup job of this stack. Add it to a BackupJob (`vmid`, `pool` or "
        "`all`), give it a Backup, or name web in `without`."
    ]


@pytest.mark.parametrize(
    "covering",
    [
        job(vmid=[100, 101]),
        job(pool="prod"),
        job(all=True),
        job(all=True, exclude=[101]),
        job(all=True, node="pve1"),
        job(vmid=NOT_KNOWN_YET),
        job(vmid=[NOT_KNOWN_YET]),
        job(pool=NOT_KNOWN_YET),
        described("Backup", "before", vmid=100, storage="nfs1"),
    ],
)
def test_a_guest_that_a_job_takes_in_is_fine(covering: Described) -> None:
    assert said(BACKED_UP, machine(pool="prod"), covering) == []


@pytest.mark.parametrize(
    "other",
    [
        job(vmid=[100], enabled=False),
        job(pool="test"),
        job(all=True, exclude=[100]),
        job(all=True, node="pve2"),
        job(all=True, connection="elsewhere"),
    ],
)
def test_a_job_that_passes_the_guest_by_does_not_count(other: Described) -> None:
    assert len(said(BACKED_UP, machine(pool="prod"), other)) == 1


def test_templates_and_named_guests_need_none() -> None:
    assert said(BACKED_UP, machine(template=True), container("scratch-1"), without=["scratch-*"]) == []
