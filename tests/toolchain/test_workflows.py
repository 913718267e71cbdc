"""The linter of workflows: the user's own if there is one, else one from the cache; its word is the exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain import workflows
from toolchain.cache import cached, platform_name


def put_linter(directory: Path, code: int = 0) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / workflows.PROGRAM).write_text(f"#!/bin/sh\nexit {code}\n")
    (directory / workflows.PROGRAM).chmod(0o755)


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's programs; the cache has a linter already, so that no test builds it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'own'}:/usr/bin:/bin")
    cached(f"{workflows.PROGRAM}-{workflows.VERSION}-{platform_name()}", put_linter)
    return tmp_path / "own"


def test_the_one_from_the_cache_finds_nothing() -> None:
    assert workflows.main() == 0


def test_what_the_users_own_one_finds_is_a_failure(own: Path) -> None:
    put_linter(own, code=1)

    assert workflows.main() == 1
