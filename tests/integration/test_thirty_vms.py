"""Thirty virtual machines, each with another change and another drift, through the real engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conftest import Simulator, as_json
from tests.engine import Program, Resource

pytestmark = pytest.mark.engine

DISK = {"storage": "local-lvm", "size": "1G"}
NIC = {"model": "virtio", "bridge": "vmbr0"}
CLOUD = {
    "clone": {"name": "debian-13-template"},
    "ciuser": "admin",
    "ipconfig": {"ipconfig0": {"ip": "dhcp"}},
    "disks": {"scsi0": {"size": "3G"}},
}
TWO_DISKS = {"disks": {"scsi0": DISK, "scsi1": DISK}}
RUNNING = {"started": True}
Values = Mapping[str, Any]
EACH: list[tuple[Values, Values, Values]] = [
    ({}, {"name": "renamed"}, {"name": "by-hand"}),
    ({}, {"tags": ["b", "a"]}, {"tags": "c"}),
    ({}, {"description": "two\nlines"}, {"description": "by hand"}),
    ({}, {"cores": 2, "sockets": 2}, {"cores": 8}),
    ({}, {"cpu": {"cputype": "host", "flags": ["+aes"]}}, {"cpu": "kvm64"}),
    ({}, {"memory": 1024}, {"memory": 256}),
    ({"balloon": 128}, {"balloon": 0}, {"balloon": 64}),
    ({}, {"numa": True, "cpulimit": 1.5, "cpuunits": 50}, {"cpulimit": 3}),
    ({}, {"disks": {"scsi0": {**DISK, "size": "2G", "ssd": True}}}, {"scsi0": "{disk}"}),
    ({}, TWO_DISKS, {"delete": "scsi1"}),
    (TWO_DISKS, {}, {"virtio1": "local-lvm:1"}),
    (TWO_DISKS, {"on_disk_removed": "delete"}, {"sata1": "local-lvm:1"}),
    ({}, {"disks": {"scsi0": {**DISK, "cache": "none", "discard": "on"}}}, {"scsi0": "{disk},cache=unsafe"}),
    ({}, {"disks": {"scsi0": {"storage": "nfs1", "size": "1G", "format": "qcow2"}}}, {"name": "by-hand"}),
    ({}, {"net": {"net0": {**NIC, "tag": 7}}}, {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1"}),
    ({}, {"net": {"net0": NIC, "net1": {**NIC, "model": "e1000"}}}, {"delete": "net1"}),
    ({"net": {"net0": NIC, "net1": NIC}}, {}, {"net2": "virtio,bridge=vmbr0"}),
    ({}, {"node": "pve2"}, {"memory": 1024}),
    (RUNNING, {"node": "pve3"}, {"name": "moved"}),
    ({}, {"onboot": True, "startup": {"order": 3}}, {"startup": "order=9"}),
    (CLOUD, {"ciuser": "other"}, {"ciuser": "hand"}),
    (CLOUD, {"ipconfig": {"ipconfig0": {"ip": "192.0.2.9/24"}}}, {"ipconfig0": "ip=192.0.2.10/24"}),
    (CLOUD, {"sshkeys": ["ssh-ed25519 AAAA me@home"], "nameserver": ["192.0.2.53"]}, {"nameserver": "192.0.2.54"}),
    ({}, RUNNING, {"searchdomain": "by.hand", "name": "by-hand"}),
    (RUNNING, {}, {"ostype": "win11", "name": "by-hand"}),
    ({}, {"boot": {"order": ["net0", "scsi0"]}}, {"boot": "order=scsi0"}),
    ({}, {"agent": {"enabled": True}, "hotplug": ["disk"]}, {"agent": "0"}),
    ({}, {"serial0": "socket", "vga": {"type": "serial0"}}, {"vga": "std"}),
    ({}, {"bios": "ovmf", "efidisk0": {"storage": "local-lvm", "efitype": "4m"}}, {"bios": "seabios"}),
    ({}, {"pool": "thirty", "rng0": {"source": "/dev/urandom"}}, {"rng0": "source=/dev/random"}),
]
"""What each machine has besides the usual, what it is changed to, and what somebody then writes by hand."""


def declared(step: int) -> dict[str, Resource]:
    """The program with all machines as they are at first (0) or changed (1)."""
    usual = {"node": "pve1", "memory": 512, "disks": {"scsi0": DISK}, "net": {"net0": NIC}, "started": False}
    machines = {}
    for number, (first, changed, _) in enumerate(EACH):
        kept = first if first is CLOUD else {}
        args = {**usual, "name": f"vm{number}", **(first if step == 0 else {**kept, **changed})}
        machines[f"vm{number}"] = Resource("providers.vm.VirtualMachine", args, ("pool",))
    return {"pool": Resource("providers.pool.Pool", {"poolid": "thirty"}), **machines}


def test_thirty_machines_survive_every_change_and_every_drift(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    before = as_json(cluster.state())
    program = program_on(cluster)
    program.declare(declared(0))
    made = program.up()
    assert made.changes == {"create": 1 + len(EACH)}, made.text
    ids = {name: resource["id"] for name, resource in program.state().items()}

    program.declare(declared(1))
    changed = program.up()
    assert changed.changes == {"update": len(EACH)}, changed.text
    nothing_to_do(program)

    for number, (_, _, drift) in enumerate(EACH):
        write_by_hand(cluster, ids[f"vm{number}"], drift)
    mended = program.up("--refresh")
    assert mended.changes == {"update": len(EACH)}, mended.text
    nothing_to_do(program)

    assert {name: resource["id"] for name, resource in program.state().items()} == ids, "none was made anew"
    assert program.destroy().code == 0
    assert as_json(cluster.state()) == before


def nothing_to_do(program: Program) -> None:
    """A second run, with a refresh before, finds everything as declared."""
    again = program.up("--refresh")
    assert (again.code, again.changes) == (0, {}), again.text


def write_by_hand(cluster: Simulator, guest: str, drift: Values) -> None:
    """Change a machine's configuration, wherever it is now."""
    vmid = guest.partition("/")[2]
    row = next(row for row in cluster.by_hand("GET", "/cluster/resources") if str(row.get("vmid")) == vmid)
    path = f"/nodes/{row['node']}/{guest}/config"
    disk = cluster.by_hand("GET", path)["scsi0"].partition(",")[0]
    cluster.by_hand("PUT", path, {key: str(value).format(disk=disk) for key, value in drift.items()})
