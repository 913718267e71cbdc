"""`proxmox-labs report` on what Pulumi has said: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.report.markdown import mark_of
from tests.cli.previews import machine, step

GROWN = step("update", "web", machine(), machine(memory=2048, impact="memory: live"))
REMOVED = step("delete", "db", machine(vmid=101))
REFUSED = {"severity": "error", "message": "error: it would lock you out\n"}


def told(tmp_path: Path, *steps: dict[str, Any], diagnostics: tuple[dict[str, str], ...] = ()) -> Path:
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": steps, "diagnostics": diagnostics}))
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *(str(argument) for argument in arguments)])


def test_the_exit_code_says_whether_it_can_be_done_and_whether_data_is_lost(tmp_path: Path) -> None:
    assert run("--from", told(tmp_path, GROWN)).exit_code == 0
    assert run("--from", told(tmp_path, GROWN, diagnostics=(REFUSED,))).exit_code == 1
    assert run("--from", told(tmp_path, GROWN, REMOVED)).exit_code == 3


def test_it_is_written_into_a_file_also_where_data_is_lost(tmp_path: Path) -> None:
    done = run("--from", told(tmp_path, REMOVED), "--out", tmp_path / "out" / "report.md")

    assert (done.exit_code, done.stdout) == (3, "")
    assert (tmp_path / "out" / "report.md").read_text().startswith(mark_of("demo"))


def test_a_program_reads_the_same_in_json(tmp_path: Path) -> None:
    document = json.loads(run("--json", "--from", told(tmp_path, GROWN, REMOVED)).stdout)

    assert document["loses_data"] == ["db"]
    assert document["changes"][0]["fields"] == [{"name": "memory", "before": "1024", "after": "2048", "impact": "live"}]
    assert [load["memory"] for load in document["capacity"]["hosts"]["pve1"]] == [2 * 2**30, 2 * 2**30]


@pytest.mark.parametrize("text", ["", "{}", "no JSON"])
def test_a_file_that_says_nothing_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "preview.json").write_text(text)

    done = run("--from", tmp_path / "preview.json")

    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'preview.json'} is no preview or update of Pulumi in JSON: ")


def test_what_was_applied_has_to_be_given() -> None:
    done = run("--applied")

    assert done.exit_code == 1
    assert done.stderr == "error: --applied tells of an update that was done: say with --from what it has said\n"
