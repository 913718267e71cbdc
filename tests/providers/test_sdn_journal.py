"""The notes of a run that changes the network: the next one reads what a died one has left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from providers._runtime.connection import Connection
from providers._sdn.journal import Journal

HERE = Connection.model_validate({"endpoints": ["pve1", "pve2"], "token_id": "a@pve!b", "token_secret": "c"})
SAME = HERE.model_copy(update={"endpoints": HERE.endpoints[::-1]})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the notes are."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    return tmp_path / "proxmox"


def opened(connection: Connection = HERE) -> Journal:
    """The notes, in one's own hands."""
    journal = Journal(connection)
    assert journal.open()
    return journal


def test_a_died_runs_token_and_objects_are_read_by_the_next_one(folder: Path) -> None:
    died = opened()
    died.note("one", [("zones", "z1")])
    died.note("two", [("vnets", "v1")])
    died.close()  # as the system does it for a process that ends

    following = opened(SAME)

    assert (following.token, following.left) == ("two", frozenset({("zones", "z1"), ("vnets", "v1")}))
    following.note("three", [("zones", "z2")])
    (file,) = folder.iterdir()
    assert json.loads(file.read_text())["staged"] == [["vnets", "v1"], ["zones", "z1"], ["zones", "z2"]]
    assert file.stat().st_mode & 0o077 == 0
    following.close()


def test_two_runs_at_the_same_time_do_not_have_it_both(folder: Path) -> None:
    first, second = opened(), Journal(SAME)

    assert not second.open()
    first.finish()
    first.close()
    assert second.open()
    assert (second.token, second.left, len(list(folder.iterdir()))) == (None, frozenset(), 1)
    second.close()


@pytest.mark.parametrize("text", ["", '{"token": "on', "[]"])
def test_notes_that_a_kill_has_left_half_written_are_none(folder: Path, text: str) -> None:
    journal = opened()
    journal.note("x")
    journal.close()
    (file,) = folder.iterdir()
    file.write_text(text)

    again = opened()

    assert (again.token, again.left) == (None, frozenset())
    again.close()
