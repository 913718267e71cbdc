"""A snapshot of a whole lab, taken and gone back to in order, on the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Simulator
from tests.engine import Program
from tests.providers.inside import CONTAINER, MACHINE, agent, prepare

MAIN = """\
import json
import pathlib

from components.snapshot_set import SnapshotSet, SnapshotSetArgs

args = json.loads(pathlib.Path("set.json").read_text())
SnapshotSet("lab", SnapshotSetArgs(snapname="before", stages=[{"dns": 200}, {"web": 100}], **args))
"""


def taken(simulator: Simulator, method: str, words: str) -> list[str]:
    """The guests to which that was done, in order."""
    paths = [row["path"] for row in simulator.requests() if row["method"] == method and row["path"].endswith(words)]
    return [path.split("/")[-2 - words.count("/")] for path in paths]


@pytest.mark.engine
def test_the_guests_are_taken_and_go_back_stage_by_stage(simulator: Simulator, program: Program) -> None:
    prepare(simulator)
    (program.folder / "__main__.py").write_text(MAIN)

    def declare(args: dict[str, Any]) -> None:
        Path(program.folder / "set.json").write_text(json.dumps(args))

    declare({"vmstate": ["web"]})
    assert program.up().changes == {"create": 3}
    assert taken(simulator, "POST", "snapshot") == [str(CONTAINER), str(MACHINE)]
    agent(simulator, ["touch", "/root/changed"])
    simulator.forget_requests()

    declare({"vmstate": ["web"], "rollback": "now"})
    assert program.preview().inputs("lab-web")["impact"] == "rollback: data loss"
    up = program.up()

    assert up.changes == {"update": 2}, up.text
    assert taken(simulator, "POST", "snapshot/before/rollback") == [str(CONTAINER), str(MACHINE)]
    assert "changed" not in agent(simulator, ["ls", "/root"])
    assert program.destroy().code == 0
    assert [row["name"] for row in simulator.by_hand("GET", f"/nodes/pve1/qemu/{MACHINE}/snapshot")] == ["current"]
