"""Removing a virtual machine, and living with high availability: nothing is left, and no machine is lost."""

from __future__ import annotations

from typing import Any

import pytest

from providers._guests import power, removing
from providers._guests.place import Place
from providers._runtime.checking import replaced_by
from providers._runtime.errors import DataAtRisk, TookTooLong
from providers._runtime.model import declared
from tests.conftest import Simulator, as_json
from tests.providers.guests import Driver, tasks
from tests.providers.test_vm import NIC, SMALL

SHARED: dict[str, Any] = {**SMALL, "disks": {"scsi0": {"storage": "nfs1", "size": "8G"}}}


@pytest.fixture
def managed(cluster: Simulator) -> Driver:
    """A running machine that the HA managers look after."""
    vm = Driver(cluster, "vm")
    vm.up(SHARED)
    cluster.by_hand("POST", "/cluster/ha/resources", {"sid": f"vm:{vm.outputs['vmid']}", "state": "started"})
    vm.again()
    cluster.forget_requests()
    return vm


def test_what_depends_on_it_goes_first_and_nothing_of_it_is_left(managed: Driver) -> None:
    cluster, vmid = managed.simulator, managed.outputs["vmid"]
    path = f"/nodes/pve1/{managed.id}/firewall"
    cluster.by_hand("POST", f"{path}/rules", {"type": "in", "action": "ACCEPT"})
    cluster.forget_requests()

    managed.delete()

    assert tasks(cluster) == [f"DELETE vm:{vmid}", "POST shutdown", f"DELETE {vmid}"]
    assert cluster.by_hand("GET", "/cluster/ha/resources") == []
    assert str(vmid) not in as_json(cluster.state())


@pytest.fixture
def replicated(cluster: Simulator) -> Driver:
    """A machine that is copied to another node again and again."""
    cluster.by_hand("POST", "/storage", {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images"})
    vm = Driver(cluster, "vm")
    vm.up({**SMALL, "disks": {"scsi0": {"storage": "tank", "size": "1G"}}, "started": False})
    job = {"id": f"{vm.outputs['vmid']}-0", "type": "local", "target": "pve2"}
    cluster.by_hand("POST", "/cluster/replication", job)
    cluster.forget_requests()
    return vm


def test_its_replication_ends_before_it_does(replicated: Driver) -> None:
    cluster, vmid = replicated.simulator, replicated.outputs["vmid"]

    replicated.delete()

    assert tasks(cluster) == [f"DELETE {vmid}-0", f"DELETE {vmid}"]
    assert cluster.by_hand("GET", "/cluster/replication") == []
    assert str(vmid) not in as_json(cluster.state())


def test_a_replication_that_can_not_end_is_reported_and_holds_nothing_up(
    replicated: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removing, "REPLICATION_SECONDS", 0.1)
    replicated.simulator.control("POST", "nodes", {"node": "pve2", "online": False})

    replicated.delete()

    assert "copies may stay on other nodes" in replicated.warnings[0]
    assert replicated.drift() == {"gone": True}


def test_a_protected_one_keeps_its_management_too(managed: Driver) -> None:
    cluster = managed.simulator
    cluster.by_hand("PUT", f"/nodes/pve1/{managed.id}/config", {"protection": 1})
    cluster.forget_requests()

    with pytest.raises(DataAtRisk, match="protection"):
        managed.delete()

    assert tasks(cluster) == []


def test_one_that_ha_has_moved_is_the_same_and_is_never_made_anew(managed: Driver) -> None:
    cluster, vmid = managed.simulator, managed.outputs["vmid"]
    cluster.by_hand("POST", f"/cluster/ha/resources/vm:{vmid}/migrate", {"node": "pve2"})
    assert managed.drift() == {"node": "pve2"}
    managed.refresh()

    inputs, problems = managed.check(SHARED)
    assert (problems, inputs["impact"]) == ([], "node: migrates live")
    old = declared(managed.handler.inputs, managed.outputs)
    assert replaced_by(managed.handler, old, declared(managed.handler.inputs, inputs), frozenset()) == []

    managed.up(SHARED)
    assert managed.id == f"qemu/{vmid}"
    assert managed.outputs["started"] is True
    assert managed.drift() == {}


def test_ha_is_asked_and_waited_for(managed: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "HA_PAUSE", 0.05)
    managed.simulator.control("POST", "clock", {"mode": "timed", "speed": 100.0})

    managed.up({**SHARED, "node": "pve3"})
    assert managed.facts.node_of(managed.outputs["vmid"]) == "pve3"
    managed.again()
    assert managed.up({**SHARED, "node": "pve3", "started": False})["started"] is False
    managed.again()
    assert managed.up({**SHARED, "node": "pve3"})["started"] is True


def test_ha_that_does_nothing_is_not_waited_for_for_ever(managed: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "HA_PAUSE", 0.05)
    api, place = managed.api, Place("qemu", managed.outputs["vmid"], "pve1")
    managed.simulator.control("POST", "clock", {"mode": "timed", "speed": 20.0})
    managed.simulator.control("POST", "maintenance", {"datacenter": "lab", "node": "pve3", "maintenance": True})
    api.deadline -= 58

    with pytest.raises(TookTooLong, match=r"HA was asked that qemu/\d+ moves to pve3"):
        power.migrate(api, place, "pve3", running=True, storages={})


def test_a_detached_disk_can_be_attached_again(vm: Driver) -> None:
    both = {**SMALL, "disks": {"scsi0": SMALL["disks"]["scsi0"], "scsi1": {"storage": "local-lvm", "size": "1G"}}}
    vm.up(both)
    volume = vm.outputs["volumes"]["scsi1"]
    vm.again()
    vm.up(SMALL)
    assert vm.config()["unused0"] == volume
    vm.again()

    vm.up({**SMALL, "disks": {**SMALL["disks"], "virtio3": {"file": volume}}})

    assert vm.outputs["volumes"]["virtio3"] == volume
    assert "unused0" not in vm.config()
    assert vm.drift() == {}


def test_two_nics_of_a_program_never_have_one_address(vm: Driver, simulator: Simulator) -> None:
    twin = Driver(simulator, "vm", name="twin")
    twin.facts = vm.facts
    fixed = {**SMALL, "net": {"net0": {**NIC, "macaddr": "02:00:00:00:00:01"}}}
    vm.check(fixed)

    assert "another NIC of this program has 02:00:00:00:00:01" in twin.problems(fixed)["net.net0"]


def test_two_guests_of_a_program_have_one_ip_address_only_in_networks_of_their_own(
    vm: Driver, simulator: Simulator
) -> None:
    twin = Driver(simulator, "vm", name="twin")
    twin.facts = vm.facts
    fixed = {**SMALL, "ipconfig": {"ipconfig0": {"ip": "192.0.2.7/24"}}}
    vm.check(fixed)

    assert "another guest of this program has 192.0.2.7/24" in twin.problems(fixed)["net.net0"]
    assert twin.problems({**fixed, "net": {"net0": {**NIC, "tag": 7}}}) == {}


def test_a_vmid_is_planned_where_the_program_says(vm: Driver) -> None:
    planned = vm.check({**SMALL, "vmid_range": "5000-5009"})[0]["vmid"]

    assert 5000 <= planned <= 5009
    vm.up({**SMALL, "vmid_range": "5000-5009"})
    assert vm.id == f"qemu/{planned}"
    vm.again()
    assert vm.check({**SMALL, "vmid_range": "6000-6009"})[0]["vmid"] == planned, "it keeps the one that it has"
