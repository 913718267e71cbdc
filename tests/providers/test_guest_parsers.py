"""Property strings of guests: what is printed is read back the same, and what Proxmox writes is never lost."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import vm as qemu
from providers._guests import lxc, qemu_network
from providers._guests.qemu_processor import FLAGS
from providers._guests.values import Startup
from providers._runtime.wire import size_text

WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
NUMBER = st.integers(1, 64)
SWITCH = st.booleans()
MAC = st.builds(
    lambda tail: "BC:24:11:" + ":".join(f"{byte:02X}" for byte in tail), st.tuples(*[st.integers(0, 255)] * 3)
)
SIZE = st.integers(1, 10**6).map(lambda mib: size_text(mib << 20))
VLANS = st.lists(st.integers(1, 4094).map(str), min_size=1, max_size=3)
VOLUME = st.builds(lambda number, disk: f"local-lvm:vm-{number}-disk-{disk}", st.integers(100, 999), st.integers(0, 9))


def maybe(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of those keys."""
    return st.fixed_dictionaries({}, optional=keys)


def joined(first: st.SearchStrategy[Any], rest: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Required keys and others."""
    return st.builds(lambda required, others: {**required, **others}, first, rest)


NIC = joined(
    st.fixed_dictionaries({"model": st.sampled_from(qemu_network.MODELS)}),
    maybe(
        macaddr=MAC, bridge=WORD, tag=NUMBER, trunks=VLANS, firewall=SWITCH, mtu=NUMBER, queues=NUMBER, link_down=SWITCH
    ),
)
CONTAINER_NIC = joined(
    st.fixed_dictionaries({"name": WORD}),
    maybe(hwaddr=MAC, bridge=WORD, tag=NUMBER, firewall=SWITCH, ip=st.sampled_from(["dhcp", "192.0.2.7/24"])),
)
EXISTING = joined(
    st.fixed_dictionaries({"file": VOLUME}),
    maybe(cache=st.sampled_from(["none", "unsafe"]), ssd=SWITCH, iothread=SWITCH, discard=st.just("on"), serial=WORD),
)


@given(NIC)
def test_a_nic_is_read_as_it_was_written(nic: dict[str, Any]) -> None:
    assert qemu.Nic.parse(qemu.Nic.print(nic)) == nic


@given(CONTAINER_NIC)
def test_a_containers_nic_is_read_as_it_was_written(nic: dict[str, Any]) -> None:
    assert lxc.ContainerNic.parse(lxc.ContainerNic.print(nic)) == nic


@given(EXISTING)
def test_an_existing_disk_is_read_as_it_was_written_and_shows_where_it_lies(disk: dict[str, Any]) -> None:
    assert qemu.Disk.parse(qemu.Disk.print(disk)) == {**disk, "storage": "local-lvm", "format": "raw"}


@given(SIZE)
def test_a_new_disk_is_asked_for_in_the_size_that_proxmox_then_shows(size: str) -> None:
    storage, _, gib = qemu.Disk.print({"storage": "local-lvm", "size": size}).partition(":")

    kib = int(float(gib) * 1024 * 1024)  # Proxmox allocates whole KiB
    assert (storage, size_text(kib * 1024)) == ("local-lvm", size)


@given(maybe(order=NUMBER, up=NUMBER, down=NUMBER))
def test_a_startup_order_is_read_as_it_was_written(startup: dict[str, int]) -> None:
    assert Startup.parse(Startup.print(startup)) == startup


@given(maybe(cputype=WORD, flags=st.lists(st.sampled_from(FLAGS).map("+{}".format), min_size=1), hidden=SWITCH))
def test_a_processor_is_read_as_it_was_written(cpu: dict[str, Any]) -> None:
    assert qemu.Cpu.parse(qemu.Cpu.print(cpu)) == cpu


@given(NIC, WORD, WORD)
def test_a_key_of_a_later_proxmox_survives(nic: dict[str, Any], key: str, value: str) -> None:
    later = {f"x-{key}": value}

    assert qemu.Nic.parse(qemu.Nic.print({**nic, **later})) == {**nic, **later}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("virtio=bc:24:11:00:00:aa,bridge=vmbr0,firewall=0", {"macaddr": "BC:24:11:00:00:AA", "firewall": False}),
        ("model=e1000,macaddr=02:00:00:00:00:01", {"model": "e1000", "macaddr": "02:00:00:00:00:01"}),
        ("virtio", {"model": "virtio"}),
        ("e1000=02:00:00:00:00:01,bridge=vmbr0,link_down=1,rate=10.5", {"rate": 10.5, "link_down": True}),
    ],
)
def test_a_nic_as_proxmox_may_write_it(text: str, values: dict[str, Any]) -> None:
    assert qemu.Nic.parse(text).items() >= values.items()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "local-lvm:vm-100-disk-0,size=32G,ssd=1",
            {"storage": "local-lvm", "size": "32G", "format": "raw", "ssd": True},
        ),
        ("nfs1:100/vm-100-disk-0.qcow2,size=2560M", {"storage": "nfs1", "size": "2560M", "format": "qcow2"}),
        ("local-lvm:vm-100-cloudinit,media=cdrom,size=4M", {"file": "local-lvm:cloudinit", "media": "cdrom"}),
        ("local:102/vm-102-cloudinit.qcow2,media=cdrom", {"file": "local:cloudinit"}),
        ("none,media=cdrom", {"file": "none"}),
        ("/dev/sdb,backup=0", {"file": "/dev/sdb", "backup": False}),
    ],
)
def test_a_disk_as_proxmox_may_write_it(text: str, values: dict[str, Any]) -> None:
    assert qemu.Disk.parse(text).items() >= values.items()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"storage": "local-lvm", "size": "512M", "ssd": True}, "local-lvm:0.5,ssd=1"),
        ({"storage": "nfs1", "size": "1T", "format": "qcow2"}, "nfs1:1024,format=qcow2"),
        ({"file": "local:iso/debian.iso"}, "local:iso/debian.iso,media=cdrom"),
        ({"file": "local-lvm:cloudinit"}, "local-lvm:cloudinit,media=cdrom"),
    ],
)
def test_a_disk_as_it_is_asked_for(values: dict[str, Any], text: str) -> None:
    assert qemu.Disk.print(values) == text


def test_the_disks_whose_size_proxmox_decides_are_asked_for_without_one() -> None:
    assert qemu.EfiDisk.print({"storage": "local-lvm", "efitype": "4m"}) == "local-lvm:1,efitype=4m"
    assert qemu.TpmState.print({"storage": "local-lvm", "version": "v2.0"}) == "local-lvm:1,version=v2.0"


def test_the_blank_for_nothing_to_boot_from_is_read() -> None:
    assert qemu.Boot.parse(" ") == {}
    assert qemu.Boot.parse("order=scsi0;net0") == {"order": ["scsi0", "net0"]}


def test_a_directory_of_the_host_is_read_as_a_mount_point() -> None:
    assert lxc.MountPoint.parse("/srv/data,mp=/data,ro=1") == {"volume": "/srv/data", "mp": "/data", "ro": True}
