"""Virtual machines: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime import lifecycle
from providers._runtime.errors import ApiRefused, InvalidValue
from tests.conftest import Simulator, as_json
from tests.providers.guests import Driver, tasks

NIC = {"model": "virtio", "bridge": "vmbr0"}
ROOT = {"storage": "local-lvm", "size": "8G"}

EXAMPLE: dict[str, Any] = {
    "node": "pve1",
    "vmid": 500,
    "name": "web",
    "description": "what earns money",
    "tags": ["web", "Prod"],
    "cores": 2,
    "cpu": {"cputype": "x86-64-v2-AES", "flags": ["+aes"]},
    "memory": 2048,
    "balloon": 1024,
    "scsihw": "virtio-scsi-single",
    "disks": {
        "scsi0": {**ROOT, "discard": "on", "iothread": True, "ssd": True},
        "ide2": {"file": "local:iso/debian-13.1.0-amd64-netinst.iso"},
    },
    "net": {"net0": {**NIC, "firewall": True}},
    "boot": {"order": ["scsi0", "ide2", "net0"]},
    "agent": {"enabled": True},
    "ostype": "l26",
    "startup": {"order": 2, "up": 10},
    "onboot": True,
    "started": True,
}
CHANGED: dict[str, Any] = {
    **EXAMPLE,
    "name": "web2",
    "memory": 4096,
    "tags": ["web"],
    "disks": {"scsi0": {"storage": "local-lvm", "size": "10G"}, "scsi1": {"storage": "local-lvm", "size": "1G"}},
    "net": {"net0": {**NIC, "tag": 20}, "net1": {"model": "e1000", "bridge": "vmbr1", "macaddr": "bc:24:11:00:00:01"}},
    "boot": {"order": ["scsi0"]},
}
UPDATES: list[dict[str, Any]] = [
    CHANGED,
    {**CHANGED, "started": False, "onboot": False},
    {"node": "pve1", "vmid": 500, "started": False, "disks": {"scsi0": {"storage": "local-lvm", "size": "10G"}}},
    {
        "node": "pve1",
        "vmid": 500,
        "started": True,
        "name": "cloud",
        "disks": {"scsi0": {"size": "10G", "storage": "local-lvm"}, "ide2": {"file": "local-lvm:cloudinit"}},
        "net": {"net0": NIC},
        "ciuser": "admin",
        "cipassword": "wonderland",
        "sshkeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIa2 me@home"],
        "ipconfig": {"ipconfig0": {"ip": "192.0.2.50/24", "gw": "192.0.2.1", "ip6": "auto"}},
        "nameserver": ["192.0.2.53", "192.0.2.54"],
        "searchdomain": "example.test",
        "ciupgrade": False,
    },
]
DRIFT = [("PUT", "/nodes/pve1/qemu/500/config", {"name": "by-hand", "cores": 4})]

CLONE: dict[str, Any] = {
    "node": "pve1",
    "name": "clone",
    "clone": {"vmid": 9000},
    "disks": {"scsi0": {"size": "8G"}, "ide2": {"file": "local-lvm:cloudinit"}},
    "net": {"net0": NIC},
    "ipconfig": {"ipconfig0": {"ip": "192.0.2.9/24", "gw": "192.0.2.1"}},
}
DIGEST = "detected modified configuration - file changed by other user? Try again."
SMALL: dict[str, Any] = {"node": "pve1", "name": "small", "memory": 256, "disks": {"scsi0": ROOT}, "net": {"net0": NIC}}


def test_one_from_scratch_is_made_and_started_and_leaves_nothing(vm: Driver, simulator: Simulator) -> None:
    before = as_json(simulator.state())

    outputs = vm.up(EXAMPLE)

    assert outputs["started"] is True
    assert outputs["volumes"]["scsi0"].startswith("local-lvm:")
    assert vm.drift() == {}
    vm.delete()
    assert as_json(simulator.state()) == before


def test_every_change_is_made_in_place_and_leaves_nothing_to_do(vm: Driver) -> None:
    vm.up(EXAMPLE)
    for update in UPDATES:
        vm.again()
        vm.up(update)
        assert vm.drift() == {}
        assert vm.id == "qemu/500"


def test_a_linked_clone_takes_one_request_for_each_thing_that_proxmox_does(vm: Driver, simulator: Simulator) -> None:
    vm.check(CLONE)
    simulator.forget_requests()

    outputs = vm.up(CLONE)

    assert tasks(simulator) == ["POST clone", "PUT config", "PUT resize", "POST start"]
    assert outputs["disks"]["scsi0"] == {"size": "8G"}
    assert vm.config()["ipconfig0"] == "ip=192.0.2.9/24,gw=192.0.2.1"
    assert vm.config()["agent"] == "enabled=1", "what the template has and nobody declared stays"
    assert vm.drift() == {}


def test_a_full_clone_goes_to_the_storage_that_is_asked_for(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")

    outputs = vm.up({"node": "pve1", "clone": {"vmid": 9000, "full": True, "storage": "local-lvm"}})

    assert outputs["volumes"]["scsi0"].startswith("local-lvm:")
    assert vm.drift() == {}


def test_a_source_is_known_by_its_name_as_well(vm: Driver) -> None:
    assert vm.up({**CLONE, "clone": {"name": "debian-13-template"}})["started"] is True


def test_a_vm_that_becomes_a_template_never_runs_again(vm: Driver) -> None:
    vm.up(SMALL)
    vm.again()

    outputs = vm.up({**SMALL, "template": True})

    assert (outputs["template"], outputs["started"]) == (True, False)
    assert "never becomes a guest again" in vm.problems(SMALL)["template"]


def test_the_address_of_a_nic_is_known_before_and_stays(vm: Driver) -> None:
    planned = vm.check(SMALL)[0]["macs"]["net0"]
    assert vm.up(SMALL)["macs"] == {"net0": planned}
    vm.again()
    vm.up({**SMALL, "net": {"net0": {**NIC, "tag": 30, "model": "e1000"}}})

    assert vm.config()["net0"] == f"e1000={planned},bridge=vmbr0,tag=30"


def test_a_node_that_does_not_answer_is_an_error_and_not_a_guest_that_is_gone(cluster: Simulator) -> None:
    vm = Driver(cluster, "vm")
    vm.up({**SMALL, "node": "pve3"})
    cluster.control("POST", "nodes", {"node": "pve3", "online": False})

    with pytest.raises(ApiRefused) as refused:
        vm.drift()

    assert refused.value.status == 595


def test_a_neighbours_change_in_the_same_moment_is_taken_into_account(vm: Driver, simulator: Simulator) -> None:
    vm.up({**SMALL, "started": False})
    vm.again()
    found = vm.handler.read(vm.api, vm.id)
    assert found is not None
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"cores": 4})
    simulator.fail(action="fail", method="PUT", path=".*/config", reason=DIGEST)

    vm.up({**SMALL, "started": False, "tags": ["mine"]})

    assert vm.config()["cores"] == 4
    assert vm.config()["tags"] == "mine"


def test_an_update_refuses_to_shrink_as_well(vm: Driver) -> None:
    vm.up(SMALL)
    wanted = {**vm.inputs, "disks": {"scsi0": {"storage": "local-lvm", "size": "1G"}}}

    with pytest.raises(InvalidValue, match="scsi0"):
        lifecycle.update(vm.handler, vm.api, vm.id, vm.outputs, wanted)


def test_the_disks_of_uefi_and_tpm_are_made_and_leave_nothing_to_do(vm: Driver) -> None:
    uefi = {
        **SMALL,
        "bios": "ovmf",
        "machine": {"type": "q35"},
        "efidisk0": {"storage": "local-lvm", "efitype": "4m", "pre_enrolled_keys": True},
        "tpmstate0": {"storage": "local-lvm", "version": "v2.0"},
        "vga": {"type": "virtio", "memory": 64},
    }

    outputs = vm.up(uefi)

    assert {"efidisk0", "tpmstate0", "scsi0"} <= set(outputs["volumes"])
    assert vm.drift() == {}


def test_a_disk_that_somebody_added_is_drift_and_is_detached_again(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"scsi3": "local-lvm:1"})
    assert "scsi3" in vm.drift()["disks"]

    vm.refresh()
    assert "scsi3: detached live" in vm.check(SMALL)[0]["impact"]
    vm.up(SMALL)

    assert "unused0" in vm.config()
    assert vm.drift() == {}


def test_a_disk_that_no_preview_has_shown_is_not_touched(vm: Driver, simulator: Simulator) -> None:
    vm.up(SMALL)
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"scsi3": "local-lvm:1"})

    outputs = vm.up({**SMALL, "memory": 512})

    assert "scsi3" in vm.config()
    assert outputs["disks"] == {"scsi0": ROOT}


def test_the_cloud_init_drive_of_a_template_comes_along_undeclared(vm: Driver) -> None:
    outputs = vm.up({**CLONE, "disks": {"scsi0": {"size": "8G"}}})

    assert "cloudinit" in vm.config()["ide2"]
    assert outputs["disks"] == {"scsi0": {"size": "8G"}}
    assert vm.drift() == {}


def test_a_clone_takes_few_requests(vm: Driver, simulator: Simulator) -> None:
    vm.check(CLONE)
    simulator.forget_requests()

    vm.up(CLONE)

    assert len(simulator.requests()) <= 10


def test_what_a_guest_takes_of_privileges_is_named_for_just_what_it_declares(vm: Driver) -> None:
    needs = vm.handler.needs({**CLONE, "vmid": 700})

    assert needs == [
        ("/vms/700", "VM.Allocate"),
        ("/vms/700", "VM.Config.Cloudinit|VM.Config.CDROM"),
        ("/vms/700", "VM.Config.Cloudinit|VM.Config.Network"),
        ("/vms/700", "VM.Config.Disk"),
        ("/vms/700", "VM.Config.Network"),
        ("/vms/700", "VM.Config.Options"),
        ("/vms/700", "VM.PowerMgmt"),
        ("/sdn/zones/localnetwork/vmbr0", "SDN.Use"),
        ("/vms/9000", "VM.Audit"),
        ("/vms/9000", "VM.Clone"),
    ]
