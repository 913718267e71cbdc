"""What a virtual machine can be made from: an image, another guest by number or name, a backup, an installer."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.errors import TaskFailed
from providers._runtime.model import canonical
from providers.vm import VmInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.providers.test_vm import NIC, SMALL

IMAGE = "local:import/debian-13.qcow2"
BACKUP = "local:backup/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"
IMPORTED: dict[str, Any] = {
    "node": "pve1",
    "name": "imported",
    "disks": {"scsi0": {"storage": "local-lvm", "import_from": IMAGE, "size": "8G", "ssd": True}},
    "net": {"net0": NIC},
}


@pytest.fixture
def image(simulator: Simulator) -> str:
    """An image that a disk can be copied from."""
    url = "https://images.example.test/debian-13.qcow2"
    target = {"content": "import", "filename": "debian-13.qcow2", "url": url}
    simulator.by_hand("POST", "/nodes/pve1/storage/local/download-url", target)
    return IMAGE


@pytest.mark.usefixtures("image")
def test_a_disk_is_copied_from_an_image_and_grown(vm: Driver, simulator: Simulator) -> None:
    simulator.forget_requests()

    outputs = vm.up(IMPORTED)

    assert tasks(simulator) == ["POST qemu", "PUT resize", "POST start"]
    assert outputs["disks"]["scsi0"] == IMPORTED["disks"]["scsi0"]
    assert "size=8G" in vm.config()["scsi0"]
    assert vm.drift() == {}


@pytest.mark.usefixtures("image")
def test_a_copied_disk_needs_no_size(vm: Driver) -> None:
    vm.up({**IMPORTED, "disks": {"scsi0": {"storage": "local-lvm", "import_from": IMAGE}}})

    assert vm.drift() == {}


@pytest.mark.usefixtures("image")
def test_a_disk_that_is_added_later_is_copied_as_well(vm: Driver) -> None:
    vm.up(SMALL)
    vm.again()
    disks = {**SMALL["disks"], "scsi1": {"storage": "local-lvm", "import_from": IMAGE, "size": "4G"}}

    vm.up({**SMALL, "disks": disks})

    assert "size=4G" in vm.config()["scsi1"]
    assert vm.drift() == {}


@pytest.mark.usefixtures("image")
def test_a_newer_image_rebuilds_nothing(vm: Driver, simulator: Simulator) -> None:
    vm.up(IMPORTED)
    vm.again()
    simulator.forget_requests()

    vm.up({**IMPORTED, "disks": {"scsi0": {**IMPORTED["disks"]["scsi0"], "import_from": "local:import/newer.qcow2"}}})

    assert tasks(simulator) == []
    assert vm.drift() == {}


def test_an_image_that_is_not_there_is_refused_in_preview(vm: Driver) -> None:
    assert f"there is no {IMAGE} on pve1" in vm.problems(IMPORTED)["disks.scsi0.import_from"]


def test_a_name_means_the_template_on_the_guests_own_node(cluster: Simulator) -> None:
    for vmid, node in ((9100, "pve1"), (9102, "pve2")):
        template = {"vmid": vmid, "name": "golden", "scsi0": "local-lvm:1"}
        cluster.by_hand("POST", f"/nodes/{node}/qemu", template)
        cluster.by_hand("POST", f"/nodes/{node}/qemu/{vmid}/template")
    cluster.forget_requests()
    vm = Driver(cluster, "vm")

    vm.up({"node": "pve2", "clone": {"name": "golden"}, "started": False})

    assert tasks(cluster) == ["POST clone"]
    assert any(row["path"].endswith("/pve2/qemu/9102/clone") for row in cluster.requests())
    assert vm.drift() == {}


def test_a_machine_that_is_installed_from_an_iso_boots_from_it(vm: Driver) -> None:
    iso = "local:iso/debian-13.1.0-amd64-netinst.iso"

    vm.up({**SMALL, "disks": {**SMALL["disks"], "ide2": {"file": iso}}, "boot": {"order": ["scsi0", "ide2"]}})

    assert vm.config()["ide2"].startswith(f"{iso},media=cdrom")
    assert vm.config()["boot"] == "order=scsi0;ide2"
    assert vm.drift() == {}


def test_a_machine_that_is_installed_over_the_network_boots_from_its_card_first(vm: Driver) -> None:
    vm.up({**SMALL, "boot": {"order": ["net0", "scsi0"]}})

    assert vm.config()["boot"] == "order=net0;scsi0"


def test_a_machine_has_one_source() -> None:
    both = {**SMALL, "clone": {"vmid": 9000}, "archive": {"volume": BACKUP}}
    _, problems = canonical(VmInputs, both, frozenset())

    assert problems == [("", "give either clone or archive: it has one source")]


def test_a_backup_that_is_not_there_is_refused_in_preview(vm: Driver) -> None:
    assert "there is no local:backup/" in vm.problems({**SMALL, "archive": {"volume": BACKUP}})["archive.volume"]


def test_a_backup_is_restored_under_another_number_and_changed_to_what_is_declared(
    vm: Driver, simulator: Simulator
) -> None:
    old = Driver(simulator, "vm", name="old")
    old.up({**SMALL, "agent": {"enabled": True}})
    backup = back_up(simulator, old.outputs["vmid"])
    simulator.forget_requests()
    restored = {**SMALL, "name": "restored", "memory": 512, "archive": {"volume": backup, "storage": "local-lvm"}}

    outputs = vm.up(restored)

    assert vm.id != old.id
    assert vm.config()["agent"] == "1", "what the backup has and nobody declared stays"
    assert (outputs["name"], outputs["started"]) == ("restored", True)
    assert outputs["macs"] != old.outputs["macs"]
    assert tasks(simulator) == ["POST qemu", "PUT config", "POST start"]
    assert vm.drift() == {}
    assert old.drift() == {}


def test_another_backup_is_refused_unless_the_loss_is_allowed(vm: Driver, simulator: Simulator) -> None:
    old = Driver(simulator, "vm", name="old")
    old.up(SMALL)
    backup = back_up(simulator, old.outputs["vmid"])
    vm.up({**SMALL, "archive": {"volume": backup}})
    vm.again()

    assert "destroyed" in vm.problems({**SMALL, "archive": {"volume": backup.replace("vma", "vma2")}})["archive"]
    assert vm.problems({**SMALL, "archive": {"volume": backup}}) == {}


def back_up(simulator: Simulator, vmid: int) -> str:
    """Make a backup, and return its name."""
    simulator.by_hand(
        "POST", "/nodes/pve1/vzdump", {"vmid": vmid, "storage": "local", "mode": "snapshot", "compress": "zstd"}
    )
    rows = simulator.by_hand("GET", "/nodes/pve1/storage/local/content", {"content": "backup", "vmid": vmid})
    return str(rows[0]["volid"])


@pytest.mark.usefixtures("image")
def test_a_copy_that_fails_is_reported_with_the_end_of_its_log(vm: Driver, simulator: Simulator) -> None:
    simulator.control("POST", "task-faults", {"type": "qmcreate", "text": "no space left on device"})

    with pytest.raises(TaskFailed, match="no space left"):
        vm.up(IMPORTED)
