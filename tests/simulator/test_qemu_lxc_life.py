"""However guests are made, changed, cloned and destroyed: no volume is lost, none is used twice, the space adds up."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from simulator.errors import ApiError
from simulator.guests.draft import owns, volume_of
from simulator.guests.facts import storage_usage
from simulator.guests.volume_names import own_name
from simulator.records import Guest
from tests.simulator.guest_bench import TEMPLATE, Bench

_VMIDS = st.integers(101, 104)
_SLOTS = st.sampled_from(["scsi0", "scsi1", "virtio0", "sata0", "ide2"])
_MOUNTS = st.sampled_from(["mp0", "mp1"])
_STORAGES = st.sampled_from(["local-lvm", "files", "tank", "thick"])
_SNAPSHOTS = st.sampled_from(["one", "two"])


class GuestLife(RuleBasedStateMachine):
    """Makes calls in any order; most orders contain calls that are refused, which must change nothing lasting."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.bench = Bench.open(self.place)
        create = self.bench.call
        create("POST", "/storage", storage="files", type="dir", path="/mnt/files", content="images,rootdir")
        create("POST", "/storage", storage="tank", type="zfspool", pool="rpool/data")
        create("POST", "/storage", storage="thick", type="lvm", vgname="thick", content="images,rootdir")

    def teardown(self) -> None:
        self.bench.world.database.close()
        shutil.rmtree(self.place)

    def attempt(self, method: str, path: str, **values: Any) -> None:
        """Make a call that may be refused."""
        with contextlib.suppress(ApiError):
            self.bench.call(method, path, **values)

    def kind(self, vmid: int) -> str:
        guest = self.bench.datacenter.guests.get(vmid)
        return guest.type if guest is not None else "qemu"

    @rule(vmid=_VMIDS, slot=_SLOTS, storage=_STORAGES, size=st.sampled_from(["1", "2.5", "60"]))
    def make_machine(self, vmid: int, slot: str, storage: str, size: str) -> None:
        self.attempt("POST", "qemu", **{"vmid": vmid, slot: f"{storage}:{size}", "ide0": f"{storage}:cloudinit"})

    @rule(vmid=_VMIDS, storage=_STORAGES)
    def make_container(self, vmid: int, storage: str) -> None:
        self.attempt("POST", "lxc", vmid=vmid, ostemplate=TEMPLATE, rootfs=f"{storage}:2")

    @rule(vmid=_VMIDS, source=st.one_of(_VMIDS, st.just(9000)), full=st.sampled_from([None, 0, 1]))
    def clone(self, vmid: int, source: int, full: int | None) -> None:
        wish = {} if full is None else {"full": full}
        self.attempt("POST", f"{self.kind(source)}/{source}/clone", newid=vmid, **wish)

    @rule(vmid=_VMIDS, action=st.sampled_from(["start", "stop", "shutdown", "reboot"]))
    def power(self, vmid: int, action: str) -> None:
        self.attempt("POST", f"{self.kind(vmid)}/{vmid}/status/{action}")

    @rule(vmid=_VMIDS, slot=_SLOTS, storage=_STORAGES)
    def add_or_replace_disk(self, vmid: int, slot: str, storage: str) -> None:
        self.attempt("PUT", f"qemu/{vmid}/config", **{slot: f"{storage}:1"})

    @rule(vmid=_VMIDS, key=_MOUNTS, storage=_STORAGES)
    def add_or_replace_mount_point(self, vmid: int, key: str, storage: str) -> None:
        self.attempt("PUT", f"lxc/{vmid}/config", **{key: f"{storage}:1,mp=/{key}"})

    @rule(vmid=_VMIDS, key=st.one_of(_SLOTS, _MOUNTS, st.sampled_from(["unused0", "unused1"])))
    def detach_or_delete(self, vmid: int, key: str) -> None:
        self.attempt("PUT", f"{self.kind(vmid)}/{vmid}/config", delete=key)

    @rule(vmid=_VMIDS, key=st.one_of(_SLOTS, _MOUNTS))
    def attach_again(self, vmid: int, key: str) -> None:
        guest = self.bench.datacenter.guests.get(vmid)
        if guest is not None and "unused0" in guest.config:
            value = guest.config["unused0"] + (f",mp=/{key}" if key.startswith("mp") else "")
            self.attempt("PUT", f"{guest.type}/{vmid}/config", **{key: value})

    @rule(vmid=_VMIDS, slot=st.one_of(_SLOTS, _MOUNTS, st.just("rootfs")))
    def resize(self, vmid: int, slot: str) -> None:
        self.attempt("PUT", f"{self.kind(vmid)}/{vmid}/resize", disk=slot, size="+1G")

    @rule(vmid=_VMIDS, slot=_SLOTS, storage=_STORAGES, delete=st.booleans())
    def move_disk(self, vmid: int, slot: str, storage: str, *, delete: bool) -> None:
        self.attempt("POST", f"qemu/{vmid}/move_disk", disk=slot, storage=storage, delete=int(delete))

    @rule(vmid=_VMIDS, key=st.one_of(_MOUNTS, st.just("rootfs")), storage=_STORAGES, delete=st.booleans())
    def move_volume(self, vmid: int, key: str, storage: str, *, delete: bool) -> None:
        self.attempt("POST", f"lxc/{vmid}/move_volume", volume=key, storage=storage, delete=int(delete))

    @rule(vmid=_VMIDS, other=_VMIDS, slot=_SLOTS)
    def give_away(self, vmid: int, other: int, slot: str) -> None:
        self.attempt("POST", f"qemu/{vmid}/move_disk", disk=slot, target_vmid=other, target_disk="scsi7")

    @rule(vmid=_VMIDS)
    def template(self, vmid: int) -> None:
        self.attempt("POST", f"{self.kind(vmid)}/{vmid}/template")

    @rule(vmid=_VMIDS, name=_SNAPSHOTS, action=st.sampled_from(["take", "back", "delete"]))
    def snapshot(self, vmid: int, name: str, action: str) -> None:
        base = f"{self.kind(vmid)}/{vmid}/snapshot"
        if action == "take":
            self.attempt("POST", base, snapname=name)
        elif action == "back":
            self.attempt("POST", f"{base}/{name}/rollback")
        else:
            self.attempt("DELETE", f"{base}/{name}")

    @precondition(lambda self: len(self.bench.datacenter.guests) > 1)
    @rule(vmid=_VMIDS)
    def destroy(self, vmid: int) -> None:
        self.attempt("DELETE", f"{self.kind(vmid)}/{vmid}")

    @invariant()
    def every_volume_is_attached_or_unused(self) -> None:
        named = {volid for guest in self.bench.datacenter.guests for volid in _volumes_named_by(guest)}
        lost = [v.volid for v in self.bench.datacenter.volumes if v.vmid is not None and v.volid not in named]
        assert not lost

    @invariant()
    def every_volume_that_a_guest_names_is_there(self) -> None:
        """But a cloud-init drive, which Proxmox frees when it is replaced, although a snapshot names it."""
        there = {volume.volid for volume in self.bench.datacenter.volumes}
        for guest in self.bench.datacenter.guests:
            named = {volid for volid in _volumes_named_by(guest) if owns(guest.vmid, volid)}
            assert not [volid for volid in named - there if not volid.endswith("-cloudinit")]

    @invariant()
    def no_volume_is_attached_twice(self) -> None:
        for guest in self.bench.datacenter.guests:
            volids = [volume_of(value) for key, value in guest.config.items() if _is_disk(key) and ":" in value]
            assert len(volids) == len(set(volids)), guest.config

    @invariant()
    def the_space_adds_up(self) -> None:
        for section in self.bench.datacenter.storages:
            total, used = storage_usage(self.bench.datacenter, section, "pve1")
            assert used == sum(v.used for v in self.bench.datacenter.volumes if v.storage == section.id) <= total

    @invariant()
    def every_linked_clone_of_files_has_its_base(self) -> None:
        there = {volume.volid for volume in self.bench.datacenter.volumes}
        for volume in self.bench.datacenter.volumes:
            assert volume.parent is None or volume.storage == "local-lvm" or volume.parent in there
            assert own_name(volume.name)

    @invariant()
    def nothing_is_locked_and_no_task_broke(self) -> None:
        assert not [guest.vmid for guest in self.bench.datacenter.guests if guest.lock]
        assert not self.bench.tasks.lock_holders
        broken = [task for task in self.bench.datacenter.tasks if "simulator error" in str(task.exitstatus)]
        assert not broken, broken


def _is_disk(key: str) -> bool:
    return key.rstrip("0123456789") in ("scsi", "virtio", "sata", "ide", "rootfs", "mp", "unused")


def _volumes_named_by(guest: Guest) -> list[str]:
    """Return every volume that a configuration, its pending changes and its snapshots name."""
    configs = [guest.config, guest.pending, *(snapshot.config for snapshot in guest.snapshots.values())]
    return [volume_of(value) for config in configs for key, value in config.items() if _is_disk(key) and ":" in value]


GuestLife.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestGuestLife = GuestLife.TestCase
