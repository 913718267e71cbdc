"""The network of live containers: VLANs, trunks, large frames, cut links, virtual networks, and nodes that go down."""

from __future__ import annotations

import shlex

import pytest

from tests.simulator.live.lab import Lab, until

_SEND = """
import socket
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
own = link.getsockname()[4]
for vlan in (0, 20, 30):
    tag = b"\\x81\\x00" + vlan.to_bytes(2, "big") if vlan else b""
    link.send(b"\\xff" * 6 + own + tag + b"\\x88\\xb5" + b"vlan %d" % vlan + bytes(50))
"""
_HEAR = """
import socket
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))
link.bind(("eth0", 0x88B5))
link.settimeout(5)
open("/run/listening", "w").close()
open("/run/heard", "wb").write(link.recv(100)[14:].rstrip(b"\\0"))
"""


def _python(program: str) -> str:
    return f"/usr/bin/python3 -c {shlex.quote(program)}"


def test_only_containers_in_one_vlan_reach_each_other_also_through_the_cable(lab: Lab) -> None:
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24,tag=10")
    lab.start(102, "bridge=vmbr0,ip=10.1.0.2/24,tag=10")
    lab.start(103, "bridge=vmbr0,ip=10.1.0.3/24,tag=11")
    lab.start(201, "bridge=vmbr0,ip=10.1.0.4/24,tag=10")
    lab.start(202, "bridge=vmbr1,ip=10.1.0.5/24,tag=10")
    assert lab.reaches(101, "10.1.0.2")
    assert lab.reaches(101, "10.1.0.4")
    assert not lab.reaches(101, "10.1.0.3")
    assert not lab.reaches(101, "10.1.0.5")


def test_a_trunk_carries_its_vlans_and_no_other(lab: Lab) -> None:
    lab.start(103)
    if lab.inside(103, "test -x /usr/bin/python3").code != 0:
        pytest.skip("the machine has no /usr/bin/python3 that containers could use")
    lab.start(101, "bridge=vmbr0,tag=10,trunks=20")
    heard = {201: ("tag=10", "vlan 0"), 202: ("tag=20", "vlan 20"), 102: ("tag=30", "")}
    for vmid, (tag, _) in heard.items():
        lab.start(vmid, f"bridge=vmbr0,{tag}")
        lab.ok(vmid, f"setsid {_python(_HEAR)} >/dev/null 2>&1 &")
        until(lambda vmid=vmid: lab.inside(vmid, "test -e /run/listening").code == 0)  # type: ignore[misc]
    lab.ok(101, _python(_SEND))
    for vmid in (201, 202):
        until(lambda vmid=vmid: lab.inside(vmid, "test -s /run/heard").code == 0)  # type: ignore[misc]
    assert {vmid: lab.inside(vmid, "cat /run/heard").out for vmid in heard} == {
        vmid: text for vmid, (_, text) in heard.items()
    }


def test_large_frames_pass_where_the_bridges_take_them(new_lab: Lab) -> None:
    for node in ("pve1", "pve2"):
        new_lab.do("PUT", f"/nodes/{node}/network/eno2", type="eth", mtu=9000)
        new_lab.do("PUT", f"/nodes/{node}/network/vmbr1", type="bridge", bridge_ports="eno2", mtu=9000, autostart=1)
        assert new_lab.do("PUT", f"/nodes/{node}/network") == "OK"
    new_lab.start(101, "bridge=vmbr1,ip=10.1.0.1/24")
    new_lab.start(201, "bridge=vmbr1,ip=10.1.0.2/24")
    new_lab.start(102, "bridge=vmbr0,ip=10.1.1.1/24")
    new_lab.start(202, "bridge=vmbr0,ip=10.1.1.2/24")
    assert new_lab.reaches(101, "10.1.0.2", "-M do -s 8872")
    assert new_lab.reaches(102, "10.1.1.2", "-M do -s 1472")
    assert not new_lab.reaches(102, "10.1.1.2", "-M do -s 1473")


def test_a_link_is_cut_and_mended_while_the_container_runs(lab: Lab) -> None:
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24,hwaddr=BC:24:11:00:00:01")
    lab.start(201, "bridge=vmbr0,ip=10.1.0.2/24")
    assert lab.reaches(101, "10.1.0.2")
    lab.configure(101, net0="name=eth0,bridge=vmbr0,ip=10.1.0.1/24,hwaddr=BC:24:11:00:00:01,link_down=1")
    until(lambda: "NO-CARRIER" in lab.ok(101, "ip link show eth0"))
    assert not lab.reaches(101, "10.1.0.2")
    lab.configure(101, net0="name=eth0,bridge=vmbr0,ip=10.1.0.1/24,hwaddr=BC:24:11:00:00:01")
    until(lambda: lab.reaches(101, "10.1.0.2"))


def test_another_mtu_leaves_a_running_container_the_card_that_it_has(lab: Lab) -> None:
    card = "bridge=vmbr0,ip=10.1.0.1/24,hwaddr=BC:24:11:00:00:01"
    lab.start(101, f"{card},mtu=1400")
    before = lab.ok(101, "cat /sys/class/net/eth0/ifindex /sys/class/net/eth0/mtu")

    lab.configure(101, net0=f"name=eth0,{card},mtu=1300")

    assert lab.ok(101, "cat /sys/class/net/eth0/ifindex /sys/class/net/eth0/mtu") == before
    lab.stop(101)
    lab.start(101)
    assert lab.ok(101, "cat /sys/class/net/eth0/mtu") == "1300\n"


def test_cards_are_changed_added_and_taken_away_while_the_container_runs(lab: Lab) -> None:
    card = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01"
    lab.start(101, card.removeprefix("name=eth0,") + ",ip=10.1.0.1/24,tag=10")
    lab.start(201, "bridge=vmbr0,ip=10.1.0.2/24,tag=20", "bridge=vmbr1,ip=10.2.0.2/24")
    assert not lab.reaches(101, "10.1.0.2")
    lab.configure(101, net0=f"{card},ip=10.1.0.9/24,tag=20", net1="name=lan,bridge=vmbr1,ip=10.2.0.1/24")
    assert lab.reaches(101, "10.1.0.2")
    assert lab.reaches(101, "10.2.0.2")
    assert "10.1.0.1/" not in lab.ok(101, "ip address")
    lab.configure(101, delete="net1")
    assert "lan" not in lab.ok(101, "ip link")


def test_a_node_that_goes_down_takes_its_containers_along(lab: Lab) -> None:
    lab.start(101, "bridge=vmbr0,ip=10.1.0.1/24")
    lab.start(201, "bridge=vmbr0,ip=10.1.0.2/24")
    assert lab.reaches(101, "10.1.0.2")
    lab.switch("pve2", online=False)
    until(lambda: not lab.reaches(101, "10.1.0.2"))
    lab.switch("pve2", online=True)
    assert lab.status(201)["status"] == "stopped"
    lab.start(201)
    assert lab.reaches(101, "10.1.0.2")


def test_nodes_answer_on_their_addresses_as_long_as_their_network_has_them(new_lab: Lab) -> None:
    new_lab.start(101, "bridge=vmbr0,ip=192.0.2.101/24")
    until(lambda: new_lab.reaches(101, "192.0.2.11") and new_lab.reaches(101, "192.0.2.12"))
    new_lab.do(
        "PUT", "/nodes/pve2/network/vmbr0", type="bridge", bridge_ports="eno1", cidr="192.0.2.22/24", autostart=1
    )
    assert new_lab.client.call("PUT", "/nodes/pve2/network").status == 200
    until(lambda: new_lab.reaches(101, "192.0.2.22"))
    assert new_lab.client.call("GET", "/nodes/pve2/version").status == 595, "the others know it by its old address"
    assert not new_lab.reaches(101, "192.0.2.12")


def test_a_card_with_an_address_of_its_own_answers_for_it(new_lab: Lab) -> None:
    new_lab.do("PUT", "/nodes/pve1/network/vmbr1", type="bridge", autostart=1, delete="bridge_ports")
    new_lab.do("PUT", "/nodes/pve1/network/eno2", type="eth", cidr="10.9.0.1/24", autostart=1)
    assert new_lab.do("PUT", "/nodes/pve1/network") == "OK"
    new_lab.start(201, "bridge=vmbr1,ip=10.9.0.201/24")
    until(lambda: new_lab.reaches(201, "10.9.0.1"))


def test_virtual_networks_connect_containers_as_their_zone_does(new_lab: Lab) -> None:
    new_lab.do("POST", "/cluster/sdn/zones", zone="local1", type="simple")
    new_lab.do("POST", "/cluster/sdn/vnets", vnet="inner", zone="local1")
    new_lab.do("POST", "/cluster/sdn/vnets/inner/subnets", subnet="10.5.0.0/24", gateway="10.5.0.1", type="subnet")
    new_lab.do("POST", "/cluster/sdn/zones", zone="wide", type="vlan", bridge="vmbr0")
    new_lab.do("POST", "/cluster/sdn/vnets", vnet="across", zone="wide", tag=30)
    new_lab.do("POST", "/cluster/sdn/zones", zone="twice", type="qinq", bridge="vmbr0", tag=40)
    new_lab.do("POST", "/cluster/sdn/vnets", vnet="nested", zone="twice", tag=30)
    new_lab.do("POST", "/cluster/sdn/zones", zone="tunnel", type="vxlan", peers="192.0.2.11,192.0.2.12")
    new_lab.do("POST", "/cluster/sdn/vnets", vnet="far", zone="tunnel", tag=5000)
    assert new_lab.do("PUT", "/cluster/sdn") == "OK"
    cards = [
        f"bridge={bridge},ip=10.{number}.0.{{}}/24"
        for number, bridge in ((5, "inner"), (6, "across"), (7, "nested"), (8, "far"))
    ]
    new_lab.start(101, *(card.format(11) for card in cards))
    new_lab.start(102, *(card.format(12) for card in cards))
    new_lab.start(201, *(card.format(21) for card in cards))
    new_lab.start(202, "bridge=vmbr0,ip=10.6.0.22/24,tag=30")
    assert new_lab.reaches(101, "10.5.0.1")
    assert [new_lab.reaches(101, f"10.{number}.0.12") for number in (5, 6, 7, 8)] == [True] * 4
    assert [new_lab.reaches(101, f"10.{number}.0.21") for number in (5, 6, 7, 8)] == [False, True, True, True]
    assert new_lab.reaches(101, "10.6.0.22")
