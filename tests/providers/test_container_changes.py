"""What a container can be told beyond the usual: devices, lines for LXC, what only root may, what needs a stop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers._guests import lxc_raw
from providers._runtime.model import canonical
from providers.container import ContainerInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.providers.test_container import DATA, SMALL, TEMPLATE
from tests.runtime.doors import connection_to

LINES = ["lxc.idmap: u 0 100000 1005", "lxc.idmap: u 1005 1005 1", "lxc.mount.auto: sys:rw"]
FOR_ROOT: dict[str, Any] = {
    **SMALL,
    "dev": {"dev0": {"path": "/dev/fuse", "mode": "0660", "gid": 5}, "dev12": {"path": "/dev/kvm", "deny_write": True}},
    "features": {"nesting": True, "keyctl": True, "mount": ["nfs", "cifs"]},
    "hookscript": "local:snippets/hook.pl",
    "mp": {"mp0": {"volume": "/srv/data", "mp": "/data", "ro": True, "shared": True, "backup": False}},
    "rootfs": {"storage": "local-lvm", "size": "4G", "mountoptions": ["noatime", "discard"], "acl": True},
}


def by_ssh(container: Driver, *command: str) -> str:
    """What the node says."""
    return container.client.ssh.check("pve1", list(command), deadline=container.api.deadline).decode()


def stand_hook(simulator: Simulator, container: Driver) -> None:
    """A script that there has to be."""
    container.client.ssh.write(
        "pve1", "/var/lib/vz/snippets/hook.pl", b"#!/usr/bin/perl\n", 0o755, deadline=container.api.deadline
    )
    simulator.forget_requests()


def test_root_may_give_it_devices_directories_and_a_script(container: Driver, simulator: Simulator) -> None:
    stand_hook(simulator, container)
    container.log_in_as_root()

    container.up(FOR_ROOT)

    assert container.config()["dev12"] == "/dev/kvm,deny-write=1"
    assert container.config()["mp0"] == "/srv/data,mp=/data,backup=0,ro=1,shared=1"
    assert container.drift() == {}
    container.again()
    container.up({**SMALL, "dev": {"dev0": {"path": "/dev/fuse", "gid": 7}}})
    assert container.drift() == {}


def test_anybody_else_is_told_so_in_preview(container: Driver, simulator: Simulator) -> None:
    stand_hook(simulator, container)

    refused = container.problems(FOR_ROOT)

    assert set(refused) == {"dev", "features", "hookscript", "mp0"}
    assert all("only root@pam may set it" in reason for reason in refused.values())


def test_a_privileged_one_takes_the_right_to_change_the_node(container: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "kid@pve"})
    simulator.by_hand("PUT", "/access/acl", {"path": "/", "users": "kid@pve", "roles": "PVEVMAdmin"})
    secret = simulator.by_hand("POST", "/access/users/kid@pve/token/it", {"privsep": 0})["value"]
    connection = connection_to(simulator, token_id="kid@pve!it", token_secret=secret)
    container.client = type(container.client)("lab", connection, 4)
    container.again()

    problems = container.check({**SMALL, "unprivileged": False})[1]

    assert any("Sys.Modify on /" in reason for _, reason in problems)


def test_lines_for_lxc_are_there_before_it_starts_and_stay_behind_what_the_api_writes(container: Driver) -> None:
    container.up({**SMALL, "lxc": LINES})

    assert container.config()["lxc"] == [line.split(": ", 1) for line in LINES]
    assert container.drift() == {}
    container.again()
    container.up({**SMALL, "lxc": LINES, "memory": 1024})
    assert container.drift() == {}


def test_lines_that_somebody_changes_are_drift_and_set_right_once(container: Driver) -> None:
    container.up({**SMALL, "lxc": LINES})
    file = f"/etc/pve/lxc/{container.outputs['vmid']}.conf"
    by_ssh(container, "sh", "-c", f"echo 'lxc.cap.drop: sys_time' >> {file}")
    assert container.drift() == {"lxc": [*LINES, "lxc.cap.drop: sys_time"]}
    wanted = {**SMALL, "lxc": LINES}
    container.refresh()

    container.up(wanted)

    assert container.drift() == {}
    container.again()
    container.up(SMALL)
    assert "lxc" not in container.config()
    assert "lxc." not in by_ssh(container, "cat", file)


def test_lines_wait_for_a_reboot_or_get_one(container: Driver) -> None:
    container.up({**SMALL, "cores": 1})
    container.again()
    assert container.check({**SMALL, "cores": 1, "lxc": LINES})[0]["impact"] == "lxc: pending"
    container.up({**SMALL, "cores": 1, "lxc": LINES})
    assert container.warnings == [f"{container.id} has to be rebooted before these take effect: lxc"]

    container.again()
    container.up({**SMALL, "cores": 1, "lxc": LINES[:1], "on_reboot_needed": "reboot"})

    assert container.warnings == []


def test_without_ssh_a_preview_says_that_it_is_needed(container: Driver) -> None:
    container.client.ssh = type(container.client.ssh)("lab", connection_to(container.simulator))

    assert "give the connection `ssh`" in container.problems({**SMALL, "lxc": LINES})["lxc"]
    assert container.problems(SMALL) == {}


def test_a_snapshot_keeps_the_lines_that_it_has(container: Driver, simulator: Simulator) -> None:
    container.up({**SMALL, "lxc": LINES})
    simulator.by_hand("POST", f"/nodes/pve1/{container.id}/snapshot", {"snapname": "before"})
    container.again()

    container.up({**SMALL, "lxc": LINES[:1]})

    file = by_ssh(container, "cat", f"/etc/pve/lxc/{container.outputs['vmid']}.conf")
    own, _, kept = file.partition("[before]")
    assert [line for line in own.splitlines() if line.startswith("lxc.")] == LINES[:1]
    assert [line for line in kept.splitlines() if line.startswith("lxc.")] == LINES
    assert container.drift() == {}


def test_a_volume_of_a_running_one_moves_only_with_leave_to_stop_it(cluster: Simulator) -> None:
    rows = cluster.by_hand("GET", "/nodes/pve1/storage/local/content", {"content": "vztmpl"})
    container = Driver(cluster, "container")
    small = {**SMALL, "ostemplate": rows[0]["volid"], "mp": {"mp0": DATA}}
    container.up(small)
    container.again()
    moved = {**small, "mp": {"mp0": {**DATA, "storage": "nfs1"}}}
    assert "moves no volume of a running container" in container.problems(moved)["mp0"]

    container.up({**moved, "on_reboot_needed": "reboot"})

    assert container.outputs["volumes"]["mp0"].startswith("nfs1:")
    assert container.outputs["started"] is True
    assert container.drift() == {}


def test_one_is_restored_from_a_backup_and_is_as_declared(container: Driver, simulator: Simulator) -> None:
    container.up({**SMALL, "mp": {"mp0": DATA}, "cores": 2})
    vmid = container.outputs["vmid"]
    simulator.by_hand("POST", "/nodes/pve1/vzdump", {"vmid": vmid, "storage": "local", "compress": "zstd"})
    rows = simulator.by_hand("GET", "/nodes/pve1/storage/local/content", {"content": "backup"})
    restored = Driver(simulator, "container", name="restored")

    archive = {"volume": rows[0]["volid"], "storage": "local-lvm", "unique": True}
    restored.up({"node": "pve1", "hostname": "restored", "archive": archive, "net": SMALL["net"]})

    assert restored.config()["cores"] == 2
    assert restored.config()["hostname"] == "restored"
    assert restored.outputs["macs"] != container.outputs["macs"]
    assert restored.drift() == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lxc": ["idmap: u 0 100000 1"]}, "is no line for LXC"),
        ({"lxc": ["lxc.idmap: u 0 1 1\nlxc.cap.keep: all"]}, "is no line for LXC"),
        ({"dev": {"dev256": {"path": "/dev/fuse"}}}, "pattern"),
        ({"dev": {"dev0": {"path": "/dev/../etc"}}}, "pattern"),
        ({"env": {"A": "two\nlines"}}, "pattern"),
        ({"env": {"A B": "x"}}, "pattern"),
        ({"rootfs": {"storage": "local-lvm", "size": "4G", "mountoptions": ["bind"]}}, "Input should be"),
        ({"mp": {"mp0": {**DATA, "idmap": "u:0:0"}}}, "pattern"),
        ({"ostype": "windows"}, "Input should be"),
    ],
)
def test_a_value_that_proxmox_would_not_take_is_refused_without_a_host(change: dict[str, Any], words: str) -> None:
    _, problems = canonical(ContainerInputs, {**SMALL, "ostemplate": TEMPLATE, **change}, frozenset())

    assert words in problems[0][1]


OPTIONS = st.lists(
    st.sampled_from(["arch: amd64", "hostname: x", "#lxc.idmap: note", "mp0: a:b,mp=/lxc.d"]), unique=True
)
RAW = st.lists(st.sampled_from([*LINES, "lxc.cap.drop = sys_time"]), max_size=4)


@given(options=OPTIONS, before=RAW, after=RAW, snapshot=RAW)
def test_nothing_but_the_lines_of_the_present_state_is_replaced(
    options: list[str], before: list[str], after: list[str], snapshot: list[str]
) -> None:
    below = "".join(f"{line}\n" for line in ["", "[before]", "memory: 1", *snapshot]) if snapshot else ""
    text = "".join(f"{line}\n" for line in [*before, *options]) + below

    found = lxc_raw.replaced(text, after)

    assert found == "".join(f"{line}\n" for line in [*options, *after]) + below
    assert lxc_raw.replaced(found, after) == found


def test_a_card_keeps_its_mtu_until_the_next_start(container: Driver) -> None:
    card = {"name": "eth0", "bridge": "vmbr0"}
    container.up({**SMALL, "started": True, "net": {"net0": card}})

    other_mtu = {**SMALL, "started": True, "net": {"net0": {**card, "mtu": 1400}}}
    other_card = {**SMALL, "started": True, "net": {"net0": {**card, "name": "eth1", "mtu": 1400}}}

    assert container.check(other_mtu)[0]["impact"] == "net0: pending"
    assert container.check({**other_mtu, "on_reboot_needed": "reboot"})[0]["impact"] == "net0: reboot"
    assert container.check(other_card)[0]["impact"] == "net0: live"
