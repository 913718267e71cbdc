"""Where a team keeps its states: two checkouts that share a backend share the stack."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.integration.ports import free_port, wait_for
from tests.integration.s3 import KEYS, s3
from tests.toolchain.checkout import Checkout, forget_pulumi_settings, make_checkout

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi

pulumi.export("greeting", "hello")
pulumi.export("password", pulumi.Output.secret("hunter22"))
"""
USER, PASSWORD = "labs", "of-the-database"


def server() -> Path | None:
    """The newest PostgreSQL of Debian's packages, or the one on PATH."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[4]))
    found = shutil.which("postgres")
    return there[-1] if there else Path(found).resolve() if found else None


@contextmanager
def postgres() -> Iterator[str]:
    """A server of its own on loopback, which does not run as root as it refuses that; its URL."""
    program = server()
    if program is None:
        pytest.skip("there is no PostgreSQL here: Debian's package `postgresql` has it")
    user = "postgres" if os.geteuid() == 0 else None
    others: list[str] | None = [] if user else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        if user:
            for place in (folder, folder / "password"):
                shutil.chown(place, user, user)
        setup = ["-A", "scram-sha-256", "-U", USER, f"--pwfile={folder / 'password'}", "--no-sync"]
        made = subprocess.run(
            [str(program.with_name("initdb")), "-D", str(folder / "data"), *setup],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=others,
        )
        assert made.returncode == 0, made.stderr
        port = free_port()
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        flags = [word for setting in settings for word in ("-c", setting)]
        process = subprocess.Popen(
            [str(program), "-D", str(folder / "data"), "-p", str(port), *flags],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            user=user,
            group=user,
            extra_groups=others,
        )
        try:
            wait_for(port)
            yield f"postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=disable"
        finally:
            process.terminate()
            process.wait()


@contextmanager
def files() -> Iterator[str]:
    """A folder that all of the team can reach."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"file://{folder}"


@pytest.mark.parametrize("backend", [files, postgres, s3])
def test_two_checkouts_with_one_backend_share_the_stack(
    backend: Callable[[], AbstractContextManager[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_pulumi_settings(monkeypatch)
    mine, yours = (colleague(tmp_path / name) for name in ("mine", "yours"))
    with backend() as url:
        of_team = {"PULUMI_BACKEND_URL": url, "PULUMI_CONFIG_PASSPHRASE": "of the team", **KEYS}

        up = mine.labs("up", **of_team)
        again = yours.labs("preview", **of_team)
        stranger = yours.labs("report", "--json", **{**of_team, "PULUMI_CONFIG_PASSPHRASE": "another"})

    assert up.returncode == 0, up.stdout + up.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert "+ 1 to create" not in again.stdout
    assert "1 unchanged" in again.stdout
    assert stranger.returncode == 1
    assert "incorrect passphrase" in stranger.stderr
    assert not (mine.root / ".pulumi" / "state" / ".pulumi" / "stacks").exists()


def colleague(folder: Path) -> Checkout:
    folder.mkdir()
    return make_checkout(folder, PROGRAM)
