"""Property strings of guests: what is printed is read back the same, and what Proxmox writes is never lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from providers import vm as qemu
from providers._guests import lxc, qemu_disks
from providers._guests.volumes import PLACEMENT, Volume
from providers._runtime.markers import Slots
from providers._runtime.model import FieldSpec, Inputs, fields_of
from providers._runtime.wire import Part, size_text
from providers.container import ContainerInputs
from simulator.guests import lxc_options, qemu_options
from simulator.schema import Param, check
from tests.providers.strategies import SIZE, VOLUME, WORD, values_of

KNOWN: dict[type[Inputs], Mapping[str, Param]] = {
    qemu.VmInputs: qemu_options.EXPANDED,
    ContainerInputs: lxc_options.EXPANDED,
}
"""What each kind of guest can be told."""
PARTS = {
    f"{model.__name__}.{name}": spec.part
    for model in KNOWN
    for name, spec in fields_of(model).items()
    if spec.part and spec.in_config
}
"""Every property string of a guest."""

FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def of(part: type[Part]) -> st.SearchStrategy[dict[str, Any]]:
    """Its values; where a volume lies follows from its name, which is always there."""
    if not issubclass(part, Volume):
        return values_of(part)
    key = str(part.default_key)
    named = st.fixed_dictionaries({key: VOLUME})
    return st.builds(lambda name, rest: {**rest, **name}, named, values_of(part, key, *PLACEMENT))


@settings(FEW)
@given(st.data())
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_a_property_string_is_read_as_it_was_written(part: type[Part], data: st.DataObject) -> None:
    values = data.draw(of(part))

    read = part.parse(part.print(values))

    assert {key: value for key, value in read.items() if key in values} == values
    assert set(read) - set(values) <= (PLACEMENT if issubclass(part, Volume) else set())


@settings(FEW)
@given(st.data())
@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model in KNOWN for name, spec in fields_of(model).items() if spec.part and spec.in_config],
)
def test_proxmox_takes_a_property_string_as_it_is_written(model: type[Inputs], name: str, data: st.DataObject) -> None:
    spec = fields_of(model)[name]
    assert spec.part is not None
    values = data.draw(of(spec.part))
    assume(values and _is_right(spec.part, values))
    for slot, parameter in parameters(spec, KNOWN[model]).items():
        bus = slot.rstrip("0123456789")
        buses = qemu_disks.BUSES if name == "disks" else {}
        fitting = {key: value for key, value in values.items() if bus in buses.get(key, (bus,))}

        _, errors = check({slot: parameter}, {slot: spec.part.print(fitting)})

        assert errors == {}


def _is_right(part: type[Part], values: dict[str, Any]) -> bool:
    """Whether the keys go together: what does not is refused before it is written."""
    fields = {key: value for key, value in values.items() if key in part.model_fields}
    try:
        part.model_validate(fields)
    except ValidationError:
        return False
    return True


def parameters(spec: FieldSpec, known: Mapping[str, Param]) -> dict[str, Param]:
    """The parameters as which a field travels; of a map, one slot of each kind."""
    slots = spec.marker(Slots)
    names = [name for name in known if (re.fullmatch(slots.pattern, name) if slots else name == spec.wire)]
    return {name: known[name] for name in names if not slots or re.fullmatch(r"[a-z]+0", name)}


@given(SIZE)
def test_a_new_disk_is_asked_for_in_the_size_that_proxmox_then_shows(size: str) -> None:
    storage, _, gib = qemu.Disk.print({"storage": "local-lvm", "size": size}).partition(":")

    kib = int(float(gib) * 1024 * 1024)  # Proxmox allocates whole KiB
    assert (storage, size_text(kib * 1024)) == ("local-lvm", size)


@given(values_of(qemu.Nic), WORD, WORD)
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


def test_another_word_for_the_same_key_is_understood() -> None:
    assert qemu.Agent.parse("1,guest-fsfreeze=0") == {"enabled": True, "freeze_fs": False}
    assert qemu.Disk.parse("volume=local-lvm:vm-100-disk-0,bps_rd_length=5")["bps_rd_max_length"] == 5


def test_what_a_guest_reads_about_its_hardware_may_hold_a_comma() -> None:
    written = qemu.Smbios.print({"manufacturer": "Meier, Sons & Co", "serial": "7"})

    assert "Meier" not in written
    assert qemu.Smbios.parse(written) == {"manufacturer": "Meier, Sons & Co", "serial": "7"}
    assert qemu.Smbios.parse("product=plain") == {"product": "plain"}
