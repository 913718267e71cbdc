"""What a preview says that a change takes, and that no running machine is stopped for it behind one's back."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime import lifecycle
from providers._runtime.errors import InvalidValue, TaskFailed
from providers._runtime.model import declared
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.providers.test_vm import CLONE, NIC, ROOT, SMALL

MAPPED: dict[str, Any] = {**SMALL, "machine": {"type": "q35"}, "hostpci": {"hostpci0": {"mapping": "gpu"}}}


@pytest.fixture
def gpus(cluster: Simulator) -> Simulator:
    """A cluster with a device that has a name on two nodes."""
    devices = [f"node={node},id=10de:1eb8,path=0000:01:00.0" for node in ("pve1", "pve2")]
    cluster.by_hand("POST", "/cluster/mapping/pci", {"id": "gpu", "map": devices})
    return cluster


@pytest.mark.parametrize(
    ("change", "impact"),
    [
        ({"name": "other"}, "name: live"),
        ({"tags": ["a"], "description": "text"}, "description: live; tags: live"),
        ({"cpulimit": 2, "affinity": "0-3"}, "cpulimit: live; affinity: live"),
        ({"cores": 2, "cpu": {"cputype": "host"}}, "cores: pending; cpu: pending"),
        ({"net": {"net0": {**NIC, "tag": 5}, "net1": NIC}}, "net0: live; net1: live"),
        ({"hotplug": ["disk"], "net": {"net0": {**NIC, "tag": 5}}}, "net0: live; hotplug: pending"),
        ({"disks": {"scsi0": {**ROOT, "size": "9G"}}}, "scsi0: grows live"),
        ({"disks": {"scsi0": {**ROOT, "mbps_rd": 100}}}, "scsi0: live"),
        ({"disks": {"scsi0": {**ROOT, "cache": "none"}}}, "scsi0: pending"),
        ({"disks": {"scsi0": ROOT, "virtio1": ROOT, "sata0": ROOT}}, "sata0: added pending; virtio1: added live"),
        ({"usb": {"usb0": {"host": "spice"}}}, "usb0: live"),
        ({"started": False}, "started: stop-start"),
        ({"template": True, "started": False}, "template: stop-start; started: stop-start"),
        ({"ciuser": "admin"}, "ciuser: pending"),
        ({"ciuser": "admin", "on_cloud_init_change": "reboot"}, "ciuser: reboot"),
        ({"memory": 512, "on_reboot_needed": "reboot"}, "memory: reboot"),
        ({"clone": {"vmid": 9000}, "vmid": 4000}, "vmid: data loss"),
    ],
)
def test_each_change_is_classed_in_one_line(vm: Driver, change: dict[str, Any], impact: str) -> None:
    vm.up(SMALL)
    vm.again()

    found = vm.check({**SMALL, **change})[0]["impact"]

    assert sorted(found.split("; ")) == sorted(impact.split("; "))


def test_memory_and_processors_are_plugged_into_a_machine_that_is_set_up_for_it(
    vm: Driver, simulator: Simulator
) -> None:
    roomy = {**SMALL, "numa": True, "hotplug": ["cpu", "disk", "memory", "network"], "cores": 4, "vcpus": 1}
    vm.up(roomy)
    vm.again()
    grown = {**roomy, "memory": 1024, "vcpus": 3}
    assert vm.check(grown)[0]["impact"] == "vcpus: live; memory: live"

    vm.up(grown)

    assert vm.warnings == []
    running = simulator.by_hand("GET", f"/nodes/pve1/{vm.id}/config", {"current": 1})
    assert (running["memory"], running["vcpus"]) == ("1024", 3)
    assert vm.drift() == {}


def test_what_is_said_to_be_live_is_live(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    vm.again()
    live = {
        **SMALL,
        "name": "other",
        "cpulimit": 2,
        "cpuunits": 50,
        "affinity": "0-3",
        "shares": 10,
        "tags": ["a"],
        "onboot": True,
        "migrate_speed": 10,
        "usb": {"usb0": {"host": "spice"}},
        "tablet": False,
        "net": {"net0": {**NIC, "tag": 5}, "net1": NIC},
        "disks": {"scsi0": {**ROOT, "size": "9G", "mbps_rd": 100, "backup": False}, "scsi1": ROOT},
    }
    assert {part.rpartition(" ")[2] for part in vm.check(live)[0]["impact"].split("; ")} == {"live"}

    vm.up(live)

    rows = simulator.by_hand("GET", f"/nodes/pve1/{vm.id}/pending")
    assert [row["key"] for row in rows if "pending" in row or "delete" in row] == []
    assert vm.warnings == []


def test_a_changed_cloud_init_is_written_anew_for_the_next_boot(vm: Driver, simulator: Simulator) -> None:
    vm.up(CLONE)
    vm.again()
    simulator.forget_requests()

    vm.up({**CLONE, "ciuser": "admin"})

    assert tasks(simulator) == ["PUT config", "PUT cloudinit"]
    assert "user: admin" in simulator.by_hand("GET", f"/nodes/pve1/{vm.id}/cloudinit/dump", {"type": "user"})
    assert vm.warnings == []


@pytest.mark.parametrize(
    ("how", "done"), [("ignore", ["PUT config"]), ("reboot", ["PUT config", "POST shutdown", "POST start"])]
)
def test_or_read_at_once_or_left_alone(vm: Driver, simulator: Simulator, how: str, done: list[str]) -> None:
    vm.up(CLONE)
    vm.again()
    simulator.forget_requests()

    vm.up({**CLONE, "ciuser": "admin", "on_cloud_init_change": how})

    assert tasks(simulator) == done
    assert vm.drift() == {}


def test_an_edit_of_cloud_init_never_replaces_the_machine(vm: Driver) -> None:
    vm.up(CLONE)
    vm.again()
    edited = {
        **CLONE,
        "ciuser": "x",
        "sshkeys": ["ssh-ed25519 AAAA me"],
        "cipassword": "wonderland",
        "nameserver": ["192.0.2.1"],
        "searchdomain": "example.test",
        "ipconfig": {"ipconfig0": {"ip": "dhcp"}},
        "ciupgrade": False,
    }
    inputs, problems = vm.check(edited)

    assert problems == []
    assert "replace" not in inputs["impact"]
    assert "data loss" not in inputs["impact"]


def test_two_running_firewalls_that_are_taken_over_are_not_stopped(simulator: Simulator) -> None:
    pair = []
    for number, vmid in enumerate((500, 501), 1):
        theirs = {
            "vmid": vmid,
            "name": f"fw{number}",
            "scsi0": "local-lvm:8",
            "cpu": "host",
            "memory": 4096,
            "cores": 4,
        }
        simulator.by_hand("POST", "/nodes/pve1/qemu", {**theirs, "net0": "virtio,bridge=vmbr0", "start": 1})
        pair.append(Driver(simulator, "vm", name=f"fw{number}"))
    simulator.forget_requests()

    for number, firewall in enumerate(pair, 1):
        declared = {**SMALL, "name": f"fw{number}", "vmid": 499 + number, "cores": 2, "bios": "seabios", "numa": True}
        firewall.up({**declared, "adopt": "required"})

    assert {
        name for name in tasks(simulator) if "status" in name or name.split()[1] in ("shutdown", "stop", "start")
    } == set()
    for firewall in pair:
        status = simulator.by_hand("GET", f"/nodes/pve1/{firewall.id}/status/current")
        assert status["status"] == "running"
        assert firewall.warnings == [f"{firewall.id} has to be rebooted before these take effect: cores, memory, numa"]


def test_a_running_machine_with_a_device_of_its_node_moves_only_where_it_may_be_stopped(gpus: Simulator) -> None:
    vm = Driver(gpus, "vm")
    vm.up(MAPPED)
    vm.again()
    moved = {**MAPPED, "node": "pve2"}
    assert "has to be stopped" in vm.problems(moved)["node"]
    with pytest.raises(InvalidValue, match="has to be stopped"):
        lifecycle.update(vm.handler, vm.api, vm.id, vm.outputs, declared(vm.handler.inputs, {**vm.inputs, **moved}))

    allowed = {**moved, "on_reboot_needed": "reboot"}
    assert vm.check(allowed)[0]["impact"] == "node: migrates stop-start"
    vm.up(allowed)

    assert vm.outputs["started"] is True
    assert vm.drift() == {}


def test_what_a_running_machine_boots_from_is_unplugged_only_where_it_may_be_stopped(vm: Driver) -> None:
    two = {**SMALL, "disks": {"scsi0": ROOT, "scsi1": ROOT}, "boot": {"order": ["scsi1", "scsi0"]}}
    vm.up(two)
    vm.again()
    one = {**SMALL, "boot": {"order": ["scsi0"]}}
    assert "it boots from there" in vm.problems(one)["scsi1"]

    vm.up({**one, "on_reboot_needed": "reboot"})

    assert vm.config()["boot"] == "order=scsi0"
    assert vm.outputs["started"] is True
    assert vm.drift() == {}


def test_a_machine_moves_to_a_node_and_a_storage_there_in_one_go(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")
    vm.up(SMALL)
    vm.again()
    cluster.forget_requests()

    vm.up({**SMALL, "node": "pve2", "disks": {"scsi0": {**ROOT, "storage": "nfs1"}}})

    assert tasks(cluster) == ["POST migrate"]
    assert vm.outputs["volumes"]["scsi0"].startswith("nfs1:")
    assert vm.drift() == {}


def test_a_move_that_fails_leaves_the_machine_where_it_is(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")
    vm.up(SMALL)
    vm.again()
    cluster.control("POST", "task-faults", {"type": "qmigrate", "text": "migration aborted"})

    with pytest.raises(TaskFailed, match="migration aborted"):
        vm.up({**SMALL, "node": "pve2"})

    assert vm.drift() == {}
