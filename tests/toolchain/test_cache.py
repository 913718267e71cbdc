"""The user's cache of built tools."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolchain.cache import cached


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "proxmox-labs"


def test_an_entry_is_made_once_even_if_many_ask_at_the_same_time() -> None:
    made: list[int] = []

    def make(directory: Path) -> None:
        made.append(threading.get_ident())
        time.sleep(0.1)
        (directory / "tool").write_text("whole")

    with ThreadPoolExecutor(8) as pool:
        entries = set(pool.map(lambda _: cached("tool-1", make), range(8)))
    assert len(made) == 1
    assert (entries.pop() / "tool").read_text() == "whole"


def test_an_entry_that_could_not_be_made_leaves_nothing_behind(cache: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cached("tool-1", fail)
    assert [entry.name for entry in cache.iterdir()] == ["tool-1.lock"]


def test_what_a_killed_set_up_left_is_removed_by_the_next(cache: Path) -> None:
    (cache / ".tool-1-abandoned").mkdir(parents=True)
    cached("tool-1", lambda directory: (directory / "tool").touch())
    assert sorted(entry.name for entry in cache.iterdir()) == ["tool-1", "tool-1.lock"]
