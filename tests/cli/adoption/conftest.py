"""A checkout whose stacks are on simulated hosts, and what `adopt` says there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Simulator
from tests.toolchain.checkout import ROOT, Checkout, forget_pulumi_settings, make_checkout

STACK = "mine"


@dataclass(frozen=True)
class Labs:
    """A checkout of this project with one stack, which has connections and nothing else."""

    checkout: Checkout
    simulator: Simulator

    def labs(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `proxmox-labs` on the stack."""
        return self.checkout.labs(
            command, "--stack", STACK, *arguments, PROXMOX_SIM_HOME=str(self.simulator.base), NO_COLOR="1"
        )

    def adopt(self, *arguments: str, code: int = 0) -> str:
        """What `adopt` says."""
        done = self.labs("adopt", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def ran(self, command: str, *arguments: str) -> str:
        """What a command says, which has to succeed."""
        done = self.labs(command, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def stacks(self) -> Path:
        """Where the program is."""
        return self.checkout.root / "stacks"

    def program(self) -> str:
        """All of it."""
        files = [*self.stacks.glob(f"{STACK}.py"), *sorted(self.stacks.glob(f"_{STACK}/*.py"))]
        return "\n".join(file.read_text() for file in files)


@pytest.fixture
def labs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Simulator], Labs]:
    """Makes such a checkout."""

    def make(simulator: Simulator) -> Labs:
        forget_pulumi_settings(monkeypatch)
        checkout = make_checkout(tmp_path, (ROOT / "__main__.py").read_text())
        for name in ("__init__.py", "settings.py"):
            shutil.copy(ROOT / "stacks" / name, checkout.root / "stacks")
        page = f"# what we have\nconfig:\n  proxmox:simulator: {simulator.topology}\n"
        (checkout.root / "stacks" / f"Pulumi.{STACK}.yaml").write_text(page)
        return Labs(checkout, simulator)

    return make
