"""`proxmox-labs ci`, against a GitHub and a GitLab on loopback."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.ci.affected import affected
from cli.ci.command import app
from cli.report.kinds import kinds
from cli.report.markdown import comment
from cli.report.plan import plan_of
from tests.cli.forges import BOT, FakeForge, fake_forge
from tests.cli.previews import machine, step

STACKS = ["demo", "ha-services"]


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    for name in ("GITHUB_REPOSITORY", "GITHUB_STEP_SUMMARY", "CI_API_V4_URL", "PULUMI_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    with fake_forge() as forge:
        for name, value in getattr(forge, request.param)().items():
            monkeypatch.setenv(name, value)
        yield forge


def report(tmp_path: Path, memory: int, stack: str = "demo") -> Path:
    """A comment of a change of a machine's memory."""
    told: dict[str, Any] = {"steps": [step("update", "web", machine(), machine(memory=memory))]}
    file = tmp_path / f"report-{memory}.md"
    file.write_text(comment(plan_of(told, kinds()), stack, 65_536))
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("files", "concerned"),
    [
        ([], []),
        (["README.md", "docs/guides/teams.md", "tests/cli/test_ci.py", "stacks/schema.json"], []),
        (["stacks/Pulumi.demo.yaml", "README.md"], ["demo"]),
        (["stacks/Policies.ha-services.json"], ["ha-services"]),
        (["stacks/Pulumi.gone.yaml"], []),
        (["stacks/demo.py"], STACKS),
        (["providers/_guests/impact.py"], STACKS),
        (["uv.lock"], STACKS),
    ],
)
def test_which_stacks_a_change_concerns(files: list[str], concerned: list[str]) -> None:
    assert affected(files, STACKS) == concerned


def test_the_one_comment_is_written_anew_and_nobody_elses_is_touched(forge: FakeForge, tmp_path: Path) -> None:
    first, second = report(tmp_path, 2048), report(tmp_path, 4096)
    for number in range(120):
        forge.say("somebody", f"{first.read_text()} {number}")

    assert run("comment", "--file", first, "--change", 7).exit_code == 0
    assert run("comment", "--file", second, "--change", 7).exit_code == 0
    assert run("comment", "--file", report(tmp_path, 512, "other"), "--change", 7, "--stack", "other").exit_code == 0

    own = [row["body"] for row in forge.comments if row["author"] == BOT]
    assert len(own) == 2
    assert own[0] == second.read_text()
    assert forge.comments[0]["body"].endswith(" 0")


def test_a_fork_reads_its_preview_in_the_summary(
    forge: FakeForge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.refused = True
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    file = report(tmp_path, 2048)

    done = run("comment", "--file", file, "--change", 7)

    assert done.exit_code == 0
    assert "from a fork" in done.stderr
    assert (tmp_path / "summary.md").read_text() == file.read_text()


def test_data_may_be_lost_with_the_label_only(forge: FakeForge) -> None:
    forge.merged["abc"] = 7

    assert run("allowed", "--change", 7).exit_code == 3
    forge.labels.append("allow-data-loss")
    assert run("allowed", "--change", 7).exit_code == 0
    assert run("allowed", "--commit", "abc").exit_code == 0
    assert run("allowed", "--commit", "def").exit_code == 3


def test_what_is_merged_does_what_was_looked_at(forge: FakeForge, tmp_path: Path) -> None:
    forge.merged["abc"] = 7
    looked_at, now = report(tmp_path, 2048), report(tmp_path, 4096)
    assert "nobody has looked at it" in run("approved", "--file", now, "--commit", "def").stderr
    run("comment", "--file", looked_at, "--change", 7)
    assert run("approved", "--file", looked_at, "--commit", "abc").exit_code == 0

    other = run("approved", "--file", now, "--commit", "abc")

    assert other.exit_code == 4
    assert "it would do something else" in other.stderr
    assert forge.comments[-1]["body"] == now.read_text()
    assert run("approved", "--file", now, "--commit", "abc").exit_code == 0


def test_somebody_elses_comment_approves_nothing(forge: FakeForge, tmp_path: Path) -> None:
    forge.merged["abc"] = 7
    file = report(tmp_path, 2048)
    forge.say("somebody", file.read_text())

    assert run("approved", "--file", file, "--commit", "abc").exit_code == 4


def test_outside_of_a_pipeline_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_REPOSITORY", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)

    done = run("comment", "--file", report(tmp_path, 2048), "--change", 7)

    assert done.exit_code == 1
    assert done.stderr.startswith("error: this is no pipeline of GitHub or GitLab")
    assert len(done.stderr.splitlines()) == 1


def test_stacks_on_real_hosts_need_a_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.tried.yaml").write_text("config:\n  proxmox:simulator: standalone\n")
    (tmp_path / "stacks" / "Pulumi.real.yaml").write_text("config:\n  proxmox:connections:\n    secure: v1:abc\n")
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)

    without = run("stacks", "--directory", tmp_path)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///there")
    with_one = run("stacks", "--directory", tmp_path)

    assert (json.loads(without.stdout), json.loads(with_one.stdout)) == (["tried"], ["real", "tried"])
    assert "left out, as PULUMI_BACKEND_URL is not set: real" in without.stderr
    assert json.loads(run("stacks", "--real", "--directory", tmp_path).stdout) == ["real"]


def test_a_stack_whose_page_can_not_be_read_is_still_looked_at(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.tried.yaml").write_text("config:\n  proxmox:simulator: standalone\n\tcount: 2\n")

    assert json.loads(run("stacks", "--directory", tmp_path).stdout) == ["tried"]


def test_a_commit_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, env=dict(os.environ))

    done = run("stacks", "--base", "nope", "--directory", tmp_path)

    assert done.exit_code == 1
    assert done.stderr.startswith("error: git can't compare with nope: ")
