"""Backup jobs: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import pytest

from providers._runtime.model import canonical
from providers.backup_job import BackupJobInputs
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver

EXAMPLE = {
    "job_id": "nightly",
    "schedule": "mon..fri 22:30",
    "all": True,
    "exclude": [9000],
    "storage": "local",
    "mode": "snapshot",
    "compress": "zstd",
    "prune_backups": {"keep_last": 3, "keep_daily": 7},
    "notes_template": "{{guestname}} on {{node}}",
    "comment": "every night",
}
UPDATES = [
    {**EXAMPLE, "schedule": "daily", "exclude_path": ["/srv/cache", "/tmp/?*"], "mailto": ["b@lab", "a@lab"]},
    {**EXAMPLE, "prune_backups": {"keep_all": True}, "fleecing": {"enabled": True, "storage": "local-lvm"}},
    {**EXAMPLE, "enabled": False, "performance": {"max_workers": 8}, "bwlimit": 50000},
    {"job_id": "nightly", "schedule": "sat 3:00", "vmid": [9000], "storage": "local"},
]
DRIFT = [("PUT", "/cluster/backup/nightly", {"schedule": "hourly"})]


def problems(**changes: object) -> list[str]:
    """What is wrong with a job, as `field: reason`."""
    values = {name: value for name, value in {**EXAMPLE, **changes}.items() if value is not None}
    return [f"{field}: {why}" for field, why in canonical(BackupJobInputs, values, frozenset())[1]]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"all": None, "exclude": None}, "vmid: a job has exactly one of vmid, pool and all"),
        ({"pool": "prod"}, "all: a job has exactly one of vmid, pool and all"),
        ({"all": None, "pool": "prod"}, "exclude: only a job with `all` leaves guests out"),
        ({"schedule": "at noon"}, "'at noon' is no calendar event"),
    ],
)
def test_a_job_that_proxmox_refuses_is_refused_in_preview(changes: dict[str, object], refused: str) -> None:
    assert refused in problems(**changes)[0]


@pytest.mark.engine
def test_what_a_job_names_and_nobody_has_is_refused_in_preview(program: Program) -> None:
    wrong = {"job_id": "j1", "schedule": "daily", "vmid": [4711], "storage": "local-lvm", "node": "pve9"}
    program.declare({"it": Resource("providers.backup_job.BackupJob", wrong)})

    preview = program.preview()

    assert preview.code != 0
    assert "storage local-lvm can't hold backups" in preview.text
    assert "there is no node 'pve9'" in preview.text
    assert "there is no guest 4711 on the host, and none in this program" in preview.text


def test_a_job_chooses_its_guests_in_another_way_in_place(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/pools", {"poolid": "prod"})
    job = Driver(simulator, "backup_job")
    base = {"job_id": "j1", "schedule": "daily", "storage": "local"}

    for way in ({"all": True, "exclude": [9000]}, {"pool": "prod"}, {"vmid": [9000]}, {"all": True}):
        job.up({**base, **way})
        assert job.drift() == {}
        kept = simulator.by_hand("GET", "/cluster/backup/j1")
        assert {name for name in ("all", "exclude", "pool", "vmid") if name in kept} == set(way)
