"""A small checkout for tests: a Pulumi program of its own which uses the real checkout's tools."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from toolchain.plugins import write_launcher

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 240


@dataclass(frozen=True)
class Checkout:
    """A directory with a program, one stack file and a git repository, and a home directory beside it."""

    root: Path
    home: Path

    def labs(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `proxmox-labs` on this checkout as a user whose home directory is empty."""
        return run(self._command(*arguments), ROOT, {**self._environment(), **variables})

    def at_a_terminal(self, *arguments: str) -> str:
        """Run the same at a terminal, where nobody types anything; return what it shows."""
        mine, its = os.openpty()
        with os.fdopen(mine, "rb", buffering=0) as terminal:
            command = self._command(*arguments)
            with subprocess.Popen(command, cwd=ROOT, env=self._environment(), stdin=its, stdout=its, stderr=its):
                os.close(its)
                shown = b"".join(_shown(terminal))
        return shown.decode(errors="replace")

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from cli.main import main; main()", *arguments, "--directory", str(self.root)]

    def git_status(self) -> str:
        """Return what git sees as changed."""
        return run(["git", "status", "--short"], self.root, self._environment()).stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.home)}


def _shown(terminal: BinaryIO) -> Iterator[bytes]:
    """All that is shown, until nobody is at the other end, which Linux tells as an error."""
    with suppress(OSError):
        while part := terminal.read(4096):
            yield part


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )


def forget_pulumi_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the backend, passphrase and so on of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)


def make_checkout(folder: Path, program: str, stack_file: str = "config: {}\n") -> Checkout:
    """Set up a checkout with the stack `demo`; the plugin of pulumi-random is always this project's."""
    checkout = Checkout(folder / "checkout", folder / "home")
    (checkout.root / "stacks").mkdir(parents=True)
    (checkout.root / ".toolchain").mkdir()
    checkout.home.mkdir()
    (checkout.root / ".venv").symlink_to(ROOT / ".venv")
    if (ROOT / ".toolchain" / "bin").exists():
        (checkout.root / ".toolchain" / "bin").symlink_to((ROOT / ".toolchain" / "bin").resolve())
    for plugin in (ROOT / ".toolchain" / "pulumi-home" / "plugins").glob("resource-random-v*"):
        write_launcher(checkout.root / ".toolchain" / "pulumi-home" / "plugins" / plugin.name)
    (checkout.root / "Pulumi.yaml").write_text("name: proxmox\nruntime: python\nstackConfigDir: stacks\n")
    (checkout.root / "__main__.py").write_text(program)
    (checkout.root / "stacks" / "Pulumi.demo.yaml").write_text(stack_file)
    (checkout.root / ".gitignore").write_text(".venv\n.toolchain/\n.pulumi/\n__pycache__/\n")
    for arguments in (["init", "-q"], ["add", "-A"]):
        run(["git", *arguments], checkout.root, dict(os.environ)).check_returncode()
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    run(["git", *identity, "commit", "-qm", "Start"], checkout.root, dict(os.environ)).check_returncode()
    return checkout
