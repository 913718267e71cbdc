"""A server of PostgreSQL on loopback, as Debian's package has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.ports import free_port, wait_for


@dataclass(frozen=True)
class Server:
    """One that runs, and its superuser `postgres`."""

    port: int
    password: str

    @property
    def variables(self) -> dict[str, str]:
        """What makes PostgreSQL's own commands go there as the superuser."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": self.password,
        }


def program() -> Path | None:
    """The newest one of Debian's packages, or the one on PATH."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[4]))
    found = shutil.which("postgres")
    return there[-1] if there else Path(found).resolve() if found else None


@contextmanager
def postgres() -> Iterator[Server]:
    """A server of its own, which does not run as root as it refuses that."""
    found = program()
    if found is None:
        pytest.skip("there is no PostgreSQL here: Debian's package `postgresql` has it")
    user = "postgres" if os.geteuid() == 0 else None
    others: list[str] | None = [] if user else None
    with tempfile.TemporaryDirectory() as name:
        folder, password = Path(name), "of-the-database"
        (folder / "password").write_text(password)
        if user:
            for place in (folder, folder / "password"):
                shutil.chown(place, user, user)
        setup = ["-A", "scram-sha-256", "-U", "postgres", f"--pwfile={folder / 'password'}", "--no-sync"]
        made = subprocess.run(
            [str(found.with_name("initdb")), "-D", str(folder / "data"), *setup],
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
            [str(found), "-D", str(folder / "data"), "-p", str(port), *flags],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            user=user,
            group=user,
            extra_groups=others,
        )
        try:
            wait_for(port)
            yield Server(port, password)
        finally:
            process.terminate()
            process.wait()
