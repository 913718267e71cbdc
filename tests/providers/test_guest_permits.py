"""The privileges that a preview asks for: those of the change at hand, on the guest or in its pool."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from providers._runtime.client import Client
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.test_vm import NIC, ROOT, SMALL

LOOKS = "VM.Audit,Sys.Audit,Datastore.Audit,Pool.Audit"
GUEST: dict[str, Any] = {**SMALL, "vmid": 700, "started": False}
IN_POOL: dict[str, Any] = {**GUEST, "pool": "prod"}
MAKING = "VM.Allocate,VM.Config.Disk,VM.Config.Memory,VM.Config.Network,VM.Config.Options"


def log_in_with(driver: Driver, granted: dict[str, str]) -> None:
    """Go on as somebody who has these privileges on these paths, and may look at everything."""
    hand = driver.simulator.by_hand
    hand("POST", "/access/users", {"userid": "ci@pve"})
    made = hand("POST", "/access/users/ci@pve/token/labs", {"privsep": 0})
    for number, (path, privileges) in enumerate({"/": LOOKS, **granted}.items()):
        hand("POST", "/access/roles", {"roleid": f"role{number}", "privs": privileges})
        hand("PUT", "/access/acl", {"path": path, "users": "ci@pve", "roles": f"role{number}"})
    token = {"token_id": made["full-tokenid"], "token_secret": SecretStr(made["value"])}
    driver.client = Client("lab", driver.client.connection.model_copy(update=token), 4)
    driver.again()


@pytest.fixture
def _pool(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/pools", {"poolid": "prod"})


@pytest.mark.usefixtures("_pool")
def test_who_has_the_pool_may_make_guests_in_it_and_nowhere_else(vm: Driver) -> None:
    usual = {"/storage/local-lvm": "Datastore.AllocateSpace,Datastore.Audit", "/sdn/zones/localnetwork": "SDN.Use"}
    log_in_with(vm, {"/pool/prod": f"{MAKING},{LOOKS}", **usual})

    assert "it needs VM.Config.Options on /vms/700: pveum acl modify /vms/700" in vm.problems(GUEST)["connection"]
    vm.again()
    vm.up(IN_POOL)
    vm.again()
    assert vm.up({**IN_POOL, "memory": 512})["memory"] == 512, "as a member it has the privileges of its pool"


@pytest.mark.usefixtures("_pool")
def test_what_the_pool_lacks_is_named_with_both_places_and_the_command_for_the_pool(vm: Driver) -> None:
    log_in_with(vm, {"/pool/prod": f"{MAKING},{LOOKS}", "/storage": "Datastore.AllocateSpace", "/sdn": "SDN.Use"})

    _, problems = vm.check({**IN_POOL, "cores": 4})

    assert problems == [
        (
            "connection",
            "it needs VM.Config.CPU on /vms/700 or /pool/prod: "
            "pveum acl modify /pool/prod --tokens 'ci@pve!labs' --roles PVEVMAdmin",
        )
    ]


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        ({"memory": 512}, [("/vms/700", "VM.Config.Memory")]),
        ({"description": "new"}, [("/vms/700", "VM.Config.Options")]),
        ({"started": True}, [("/vms/700", "VM.PowerMgmt")]),
        ({"node": "pve2"}, [("/vms/700", "VM.Migrate")]),
        ({"startup": {"order": 1}}, [("/vms/700", "VM.Config.Options"), ("/", "Sys.Modify")]),
        ({"pool": "prod"}, [("/vms/700", "VM.Allocate"), ("/pool/prod", "Pool.Allocate")]),
        ({"disks": {"scsi0": {**ROOT, "size": "9G"}}}, [("/vms/700", "VM.Config.Disk")]),
        ({"disks": {}}, [("/vms/700", "VM.Config.Disk")]),
        (
            {"disks": {"scsi0": {**ROOT, "storage": "nfs1"}}},
            [("/vms/700", "VM.Config.Disk"), ("/storage/nfs1", "Datastore.AllocateSpace")],
        ),
        (
            {"net": {"net0": {**NIC, "tag": 7}}},
            [("/vms/700", "VM.Config.Network"), ("/sdn/zones/localnetwork/vmbr0/7", "SDN.Use")],
        ),
        ({"on_disk_removed": "keep"}, []),
    ],
)
def test_a_change_needs_what_it_does_and_no_more(vm: Driver, change: dict[str, Any], needed: list[Any]) -> None:
    assert vm.handler.needs_to_change(GUEST, {**GUEST, **change}) == needed


def test_a_clone_by_name_needs_the_right_to_clone_what_it_finds(vm: Driver) -> None:
    log_in_with(vm, {"/vms/700": f"{MAKING},{LOOKS}", "/sdn": "SDN.Use"})

    refused = vm.check({**GUEST, "disks": None, "clone": {"name": "debian-13-template"}})[1]

    assert [words.partition(":")[0] for _, words in refused] == [
        "it needs VM.Clone on /vms/9000",
        "it needs Datastore.AllocateSpace on /storage/local-lvm",
    ]


@pytest.mark.parametrize(
    ("nic", "granted", "lacking"),
    [
        ({"bridge": "vmbr0"}, "/sdn/zones/localnetwork/vmbr0", ""),
        ({"bridge": "vmbr0", "tag": 7}, "/sdn/zones/localnetwork/vmbr0/7", ""),
        ({"bridge": "vmbr0", "tag": 8}, "/sdn/zones/localnetwork/vmbr0/7", "/sdn/zones/localnetwork/vmbr0/8"),
        ({"bridge": "green"}, "/sdn/zones/lab", ""),
        ({"bridge": "green"}, "/sdn/zones/localnetwork", "/sdn/zones/lab/green"),
    ],
)
def test_the_use_of_a_bridge_is_permitted_by_its_zone_and_perhaps_for_one_vlan(
    vm: Driver, nic: dict[str, Any], granted: str, lacking: str
) -> None:
    hand = vm.simulator.by_hand
    hand("POST", "/cluster/sdn/zones", {"zone": "lab", "type": "simple"})
    hand("POST", "/cluster/sdn/vnets", {"vnet": "green", "zone": "lab"})
    hand("PUT", "/cluster/sdn")
    usual = {"/vms/700": f"{MAKING},{LOOKS}", "/storage/local-lvm": "Datastore.AllocateSpace,Datastore.Audit"}
    log_in_with(vm, {**usual, granted: "SDN.Use", "/sdn": "SDN.Audit"})
    guest = {**GUEST, "net": {"net0": {"model": "virtio", **nic}}}

    if lacking:
        assert f"it needs SDN.Use on {lacking}: pveum acl" in vm.problems(guest)["connection"]
    else:
        assert vm.up(guest)["vmid"] == 700
