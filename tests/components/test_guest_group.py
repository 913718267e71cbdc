"""A group of guests asks for machines that are alike but for their names."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from components.addresses import AddressPlan
from components.guest_group import GuestGroup, GuestGroupArgs
from components.placement import NoRoomError, Room

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


NODES = {f"pve{number}": Room(memory=3 * 1024, disk=100 << 10) for number in (1, 2, 3)}
TEMPLATES = {node: 9000 + number for number, node in enumerate(NODES)}
SPREAD = replace(GROUP, node=None, nodes=NODES, template=TEMPLATES)


@given(st.text("abc", min_size=1, max_size=3), st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_a_count_that_is_raised_and_a_node_that_is_added_move_nobody(
    name: str, rooms: list[int], data: st.DataObject
) -> None:
    nodes = {f"pve{n}": Room(memory=room * 1024, disk=1 << 20) for n, room in enumerate(rooms)}
    count = data.draw(st.integers(0, sum(rooms)))
    before = replace(SPREAD, nodes=nodes, count=count)
    more = replace(before, nodes={"new": Room(memory=99 * 1024, disk=1 << 20), **nodes}, added={"new"}, count=count + 9)

    assert before.nodes_of(name).items() <= more.nodes_of(name).items()
    assert len(more.nodes_of(name)) == count + 9


def test_a_group_is_spread_evenly_over_the_nodes_each_machine_a_clone_of_its_own_nodes_template(
    recorder: Recorder,
) -> None:
    guests = made(replace(SPREAD, count=6, linked=False))

    nodes = [guest["node"] for guest in guests]
    assert sorted(nodes[:3]) == sorted(nodes[3:]) == list(NODES)
    for number, node in enumerate(nodes, 1):
        machine = recorder.asked[f"web-{number}"].inputs
        assert machine["clone"] == {"vmid": TEMPLATES[node], "full": True, "storage": "local-lvm"}


@pytest.mark.usefixtures("recorder")
def test_a_program_can_place_several_groups_together() -> None:
    guests = made(replace(GROUP, node=None, count=2, places={"web-1": "pve3", "web-2": "pve1"}))

    assert [guest["node"] for guest in guests] == ["pve3", "pve1"]


def test_more_than_there_is_room_for_are_not_made() -> None:
    with pytest.raises(NoRoomError, match=r"^web-10 takes 1024 MiB"):
        replace(SPREAD, count=10).nodes_of("web")


def test_addresses_from_a_range_are_fixed_by_name(recorder: Recorder) -> None:
    for _ in range(2):
        made(replace(GROUP, addresses=AddressPlan("192.0.2.0/24", first=10, last=12)))

        given_out = {recorder.asked[f"web-{n}"].inputs["ipconfig"]["ipconfig0"]["ip"] for n in (1, 2, 3)}
        assert given_out == {"192.0.2.10/24", "192.0.2.11/24", "192.0.2.12/24"}
        assert recorder.asked["web-1"].inputs["ipconfig"]["ipconfig0"]["gw"] == "192.0.2.1"


@pytest.mark.parametrize("wrong", [{"node": None}, {"nodes": NODES}, {"places": {"web-1": "pve1"}}])
def test_where_a_group_is_has_to_be_said_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give one of them"):
        replace(GROUP, **wrong)
