"""Backups made now: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import DataAtRisk, Missing, TaskFailed
from providers._runtime.model import canonical
from providers.backup import BackupInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/nodes/pve1/qemu", {"vmid": 100, "name": "db", "memory": 512, "scsi0": "local-lvm:4"}),
]
EXAMPLE: dict[str, Any] = {
    "vmid": 100,
    "storage": "local",
    "compress": "zstd",
    "notes": "before the upgrade\nof \\ all",
    "triggers": {"version": "1"},
    "keep_on_destroy": False,
}
UPDATES = [
    {**EXAMPLE, "notes": "after it", "protected": True},
    {**EXAMPLE, "triggers": {"version": "1"}, "protected": False},
]
DRIFT = [("PUT", "/nodes/{node}/storage/local/content/{volid}", {"notes": "by hand", "protected": 1})]
EXCLUSIVE = False


@pytest.fixture
def backup(simulator: Simulator) -> Driver:
    """A backup of a program."""
    for method, path, parameters in SETUP:
        simulator.by_hand(method, path, parameters)
    simulator.forget_requests()
    return Driver(simulator, "backup")


def archives(simulator: Simulator) -> dict[str, dict[str, Any]]:
    """The backups on the storage."""
    rows = simulator.by_hand("GET", "/nodes/pve1/storage/local/content", {"content": "backup"})
    return {row["volid"]: row for row in rows}


def a_second_later(simulator: Simulator) -> None:
    """Backups are named by the second."""
    simulator.control("POST", "clock", {"mode": "immediate", "advance": 2})


def test_a_backup_tells_its_volume_and_carries_its_notes(backup: Driver) -> None:
    outputs = backup.up(EXAMPLE)

    row = archives(backup.simulator)[outputs["volid"]]
    assert row["notes"].startswith("before the upgrade\nof \\ all [pulumi ")
    assert (outputs["size"], outputs["ctime"], outputs["node"]) == (row["size"], row["ctime"], "pve1")
    assert outputs["volid"].endswith(".vma.zst")
    assert backup.drift() == {}


def test_another_trigger_makes_a_new_one_before_the_old_one_goes(backup: Driver) -> None:
    first = backup.up(EXAMPLE)["volid"]
    a_second_later(backup.simulator)
    backup.simulator.forget_requests()
    backup.again()

    second = backup.up({**EXAMPLE, "triggers": {"version": "2"}})["volid"]

    assert first != second
    assert list(archives(backup.simulator)) == [second]
    assert [line.split()[0] for line in tasks(backup.simulator)] == ["POST", "DELETE"]


def test_unless_told_otherwise_no_backup_is_ever_removed(backup: Driver) -> None:
    args = {**EXAMPLE, "keep_on_destroy": None}
    inputs, _ = backup.check(args)
    assert inputs["keep_on_destroy"] is True, "the preview says so"
    first = backup.up(args)["volid"]
    a_second_later(backup.simulator)
    backup.again()
    second = backup.up({**args, "triggers": {"version": "2"}})["volid"]
    assert backup.warnings == [
        f"the backup {first} stays on pve1; it is nobody's now, and keep_on_destroy=False would remove it"
    ]

    backup.delete()

    rows = archives(backup.simulator)
    assert set(rows) == {first, second}
    assert {row["notes"] for row in rows.values()} == {"before the upgrade\nof \\ all"}


def test_a_kept_backup_is_not_taken_for_that_of_a_died_run(backup: Driver) -> None:
    kept = backup.up({**EXAMPLE, "keep_on_destroy": True})["volid"]
    backup.delete()
    a_second_later(backup.simulator)

    again = Driver(backup.simulator, "backup").up(EXAMPLE)["volid"]

    assert again != kept


def test_a_new_one_that_a_died_run_has_made_is_not_made_twice(backup: Driver) -> None:
    first = backup.up(EXAMPLE)
    a_second_later(backup.simulator)
    inputs, outputs = dict(backup.inputs), dict(first)
    backup.again()
    backup.up({**EXAMPLE, "keep_on_destroy": True, "triggers": {"version": "2"}})
    made = set(archives(backup.simulator))
    backup.inputs, backup.outputs = inputs, outputs  # as the state was before the run that died
    a_second_later(backup.simulator)
    backup.again()

    backup.up({**EXAMPLE, "keep_on_destroy": True, "triggers": {"version": "2"}})

    assert set(archives(backup.simulator)) == made


def test_a_protected_backup_is_not_removed(backup: Driver) -> None:
    backup.up({**EXAMPLE, "protected": True})

    with pytest.raises(DataAtRisk, match="is protected and stays; set protected=False"):
        backup.delete()

    assert len(archives(backup.simulator)) == 1


def test_a_backup_prunes_nothing_that_is_there(backup: Driver) -> None:
    backup.simulator.by_hand("PUT", "/storage/local", {"prune-backups": "keep-last=1"})
    backup.up(EXAMPLE)
    a_second_later(backup.simulator)

    with pytest.raises(TaskFailed, match="max backup limit of 1"):
        Driver(backup.simulator, "backup", "other").up(EXAMPLE)

    assert len(archives(backup.simulator)) == 1


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"vmid": 777}, "vmid", "there is no guest 777 on the host, and none in this program"),
        ({"storage": "local-lvm"}, "storage", "storage 'local-lvm' can't hold backup; it is for images,rootdir"),
        ({"storage": "elsewhere"}, "storage", "there is no storage 'elsewhere' on pve1"),
    ],
)
def test_what_the_host_would_refuse_is_refused_in_the_preview(
    backup: Driver, changed: dict[str, Any], field: str, said: str
) -> None:
    assert said in backup.problems({**EXAMPLE, **changed})[field]


def test_notes_are_a_text_and_no_template() -> None:
    _, wrong = canonical(BackupInputs, {**EXAMPLE, "notes": "{{guestname}}"}, frozenset())

    assert "is for the notes of backup jobs" in wrong[0][1]


def test_a_guest_that_is_gone_is_said_in_one_line(backup: Driver) -> None:
    inputs, _ = backup.check(EXAMPLE)
    backup.simulator.by_hand("DELETE", "/nodes/pve1/qemu/100")
    backup.again()

    with pytest.raises(Missing, match="there is no guest 100 to back up"):
        backup.handler.create(backup.api, inputs)
