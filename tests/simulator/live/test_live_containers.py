"""Containers of a live topology are really there: with a file tree, processes and network cards of their own."""

from __future__ import annotations

import os
import re
from pathlib import Path

from simulator.topology import SHIPPED
from tests.simulator.live.lab import Lab, live_lab, until


def test_a_container_has_a_name_processes_and_addresses_of_its_own(lab: Lab) -> None:
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24,gw=10.1.0.254,mtu=1400,hwaddr=BC:24:11:00:00:01")
    assert lab.ok(101, "hostname") == "ct101\n"
    assert "sshd" not in lab.ok(101, "ps ax")
    link = lab.ok(101, "ip address show eth0")
    assert "mtu 1400" in link
    assert "bc:24:11:00:00:01" in link
    assert "inet 10.1.0.1/24" in link
    assert lab.ok(101, "ip route show default").startswith("default via 10.1.0.254 dev eth0")
    assert os.readlink(f"/proc/{lab.status(101)['pid']}/ns/net") != os.readlink("/proc/self/ns/net")


def test_what_a_container_writes_is_its_own_and_stays(lab: Lab) -> None:
    lab.start(101)
    lab.start(102)
    lab.ok(101, "echo mine | tee /etc/own /usr/share/own /var/lib/own /root/own /opt/own >/dev/null")
    assert lab.inside(102, "cat /etc/own /usr/share/own").code == 1
    assert not Path("/usr/share/own").exists()
    assert not Path("/etc/own").exists()
    lab.stop(101)
    lab.start(101)
    assert lab.ok(101, "cat /etc/own /usr/share/own /var/lib/own /root/own /opt/own") == "mine\n" * 5


def test_a_container_sees_nothing_of_the_machine_but_its_programs(lab: Lab, tmp_path: Path) -> None:
    lab.start(101)
    assert lab.inside(101, f"ls {tmp_path}").code == 2
    assert lab.ok(101, "ls /home /mnt /srv /tmp") == "/home:\n\n/mnt:\n\n/srv:\n\n/tmp:\n"
    assert "root:*:" in lab.ok(101, "cat /etc/shadow")
    assert lab.inside(101, "echo other >/proc/sys/kernel/hostname").code != 0
    assert lab.ok(101, "sysctl -w net.ipv4.ip_forward=1").endswith("= 1\n")


def test_files_are_pushed_and_pulled_and_missing_ones_are_told(lab: Lab) -> None:
    lab.start(101)
    node = lab.remote("pve1")
    node.ok("tee /root/given >/dev/null", b"\x00some\xff")
    node.ok("pct push 101 /root/given /opt/taken --perms 600 --user 33")
    assert lab.ok(101, "stat -c '%a %u %s' /opt/taken") == "600 33 6\n"
    node.ok("pct pull 101 /opt/taken /root/back")
    assert node.ok("sha256sum /root/given").split()[0] == node.ok("sha256sum /root/back").split()[0]
    assert "No such file or directory" in node.run("pct pull 101 /opt/nothing /root/back").error
    assert node.run("pct exec 101 -- nosuchprogram").code == 127


def test_processes_end_with_their_container(lab: Lab) -> None:
    lab.start(101)
    lab.ok(101, "setsid sleep 1000 >/dev/null 2>&1 &")
    pid = lab.status(101)["pid"]
    inside = os.readlink(f"/proc/{pid}/ns/pid")
    lab.stop(101)
    until(lambda: not _processes_in(inside))


def test_a_container_whose_first_process_ends_is_stopped(lab: Lab) -> None:
    lab.start(101)
    os.kill(lab.status(101)["pid"], 9)
    until(lambda: bool(lab.status(101)["status"] == "stopped"))


def test_a_destroyed_container_leaves_no_files_to_the_next_of_its_number(lab: Lab) -> None:
    template = {"ostemplate": "local:vztmpl/none.tar.zst"}
    lab.start(104)
    lab.ok(104, "touch /root/old")
    lab.stop(104)
    lab.do("DELETE", "/nodes/pve1/lxc/104")
    lab.client.control("seed", {"table": "volumes", "records": [_template()]})
    assert lab.do("POST", "/nodes/pve1/lxc", vmid=104, rootfs="local:4", **template) == "OK"
    lab.start(104)
    assert lab.ok(104, "ls /root") == ""


def _template() -> dict[str, object]:
    return {
        "storage": "local", "node": "pve1", "name": "vztmpl/none.tar.zst", "content": "vztmpl", "format": "tzst",
        "size": 1000, "used": 1000,
    }  # fmt: skip


def test_a_container_that_moves_to_another_node_takes_its_files_and_address_along(new_lab: Lab) -> None:
    new_lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24", mp0="local:1,mp=/data")
    new_lab.start(102, "bridge=vmbr0,ip=10.1.0.2/24")
    new_lab.ok(101, "echo kept >/data/file")
    assert new_lab.do("POST", "/nodes/pve1/lxc/101/migrate", target="pve2", restart=1) == "OK", new_lab.log
    assert new_lab.node_of(101) == "pve2"
    until(lambda: new_lab.status(101)["status"] == "running")
    assert new_lab.ok(101, "cat /data/file") == "kept\n"
    assert new_lab.reaches(102, "10.1.0.1")


def test_a_start_that_fails_says_why_and_leaves_the_container_stopped(lab: Lab) -> None:
    lab.configure(101, net0="name=eth0,bridge=vmbr0", net1="name=eth0,bridge=vmbr0")
    assert lab.do("POST", "/nodes/pve1/lxc/101/status/start") == "startup for container '101' failed"
    assert "File exists" in "\n".join(lab.log)
    assert lab.status(101)["status"] == "stopped"


def _processes_in(namespace: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/pid") == namespace:
                found.append(process.name)
        except OSError:
            continue
    return found


def test_a_change_that_cannot_be_made_is_told_in_the_journal_of_the_node(lab: Lab) -> None:
    lab.start(101, "bridge=vmbr0")
    lab.configure(101, net1="name=eth0,bridge=vmbr0")
    told = r"pve-container@101\S*: .*File exists"
    until(lambda: re.search(told, "\n".join(lab.do("GET", "/nodes/pve1/journal", lastentries=20))) is not None)


def test_a_highly_available_container_comes_back_on_another_node_with_what_it_had_written(tmp_path: Path) -> None:
    with live_lab(tmp_path, (SHIPPED / "live.yaml").read_text(encoding="utf-8")) as lab:
        for vmid, node in ((100, "pve1"), (200, "pve2")):
            lab.do(
                "POST", f"/nodes/{node}/lxc", vmid=vmid, rootfs="nfs1:4",
                ostemplate="nfs1:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
                net0=f"name=eth0,bridge=vmbr0,ip=10.1.0.{vmid}/24",
            )  # fmt: skip
        lab.start(100)
        lab.do("POST", "/cluster/ha/resources", sid="ct:200", state="started")
        until(lambda: lab.reaches(100, "10.1.0.200"))
        lab.ok(200, "echo kept >/root/file")
        lab.switch("pve2", online=False)
        until(lambda: lab.node_of(200) != "pve2")
        until(lambda: lab.reaches(100, "10.1.0.200"))
        assert lab.ok(200, "cat /root/file") == "kept\n"
