"""A state that was half-written when Pulumi was killed is taken back to the one before."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain.stacks import mend


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
