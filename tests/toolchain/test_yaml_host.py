"""The host of programs in Pulumi's YAML: the user's own if there is one, else one from the cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from toolchain.cache import cached, platform_name
from toolchain.environment import pulumi_environment
from toolchain.yaml_host import PROGRAM, VERSION, provide_yaml_host


def put_host(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / PROGRAM).write_text("#!/bin/sh\n")
    (directory / PROGRAM).chmod(0o755)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout; the cache has the host already, so that no test builds it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'own'}:/usr/bin:/bin")
    cached(f"pulumi-yaml-{VERSION}-{platform_name()}", put_host)
    return tmp_path / "checkout"


def found(root: Path) -> Path:
    return Path(str(shutil.which(PROGRAM, path=pulumi_environment(root)["PATH"]))).resolve()


def test_it_is_taken_from_the_cache_and_again(root: Path, tmp_path: Path) -> None:
    provide_yaml_host(root)
    provide_yaml_host(root)

    assert found(root).is_relative_to(tmp_path / "cache")


def test_the_users_own_is_used(root: Path, tmp_path: Path) -> None:
    put_host(tmp_path / "own")

    provide_yaml_host(root)

    assert found(root) == tmp_path / "own" / PROGRAM
    assert not (root / ".toolchain").exists()
