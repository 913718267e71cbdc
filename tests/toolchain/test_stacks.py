"""A state that was half-written when Pulumi was killed is taken back to the one before."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain.stacks import mend, unlock


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A stack's file in a file backend, with the one before it."""
    folder = tmp_path / ".pulumi/stacks/proxmox"
    folder.mkdir(parents=True)
    (folder / "demo.json").write_text('{"version": 3, "now": true}')
    (folder / "demo.json.bak").write_text('{"version": 3}')
    return folder / "demo.json"


@pytest.mark.parametrize("left", ["", '{"version": 3, "no'])
def test_a_half_written_state_is_the_one_before_it_again(tmp_path: Path, checkpoint: Path, left: str) -> None:
    checkpoint.write_text(left)

    assert mend(tmp_path, "proxmox", "demo")
    assert checkpoint.read_text() == '{"version": 3}'


@pytest.mark.parametrize("name", ["demo.json.attrs", "demo.json.bak.attrs"])
def test_attributes_that_are_half_written_are_taken_away(tmp_path: Path, checkpoint: Path, name: str) -> None:
    another = checkpoint.with_name("other.json.attrs")
    for file in (another, checkpoint.with_name(name)):
        file.write_text("")

    assert mend(tmp_path, "proxmox", "demo")
    assert not checkpoint.with_name(name).exists()
    assert "now" in checkpoint.read_text()
    assert another.exists()


def test_a_whole_state_is_left_alone(tmp_path: Path, checkpoint: Path) -> None:
    attributes = checkpoint.with_name("demo.json.attrs")
    attributes.write_text('{"md5": ""}')

    assert not mend(tmp_path, "proxmox", "demo")
    assert "now" in checkpoint.read_text()
    assert attributes.exists()


def test_without_a_whole_one_before_nothing_is_touched(tmp_path: Path, checkpoint: Path) -> None:
    checkpoint.write_text("")
    checkpoint.with_name("demo.json.bak").write_text("{")

    assert not mend(tmp_path, "proxmox", "demo")
    assert checkpoint.read_text() == ""


def lock(folder: Path, stack: str, pid: int, host: str) -> Path:
    """As Pulumi locks a stack in a file backend: a file, and another one with its attributes."""
    file = folder / f".pulumi/locks/organization/proxmox/{stack}/0c1d.json"
    file.parent.mkdir(parents=True)
    file.with_name("0c1d.json.attrs").write_text("{}")
    file.write_text(json.dumps({"pid": pid, "username": "root", "hostname": host}))
    return file


@pytest.fixture
def died() -> int:
    """A process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_run_that_died_is_taken_away_with_its_attributes(tmp_path: Path, died: int) -> None:
    lock(tmp_path, "demo", died, socket.gethostname())
    other = lock(tmp_path, "other", died, socket.gethostname())

    assert unlock(tmp_path, "proxmox", "demo") == 1
    assert [file for file in tmp_path.rglob("0c1d*") if file.parent.name == "demo"] == []
    assert other.exists()
    assert unlock(tmp_path, "proxmox", "demo") == 0


def test_the_lock_of_a_run_that_is_alive_or_elsewhere_stays(tmp_path: Path, died: int) -> None:
    alive = lock(tmp_path, "demo", os.getpid(), socket.gethostname())
    elsewhere = lock(tmp_path, "other", died, "another-machine")
    alive.with_name("half.json").write_text("{")

    assert unlock(tmp_path, "proxmox", "demo") == unlock(tmp_path, "proxmox", "other") == 0
    assert alive.exists()
    assert elsewhere.exists()
