"""Every option of a virtual machine is written, read back the same, and changed in place."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.markers import Needs, RootOnly
from providers._runtime.model import fields_of
from providers.vm import VmInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.test_vm import NIC, SMALL

DISK = {"storage": "local-lvm", "size": "1G"}
EVERYTHING: dict[str, Any] = {
    **SMALL,
    "started": False,
    "cores": 4,
    "sockets": 2,
    "vcpus": 3,
    "cpu": {"cputype": "host", "flags": ["+aes", "+nested-virt"], "hidden": True, "phys_bits": "host"},
    "cpulimit": 2.5,
    "cpuunits": 200,
    "affinity": "0,4-7",
    "numa": True,
    "numa_nodes": {"numa0": {"cpus": ["0-3"], "hostnodes": ["0"], "memory": 512, "policy": "preferred"}},
    "memory": 512,
    "balloon": 256,
    "shares": 500,
    "allow_ksm": False,
    "scsihw": "virtio-scsi-single",
    "disks": {
        "scsi0": {
            **DISK,
            "cache": "writeback",
            "aio": "threads",
            "discard": "on",
            "detect_zeroes": False,
            "iothread": True,
            "queues": 4,
            "ssd": True,
            "backup": False,
            "replicate": False,
            "ro": False,
            "serial": "A1",
            "product": "disk one",
            "vendor": "ACME",
            "wwn": "0x5000c500a1b2c3d4",
            "rerror": "report",
            "werror": "enospc",
            "mbps_rd": 100.5,
            "mbps_rd_max": 200,
            "iops": 1000,
            "iops_max": 2000,
            "iops_max_length": 10,
            "bps_wr": 1_000_000,
            "bps_wr_max_length": 5,
        },
        "virtio0": {**DISK, "iothread": True, "snapshot": False},
        "sata0": {**DISK, "ssd": True},
        "ide0": {**DISK, "model": "disk-two"},
        "ide2": {"file": "none"},
    },
    "efidisk0": {"storage": "local-lvm", "efitype": "4m", "pre_enrolled_keys": True, "ms_cert": "2023"},
    "tpmstate0": {"storage": "local-lvm", "version": "v2.0"},
    "net": {
        "net0": {**NIC, "mtu": 1400, "queues": 4, "rate": 12.5, "firewall": True, "host_tunnel": True},
        "net1": {"model": "e1000e", "bridge": "vmbr1", "tag": 30, "link_down": True},
        "net2": {"model": "vmxnet3", "bridge": "vmbr1", "trunks": ["20", "30-40"]},
    },
    "bios": "ovmf",
    "machine": {"type": "q35", "viommu": "virtio", "enable_s3": False},
    "ostype": "l26",
    "boot": {"order": ["net0", "scsi0"]},
    "agent": {"enabled": True, "fstrim_cloned_disks": True, "freeze_fs": False, "type": "virtio"},
    "hotplug": ["network", "disk", "usb", "memory", "cpu"],
    "smbios1": {"manufacturer": "Meier, Sons & Co", "uuid": "0d8a5c3e-4a0f-4f4e-9a51-2f0e8d1c7b6a"},
    "vmgenid": "2b6c1f8e-13a2-4b8c-8e55-7f2b7a9d9c11",
    "acpi": True,
    "kvm": False,
    "localtime": True,
    "startdate": "2026-01-02T03:04:05",
    "tdf": True,
    "reboot": False,
    "migrate_downtime": 0.5,
    "migrate_speed": 100,
    "freeze": False,
    "vga": {"type": "qxl", "memory": 64},
    "spice_enhancements": {"foldersharing": True, "videostreaming": "all"},
    "audio0": {"device": "ich9-intel-hda", "driver": "spice"},
    "tablet": False,
    "rng0": {"source": "/dev/urandom", "max_bytes": 1024, "period": 1000},
    "watchdog": {"model": "i6300esb", "action": "reset"},
    "serial0": "socket",
    "serial1": "socket",
    "serial2": "socket",
    "serial3": "socket",
    "hostpci": {"hostpci0": {"mapping": "gpu", "pcie": True, "rombar": False, "x_vga": True}},
    "usb": {"usb0": {"mapping": "stick", "usb3": True}, "usb1": {"host": "spice"}},
    "virtiofs": {"virtiofs0": {"dirid": "share", "cache": "always", "expose_acl": True}},
    "keyboard": "de",
    "vmstatestorage": "local-lvm",
    "citype": "nocloud",
    "ciuser": "admin",
    "cipassword": "wonderland",
    "ciupgrade": False,
    "sshkeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIa2 me@home"],
    "cicustom": {"user": "local:snippets/user.yaml"},
    "ipconfig": {"ipconfig0": {"ip": "192.0.2.50/24", "gw": "192.0.2.1", "ip6": "auto"}},
    "nameserver": ["192.0.2.53"],
    "searchdomain": "example.test",
    "name": "everything",
    "description": "all of it",
    "tags": ["a", "b"],
    "onboot": True,
    "startup": {"order": 1, "up": 5, "down": 60},
    "protection": False,
}
ROOTS_ALONE: dict[str, Any] = {
    "hugepages": "1024",
    "keephugepages": True,
    "arch": "x86_64",
    "args": "-no-hpet",
    "hookscript": "local:snippets/hook.pl",
    "ivshmem": {"size": 32, "name": "shared"},
    "amd_sev": {"type": "std", "no_debug": True, "kernel_hashes": False},
    "intel_tdx": {"type": "tdx", "attestation": False},
    "parallel0": "/dev/parport0",
    "parallel1": "/dev/parport1",
    "parallel2": "/dev/usb/lp0",
    "serial1": "/dev/ttyS0",
    "hostpci": {"hostpci0": {"host": ["0000:01:00.0"], "driver": "keep"}},
    "usb": {"usb0": {"host": "0951:1666"}},
}
GIVEN_ELSEWHERE = {"node", "vmid", "clone", "archive", "pool", "template", "started", "macs"}
"""Fields that have tests of their own."""


@pytest.fixture
def furnished(simulator: Simulator) -> Simulator:
    """A host with mappings and snippets."""
    snippets = [
        {
            "storage": "local",
            "node": "pve1",
            "name": f"snippets/{name}",
            "content": "snippets",
            "format": "snippet",
            "size": 10,
            "used": 10,
            "ctime": 0,
        }
        for name in ("user.yaml", "hook.pl")
    ]
    simulator.control("POST", "seed", {"datacenter": "pve", "table": "volumes", "records": snippets})
    device = {"node": "pve1", "id": "10de:1eb8"}
    for kind, name, place in (
        ("pci", "gpu", {**device, "path": "0000:01:00.0"}),
        ("usb", "stick", {**device, "path": "1-1"}),
        ("dir", "share", {"node": "pve1", "path": "/srv"}),
    ):
        text = ",".join(f"{key}={value}" for key, value in place.items())
        simulator.by_hand("POST", f"/cluster/mapping/{kind}", {"id": name, "map": [text]})
    return simulator


def test_these_tests_know_every_option() -> None:
    options = {name for name, spec in fields_of(VmInputs).items() if not spec.local}

    assert options - {*EVERYTHING, *ROOTS_ALONE} <= GIVEN_ELSEWHERE


@pytest.mark.usefixtures("furnished")
def test_every_option_is_written_read_back_and_given_up_again(vm: Driver) -> None:
    vm.up(EVERYTHING)
    assert vm.drift() == {}

    vm.again()
    vm.up({**SMALL, "started": False})

    assert vm.drift() == {}
    left = {"smbios1", "vmgenid", "meta", "boot", "digest"}
    assert set(vm.config()) - left == {"name", "memory", "description", "net0", "scsi0"} | {
        name for name in vm.config() if name.startswith("unused")
    }


@pytest.mark.usefixtures("furnished")
def test_every_option_can_be_set_later(vm: Driver) -> None:
    vm.up({**SMALL, "started": False})
    vm.again()

    vm.up({**EVERYTHING, "disks": {**EVERYTHING["disks"], "scsi0": {**EVERYTHING["disks"]["scsi0"], "size": "8G"}}})

    assert vm.drift() == {}


@pytest.mark.usefixtures("furnished")
def test_what_is_roots_alone_is_refused_with_a_token_and_done_with_a_password(vm: Driver) -> None:
    wanted = {**SMALL, "started": False, **ROOTS_ALONE}
    names = {"hostpci0", "usb0", *ROOTS_ALONE} - {"hostpci", "usb"}

    problems = vm.problems(wanted)
    assert {name for name, reason in problems.items() if "only root@pam" in reason} == names

    vm.log_in_as_root()
    vm.up(wanted)
    assert vm.drift() == {}


def test_a_device_of_the_host_as_a_disk_is_roots_alone(vm: Driver) -> None:
    devices = {"scsi1": {"file": "/dev/disk/by-id/nvme-1"}, "scsi2": {**DISK, "import_from": "/srv/image.raw"}}

    problems = vm.problems({**SMALL, "disks": {**SMALL["disks"], **devices}})

    assert {name for name, reason in problems.items() if "only root@pam" in reason} == set(devices)


def test_every_field_of_the_configuration_says_what_it_takes_to_set_it() -> None:
    silent = {
        name
        for name, spec in fields_of(VmInputs).items()
        if spec.in_config
        and not spec.has(Needs, RootOnly)
        and not (spec.part and name in ("disks", "efidisk0", "tpmstate0"))
    }

    assert silent == {"vmid", "description"}


def test_keys_that_proxmox_has_added_since_survive_a_change_beside_them(vm: Driver, simulator: Simulator) -> None:
    vm.up({**SMALL, "started": False})
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"agent": "1,guest-fsfreeze=0"})
    vm.again()

    vm.up({**SMALL, "started": False, "agent": {"enabled": True, "fstrim_cloned_disks": True}})

    assert vm.config()["agent"] == "1,fstrim_cloned_disks=1,freeze-fs=0"
    assert vm.drift() == {}


BY_HAND: dict[str, dict[str, Any]] = {
    "name": {"name": "by-hand"},
    "description": {"description": "by hand"},
    "tags": {"tags": "x"},
    "onboot": {"onboot": 0},
    "startup": {"startup": "order=7"},
    "protection": {"protection": 1},
    "cores": {"cores": 1},
    "sockets": {"sockets": 1},
    "vcpus": {"vcpus": 1},
    "cpu": {"cpu": "kvm64"},
    "cpulimit": {"cpulimit": 1},
    "cpuunits": {"cpuunits": 7},
    "affinity": {"affinity": "1"},
    "numa": {"numa": 0},
    "numa_nodes": {"numa0": "cpus=0-1"},
    "memory": {"memory": 1024},
    "balloon": {"balloon": 64},
    "shares": {"shares": 1},
    "allow_ksm": {"allow-ksm": 1},
    "scsihw": {"scsihw": "pvscsi"},
    "disks": {"ide2": "cdrom"},
    "efidisk0": {"delete": "efidisk0"},
    "tpmstate0": {"delete": "tpmstate0"},
    "net": {"net1": "rtl8139=02:00:00:00:00:09,bridge=vmbr0"},
    "macs": {"net0": "virtio=02:00:00:00:00:08,bridge=vmbr0"},
    "bios": {"bios": "seabios"},
    "machine": {"machine": "pc"},
    "ostype": {"ostype": "win11"},
    "boot": {"boot": "order=scsi0"},
    "agent": {"agent": "0"},
    "hotplug": {"hotplug": "0"},
    "smbios1": {"smbios1": "manufacturer=other"},
    "vmgenid": {"vmgenid": "0"},
    "acpi": {"acpi": 0},
    "kvm": {"kvm": 1},
    "localtime": {"localtime": 0},
    "startdate": {"startdate": "now"},
    "tdf": {"tdf": 0},
    "reboot": {"reboot": 1},
    "migrate_downtime": {"migrate_downtime": 9},
    "migrate_speed": {"migrate_speed": 9},
    "freeze": {"freeze": 1},
    "vga": {"vga": "std"},
    "spice_enhancements": {"spice_enhancements": "videostreaming=off"},
    "audio0": {"audio0": "device=AC97"},
    "tablet": {"tablet": 1},
    "rng0": {"rng0": "source=/dev/random"},
    "watchdog": {"watchdog": "ib700"},
    "serial0": {"delete": "serial0"},
    "serial1": {"delete": "serial1"},
    "serial2": {"delete": "serial2"},
    "serial3": {"delete": "serial3"},
    "hostpci": {"hostpci1": "mapping=gpu"},
    "usb": {"usb2": "host=spice"},
    "virtiofs": {"virtiofs1": "share"},
    "keyboard": {"keyboard": "fr"},
    "vmstatestorage": {"delete": "vmstatestorage"},
    "citype": {"citype": "configdrive2"},
    "ciuser": {"ciuser": "hand"},
    "ciupgrade": {"ciupgrade": 1},
    "sshkeys": {"delete": "sshkeys"},
    "cicustom": {"cicustom": "meta=local:snippets/user.yaml"},
    "ipconfig": {"ipconfig0": "ip=dhcp"},
    "nameserver": {"nameserver": "192.0.2.99"},
    "searchdomain": {"searchdomain": "by.hand"},
}
"""Field -> what somebody writes by hand that shows there; all but the password, which Proxmox never gives back."""


@pytest.mark.usefixtures("furnished")
def test_what_somebody_changes_by_hand_shows_in_its_field_and_is_set_right(vm: Driver, simulator: Simulator) -> None:
    assert set(EVERYTHING) - set(BY_HAND) == {"node", "started", "cipassword"}
    vm.up(EVERYTHING)
    deleted = [hand["delete"] for hand in BY_HAND.values() if "delete" in hand]
    written = {key: value for hand in BY_HAND.values() for key, value in hand.items() if key != "delete"}
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {**written, "protection": 0, "delete": ",".join(deleted)})
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"protection": 1})

    assert set(vm.drift()) == set(BY_HAND)
    simulator.by_hand("PUT", f"/nodes/pve1/{vm.id}/config", {"protection": 0})
    vm.refresh()
    vm.up(EVERYTHING)

    assert vm.drift() == {}
