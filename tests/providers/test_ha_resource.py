"""Guests under high availability: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from providers._runtime.errors import ProxmoxError, TookTooLong
from tests.conftest import Simulator, as_json
from tests.engine import Program, Resource
from tests.providers.guests import Driver

TOPOLOGY = "three-nodes"
SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/nodes/pve1/qemu", {"vmid": 100, "name": "db", "memory": 512, "scsi0": "nfs1:4"}),
    ("POST", "/nodes/pve1/qemu/100/status/start", {}),
]
EXAMPLE = {"vmid": 100, "max_restart": 2, "comment": "the database"}
UPDATES = [
    {"vmid": 100, "max_restart": 0, "failback": False, "comment": "the only one"},
    {"vmid": 100, "state": "started", "max_relocate": 3},
]
DRIFT = [("PUT", "/cluster/ha/resources/vm:100", {"max_relocate": 0})]
SHARED = {"vmid": 100, "memory": 512, "scsi0": "nfs1:4", "ide2": "local-lvm:cloudinit"}
LOCAL = {"vmid": 101, "memory": 512, "scsi0": "local-lvm:4", "scsi1": "nfs1:1"}
CONTAINER = {"vmid": 102, "ostemplate": "nfs1:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst", "rootfs": "local-lvm:4"}
RULE = {"rule": "near", "type": "node-affinity", "resources": ["vm:100"], "nodes": ["pve1", "pve2"]}
NO_GUEST = "there is no guest 300 on the host, and none in this program"


@pytest.fixture
def resource(cluster: Simulator) -> Driver:
    """A resource of a program on a cluster with a guest on shared storage, one on local, and a container."""
    cluster.by_hand("POST", "/nodes/pve1/qemu", SHARED)
    cluster.by_hand("POST", "/nodes/pve1/qemu", LOCAL)
    cluster.by_hand("POST", "/nodes/pve1/lxc", CONTAINER)
    cluster.forget_requests()
    return Driver(cluster, "ha_resource")


def status_of(cluster: Simulator, vmid: int) -> str:
    """Whether a machine runs."""
    return str(cluster.by_hand("GET", f"/nodes/pve1/qemu/{vmid}/status/current")["status"])


def test_it_is_made_when_the_managers_have_brought_the_guest_to_the_state(resource: Driver) -> None:
    assert status_of(resource.simulator, 100) == "stopped"

    outputs = resource.up({"vmid": 100})
    assert (resource.id, outputs["sid"]) == ("cluster/ha/resources/vm:100", "vm:100")
    assert status_of(resource.simulator, 100) == "running"
    resource.up({"vmid": 100, "state": "disabled"})

    assert status_of(resource.simulator, 100) == "stopped"
    assert resource.drift() == {}


def test_the_wait_takes_as_long_as_the_managers_do_and_ends_with_the_time_of_the_operation(resource: Driver) -> None:
    resource.simulator.control("POST", "clock", {"mode": "held"})
    api = resource.api
    api.deadline = time.monotonic() + 2

    with pytest.raises(TookTooLong, match="HA was asked to bring vm:100 to started, and it is still queued"):
        resource.handler.create(api, {"vmid": 100})

    assert api.kept == "cluster/ha/resources/vm:100", "what is there is not lost"


def test_a_guest_that_does_not_start_is_told_of_with_the_way_out(resource: Driver) -> None:
    fault = {"type": "qmstart", "text": "no such device", "count": 8}
    resource.simulator.control("POST", "task-faults", fault)

    with pytest.raises(ProxmoxError, match=r"HA has given up on vm:100: .* set state to `disabled`, run `up`"):
        resource.up({"vmid": 100, "max_restart": 0, "max_relocate": 0})


def test_managers_that_are_disarmed_are_not_waited_for(resource: Driver) -> None:
    resource.simulator.by_hand("POST", "/cluster/ha/status/disarm-ha", {"resource-mode": "freeze"})

    resource.up({"vmid": 100})

    assert resource.warnings[0].startswith("HA is disarmed: vm:100 is ")


def test_a_container_is_named_by_its_number_too(resource: Driver) -> None:
    resource.up({"vmid": 102, "state": "stopped"})
    assert resource.id == "cluster/ha/resources/ct:102"
    resource.delete()

    assert resource.simulator.by_hand("GET", "/cluster/ha/resources") == []


def test_it_is_gone_with_its_guest(resource: Driver) -> None:
    resource.up({"vmid": 100, "state": "stopped"})
    resource.simulator.by_hand("DELETE", "/nodes/pve1/qemu/100", {"purge": 1})

    assert resource.drift() == {"gone": True}
    resource.delete()


def test_what_a_change_of_the_state_does_is_in_the_preview(resource: Driver) -> None:
    resource.up({"vmid": 100})

    inputs, _ = resource.check({"vmid": 100, "state": "stopped", "max_restart": 3})

    assert inputs["impact"] == "state: stops the guest live; max_restart: live"


@pytest.mark.parametrize(("vmid", "problem"), [(300, NO_GUEST), (9000, "guest 9000 is a template")])
def test_what_cannot_be_under_ha_is_refused_in_the_preview(vmid: int, problem: str, resource: Driver) -> None:
    assert problem in resource.problems({"vmid": vmid})["vmid"]


def test_a_guest_of_the_same_program_may_still_have_to_be_made(resource: Driver) -> None:
    machine = Driver(resource.simulator, "vm", "machine")
    machine.facts = resource.facts
    machine.check({"vmid": 300, "node": "pve1", "disks": {"scsi0": {"storage": "local-lvm", "size": "4G"}}})

    assert resource.problems({"vmid": 300}) == {}
    assert "guest 300 is under HA with disks on local-lvm" in resource.warnings[-1]


@pytest.mark.parametrize(("vmid", "storages"), [(100, ""), (101, "local-lvm"), (102, "local-lvm")])
def test_a_guest_whose_disks_only_one_node_has_is_worth_a_warning(vmid: int, storages: str, resource: Driver) -> None:
    resource.check({"vmid": vmid})

    expected = f"guest {vmid} is under HA with disks on {storages}, which each node has for itself"
    assert [text.startswith(expected) for text in resource.warnings] == ([True] if storages else [])


def test_replication_makes_up_for_local_disks_also_when_it_is_of_the_same_program(cluster: Simulator) -> None:
    tank = {"storage": "tank", "type": "zfspool", "pool": "tank", "content": "images"}
    cluster.by_hand("POST", "/storage", tank)
    cluster.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 100, "memory": 512, "scsi0": "tank:4"})
    warned = []
    for where in ("nowhere", "in the program", "on the host"):
        resource, job = Driver(cluster, "ha_resource"), Driver(cluster, "replication", "job")
        job.facts = resource.facts
        if where == "in the program":
            job.check({"job_id": "100-0", "target": "pve2"})
        elif where == "on the host":
            job.up({"job_id": "100-0", "target": "pve2"})
            resource.again()
        resource.check({"vmid": 100})
        warned.append(bool(resource.warnings))

    assert warned == [True, False, False]


def test_on_a_host_in_no_cluster_ha_can_only_start_a_guest_again(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": 100, "memory": 512})
    resource = Driver(simulator, "ha_resource")

    assert resource.problems({"vmid": 100}) == {}
    assert resource.warnings == ["HA on a host that is in no cluster can start a guest again, but nowhere else"]


def test_a_preview_of_many_asks_for_each_guests_disks_and_for_all_else_once(resource: Driver) -> None:
    for vmid in (100, 101, 102):
        other = Driver(resource.simulator, "ha_resource", f"ha{vmid}")
        other.facts = resource.facts
        assert other.problems({"vmid": vmid}) == {}

    asked = [row["path"] for row in resource.simulator.requests()]
    assert len(asked) == len(set(asked)) == 6, asked


@pytest.mark.engine
def test_a_machine_and_its_place_under_ha_live_and_end_in_one_program(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(cluster)
    before = as_json(cluster.state())
    machine = {
        "vmid": 100,
        "node": "pve1",
        "memory": 512,
        "disks": {"scsi0": {"storage": "nfs1", "size": "4G"}},
        "on_reboot_needed": "reboot",
    }

    def declare(**changed: Any) -> None:
        made = {
            "machine": Resource("providers.vm.VirtualMachine", {**machine, **changed}),
            "ha": Resource("providers.ha_resource.HaResource", {"vmid": 100, "max_restart": 2}, after=("machine",)),
            "rule": Resource("providers.ha_rule.HaRule", RULE, after=("ha",)),
        }
        program.declare(made)

    declare()
    up = program.up()
    assert up.changes == {"create": 3}, up.text
    declare(memory=1024, node="pve2")
    up = program.up()
    assert up.changes == {"update": 1}, up.text
    again = program.up("--refresh")
    assert again.changes == {}, again.text
    destroy = program.destroy()

    assert destroy.code == 0, destroy.text
    assert as_json(cluster.state()) == before
