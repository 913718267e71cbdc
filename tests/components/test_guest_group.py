"""A group of guests asks for machines that are alike but for their names."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from components.guest_group import GuestGroup, GuestGroupArgs

LOOP = asyncio.new_event_loop()
GROUP = GuestGroupArgs(
    count=3,
    node="pve1",
    template=9000,
    cores=2,
    memory=1024,
    disk="16G",
    storage="local-lvm",
    bridge="vmbr0",
    tags=("web",),
)


class Recorder(Mocks):
    """Notes what is asked for, and answers with what the planning of a guest would."""

    def __init__(self) -> None:
        self.asked: dict[str, MockResourceArgs] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.asked[args.name] = args
        number = len(self.asked)
        return f"qemu/{number}", {**args.inputs, "vmid": number, "macs": {"net0": f"BC:24:11:00:00:0{number}"}}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"a group calls nothing, but {args.token} was called")


@pytest.fixture
def recorder() -> Recorder:
    """The engine's stand-in; it wants an event loop, which the tests before may have taken away."""
    asyncio.set_event_loop(LOOP)
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, project="proxmox", stack="test", preview=False)
    return recorder


def made(args: GuestGroupArgs) -> list[dict[str, Any]]:
    """Make a group; returns what it tells of its guests."""
    told: list[list[dict[str, Any]]] = []

    def make() -> pulumi.Output[Any]:
        return GuestGroup("web", args).guests.apply(told.append)

    pulumi.runtime.test(make)()  # type: ignore[no-untyped-call]  # the SDK has no types there
    return told[0]


def test_the_machines_are_alike_but_for_their_names(recorder: Recorder) -> None:
    made(GROUP)

    machines = {name: args.inputs for name, args in recorder.asked.items() if name != "web"}
    assert set(machines) == {"web-1", "web-2", "web-3"}
    nameless = [{key: value for key, value in inputs.items() if key != "name"} for inputs in machines.values()]
    assert nameless[0] == nameless[1] == nameless[2]
    assert nameless[0]["clone"] == {"vmid": 9000, "full": False}
    assert nameless[0]["disks"] == {"scsi0": {"storage": "local-lvm", "size": "16G"}}
    assert "pool" not in nameless[0]


def test_others_are_told_name_number_node_and_address(recorder: Recorder) -> None:
    guests = made(GROUP)

    assert [guest["name"] for guest in guests] == ["web-1", "web-2", "web-3"]
    assert all(set(guest) == {"name", "vmid", "node", "mac"} for guest in guests)
    assert set(recorder.asked) == {"web", "web-1", "web-2", "web-3"}


def test_an_empty_group_is_no_machine(recorder: Recorder) -> None:
    assert made(replace(GROUP, count=0)) == []
    assert list(recorder.asked) == ["web"]
