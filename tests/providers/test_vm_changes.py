"""Changes of virtual machines: no data is lost, and a running one is not stopped behind your back."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import AlreadyThere, DataAtRisk
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.providers.test_vm import CLONE, ROOT, SMALL


def test_a_disk_that_is_declared_no_longer_is_detached_and_kept(vm: Driver) -> None:
    vm.up({**SMALL, "disks": {"scsi0": ROOT, "scsi1": ROOT}})
    volume = vm.outputs["volumes"]["scsi1"]
    vm.again()
    assert vm.check(SMALL)[0]["impact"] == "scsi1: detached live"

    vm.up(SMALL)

    assert vm.config()["unused0"] == volume
    assert vm.drift() == {}


def test_it_is_destroyed_only_where_that_is_asked_for(vm: Driver) -> None:
    vm.up({**SMALL, "disks": {"scsi0": ROOT, "scsi1": ROOT}})
    vm.again()
    assert vm.check({**SMALL, "on_disk_removed": "delete"})[0]["impact"] == "scsi1: data loss"

    vm.up({**SMALL, "on_disk_removed": "delete"})

    assert not {"scsi1", "unused0"} & set(vm.config())


def test_one_that_is_to_be_kept_stays_attached_and_is_no_drift(vm: Driver) -> None:
    vm.up({**SMALL, "disks": {"scsi0": ROOT, "scsi1": ROOT}})
    vm.again()

    vm.up({**SMALL, "on_disk_removed": "keep"})

    assert "scsi1" in vm.config()
    assert vm.drift() == {}


def test_a_disk_moves_to_another_storage_and_grows(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")
    vm.up(SMALL)
    vm.again()

    vm.up({**SMALL, "disks": {"scsi0": {"storage": "nfs1", "size": "9G", "format": "qcow2"}}})

    assert vm.outputs["volumes"]["scsi0"].startswith("nfs1:")
    assert "unused0" not in vm.config()
    assert vm.drift() == {}


def test_a_disk_never_shrinks(vm: Driver) -> None:
    vm.up(SMALL)
    vm.again()
    smaller = {**SMALL, "disks": {"scsi0": {"storage": "local-lvm", "size": "4G"}}}

    assert "can't shrink" in vm.problems(smaller)["scsi0"]
    assert vm.check(smaller)[0]["impact"] == "scsi0: shrinks data loss"


def test_another_source_is_refused_unless_the_loss_is_allowed(vm: Driver) -> None:
    vm.up(CLONE)
    vm.again()
    other = {**CLONE, "clone": {"vmid": 9000, "full": True}}

    assert "destroyed" in vm.problems(other)["clone"]
    assert vm.problems({**other, "replace_allowed": True}) == {}


def test_a_protected_vm_is_not_even_stopped(vm: Driver, simulator: Simulator) -> None:
    vm.up({**SMALL, "protection": True})
    simulator.forget_requests()

    with pytest.raises(DataAtRisk, match="protection"):
        vm.delete()

    assert tasks(simulator) == []


def test_one_that_another_stack_has_taken_over_is_not_removed(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    other = Driver(simulator, "vm", stack="other")
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"description": other.owner.mark})

    with pytest.raises(AlreadyThere, match="belongs to stack proxmox/other"):
        vm.delete()


def test_removing_one_that_is_gone_is_no_error(vm: Driver) -> None:
    vm.up(SMALL)
    vm.delete()
    vm.delete()

    assert vm.drift() == {"gone": True}


def test_what_needs_a_reboot_waits_and_is_reported(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    vm.again()
    assert vm.check({**SMALL, "memory": 512})[0]["impact"] == "memory: pending"

    vm.up({**SMALL, "memory": 512})

    assert vm.warnings == [f"{vm.id} has to be rebooted before these take effect: memory"]
    assert simulator.by_hand("GET", f"/nodes/pve1/{vm.id}/config", {"current": 1})["memory"] == "256"
    assert vm.drift() == {}


def test_it_is_rebooted_where_that_is_asked_for(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    vm.again()
    rebooted = {**SMALL, "memory": 512, "on_reboot_needed": "reboot"}
    assert vm.check(rebooted)[0]["impact"] == "memory: reboot"

    vm.up(rebooted)

    assert vm.warnings == []
    assert simulator.by_hand("GET", f"/nodes/pve1/{vm.id}/config", {"current": 1})["memory"] == "512"


def test_it_is_refused_in_preview_where_that_is_asked_for(vm: Driver) -> None:
    vm.up(SMALL)
    vm.again()

    assert "needs a reboot" in vm.problems({**SMALL, "memory": 512, "on_reboot_needed": "fail"})["memory"]
    assert vm.problems({**SMALL, "tags": ["a"], "on_reboot_needed": "fail"}) == {}


def test_a_stopped_vm_takes_everything_at_once(vm: Driver) -> None:
    stopped = {**SMALL, "started": False}
    vm.up(stopped)
    vm.again()

    assert vm.check({**stopped, "memory": 512})[0]["impact"] == "memory: live"


def test_a_vm_that_somebody_stopped_is_drift_and_is_started_again(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    simulator.by_hand("POST", f"/nodes/pve1/{vm.id}/status/stop")

    assert vm.drift() == {"started": False}
    vm.up(SMALL)
    assert vm.drift() == {}


def test_a_running_vm_moves_to_another_node_and_is_still_the_same(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")
    vm.up(SMALL)
    vm.again()

    vm.up({**SMALL, "node": "pve2"})

    assert vm.outputs["started"] is True
    assert vm.facts.node_of(vm.outputs["vmid"]) == "pve2"
    assert vm.drift() == {}


def test_one_that_moved_by_itself_is_found_and_shown_as_moved(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")
    vm.up(SMALL)
    cluster.by_hand("POST", f"/nodes/pve1/{vm.id}/migrate", {"target": "pve3", "online": 1, "with-local-disks": 1})

    assert vm.drift() == {"node": "pve3"}


@pytest.mark.parametrize("full", [False, True])
def test_a_clone_that_moved_is_known_again_without_a_state(cluster: Simulator, full: bool) -> None:
    clone = {"node": "pve1", "clone": {"vmid": 9000, "full": full}, "started": False}
    vm = Driver(cluster, "vm")
    vm.up(clone)
    cluster.by_hand("POST", f"/nodes/pve1/{vm.id}/migrate", {"target": "pve3"})
    heir = Driver(cluster, "vm")

    heir.up(clone)

    assert heir.id == vm.id
    assert heir.drift() == {}
    assert [row["vmid"] for row in cluster.by_hand("GET", "/nodes/pve1/qemu")].count(heir.outputs["vmid"]) == 1


def test_a_clone_of_shared_disks_lands_on_its_own_node(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")

    vm.up({"node": "pve2", "clone": {"vmid": 9000}, "started": False})

    assert vm.facts.node_of(vm.outputs["vmid"]) == "pve2"
    assert vm.drift() == {}


def test_a_vm_goes_into_a_pool_to_another_one_and_out_of_it(vm: Driver, simulator: Simulator) -> None:
    for name in ("a", "b"):
        simulator.by_hand("POST", "/pools", {"poolid": name})
    memberships: list[str | None] = ["a", "b", None]
    for pool in memberships:
        vm.again()
        vm.up({**SMALL, "pool": pool} if pool else SMALL)
        assert [name for name in ("a", "b") if members(simulator, name)] == ([pool] if pool else [])
        assert vm.drift() == {}


def members(simulator: Simulator, pool: str) -> list[Any]:
    """Who is in a pool."""
    found: list[Any] = simulator.by_hand("GET", "/pools", {"poolid": pool})[0]["members"]
    return found


def test_a_refresh_of_many_asks_once_for_each_and_a_few_times_for_all(vm: Driver, simulator: Simulator) -> None:
    vms = [Driver(simulator, "vm", name=f"vm{number}") for number in range(3)]
    for each in vms:
        each.facts = vm.facts
        each.up({**SMALL, "started": False})
    vm.again()
    simulator.forget_requests()
    for each in vms:
        each.facts = vm.facts
        each.handler.read(each.api, each.id)

    paths = [row["path"].removeprefix("/api2/json") for row in simulator.requests()]
    assert sum(path.endswith("/config") for path in paths) == 3
    assert paths.count("/cluster/resources") == 1
    assert not [path for path in paths if path.endswith("/status/current")]
