"""VMIDs, and virtual machines that a died run left behind."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from providers._guests import planning
from providers._runtime.errors import AlreadyThere, TaskFailed, TookTooLong
from providers._runtime.model import declared
from providers.vm import VmInputs
from tests.conftest import Simulator, as_json
from tests.providers.guests import Driver
from tests.providers.test_vm import CLONE, EXAMPLE, SMALL


def test_a_vmid_that_is_not_declared_is_known_in_the_preview(vm: Driver) -> None:
    inputs, _ = vm.check(SMALL)

    assert inputs["vmid"] == planning.vmid(None, vm.owner, "qemu", None)
    vm.up(SMALL)
    assert vm.id == f"qemu/{inputs['vmid']}"


def test_a_neighbour_who_was_faster_costs_the_number_and_nothing_else(vm: Driver, simulator: Simulator) -> None:
    inputs, _ = vm.check(SMALL)
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": inputs["vmid"]})

    vm.up(SMALL)

    assert vm.id == f"qemu/{inputs['vmid'] + 1}"
    assert vm.outputs["vmid"] == inputs["vmid"] + 1
    assert "description" not in simulator.by_hand("GET", f"/nodes/pve1/qemu/{inputs['vmid']}/config")


def test_a_clone_that_lost_its_number_takes_the_next_one(vm: Driver, simulator: Simulator) -> None:
    inputs, _ = vm.check(CLONE)
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": inputs["vmid"]})

    vm.up(CLONE)

    assert vm.id == f"qemu/{inputs['vmid'] + 1}"


def test_one_that_a_died_run_made_is_gone_on_with(vm: Driver, simulator: Simulator) -> None:
    vm.up(CLONE)
    there = as_json(simulator.state())
    heir = Driver(simulator, "vm")

    heir.up(CLONE)

    assert heir.id == vm.id
    assert as_json(simulator.state()) == there


def test_one_that_a_died_run_left_half_made_is_finished(vm: Driver, simulator: Simulator) -> None:
    simulator.control("POST", "task-faults", {"type": "resize", "text": "no space left on device"})
    with pytest.raises(TaskFailed, match="no space left"):
        vm.up(CLONE)
    heir = Driver(simulator, "vm")

    outputs = heir.up(CLONE)

    assert outputs["disks"]["scsi0"]["size"] == "8G"
    assert outputs["started"] is True
    assert len(simulator.by_hand("GET", "/nodes/pve1/qemu")) == 2


@pytest.mark.parametrize("args", [SMALL, CLONE], ids=["from scratch", "clone"])
def test_one_whose_task_outlived_its_run_is_waited_for_and_not_made_twice(
    simulator: Simulator, args: dict[str, Any]
) -> None:
    first, heir = Driver(simulator, "vm"), Driver(simulator, "vm")
    simulator.control("POST", "clock", {"mode": "held"})
    inputs, _ = first.check(args)
    api = first.api
    api.deadline = time.monotonic() + 1
    with pytest.raises(TookTooLong):
        first.handler.create(api, declared(VmInputs, inputs))
    assert api.kept == f"qemu/{inputs['vmid']}", "a run that could still speak hands it to the engine"

    release = threading.Timer(1.0, simulator.control, ("POST", "clock", {"mode": "immediate"}))
    release.start()
    outputs = heir.up(args)
    release.join()

    assert heir.id == api.kept
    assert outputs["started"] is True
    assert heir.drift() == {}


def test_a_number_that_somebody_else_has_is_refused_in_preview_and_up(vm: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 500})

    assert "500 already exists on pve1" in vm.problems(EXAMPLE)["vmid"]
    with pytest.raises(AlreadyThere):
        vm.handler.create(vm.api, {**EXAMPLE, "tags": ["web"]})


def test_an_adopted_vm_keeps_its_own_address(vm: Driver, simulator: Simulator) -> None:
    theirs = {"vmid": 500, "name": "old", "net0": "virtio=02:00:00:00:00:07,bridge=vmbr0", "scsi0": "local-lvm:8"}
    simulator.by_hand("POST", "/nodes/pve1/qemu", theirs)

    vm.up({**SMALL, "vmid": 500, "adopt": "if-exists"})

    assert vm.config()["net0"] == "virtio=02:00:00:00:00:07,bridge=vmbr0"
    assert vm.config()["name"] == "small"
    assert vm.drift() == {}
