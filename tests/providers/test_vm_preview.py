"""What a preview refuses of a virtual machine, and what it lets pass."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import Unreachable
from providers._runtime.model import canonical
from providers.vm import VmInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.providers.inside import TEMPLATE
from tests.providers.test_vm import CLONE, EXAMPLE, NIC, ROOT, SMALL


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"node": "pve9"}, "node", "there is no node 'pve9'; there are pve1"),
        ({"disks": {"scsi0": {"storage": "nope", "size": "8G"}}}, "scsi0", "there is no storage 'nope' on pve1"),
        ({"disks": {"scsi0": {"storage": "local", "size": "8G"}}}, "scsi0", "storage 'local' can't hold images"),
        ({"disks": {"scsi0": {"storage": "local-lvm", "size": "9T"}}}, "disks", "room for 2048.0 GiB"),
        ({"disks": {"ide2": {"file": "local:iso/no.iso"}}}, "disks.ide2.file", "there is no local:iso/no.iso on pve1"),
        ({"net": {"net0": {**NIC, "bridge": "vmbr7"}}}, "net.net0.bridge", "there is no bridge or VNet 'vmbr7'"),
        ({"memory": 1 << 20}, "memory", "is more than pve1 has"),
        ({"pool": "nope"}, "pool", "there is no pool 'nope'"),
        ({"clone": {"vmid": 4711}}, "clone", "there is no qemu guest 4711 to clone"),
        ({"clone": {"vmid": 9000}, "disks": {"scsi0": {"size": "1G"}}}, "scsi0", "can't shrink"),
        ({"clone": {"vmid": 9000}, "disks": {"scsi1": {"storage": "local-lvm", "size": "8G"}}}, "scsi0", "add scsi0"),
    ],
)
def test_what_the_host_would_refuse_is_refused_in_preview(
    vm: Driver, change: dict[str, Any], field: str, words: str
) -> None:
    assert words in vm.problems({**SMALL, **change})[field]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"disks": {"scsi31": ROOT}}, "disks.scsi31.[key]"),
        ({"disks": {"scsi0": {"size": "8G"}}}, ""),
        ({"disks": {"scsi0": {"storage": "local-lvm", "size": "8 gigs"}}}, "disks.scsi0.size"),
        ({"disks": {"scsi0": {"file": "local:iso/x.iso", "storage": "local"}}}, "disks.scsi0"),
        ({"net": {"net0": {"model": "turbo"}}}, "net.net0.model"),
        ({"net": {"net0": {**NIC, "macaddr": "01:00:00:00:00:02"}}}, "net.net0.macaddr"),
        ({"net": {"net0": {**NIC, "tag": 5000}}}, "net.net0.tag"),
        ({"name": "under_score"}, "name"),
        ({"tags": ["a b"]}, "tags.0"),
        ({"vmid": 12}, "vmid"),
        ({"clone": {"full": True}}, "clone"),
        ({"sshkeys": ["not-a-key"]}, "sshkeys.0"),
        ({"ipconfig": {"ipconfig0": {"ip": "192.0.2.4"}}}, "ipconfig.ipconfig0.ip"),
        ({"ipconfig": {"ipconfig0": {"gw": "192.0.2.1"}}}, "ipconfig.ipconfig0"),
    ],
)
def test_a_value_that_proxmox_would_not_take_is_refused_without_a_host(change: dict[str, Any], field: str) -> None:
    _, problems = canonical(VmInputs, {**SMALL, **change}, frozenset())

    assert [path for path, _ in problems] == [field]


def test_a_guest_may_use_what_the_same_program_makes(vm: Driver) -> None:
    vm.facts.announce("storage", "nfs1")
    vm.facts.announce("vnet", "green")
    vm.facts.announce("pool", "prod")

    disks = {"scsi0": {"storage": "nfs1", "size": "8G"}}
    assert vm.problems({**SMALL, "disks": disks, "net": {"net0": {**NIC, "bridge": "green"}}, "pool": "prod"}) == {}


def test_two_of_a_program_can_not_have_one_number(vm: Driver, simulator: Simulator) -> None:
    twin = Driver(simulator, "vm", name="twin")
    twin.facts = vm.facts
    vm.check({**SMALL, "vmid": 600})

    assert "another resource of this program has 600" in twin.problems({**SMALL, "vmid": 600})["vmid"]


def test_a_preview_changes_nothing(vm: Driver, simulator: Simulator) -> None:
    vm.check(EXAMPLE)
    vm.check(CLONE)

    assert tasks(simulator) == []


def test_the_line_end_of_a_key_file_is_no_part_of_the_key() -> None:
    values, _ = canonical(VmInputs, {**SMALL, "sshkeys": ["ssh-ed25519 AAAA me@home\n"]}, frozenset())

    assert values["sshkeys"] == ["ssh-ed25519 AAAA me@home"]


def test_a_preview_without_the_host_still_knows_number_and_address(vm: Driver) -> None:
    def unreachable(*_: object, **__: object) -> Any:
        raise Unreachable("no endpoint answered")

    online, _ = vm.check(SMALL)
    vm.again()
    vm.client.answer = unreachable  # type: ignore[method-assign]  # nobody answers any more

    inputs, problems = vm.check(SMALL)

    assert problems == []
    assert inputs == online
    assert vm.warnings == ["checked without the host: no endpoint answered"]


def test_a_protected_guest_keeps_its_volumes(vm: Driver) -> None:
    vm.up({**SMALL, "protection": True, "disks": {"scsi0": ROOT, "scsi1": ROOT}})
    vm.again()

    assert "protection is set" in vm.problems({**SMALL, "protection": False})["scsi1"]


def test_an_address_that_a_guest_of_somebody_else_has_is_warned_of(vm: Driver, simulator: Simulator) -> None:
    theirs = {"vmid": 700, "net0": "virtio=02:00:00:00:00:07,bridge=vmbr0", "ipconfig0": "ip=192.0.2.7/24"}
    simulator.by_hand("POST", "/nodes/pve1/qemu", theirs)
    container = {"vmid": 701, "ostemplate": TEMPLATE, "rootfs": "local-lvm:4"}
    simulator.by_hand("POST", "/nodes/pve1/lxc", {**container, "net0": "name=eth0,bridge=vmbr0,ip6=2001:db8::7/64"})
    taken = {
        "net": {"net0": {**NIC, "macaddr": "02:00:00:00:00:07"}},
        "ipconfig": {"ipconfig0": {"ip": "192.0.2.7/24", "ip6": "2001:DB8:0::7/64"}},
    }

    vm.check({**SMALL, **taken})

    assert sorted(vm.warnings) == [
        "guest 700 on pve1 has 02:00:00:00:00:07 already",
        "guest 700 on pve1 has 192.0.2.7 already",
        "guest 701 on pve1 has 2001:db8::7 already",
    ]


def test_without_ssh_addresses_of_others_are_not_known_and_nothing_fails(simulator: Simulator) -> None:
    vm = Driver(simulator, "vm", ssh=False)

    vm.check({**SMALL, "ipconfig": {"ipconfig0": {"ip": "192.0.2.7/24"}}})

    assert vm.warnings == []


def test_a_guest_does_not_go_to_a_host_that_is_in_no_cluster_with_its_own(two_hosts: Simulator) -> None:
    alpha = Driver(two_hosts, "vm", ssh=False)
    guest = {**SMALL, "connection": "alpha", "node": "alpha", "started": False}
    made = alpha.up(guest)
    alpha.again()

    assert alpha.problems({**guest, "connection": "another name", "memory": 64}) == {}
    alpha.behind("beta")
    assert alpha.problems({**guest, "connection": "beta", "node": "beta"}) == {
        "connection": f"qemu/{made['vmid']} is behind 'alpha' and not behind 'beta': guests don't go to a host that is "
        "in no cluster with theirs; leave it there, or take it out of the program for one run, which destroys it, "
        "and then make it anew"
    }
