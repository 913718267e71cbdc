"""Backup policies: no guest is forgotten, and each class is a job that Proxmox takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.backup_policy import BackupClass, BackupPolicy, BackupPolicyArgs, classes_of
from tests.components.asked import asked
from tests.conftest import Simulator, as_json
from tests.engine import Program

CLASSES = {
    "daily": BackupClass(schedule="02:30", storage="nfs1", keep={"keep_daily": 7}),
    "weekly": BackupClass(schedule="sat 03:30", storage="nfs1", keep={"keep_weekly": 2}, mode="stop"),
}
LAB = BackupPolicyArgs(
    classes=CLASSES,
    guests={"dns": 101, "web": 102, "scratch": 103},
    members={"daily": ["dns"]},
    others="weekly",
    without={"scratch": "made anew from its template"},
)


def test_each_class_is_a_job_of_its_guests() -> None:
    found = asked(lambda: {"covered": BackupPolicy("lab", LAB).covered})

    assert {name: job["vmid"] for name, job in found.inputs.items()} == {"lab-daily": [101], "lab-weekly": [102]}
    assert found.inputs["lab-weekly"] == {
        "job_id": "lab-weekly",
        "schedule": "sat 03:30",
        "storage": "nfs1",
        "vmid": [102],
        "mode": "stop",
        "compress": "zstd",
        "prune_backups": {"keep_weekly": 2},
    }
    assert found.outputs["covered"] == {"lab-daily": [101], "lab-weekly": [102]}


def test_a_class_without_guests_is_no_job() -> None:
    found = asked(lambda: {"covered": BackupPolicy("lab", replace(LAB, members={})).covered})

    assert list(found.inputs) == ["lab-weekly"]


@given(
    of=st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.sampled_from(["daily", "others", "without"]))
)
def test_every_guest_is_in_one_job_or_said_to_need_none(of: dict[str, str]) -> None:
    args = BackupPolicyArgs(
        classes=CLASSES,
        guests=dict.fromkeys(of, 100),
        members={"daily": [guest for guest, how in of.items() if how == "daily"]},
        others="weekly",
        without={guest: "scratch" for guest, how in of.items() if how == "without"},
    )

    covered = [guest for guests in classes_of(args).values() for guest in guests]

    assert sorted([*covered, *args.without]) == sorted(of)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"others": None}, "^web: in no class"),
        ({"others": "hourly"}, "there is no class 'hourly'; there are daily, weekly"),
        ({"members": {"daily": ["dsn"]}}, "there is no guest 'dsn'"),
        ({"members": {"daily": ["scratch"]}}, "scratch is said to be backed up in two ways"),
    ],
)
def test_what_can_not_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(LAB, **wrong)


MAIN = """\
import pulumi

from components.backup_policy import BackupClass, BackupPolicy, BackupPolicyArgs
from providers.vm import VirtualMachine

guests = {name: VirtualMachine(name, node="pve1", name=name, started=False).vmid for name in ("dns", "web")}
policy = BackupPolicy("lab", BackupPolicyArgs(
    classes={"daily": BackupClass(schedule="02:30", storage="nfs1", keep={"keep_daily": 7})},
    guests=guests, others="daily"))
pulumi.export("covered", policy.covered)
"""


@pytest.mark.engine
def test_the_guests_of_a_stack_are_backed_up_from_the_first_run_on(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program, before = program_on(cluster), as_json(cluster.state())
    (program.folder / "__main__.py").write_text(MAIN)

    first = program.up()

    assert first.changes == {"create": 4}, first.text
    (job,) = cluster.by_hand("GET", "/cluster/backup")
    made = [row["vmid"] for row in cluster.by_hand("GET", "/nodes/pve1/qemu") if row["name"] in ("dns", "web")]
    assert sorted(map(int, job["vmid"].split(","))) == sorted(made)
    again = program.up()
    assert not again.changes, again.text
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert as_json(cluster.state()) == before
