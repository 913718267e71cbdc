"""The inside of a container, as `pct exec|push|pull|enter` shows it, and of a machine by `qm guest`."""

from __future__ import annotations

import asyncio
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.ssh.node_shell import NodeShell
from simulator.ssh.programs import PROGRAMS
from simulator.ssh.shell import Streams
from simulator.ssh.streams import holding
from simulator.ssh.tree import Tree
from tests.simulator.guest_bench import Bench


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    error: str


@dataclass
class Node:
    """A node with a running container 101."""

    bench: Bench

    def run(self, line: str, given: bytes = b"") -> Ran:
        """Run a command line on the node."""
        tree = Tree(self.bench.world, self.bench.datacenter.nodes[self.bench.node].host, self.bench.tasks)
        shell = NodeShell(tree=tree, router=self.bench.router, programs=PROGRAMS, host=self.bench.node)
        out, error = bytearray(), bytearray()
        code = asyncio.run(shell.run(line, Streams(holding(given), out.extend, error.extend)))
        return Ran(code, out.decode(), error.decode())

    def ok(self, line: str, given: bytes = b"") -> str:
        """Run a command line that ends well, and return what it prints."""
        ran = self.run(line, given)
        assert ran.code == 0, ran
        return ran.out

    def inside(self, command: str, vmid: int = 101) -> Ran:
        """Run a command line inside a container."""
        return self.run(f"pct exec {vmid} -- bash -c {shlex.quote(command)}")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node with a running container."""
    bench = Bench.open(tmp_path)
    bench.container(101, hostname="web", net0="name=eth0,bridge=vmbr0,ip=192.0.2.50/24,gw=192.0.2.1")
    bench.ok("POST", "lxc/101/status/start")
    return Node(bench)


def test_a_command_runs_with_its_own_exit_code_and_streams(node: Node) -> None:
    assert node.run("pct exec 101 -- hostname") == Ran(0, "web\n", "")
    assert node.run("pct exec 101 ls /nope") == Ran(2, "", "ls: cannot access '/nope': No such file or directory\n")
    assert node.run("echo hello | pct exec 101 -- cat") == Ran(0, "hello\n", "")
    assert node.run("pct exec 101 -- bash -c 'exit 7'").code == 7


def test_a_command_that_is_not_there_ends_with_127(node: Node) -> None:
    ran = node.run("pct exec 101 -- nope")
    assert ran.code == 127
    assert ran.error.endswith('No such file or directory - Failed to exec "nope"\n')
    assert node.inside("nope") == Ran(127, "", "bash: line 1: nope: command not found\n")


def test_nothing_runs_in_a_container_that_is_stopped_or_not_there(node: Node) -> None:
    node.bench.ok("POST", "lxc/101/status/stop")
    assert node.run("pct exec 101 -- true") == Ran(255, "", "container '101' not running!\n")
    assert node.run("pct enter 101").error == "container '101' not running!\n"
    assert node.run("pct push 101 /etc/hostname /x").error == "can only push files to a running CT\n"
    assert node.run("pct pull 101 /etc/hostname /x").error == "can only pull files from a running VM\n"
    missing = "Configuration file 'nodes/pve1/lxc/999.conf' does not exist\n"
    assert node.run("pct exec 999 -- true") == Ran(2, "", missing)


def test_files_are_pushed_with_mode_and_owner_and_pulled_back(node: Node) -> None:
    node.ok("echo '#!/bin/sh\necho from inside' > /root/script")
    assert node.ok("pct push 101 /root/script /root/run --perms 750 --user www-data --group 33") == ""
    assert node.inside("ls -l /root/run").out.startswith("-rwxr-x---")
    node.ok("pct pull 101 /root/run /root/back")
    assert node.ok("cat /root/back") == node.ok("cat /root/script")


def test_a_push_that_cannot_be_is_refused(node: Node) -> None:
    assert node.run("pct push 101 /nope /x").error == "failed to open /nope for reading\n"
    refused = node.run("pct push 101 /etc/hostname /nope/x")
    assert refused == Ran(255, "", "failed to create file: /nope/x: No such file or directory\n")
    assert node.run("pct push 101 /etc/hostname /x --user ghost").error == "failed to get uid for: ghost\n"
    assert node.run("pct push 101 /etc/hostname /x --perms 9").error == "invalid mode: '09'\n"
    assert node.run("pct push 101 /etc/hostname").error.startswith("400 not enough arguments\n")


def test_enter_runs_the_lines_that_come_in(node: Node) -> None:
    assert node.ok("pct enter 101", b"cd /etc\npwd\ncat hostname\n") == "/etc\nweb\n"


def test_the_system_inside_knows_its_name_address_and_release(node: Node) -> None:
    assert node.inside("hostname -I").out.strip() == "192.0.2.50"
    assert "VERSION_CODENAME=trixie" in node.inside("cat /etc/os-release").out
    assert "192.0.2.50\tweb" in node.inside("cat /etc/hosts").out
    rows = json.loads(node.inside("ip -j addr").out)
    assert [(row["ifname"], row["addr_info"][0]["local"]) for row in rows] == [
        ("lo", "127.0.0.1"), ("eth0", "192.0.2.50"),
    ]  # fmt: skip


def test_a_package_brings_its_program_and_service_until_it_is_removed(node: Node) -> None:
    assert node.inside("command -v nginx || systemctl status nginx").code == 4
    assert "Setting up nginx" in node.inside("apt-get update && apt-get install -y nginx").out
    assert node.inside("dpkg-query -W -f='${Status}' nginx").out == "install ok installed"
    assert node.inside("systemctl is-active nginx && systemctl is-enabled nginx").out == "active\nenabled\n"
    assert node.inside("nginx -t && /usr/sbin/nginx -s reload").code == 0
    assert "already the newest version" in node.inside("apt-get install -y nginx").out
    node.inside("apt-get purge -y nginx")
    assert node.inside("nginx -t").code == 127
    assert node.inside("dpkg -s nginx").code == 1
    assert node.inside("apt-get install -y 'No Such'").code == 100


def test_services_start_stop_and_come_back_as_they_are_enabled(node: Node) -> None:
    assert node.inside("systemctl start nope").error == "Failed to start nope.service: Unit nope.service not found.\n"
    node.inside("apt-get install -y haproxy keepalived && systemctl disable --now haproxy && systemctl stop keepalived")
    assert node.inside("systemctl is-active haproxy keepalived").out == "inactive\ninactive\n"
    node.bench.ok("POST", "lxc/101/status/reboot")
    assert node.inside("systemctl is-active haproxy keepalived").out == "inactive\nactive\n"
    node.inside("systemctl enable --now haproxy; systemctl restart keepalived")
    assert node.inside("systemctl is-active haproxy keepalived").code == 0


def test_a_unit_that_was_pushed_can_be_started(node: Node) -> None:
    node.inside("echo '[Service]' > /etc/systemd/system/mine.service && systemctl daemon-reload")
    assert node.inside("systemctl is-active mine").code == 3
    assert node.inside("systemctl enable --now mine && systemctl is-active mine").out == "active\n"


def test_a_template_of_services_starts_nothing_until_an_instance_is_asked_for(node: Node) -> None:
    node.inside("apt-get install -y tinc")
    assert node.inside("systemctl is-active tinc tinc@lab").out == "active\ninactive\n"
    assert node.inside("systemctl enable --now tinc@lab && systemctl is-active tinc@lab").out == "active\n"
    assert node.inside("systemctl start nope@lab").code == 5


def test_users_are_added_and_get_passwords(node: Node) -> None:
    assert node.inside("useradd -m anna && id -u anna && echo anna:secret | chpasswd").out == "1000\n"
    assert node.inside("useradd anna").error == "useradd: user 'anna' already exists\n"
    assert node.run("echo ghost:x | pct exec 101 -- chpasswd").code == 1
    assert "secret" not in node.inside("cat /etc/shadow").out


def test_a_container_can_power_itself_off(node: Node) -> None:
    node.inside("poweroff")
    assert node.bench.guest(101).status == "stopped"


def test_what_is_below_run_does_not_outlive_a_stop(node: Node) -> None:
    node.inside("echo x > /run/lock; echo x > /var/lock")
    node.bench.ok("POST", "lxc/101/status/reboot")
    assert node.inside("cat /run/lock").code == 1
    assert node.inside("cat /var/lock").code == 0


def test_files_go_where_their_volume_goes(node: Node) -> None:
    bench = node.bench
    bench.ok("POST", "lxc/101/status/stop")
    bench.call("PUT", "lxc/101/config", mp0="local-lvm:1,mp=/data")
    bench.ok("POST", "lxc/101/status/start")
    node.inside("echo root > /etc/mine; echo data > /data/mine")
    bench.ok("POST", "lxc/101/snapshot", snapname="before")
    node.inside("echo changed > /etc/mine; rm /etc/hosts")
    bench.ok("POST", "lxc/101/status/stop")
    bench.ok("POST", "lxc/101/clone", newid=102, hostname="copy", full=1)
    bench.ok("POST", "lxc/102/status/start")
    assert node.inside("cat /etc/mine /data/mine; cat /etc/hosts", 102).out == "changed\ndata\n"
    bench.ok("POST", "lxc/101/snapshot/before/rollback")
    bench.ok("POST", "lxc/101/status/start")
    assert node.inside("cat /etc/mine").out == "root\n"
    assert node.inside("cat /etc/hosts").code == 0
    bench.ok("POST", "lxc/102/status/stop")
    bench.ok("DELETE", "lxc/102")
    bench.container(102)
    bench.ok("POST", "lxc/102/status/start")
    assert node.inside("cat /etc/mine", 102).code == 1


def test_what_is_inside_survives_the_simulators_own_end(node: Node, tmp_path: Path) -> None:
    node.inside("echo kept > /root/kept")
    node.bench.world.database.close()
    again = Bench.open(tmp_path)
    assert Node(again).inside("cat /root/kept").out == "kept\n"


def test_qm_runs_commands_in_a_machine_by_its_agent(node: Node) -> None:
    bench = node.bench
    bench.ok("POST", "qemu/9000/clone", newid=102, name="vm")
    assert node.run("qm guest exec 102 -- hostname") == Ran(255, "", "VM 102 is not running\n")
    bench.ok("POST", "qemu/102/status/start")
    done = json.loads(node.ok("qm guest exec 102 -- bash -c 'hostname; exit 3'"))
    assert done == {"exited": 1, "exitcode": 3, "out-data": "vm\n"}
    assert json.loads(node.ok("qm guest exec 102 --pass-stdin 1 -- cat", b"in"))["out-data"] == "in"
    pid = json.loads(node.ok("qm guest exec 102 --synchronous 0 -- true"))["pid"]
    assert json.loads(node.ok(f"qm guest exec-status 102 {pid}")) == {"exited": 1, "exitcode": 0}
    assert json.loads(node.ok("qm guest cmd 102 get-host-name")) == {"host-name": "vm"}
    assert json.loads(node.ok("qm agent 102 ping")) == {}
    node.ok("qm guest passwd 102 root", b"secret-1\nsecret-1\n")
    assert node.run("qm guest passwd 102 root", b"secret-1\nsecret-2\n").error == "Passwords do not match.\n"


def test_a_serial_terminal_needs_a_port_a_running_machine_and_a_terminal(node: Node) -> None:
    bench = node.bench
    bench.ok("POST", "qemu/9000/clone", newid=102)
    assert node.run("qm terminal 102") == Ran(255, "", "VM 102 not running\n")
    assert node.run("qm terminal 102 --iface serial1").error == "serial interface 'serial1' is not configured\n"
    bench.create(103)
    assert node.run("qm terminal 103").error == "unable to find a serial interface\n"
    bench.ok("POST", "qemu/102/status/start")
    assert "Inappropriate ioctl for device" in node.run("qm terminal 102").error


def test_a_script_of_the_usual_kind_runs_inside(node: Node) -> None:
    script = """#!/bin/bash
set -e
for name in haproxy keepalived; do
    apt-get install -y "$name" >/dev/null
    systemctl enable --now "$name"
done
if grep -q trixie /etc/os-release; then sed 's/a/b/' <<<"$1" | tee /root/out; fi
(sleep 60; echo late > /root/late) &
"""
    node.ok("cat > /root/setup.sh", script.encode())
    node.ok("pct push 101 /root/setup.sh /usr/local/bin/setup --perms 755")
    ran = node.run("pct exec 101 -- setup cat")
    assert (ran.code, ran.out) == (0, "cbt\n")
    assert node.inside("systemctl is-active haproxy keepalived && cat /root/out").out == "active\nactive\ncbt\n"
    assert node.inside("cat /root/late").out == "late\n"


def test_files_are_given_to_users_that_the_guest_knows(node: Node) -> None:
    node.inside("useradd anna; mkdir -p /srv/data; touch /srv/data/one; chown -R anna:www-data /srv/data")
    assert node.inside("stat -c '%u %g' /srv/data /srv/data/one").out == "1000 33\n1000 33\n"
    assert node.inside("chown ghost /srv/data").code == 1


def test_root_of_a_new_container_has_the_keys_and_the_password_that_were_asked_for(node: Node) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGvNzO6Yb8n0cTqT1l2k3m4n5o6p7q8r9s0t1u2v3w4x anna"
    node.bench.container(102, password="secret-1", ssh_public_keys=key)
    node.bench.ok("POST", "lxc/102/status/start")
    assert node.inside("cat /root/.ssh/authorized_keys", 102).out == f"{key}\n"
    assert node.inside("stat -c %a /root/.ssh/authorized_keys", 102).out == "600\n"
    assert "root:*:" in node.inside("cat /etc/shadow", 101).out
    assert "root:$y$" in node.inside("cat /etc/shadow", 102).out
