"""What of a change takes effect on a running machine, and what waits for it to be stopped and started."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import ParamError
from tests.simulator.guest_bench import Bench


def waiting(bench: Bench, before: dict[str, Any], change: dict[str, Any]) -> set[str]:
    """Return which options wait after a change of a running machine that was made so."""
    bench.create(101, **before)
    bench.ok("POST", "qemu/101/status/start")
    bench.call("PUT", "qemu/101/config", **change)
    guest = bench.guest(101)
    return {*guest.pending, *guest.pending_delete}


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({}, {"description": "x", "name": "web", "tags": "a", "onboot": 1, "startup": "order=1", "protection": 1}),
        ({}, {"cpulimit": 2, "cpuunits": 200}),
        ({}, {"hotplug": "network,disk"}),
        ({"hotplug": "disk"}, {"delete": "hotplug"}),
        ({}, {"net0": "virtio,bridge=vmbr0"}),
        ({}, {"scsi0": "local-lvm:1", "tablet": 0}),
        ({"scsi0": "local-lvm:1", "scsi1": "local-lvm:1", "boot": "order=scsi0"}, {"delete": "scsi1"}),
        ({"balloon": 256}, {"balloon": 128}),
        ({"balloon": 256}, {"delete": "balloon"}),
        ({"agent": "1"}, {"agent": "1,fstrim_cloned_disks=1"}),
        ({"ide2": "none,media=cdrom"}, {"ide2": "local:iso/debian-13.1.0-amd64-netinst.iso,media=cdrom"}),
        ({"hotplug": "cpu", "cores": 4, "vcpus": 2}, {"vcpus": 3}),
        ({"hotplug": "memory", "numa": 1, "memory": 1024}, {"memory": 2048}),
        ({"hotplug": "0", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"},
         {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1,tag=5,rate=10"}),
    ],
)  # fmt: skip
def test_takes_effect_at_once(bench: Bench, before: dict[str, Any], change: dict[str, Any]) -> None:
    assert waiting(bench, before, change) == set()


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ({}, {"cores": 2, "sockets": 2, "cpu": "host", "memory": "1024", "numa": 1}),
        ({}, {"agent": "1", "bios": "ovmf", "machine": "q35", "scsihw": "virtio-scsi-single", "vga": "qxl"}),
        ({"scsi0": "local-lvm:1", "scsi1": "local-lvm:1"}, {"boot": "order=scsi1;scsi0"}),
        ({"agent": "1"}, {"agent": "0"}),
        ({"cores": 4, "vcpus": 2}, {"vcpus": 3}),
        ({"balloon": 256}, {"balloon": 0}),
        ({}, {"hotplug": "memory"}),
        ({}, {"sata0": "local-lvm:1", "serial0": "socket", "rng0": "source=/dev/urandom"}),
        ({"hotplug": "0"}, {"net0": "virtio,bridge=vmbr0", "scsi0": "local-lvm:1", "tablet": 0}),
        ({"hotplug": "0", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"},
         {"net0": "e1000=BC:24:11:00:00:01,bridge=vmbr0"}),
        ({"scsi1": "local-lvm:1"}, {"scsi1": "local-lvm:vm-101-disk-0,discard=on"}),
    ],
)  # fmt: skip
def test_waits_for_a_stop_and_a_start(bench: Bench, before: dict[str, Any], change: dict[str, Any]) -> None:
    assert waiting(bench, before, change) == set(change)
    bench.ok("POST", "qemu/101/status/stop")
    assert not bench.guest(101).pending


def test_no_more_processors_are_plugged_than_there_are_sockets_for(bench: Bench) -> None:
    with pytest.raises(ParamError) as refused:
        waiting(bench, {"hotplug": "cpu", "cores": 2, "vcpus": 1}, {"vcpus": 3})
    assert refused.value.errors == {"vcpus": "hotplug problem - you can't add more vcpus than maxcpus\n"}
