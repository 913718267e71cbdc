"""A pull request from the change to what it has done, by the workflow's own steps, on the real engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.forges import TOKEN, FakeForge, fake_forge
from tests.conftest import Simulator
from tests.toolchain.checkout import ROOT, Checkout, forget_pulumi_settings, make_checkout

pytestmark = pytest.mark.engine

LIMIT = 280
WORKFLOW = ROOT / ".github" / "workflows" / "labs.yml"
PROGRAM = """
import pulumi
from providers.pool import Pool
from providers.vm import VirtualMachine

config = pulumi.Config()
pool = Pool("lab", poolid="lab")
for number in range(config.require_int("count")):
    VirtualMachine(
        f"web-{number}",
        name=f"web-{number}",
        node="pve1",
        clone={"vmid": 9000, "full": False},
        memory=config.require_int("memory"),
        disks={"scsi0": {"storage": "local-lvm", "size": "8G"}},
        cipassword="hunter22",
        pool=pool.poolid,
    )
"""


@dataclass(frozen=True)
class Job:
    """A runner of the workflow: what its expressions are, and what is in the environment of each step."""

    checkout: Checkout
    forge: FakeForge
    environment: Mapping[str, str]
    expressions: Mapping[str, str]

    def run(self, job: str) -> subprocess.CompletedProcess[str]:
        """The steps of a job that are no actions, up to the first that fails."""
        found = yaml.safe_load(WORKFLOW.read_text())["jobs"][job]
        done = subprocess.CompletedProcess[str]([], 0)
        for step in found["steps"]:
            if "run" in step and not done.returncode:
                done = self._step(step["run"], {**found.get("env", {}), **step.get("env", {})})
        return done

    def git(self, *arguments: str) -> str:
        """Git in the repository, as somebody of the team."""
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.checkout.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, page: str) -> str:
        """The stack's page is another one."""
        (self.checkout.root / "stacks" / "Pulumi.demo.yaml").write_text(page)
        self.git("add", "-A")
        self.git("commit", "-qm", "Change")
        return self.git("rev-parse", "HEAD")

    def of(self, base: str, head: str) -> Job:
        """The same for a change, or its merge."""
        ours = {
            "github.event.pull_request.base.sha": base,
            "github.event.pull_request.base.sha || github.event.before": base,
            "github.sha": head,
        }
        return replace(self, expressions={**self.expressions, **ours})

    @property
    def summary(self) -> str:
        """What the jobs have written for people."""
        return Path(self.environment["GITHUB_STEP_SUMMARY"]).read_text()

    def _step(self, script: str, own: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        def value(found: re.Match[str]) -> str:
            return self.expressions[found[1]]

        written = {name: re.sub(r"\$\{\{ (.*?) \}\}", value, str(text)) for name, text in own.items()}
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.checkout.root,
            env={**self.environment, **written},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    with fake_forge() as forge:
        yield forge


@pytest.fixture
def job(simulator: Simulator, forge: FakeForge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    forget_pulumi_settings(monkeypatch)
    checkout = make_checkout(tmp_path, PROGRAM, page(count=2, memory=1024, simulator=simulator))
    shutil.copytree(ROOT / ".ci", checkout.root / ".ci")
    (checkout.root / "Makefile").write_text("setup:\n\t@true\n")
    for name in ("output", "summary"):
        (tmp_path / name).touch()
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "CI_", "MAKE", "MFLAGS"))
        },
        "HOME": str(checkout.home),
        "PYTHONPATH": str(ROOT),
        "PROXMOX_SIM_HOME": str(simulator.base),
        "GITHUB_REPOSITORY": "team/labs",
        "GITHUB_API_URL": forge.url,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    nothing = dict.fromkeys(("BACKEND_URL", "CONFIG_PASSPHRASE", "ACCESS_TOKEN"), "")
    expressions = {
        "github.event_name": "pull_request",
        "github.event.pull_request.number": "7",
        "github.token": TOKEN,
        "matrix.stack": "demo",
        **{f"secrets.PULUMI_{name}": value for name, value in nothing.items()},
    }
    return Job(checkout, forge, environment, expressions)


def page(count: int, memory: int, simulator: Simulator, *, real: bool = False) -> str:
    """The stack's page, on the simulator by its name or by a connection as to any host."""
    config: dict[str, Any] = {"proxmox:count": count, "proxmox:memory": memory}
    if real:
        (connection,) = simulator.running.connections.values()
        told = {
            "endpoints": list(connection.endpoints),
            "token_id": connection.token_id,
            "token_secret": connection.token_secret,
            "ca_file": str(connection.ca_file),
        }
        return yaml.safe_dump({"config": {**config, "proxmox:connections": json.dumps({"lab": told})}})
    return yaml.safe_dump({"config": {**config, "proxmox:simulator": simulator.topology}})


def test_a_fork_without_credentials_is_previewed_on_the_simulator(job: Job, simulator: Simulator) -> None:
    base = job.commit(page(count=2, memory=1024, simulator=simulator) + "# as it was\n")
    head = job.commit(page(count=1, memory=2048, simulator=simulator))
    job, job.forge.refused = job.of(base, head), True

    listed = job.run("stacks")
    preview = job.run("preview")

    assert listed.returncode == 0, listed.stderr
    assert 'stacks=["demo"]' in Path(job.environment["GITHUB_OUTPUT"]).read_text()
    assert preview.returncode == 3, preview.stdout + preview.stderr
    assert "Data would be lost, and the change has no label allow-data-loss." in preview.stderr
    assert "**data loss: 1** · 1 changed · 1 removed" in job.summary
    assert "| pve1 | web-0 (VirtualMachine) | memory | 1024 | 2048 | pending |" in job.summary
    assert re.search(r"\| pve1 \| RAM \| .+ \| .+ \| \d+ GiB \|", job.summary), "beside what the host has"
    assert "hunter22" not in job.summary + preview.stdout + preview.stderr
    assert job.git("rev-parse", "HEAD") == head


def test_what_is_merged_is_what_the_comment_said(job: Job, simulator: Simulator, tmp_path: Path) -> None:
    secrets = {
        "secrets.PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "secrets.PULUMI_CONFIG_PASSPHRASE": "of the team",
    }
    (tmp_path / "backend").mkdir()
    job = replace(job, expressions={**job.expressions, **secrets})
    base = job.commit(page(count=2, memory=1024, simulator=simulator, real=True))
    first = job.of(base, base)
    preview = first.run("preview")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    job.forge.merged[base] = 7
    up = first.run("up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "## Update of demo: 3 created" in job.summary

    head = job.commit(page(count=1, memory=2048, simulator=simulator, real=True))
    second = job.of(base, head)
    assert second.run("preview").returncode == 3
    (comment,) = job.forge.comments
    said = comment["body"]
    job.forge.merged[head] = 7
    job.forge.labels.append("allow-data-loss")
    up = second.run("up")
    assert up.returncode == 0, up.stdout + up.stderr

    applied = job.summary.rpartition("## Update of demo: ")[2]
    assert rows(applied) == rows(said) != []
    assert applied.startswith("**data loss: 1** · 1 changed · 1 removed\n")
    left = {row["name"]: row["maxmem"] for row in simulator.by_hand("GET", "/nodes/pve1/qemu") if "template" not in row}
    assert list(left) == ["web-0"]
    assert "hunter22" not in said + job.summary

    vmid = next(row["vmid"] for row in simulator.by_hand("GET", "/nodes/pve1/qemu") if row["name"] == "web-0")
    simulator.by_hand("PUT", f"/nodes/pve1/qemu/{vmid}/config", {"memory": 4096})
    assert second.run("drift").returncode == 0
    (issue,) = job.forge.issues
    assert "- changed outside: memory 2048 → 4096 on web-0 (pve1)" in issue["body"]
    simulator.by_hand("PUT", f"/nodes/pve1/qemu/{vmid}/config", {"memory": 2048})
    assert second.run("drift").returncode == 0
    assert not issue["open"]


def rows(text: str) -> list[str]:
    """The table of what changes."""
    found = re.search(r"### What changes\n\n(.*?)\n\n", text, flags=re.DOTALL)
    return found[1].splitlines() if found else []
