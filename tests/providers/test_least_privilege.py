"""What every type says of its privileges is what Proxmox asks: all together are enough, and none is one too many."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.least_privilege import smallest
from tests.conftest import Simulator
from tests.providers.lives import Life, Piece, Program, without

TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
ISO = {"node": "pve1", "storage": "local", "content": "iso", "filename": "it.iso", "data": "an image"}

WEB: dict[str, Any] = {
    "vmid": 700,
    "name": "web",
    "node": "pve1",
    "clone": {"vmid": 9000},
    "pool": "lab",
    "cores": 3,
    "memory": 1024,
    "disks": {"scsi0": {"storage": "local-lvm", "size": "16G"}},
    "net": {"net0": {"model": "virtio", "bridge": "vmbr0"}},
    "ipconfig": {"ipconfig0": {"ip": "dhcp"}},
    "tags": ["web"],
    "agent": {"enabled": True},
    "wait_for": "agent",
}
DNS: dict[str, Any] = {
    "vmid": 701,
    "hostname": "dns",
    "node": "pve1",
    "ostemplate": TEMPLATE,
    "memory": 512,
    "rootfs": {"storage": "local-lvm", "size": "4G"},
    "net": {"net0": {"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"}},
    "unprivileged": True,
    "pool": "lab",
    "password": "a password",
}
URL = {
    "node": "pve1",
    "storage": "bulk",
    "content": "vztmpl",
    "filename": "it.tar",
    "url": "https://images.example.org/it.tar",
    "checksum": "0123456789abcdef" * 4,
    "checksum_algorithm": "sha256",
}
BULK = {"storage": "bulk", "type": "dir", "path": "/srv/bulk", "content": ["backup", "vztmpl"]}
LAB: Program = {
    "pool": Piece("pool", {"poolid": "lab"}, {"comment": "of its own"}),
    "bulk": Piece("storage", BULK, {"content": ["backup", "iso", "vztmpl"]}),
    "file": Piece("file", URL, {"verify_certificates": False}),
    "web": Piece("vm", WEB, {"memory": 2048, "tags": ["web", "new"]}),
    "dns": Piece("container", DNS, {"memory": 1024}),
    "before": Piece("snapshot", {"vmid": 700, "snapname": "before"}, {"description": "before all"}),
    "nightly": Piece(
        "backup_job", {"job_id": "nightly", "schedule": "02:00", "pool": "lab", "storage": "bulk"}, {"enabled": False}
    ),
}
"""A bit of everything."""

USB = "node=pve1,id=1d6b:0002"
SMALL: dict[str, Any] = {"vmid": 702, "node": "pve1", "name": "box", "memory": 256, "started": False}
PROGRAMS: dict[str, Program] = {
    "a file that is downloaded": {"file": Piece("file", {**URL, "storage": "local"}, {})},
    "a file that is uploaded": {"file": Piece("file", ISO, {"data": "another image"})},
    "a snippet": {"file": Piece("file", {**ISO, "content": "snippets", "filename": "it.yaml"}, {"data": "another"})},
    "a machine with drives": {
        "iso": Piece("file", ISO, {}),
        "box": Piece(
            "vm",
            {
                **SMALL,
                "disks": {
                    "scsi0": {"storage": "local-lvm", "size": "1G"},
                    "ide0": {"file": "local-lvm:cloudinit"},
                    "ide2": {"file": "local:iso/it.iso", "media": "cdrom"},
                },
                "startup": {"order": 3},
                "vga": {"type": "std"},
            },
            {"startup": {"order": 4}},
        ),
    },
    "a backup": {
        "box": Piece("vm", {**SMALL, "disks": {"scsi0": {"storage": "local-lvm", "size": "1G"}}}, {"memory": 512}),
        "kept": Piece("backup", {"vmid": 702, "storage": "local", "keep_on_destroy": False}, {"notes": "before"}),
    },
    "a backup of a guest that is there": {
        "kept": Piece("backup", {"vmid": 9000, "storage": "local", "keep_on_destroy": False}, {"protected": False}),
    },
    "a job for all guests": {
        "nightly": Piece(
            "backup_job",
            {
                "job_id": "nightly",
                "schedule": "02:00",
                "all": True,
                "storage": "local",
                "fleecing": {"enabled": True, "storage": "local-lvm"},
            },
            {"enabled": False},
        ),
    },
    "a datacenter": {
        "options": Piece("cluster_options", {"keyboard": "de"}, {"language": "de"}),
        "figures": Piece(
            "metrics_server",
            {"server_id": "figures", "type": "graphite", "server": "192.0.2.80", "port": 2003},
            {"port": 2004},
        ),
        "key": Piece(
            "hardware_mapping", {"type": "usb", "mapping_id": "key", "map": [USB]}, {"description": "of the lab"}
        ),
    },
    "a machine under HA": {
        "box": Piece("vm", SMALL, {}),
        "managed": Piece("ha_resource", {"vmid": 702, "state": "stopped"}, {"max_restart": 3}),
        "near": Piece(
            "ha_rule",
            {"rule": "near", "type": "node-affinity", "resources": ["vm:702"], "nodes": ["pve1"]},
            {"strict": True},
        ),
    },
    "people": {
        "ops": Piece("group", {"groupid": "ops"}, {"comment": "on call"}),
        "ann": Piece("user", {"userid": "ann@pve", "groups": ["ops"]}, {"email": "ann@example.org"}),
        "nobody": Piece("user", {"userid": "nobody@pve"}, {"comment": "in no group"}),
        "token": Piece("api_token", {"userid": "ann@pve", "tokenid": "labs"}, {"comment": "of Ann's"}),
        "role": Piece("role", {"roleid": "operator", "privs": ["VM.Audit"]}, {"privs": ["VM.Console"]}),
        "acl": Piece("acl", {"path": "/vms/100", "roleid": "operator", "group": "ops"}, {"propagate": False}),
        "corp": Piece(
            "realm",
            {"realm": "corp", "type": "ldap", "server1": "192.0.2.7", "base_dn": "dc=example", "user_attr": "uid"},
            {"comment": "Corp"},
        ),
    },
}
"""What the rest is peculiar in."""

COPIED: Program = {
    "tank": Piece("storage", {"storage": "tank", "type": "zfspool", "pool": "tank", "content": ["images"]}, {}),
    "box": Piece(
        "vm", {**SMALL, "disks": {"scsi0": {"storage": "tank", "size": "1G"}}}, {"node": "pve2", "description": "moved"}
    ),
    "copy": Piece("replication", {"job_id": "702-0", "target": "pve3"}, {"rate": 10}),
}
"""What a cluster can besides."""

AREAS = ["/access", "/nodes", "/pool", "/sdn", "/storage", "/vms/700", "/vms/701", "/vms/9000", "/"]


def area_of(path: str) -> str:
    """The first of the areas that a path is in."""
    return next(area for area in AREAS if path.startswith(area))


@pytest.mark.parametrize("name", ["a lab", *PROGRAMS])
def test_with_what_they_say_that_they_need_nothing_is_refused(simulator: Simulator, name: str) -> None:
    life = Life(simulator, PROGRAMS.get(name, LAB))
    life.allow(life.privileges())

    assert life.preview() == {}
    assert life.run() == ""


@pytest.mark.parametrize("area", AREAS)
def test_a_lab_fails_where_any_one_privilege_is_taken_away(simulator: Simulator, area: str) -> None:
    taken_without_harm(simulator, LAB, area)


@pytest.mark.parametrize("name", PROGRAMS)
def test_other_programs_fail_where_any_one_privilege_is_taken_away(simulator: Simulator, name: str) -> None:
    taken_without_harm(simulator, PROGRAMS[name], "")


def test_a_replicated_machine_fails_where_any_one_privilege_is_taken_away(cluster: Simulator) -> None:
    life = Life(cluster, COPIED)
    life.allow(life.privileges())
    assert life.preview() == {}
    assert life.run() == ""

    taken_without_harm(cluster, COPIED, "")


def taken_without_harm(simulator: Simulator, program: Program, area: str) -> None:
    """Each privilege of an area is missed."""
    life = Life(simulator, program)
    privileges = life.privileges()
    useless = []
    for path, names in privileges.items():
        for name in names if area in ("", area_of(path)) else ():
            life.allow(without(privileges, path, name))
            if not life.run():
                useless.append(f"{name} on {path}")

    assert useless == []


@pytest.mark.parametrize(
    ("needs", "found"),
    [
        ([("/vms/1", "VM.Audit"), ("/vms/1", "VM.Audit")], {"/vms/1": ["VM.Audit"]}),
        ([("/a", "B|C")], {"/a": ["B"]}),
        ([("/a", "B|C"), ("/a", "C")], {"/a": ["C"]}),
        ([("/a", "B", "/p")], {"/a": ["B"]}),
        ([("/a", "B", "/p"), ("/p", "B")], {"/p": ["B"]}),
        ([("/a", "X|M", "/"), ("/a", "X|N", "/"), ("/", "M")], {"/": ["M"], "/a": ["X"]}),
        ([("/a", "X|M", "/"), ("/a", "X|N", "/"), ("/", "M"), ("/", "N")], {"/": ["M", "N"]}),
        ([("/a", "B|C"), ("/a", "C|D"), ("/a", "D|B")], {"/a": ["B", "C"]}),
        ([], {}),
    ],
)
def test_of_several_ways_the_usual_one_is_taken_unless_another_is_open_anyhow(
    needs: list[Any], found: dict[str, list[str]]
) -> None:
    assert smallest(needs) == found
