"""Backups and their restoration answer, and log, as the real Proxmox VE was recorded to."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Answer, Client
from tests.simulator.conftest import RECORDED_HOST
from tests.simulator.conftest import _own_simulator as own_simulator
from tests.simulator.oracles import recordings
from tests.simulator.stories import without_volatile
from tests.simulator.test_recordings import _assert_explained, _disagreement, _play

GUEST = """
    guests:
      200:
        type: lxc
        node: pve1
        disks: {rootfs: "local-lvm:50G"}
        config:
          arch: arm64
          description: "d\\n"
          features: nesting=1
          hostname: live
          memory: 300
          nameserver: 192.0.2.54
          net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:C6:AC:37,ip=192.0.2.70/24,type=veth
          ostype: debian
          swap: 0
          unprivileged: 1
          unused1: dirq:200/vm-200-disk-0.raw
"""
_RECORDED_NAME = re.compile(r"vzdump-lxc-200-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d")
_FIXED_NAME = "vzdump-lxc-200-2026_01_01-00_00_00"
_VOLATILE = (
    (re.compile(r"^INFO: starting new backup job: .*"), "INFO: starting new backup job"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "(time)"),
    (re.compile(r"(Total bytes \w+|archive file size): .*"), r"\1"),
    (re.compile(r"volume '\w+'"), "volume"),
)
_NOT_LOGGED = ("Filesystem UUID:", "Superblock backups", "\t")
DISAGREEMENTS = {"vz.content2": "the container held less there, and so did the archive"}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Client]:
    yield from own_simulator(tmp_path, RECORDED_HOST.rstrip("\n") + GUEST)


def _renamed(value: Any, name: str) -> Any:
    """Let a record speak of a backup that was made here instead of the one that was made then."""
    if isinstance(value, dict):
        return {key: _renamed(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, name) for item in value]
    return _RECORDED_NAME.sub(name, value) if isinstance(value, str) else value


def _masked_log(lines: list[str]) -> list[str]:
    masked = []
    for line in lines:
        text = _RECORDED_NAME.sub(_FIXED_NAME, line)
        for pattern, fixed in _VOLATILE:
            text = pattern.sub(fixed, text)
        if not text.startswith(_NOT_LOGGED):
            masked.append(text)
    return masked


def _log_of(client: Client, answer: Answer) -> list[str]:
    upid = answer.data
    return [line["t"] for line in client.call("GET", f"/nodes/pve1/tasks/{upid}/log", {"limit": 5000}).data]


def _log_difference(client: Client, record: dict[str, Any], answer: Answer) -> str | None:
    task = record.get("task")
    if not task or answer.status != 200:
        return None
    expected, got = _masked_log(task["log"]), _masked_log(_log_of(client, answer))
    return None if expected == got else f"recorded log {expected}, got {got}"


def test_the_recorded_story_of_backups_is_told_again_with_its_logs(host: Client) -> None:
    differing, name = {}, _FIXED_NAME
    for recorded in [row for row in recordings("pve-9.2.jsonl") if row["group"] == "vzdump"]:
        record = _renamed(recorded, name)
        answer = _play(host, record)
        masked = dataclasses.replace(answer, body=without_volatile(answer.body))
        found = _disagreement(record | {"response": without_volatile(record["response"])}, masked)
        found = found or _log_difference(host, record, answer)
        if found is not None:
            differing[record["id"]] = found
        if record["id"] == "vz.lxc-stop":
            made = _RECORDED_NAME.search("\n".join(_log_of(host, answer)))
            name = made[0] if made is not None else name
    _assert_explained(differing, DISAGREEMENTS)
