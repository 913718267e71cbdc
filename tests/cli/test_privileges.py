"""`proxmox-labs privileges`: what it prints is what an administrator runs, and then it is enough."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from cli.privileges import commands, of_preview, silent
from tests.conftest import Simulator
from tests.providers.lives import Life
from tests.providers.test_least_privilege import LAB
from tests.toolchain.checkout import ROOT, forget_pulumi_settings, make_checkout

POOL = "pulumi-python:dynamic/proxmox:Pool"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PROGRAM = """
from providers.pool import Pool

Pool("lab", poolid="lab", comment="of the lab")
"""


def test_the_printed_commands_make_an_identity_that_is_enough(simulator: Simulator) -> None:
    life = Life(simulator, LAB)
    node = life.client.ssh

    said = ""
    for line in commands("lab", life.privileges()):
        said = node.check("pve1", ["sh", "-c", line], deadline=time.monotonic() + 60).decode()
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said)

    assert found, said
    life.log_in("lab@pve!labs", found[0])
    assert life.preview() == {}
    assert life.run() == ""


def state(poolid: str, **more: str) -> dict[str, object]:
    """A pool in a preview."""
    return {"type": POOL, "inputs": {"poolid": poolid, **more}}


def test_each_connection_has_what_its_own_resources_need() -> None:
    steps = [
        {"op": "create", "newState": state("new", connection="one")},
        {"op": "same", "oldState": state("old", connection="two"), "newState": state("old", connection="two")},
        {"op": "delete", "oldState": state("gone", connection="two")},
        {"op": "create", "newState": {"type": "pulumi:pulumi:Stack"}},
    ]

    assert of_preview({"steps": steps}) == {
        "one": {"/pool/new": ["Pool.Allocate"]},
        "two": {"/pool/gone": ["Pool.Allocate"], "/pool/old": ["Pool.Allocate"]},
    }


def test_types_that_do_not_say_what_they_need_are_named() -> None:
    inside = {"type": POOL.replace("Pool", "GuestExec"), "inputs": {"vmid": 100, "command": ["true"]}}
    steps = [{"op": "create", "newState": inside}, {"op": "create", "newState": state("new")}]

    assert silent({"steps": steps}) == ["GuestExec"]


def test_what_is_not_known_yet_is_asked_for_nowhere() -> None:
    assert of_preview({"steps": [{"op": "create", "newState": state(UNKNOWN)}]}) == {"": {}}


@pytest.mark.engine
def test_they_are_printed_for_a_stack_that_was_never_up_and_a_broken_one_says_why(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_pulumi_settings(monkeypatch)
    checkout = make_checkout(tmp_path, PROGRAM, f"config:\n  proxmox:simulator: {simulator.topology}\n")
    around = {"PYTHONPATH": str(ROOT), "PROXMOX_SIM_HOME": str(simulator.base)}

    told = checkout.labs("privileges", "--format", "json", **around)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {"": {"/pool/lab": ["Pool.Allocate"]}}
    assert checkout.git_status() == ""

    (checkout.root / "__main__.py").write_text(PROGRAM.replace('"lab", comment', '"a b", comment'))
    broken = checkout.labs("privileges", **around)
    assert broken.returncode == 1
    assert "error: the preview has failed: " in broken.stderr
    assert "poolid" in broken.stderr
