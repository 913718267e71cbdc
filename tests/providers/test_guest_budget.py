"""What a preview tells of many guests together: room, memory, processors, and what they can't share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.test_container import EXAMPLE as CONTAINER
from tests.providers.test_vm import CLONE, NIC, SMALL

GIB = 1 << 30
QUIET = {"started": False, "name": None}


class Stack:
    """The virtual machines of a program, which know what the others ask for."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.drivers: dict[str, Driver] = {}
        self.warnings: list[str] = []

    def driver(self, name: str, kind: str = "vm") -> Driver:
        """One resource of it."""
        if name not in self.drivers:
            made = Driver(self.simulator, kind, name)
            first = next(iter(self.drivers.values()), made)
            made.client, made.facts, made.warnings = first.client, first.facts, self.warnings
            self.drivers[name] = made
        return self.drivers[name]

    def problems(self, guests: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
        """What a preview refuses, by resource and field."""
        found = {name: dict(self.driver(name).check(args)[1]) for name, args in guests.items()}
        return {name: problems for name, problems in found.items() if problems}

    def again(self) -> None:
        """The next run: nothing is remembered but the state."""
        first = next(iter(self.drivers.values()))
        first.again()
        for driver in self.drivers.values():
            driver.facts = first.facts


@pytest.fixture
def stack(simulator: Simulator) -> Stack:
    """A program on the standalone host."""
    return Stack(simulator)


def many(count: int, **more: Any) -> dict[str, dict[str, Any]]:
    """Small machines that don't start and have no names, so that nothing else is said of them."""
    return {f"vm{number}": {**SMALL, **QUIET, **more} for number in range(count)}


def on(storage: str, size: str) -> dict[str, Any]:
    """One disk."""
    return {"scsi0": {"storage": storage, "size": size}}


def thick(simulator: Simulator, free: int) -> None:
    """Give the host a storage whose volumes take their whole size at once."""
    simulator.by_hand("POST", "/storage", {"storage": "thick", "type": "lvm", "vgname": "vg0", "content": "images"})
    simulator.control("POST", "storages", {"storage": "thick", "free": free})


def test_disks_that_fit_one_by_one_and_not_together_are_refused(stack: Stack, simulator: Simulator) -> None:
    thick(simulator, 25 * GIB)

    refused = stack.problems(many(3, disks=on("thick", "10G")))

    assert refused == {
        "vm2": {
            "disks": "30.0 GiB on 'thick' are asked for by the guests of this program so far, "
            "and there is room for 25.0 GiB"
        }
    }


def test_growth_counts_and_what_is_there_does_not(stack: Stack, simulator: Simulator) -> None:
    thick(simulator, 25 * GIB)
    for name, args in many(2, disks=on("thick", "10G")).items():
        stack.driver(name).up(args)
    stack.again()

    assert stack.problems(many(2, disks=on("thick", "12G"))) == {}
    stack.again()
    assert "6.0 GiB on 'thick'" in stack.problems(many(2, disks=on("thick", "13G")))["vm1"]["disks"]


def test_guests_of_a_run_that_died_are_not_counted_a_second_time(stack: Stack, simulator: Simulator) -> None:
    thick(simulator, 25 * GIB)
    for name, args in many(2, disks=on("thick", "12G")).items():
        stack.driver(name).up(args)

    assert Stack(simulator).problems(many(2, disks=on("thick", "12G"))) == {}


def test_a_full_clone_takes_the_room_of_its_source(stack: Stack, simulator: Simulator) -> None:
    thick(simulator, 5 * GIB)
    copy = {"node": "pve1", "started": False, "clone": {"vmid": 9000, "full": True, "storage": "thick"}}

    assert set(stack.problems({"one": copy, "two": copy})) == {"two"}, "the template's disk has 3 GiB"


def test_thin_storages_may_be_promised_more_than_they_have_and_that_is_said_once(
    stack: Stack, simulator: Simulator
) -> None:
    simulator.control("POST", "storages", {"storage": "local-lvm", "free": 25 * GIB})

    assert stack.problems(many(5, disks=on("local-lvm", "10G"))) == {}
    assert set(stack.warnings) == {
        "the volumes of this program on 'local-lvm' will need more than the 25.0 GiB that are free there, "
        "once they are full"
    }


def test_memory_of_all_that_is_to_run_is_added_up_and_warned_of(stack: Stack) -> None:
    assert stack.problems(many(30, memory=8192)) == {}
    assert stack.warnings == [], "they don't start"

    stack.again()
    assert stack.problems(many(30, memory=8192, started=True)) == {}
    (said,) = set(stack.warnings)
    assert said.startswith("the guests of this program have more memory on pve1 than is free there")


def test_what_zfs_wants_for_itself_is_not_free_for_guests(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = stack.driver("vm0").facts
    known = facts.before_this_run
    pool = {"type": "storage", "node": "pve1", "storage": "tank", "plugintype": "zfspool"}
    memory = int(next(row for row in known("node") if row["node"] == "pve1")["maxmem"])

    def with_a_pool(*types: str) -> list[dict[str, Any]]:
        return known(*types) + ([{**pool, "maxdisk": (memory - GIB) * 1024}] if "storage" in types else [])

    assert stack.problems(many(1, memory=2048, started=True)) == {}
    assert stack.warnings == []
    stack.again()
    monkeypatch.setattr(stack.driver("vm0").facts, "before_this_run", with_a_pool)
    stack.problems(many(1, memory=2048, started=True))

    assert stack.warnings == ["the guests of this program have more memory on pve1 than is free there (1.0 GiB)"]


def test_a_machine_with_more_processors_than_its_node_would_not_start(stack: Stack) -> None:
    wide = {"sockets": 2, "cores": 17}

    assert stack.problems(many(1, **wide)) == {}
    assert stack.problems(many(1, **wide, started=True)) == {
        "vm0": {"cores": "it would not start with 34 processors: pve1 has 32"}
    }
    stack.again()
    stack.problems(many(5, cores=32, started=True))
    assert stack.warnings == ["the guests of this program have more than 4 times the 32 processors of pve1"]


def test_an_address_of_a_guest_that_does_not_change_is_taken(stack: Stack) -> None:
    nic = {"net": {"net0": {**NIC, "macaddr": "BC:24:11:00:00:07"}}}
    address = {"ipconfig": {"ipconfig0": {"ip6": "2001:db8::9/64"}}}
    old = {**SMALL, **QUIET, **nic, **address}
    stack.driver("old").up(old)
    stack.again()

    new = {**old, "vmid": None, "ipconfig": {"ipconfig0": {"ip6": "2001:db8:0:0::9/64"}}}
    assert stack.problems({"old": old, "new": new}) == {
        "new": {"net.net0": "another guest of this program has 2001:db8:0:0::9/64 on vmbr0 already"}
    }


def test_a_container_and_a_machine_share_no_address_either(stack: Stack) -> None:
    address = {"ip": "192.0.2.77/24"}
    stack.driver("ct", "container").check(
        {**CONTAINER, "net": {"net0": {"name": "eth0", "bridge": "vmbr0", **address}}}
    )

    refused = stack.problems({"vm": {**SMALL, **QUIET, "ipconfig": {"ipconfig0": address}}})

    assert "another guest of this program has 192.0.2.77/24" in refused["vm"]["net.net0"]


def test_what_a_program_has_twice_is_told_without_the_host(stack: Stack, simulator: Simulator) -> None:
    simulator.fail(action="fail", method="GET", path=".*", status=503, reason="Service Unavailable", count=99)

    refused = stack.problems(many(2, vmid=601))

    assert refused == {"vm1": {"vmid": "another resource of this program has 601 already"}}
    assert "checked without the host" in stack.warnings[0]


def test_names_that_two_guests_have_are_warned_of(stack: Stack) -> None:
    assert stack.problems({"one": SMALL, "two": SMALL}) == {}
    assert stack.problems({"three": {**SMALL, "name": "debian-13-template"}}) == {}

    assert stack.warnings == [
        "more than one guest of this program is called 'small'",
        "qemu/9000 on pve1 is called 'debian-13-template' already",
    ]


def test_a_template_may_be_on_every_node_by_the_same_name(cluster: Simulator) -> None:
    stack, golden = Stack(cluster), {**SMALL, "name": "debian-13-template", "template": True}

    assert stack.problems({node: {**golden, "node": node} for node in ("pve2", "pve3")}) == {}
    assert stack.warnings == []
    assert stack.problems({"again": {**golden, "node": "pve1"}}) == {}
    assert stack.warnings == ["qemu/9000 on pve1 is called 'debian-13-template' already"]


def test_a_storage_of_other_nodes_is_told_with_its_nodes(cluster: Simulator) -> None:
    cluster.by_hand("PUT", "/storage/nfs1", {"nodes": "pve2,pve3"})

    refused = Stack(cluster).problems(many(1, disks=on("nfs1", "1G")))

    assert refused == {"vm0": {"scsi0": "there is no storage 'nfs1' on pve1; it is on pve2, pve3"}}


def test_thirty_guests_are_checked_with_a_handful_of_requests(stack: Stack, simulator: Simulator) -> None:
    simulator.forget_requests()

    refused = stack.problems({f"vm{n}": {**CLONE, "name": f"vm{n}", "ipconfig": {}} for n in range(30)})

    assert refused == {}
    assert sorted(row["path"] for row in simulator.requests()) == [
        "/api2/json/access/permissions",
        "/api2/json/cluster/resources",
        "/api2/json/nodes/pve1/network",
        "/api2/json/nodes/pve1/qemu/9000/config",
    ]
