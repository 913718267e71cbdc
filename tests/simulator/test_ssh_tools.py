"""The command line tools of Proxmox VE on a node, and systemd's timers on the simulator's clock."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Simulator
from tests.simulator.test_ssh import Remote, clustered, pve1

__all__ = ["clustered", "pve1"]
INTERFACES = "/etc/network/interfaces"


@pytest.mark.parametrize(
    "tool",
    [
        "qm",
        "pct",
        "pvesm",
        "pveum",
        "ha-manager",
        "pvesr",
        "pvenode",
        "pvesh",
        "pve-firewall",
        "ovs-vsctl",
        "systemctl",
    ],
)
def test_a_tool_refuses_a_command_that_it_has_not(pve1: Remote, tool: str) -> None:
    ran = pve1.run(f"{tool} fly away")
    assert (ran.code != 0, ran.out) == (True, "")
    assert "nknown command" in ran.error or "fly" in ran.error


def test_resources_are_handed_to_the_ha_manager(clustered: Remote) -> None:
    for vmid in (180, 181):
        clustered.ok(f"qm create {vmid} --memory 128")
        clustered.ok(f"ha-manager add vm:{vmid} --state stopped --comment 'to: try'")
    assert "vm:180\n\tcomment to: try\n" in clustered.ok("ha-manager config")
    assert "service vm:180 (pve1, stopped)\n" in clustered.ok("ha-manager status")
    assert "vm: 180\n\tcomment to%3A try\n\tstate stopped\n\n" in clustered.ok("cat /etc/pve/ha/resources.cfg")
    clustered.ok("ha-manager rules add resource-affinity apart --affinity negative --resources vm:180,vm:181")
    assert "resource-affinity: apart\n\taffinity negative\n" in clustered.ok("ha-manager rules config")
    clustered.ok("ha-manager rules set resource-affinity apart --disable 1 && ha-manager rules remove apart")
    clustered.ok("ha-manager set vm:180 --state started && ha-manager crm-command relocate vm:180 pve2")
    assert clustered.ok("ls /etc/pve/nodes/pve2/qemu-server") == "180.conf\n"
    clustered.ok("ha-manager crm-command node-maintenance enable pve2")
    assert clustered.ok("ls /etc/pve/nodes/pve2/qemu-server") == ""
    assert json.loads(clustered.ok("cat /etc/pve/ha/manager_status"))["service_status"].keys() == {"vm:180", "vm:181"}
    clustered.ok("ha-manager crm-command node-maintenance disable pve2")
    clustered.ok("ha-manager remove vm:180; ha-manager remove vm:181")
    assert clustered.ok("ha-manager config") == ""
    assert json.loads(clustered.ok("cat /etc/pve/local/lrm_status"))["mode"] == "active"


def test_a_password_is_set_at_the_prompt(simulator: Simulator, pve1: Remote) -> None:
    pve1.ok("pveum user add kim@pve; pveum role add Own --privs VM.Audit; pveum pool add prod")
    ran = pve1.run("pveum passwd kim@pve", b"secret-1\nsecret-2\n")
    assert (ran.code, ran.error) == (255, "Passwords do not match.\n")
    assert pve1.run("pveum passwd kim@pve", b"secret-1\nsecret-1\n").code == 0
    login = simulator.by_hand("POST", "/access/ticket", {"username": "kim@pve", "password": "secret-1"})
    assert login["username"] == "kim@pve"
    assert pve1.ok("pveum pool list --output-format json") == '[{"poolid":"prod"}]\n'


def test_volumes_are_made_found_and_freed(pve1: Remote) -> None:
    assert "successfully created 'local-lvm:vm-190-disk-0'" in pve1.ok("pvesm alloc local-lvm 190 '' 1G")
    assert pve1.ok("pvesm path local-lvm:vm-190-disk-0") == "/dev/pve/vm-190-disk-0\n"
    assert "vm-190-disk-0" in pve1.ok("pvesm list local-lvm --vmid 190")
    pve1.ok("pvesm free local-lvm:vm-190-disk-0")
    assert pve1.ok("pvesm list local-lvm --vmid 190") == ""
    assert pve1.run("pvesm import local-lvm:vm-190-disk-0 raw+size -").code == 255
    assert pve1.ok("pvesm apiinfo").startswith("APIVER ")


def test_pvesh_explains_a_path(pve1: Remote) -> None:
    text = pve1.ok("pvesh usage /pools --verbose")
    assert "USAGE: pvesh create /pools [OPTIONS]" in text
    assert "-poolid" in text
    assert pve1.run("pvesh usage /nowhere").code == 255


def test_the_node_tells_of_itself(pve1: Remote) -> None:
    node = pve1.ok("hostname").strip()
    assert pve1.ok("pveversion").startswith("pve-manager/9")
    assert pve1.ok("pveversion -v").startswith("proxmox-ve: 9")
    pve1.ok("pvenode config set --description note")
    assert pve1.ok(f"cat /etc/pve/nodes/{node}/config") == "#note\n#\n"
    assert "note" in pve1.ok("pvenode config get")
    upid = pve1.ok("qm create 195 --memory 64; qm start 195; pvenode task list --output-format json")
    assert json.loads(upid.splitlines()[-1])[0]["type"] == "qmstart"
    path = pve1.ok("find /var/log/pve/tasks -name '*qmstart*'").strip()
    assert pve1.ok(f"cat '{path}'").endswith("TASK OK\n")
    assert "qmstart" in pve1.ok("cat /var/log/pve/tasks/index")
    assert pve1.ok("pve-firewall status") == "Status: disabled/running\n"
    assert "using detected local_network: " in pve1.ok("pve-firewall localnet")
    pve1.ok("echo Europe/Vienna > /etc/timezone; printf 'search a.test\\nnameserver 192.0.2.7\\n' > /etc/resolv.conf")
    assert pve1.json(f"pvesh get /nodes/{node}/time")["timezone"] == "Europe/Vienna"
    assert pve1.json(f"pvesh get /nodes/{node}/dns") == {"dns1": "192.0.2.7", "search": "a.test"}
    assert pve1.run("echo Mars/Here > /etc/timezone").code == 1


def test_the_network_is_shown_as_the_kernel_shows_it(pve1: Remote) -> None:
    rows = json.loads(pve1.ok("ip -j addr show vmbr0"))
    assert [info["prefixlen"] for info in rows[0]["addr_info"]] == [24]
    assert json.loads(pve1.ok("ip -j route"))[0]["dst"] == "default"
    assert "vmbr0: <BROADCAST,MULTICAST,UP,LOWER_UP>" in pve1.ok("ip link show dev vmbr0")
    assert pve1.run("ip link show nothing").error == 'Device "nothing" does not exist.\n'
    text = (
        "\nauto vmbr8\nallow-ovs vmbr8\niface vmbr8 inet manual\n\tovs_type OVSBridge\n\tovs_ports in8\n\n"
        "auto in8\nallow-vmbr8 in8\niface in8 inet static\n\taddress 198.51.100.1/24\n\tovs_type OVSIntPort\n"
        "\tovs_bridge vmbr8\n\tovs_options tag=8\n"
    )
    pve1.ok(f"tee -a {INTERFACES} > /dev/null && ifreload -a", text.encode())
    assert pve1.ok("ovs-vsctl list-br; ovs-vsctl list-ports vmbr8; ovs-vsctl get port in8 tag") == "vmbr8\nin8\n8\n"
    assert pve1.run("ovs-vsctl br-exists vmbr0").code == 2
    pve1.ok("ifdown in8")
    assert "in8" not in pve1.ok("ip addr")
    pve1.ok("ifup in8")
    assert "inet 198.51.100.1/24" in pve1.ok("ip addr show in8")


def test_units_are_started_stopped_and_asked_about(pve1: Remote) -> None:
    assert pve1.ok("systemctl is-active pveproxy") == "active\n"
    pve1.ok("systemctl stop pveproxy; systemctl disable pveproxy; systemctl daemon-reload")
    ran = pve1.run("systemctl is-active pveproxy; systemctl is-enabled pveproxy; systemctl status pveproxy >/dev/null")
    assert (ran.out, ran.code) == ("inactive\ndisabled\n", 3)
    pve1.ok("systemctl enable --now pveproxy.service && systemctl is-active --quiet pveproxy")
    ran = pve1.run("systemctl restart nothing")
    assert (ran.code, ran.error) == (5, "Failed to restart nothing.service: Unit nothing.service not found.\n")


def test_a_daemon_is_the_same_for_systemctl_and_for_the_api(pve1: Remote) -> None:
    pve1.ok("systemctl stop cron")
    assert json.loads(pve1.ok("pvesh get /nodes/pve1/services/cron/state --output-format json"))["state"] == "dead"

    pve1.ok("pvesh create /nodes/pve1/services/cron/start")
    assert pve1.ok("systemctl is-active cron") == "active\n"


ARM = "systemd-run --on-active=60 --unit=undo /bin/sh -c 'cp /root/before /etc/network/interfaces && ifreload -a'"


def test_a_timer_restores_the_network_unless_it_is_stopped(simulator: Simulator, pve1: Remote) -> None:
    simulator.control("POST", "clock", {"mode": "held"})
    before = pve1.ok(f"cp {INTERFACES} /root/before; cat {INTERFACES}")
    for confirmed in (True, False):
        assert pve1.run(ARM).error.startswith("Running timer as unit: undo.timer\n")
        pve1.ok(f"echo '# changed' >> {INTERFACES}; systemctl is-active undo.timer")
        if confirmed:
            pve1.ok("systemctl stop undo.timer")
        simulator.control("POST", "clock", {"advance": 59})
        assert pve1.ok(f"cat {INTERFACES}") != before
        simulator.control("POST", "clock", {"advance": 2})
        assert (pve1.ok(f"cat {INTERFACES}") == before) is not confirmed
        assert pve1.run("systemctl is-active undo.timer").out == "inactive\n"


def test_a_timer_waits_for_its_time_also_where_tasks_need_none(pve1: Remote) -> None:
    pve1.run("systemd-run --on-active=600 touch /root/too-early; systemd-run --on-active=0.05 touch /root/fired")
    pve1.ok("until test -e /root/fired; do sleep 0.05; done")
    assert pve1.run("test -e /root/too-early").code == 1


def test_sleep_goes_by_the_clock(simulator: Simulator, pve1: Remote) -> None:
    simulator.control("POST", "clock", {"mode": "held"})
    _, stdout, _ = pve1.client.exec_command("sleep 5m; echo awake")
    assert pve1.ok("echo meanwhile") == "meanwhile\n"
    assert not stdout.channel.exit_status_ready()
    simulator.control("POST", "clock", {"advance": 301})
    assert stdout.read() == b"awake\n"


def test_backups_are_asked_for_in_the_words_of_the_tool(pve1: Remote) -> None:
    ran = pve1.run("vzdump nothing")
    assert (ran.code, ran.out) == (255, "")
    assert ran.error.startswith("400 Parameter verification failed.\nvmid: ")
    assert pve1.run("qmrestore").error.startswith("400 not enough arguments\nqmrestore")
