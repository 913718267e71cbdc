"""The firewall of live containers: the ruleset that is written, and packets that pass or do not."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from simulator.firewall.options import BY_ENVIRONMENT
from simulator.live.nftables import ruleset_of
from simulator.records import File, Guest, Node
from simulator.sdn.records import SdnObject
from simulator.state import Datacenter, World
from tests.simulator.live.lab import Lab, until

_CLUSTER = """
[OPTIONS]
enable: 1
[ALIASES]
office 198.51.100.0/24
[IPSET blocked]
203.0.113.0/24
!203.0.113.7
198.51.100.1
2001:db8::/32
[group web]
IN HTTPS(ACCEPT) -source office
OUT ACCEPT -p udp -dport 53
"""
_CARDS = {"net0": "name=eth0,bridge=vmbr0,firewall=1,ip=10.1.0.1/24", "net1": "name=lan,bridge=inner,ip=10.2.0.1/24"}


@pytest.fixture
def datacenter(tmp_path: Path) -> Datacenter:
    """A datacenter with a firewall, one node and one virtual network."""
    made = World(tmp_path / "state.sqlite").add("lab")
    made.nodes.put(Node(name="pve1", nodeid=1, ip="192.0.2.1", cpus=1, memory=1, disk=1))
    made.sdn_running.put(SdnObject(kind="vnets", id="inner", type="vnet", options={"zone": "local1"}))
    subnet = {"vnet": "inner", "gateway": "10.2.0.254"}
    made.sdn_running.put(SdnObject(kind="subnets", id="local1-10.2.0.0-24", type="subnet", options=subnet))
    _file(made, "firewall/cluster.fw", _CLUSTER)
    return made


def _file(datacenter: Datacenter, name: str, text: str) -> None:
    datacenter.files.put(File(node="", path=f"/etc/pve/{name}", text=text, changed=0.0))


def _ruleset(datacenter: Datacenter, text: str = "", **config: str) -> str:
    _file(datacenter, "firewall/100.fw", text)
    return ruleset_of(datacenter, Guest(vmid=100, type="lxc", node="pve1", config=_CARDS | config), 0.0)


def _chain(ruleset: str, name: str) -> list[str]:
    """Return the lines of a chain, without those that every card's chains begin with."""
    match = re.search(rf"chain {name} {{\n(.*?)\n  }}", ruleset, re.DOTALL)
    assert match is not None, ruleset
    lines = [line.strip() for line in match[1].splitlines()]
    assert lines[:2] == ["ct state established,related return", "ct state invalid drop"]
    return [line for line in lines[2:] if "nd-" not in line]


def _is_valid(ruleset: str) -> bool:
    """Ask nftables itself, in a network of its own, where that is possible."""
    if shutil.which("nft") is None or subprocess.run(["unshare", "--net", "true"], check=False).returncode != 0:
        return True
    done = subprocess.run(["unshare", "--net", "nft", "-f", "-"], input=ruleset, text=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize(
    ("rule", "lines"),
    [
        ("IN ACCEPT -p tcp -dport 22", ["meta l4proto 6 th dport { 22 } return"]),
        ("|IN ACCEPT -p tcp -dport 22", []),
        ("OUT ACCEPT -p tcp -dport 22", []),
        ("IN ACCEPT -i net1 -p tcp -dport 22", []),
        ("IN DROP -source 10.0.0.0/8,192.0.2.1", ["ip saddr { 10.0.0.0/8, 192.0.2.1/32 } drop"]),
        ("IN DROP -source 10.0.0.4-10.0.0.6", ["ip saddr { 10.0.0.4/31, 10.0.0.6/32 } drop"]),
        ("IN ACCEPT -dest 2001:db8::1", ["ip6 daddr { 2001:db8::1/128 } return"]),
        ("IN ACCEPT -source dc/office", ["ip saddr { 198.51.100.0/24 } return"]),
        ("IN ACCEPT -source own -p udp", ["ip saddr { 192.0.2.9/32 } meta l4proto 17 return"]),
        (
            "IN DROP -source +dc/blocked",
            [
                "ip saddr { 198.51.100.1/32, 203.0.113.0/24 } ip saddr != { 203.0.113.7/32 } drop",
                "ip6 saddr { 2001:db8::/32 } drop",
            ],
        ),
        ("IN ACCEPT -source +sdn/inner-gateway", ["ip saddr { 10.2.0.254/32 } return"]),
        ("IN ACCEPT -source +nothing", []),
        ("IN Ping(ACCEPT)", ["icmp type 8 return"]),
        ("IN DNS(ACCEPT)", ["meta l4proto 17 th dport { 53 } return", "meta l4proto 6 th dport { 53 } return"]),
        ("IN ACCEPT -p icmp -icmp-type host-unreachable", ["icmp type 3 icmp code 1 return"]),
        ("IN ACCEPT -p ipv6-icmp", ["meta l4proto icmpv6 return"]),
        ("IN ACCEPT -p tcp -dport 80,8000:8010 -sport 1024:65535",
         ["meta l4proto 6 th dport { 80, 8000-8010 } th sport { 1024-65535 } return"]),
        ("IN REJECT -p tcp -dport 23", ["meta l4proto 6 th dport { 23 } reject with tcp reset"]),
        ("IN REJECT -p udp -dport 69", ["meta l4proto 17 th dport { 69 } reject"]),
        ("IN REJECT", ["meta l4proto 6 reject with tcp reset", "reject"]),
        ("IN ACCEPT -p vrrp -log info # a remark", ["meta l4proto 112 return"]),
        ("GROUP web", ["ip saddr { 198.51.100.0/24 } meta l4proto 6 th dport { 443 } return"]),
    ],
)  # fmt: skip
def test_a_rule_becomes_conditions_and_a_verdict(datacenter: Datacenter, rule: str, lines: list[str]) -> None:
    ruleset = _ruleset(datacenter, f"[OPTIONS]\nenable: 1\n[ALIASES]\nown 192.0.2.9\n[RULES]\n{rule}\n")
    assert _chain(ruleset, "net0_in") == [*lines, "drop"]
    assert _is_valid(ruleset)


@pytest.mark.parametrize(
    ("options", "chain", "lines"),
    [
        ("", "net0_in", ["drop"]),
        ("", "net0_out", ["return"]),
        ("policy_in: ACCEPT", "net0_in", ["return"]),
        ("policy_out: REJECT", "net0_out", ["meta l4proto 6 reject with tcp reset", "reject"]),
        ("dhcp: 1", "net0_in", ["udp sport 67 udp dport 68 return", "drop"]),
        ("dhcp: 1", "net0_out", ["udp sport 68 udp dport 67 return", "return"]),
        (
            "ipfilter: 1",
            "net0_out",
            ["ip saddr != { 0.0.0.0/32, 10.1.0.1/32 } drop", "ip6 saddr != { fe80::/10 } drop", "return"],
        ),
    ],
)
def test_options_are_part_of_the_chains(datacenter: Datacenter, options: str, chain: str, lines: list[str]) -> None:
    assert all(line.partition(":")[0] in BY_ENVIRONMENT["ct"] for line in options.splitlines())
    ruleset = _ruleset(datacenter, f"[OPTIONS]\nenable: 1\n{options}\n")
    assert _chain(ruleset, chain) == lines
    assert _is_valid(ruleset)


def test_neighbours_are_found_and_no_router_is_played_unless_that_is_allowed(datacenter: Datacenter) -> None:
    strict = _ruleset(datacenter, "[OPTIONS]\nenable: 1\nndp: 0\n")
    open_ = _ruleset(datacenter, "[OPTIONS]\nenable: 1\nradv: 1\n")
    assert strict.count("nd-neighbor-solicit") == 0
    assert "icmpv6 type nd-router-advert drop" in strict
    assert open_.count("nd-neighbor-solicit") == 2
    assert "drop" not in [line.partition("nd-router-advert ")[2] for line in open_.splitlines()]
    assert _is_valid(strict)
    assert _is_valid(open_)


@pytest.mark.parametrize(
    ("cluster", "guest", "card"),
    [
        ("enable: 0", "enable: 1", "firewall=1"),
        ("enable: 1", "enable: 0", "firewall=1"),
        ("enable: 1", "enable: 1", ""),
    ],
)
def test_without_all_three_switches_there_is_no_firewall(
    datacenter: Datacenter, cluster: str, guest: str, card: str
) -> None:
    _file(datacenter, "firewall/cluster.fw", f"[OPTIONS]\n{cluster}\n")
    ruleset = _ruleset(datacenter, f"[OPTIONS]\n{guest}\n", net0=f"name=eth0,bridge=vmbr0,{card}".rstrip(","))
    assert "chain" not in ruleset
    assert _is_valid(ruleset)


def test_a_virtual_network_has_rules_of_its_own_where_the_node_has_the_newer_firewall(datacenter: Datacenter) -> None:
    text = "[OPTIONS]\nenable: 1\npolicy_forward: DROP\n[RULES]\nFORWARD ACCEPT -p tcp -dport 80\n"
    _file(datacenter, "sdn/firewall/inner.fw", text)
    assert "vnet_inner" not in _ruleset(datacenter, "[OPTIONS]\nenable: 1\n")
    _file(datacenter, "nodes/pve1/host.fw", "[OPTIONS]\nnftables: 1\n")
    ruleset = _ruleset(datacenter, "[OPTIONS]\nenable: 1\n")
    assert _chain(ruleset, "vnet_inner") == ["meta l4proto 6 th dport { 80 } return", "drop"]
    assert 'iifname "lan" jump vnet_inner' in ruleset
    assert _is_valid(ruleset)


def _answers(lab: Lab, vmid: int, port: int) -> bool:
    return lab.inside(vmid, f"timeout 0.5 bash -c '</dev/tcp/10.1.0.1/{port}'").code == 0


def test_packets_pass_as_the_firewall_says_also_when_it_changes(new_lab: Lab) -> None:
    rules = "/nodes/pve1/lxc/101/firewall/rules"
    new_lab.do("PUT", "/cluster/firewall/options", enable=1, policy_in="ACCEPT")
    new_lab.do("POST", rules, type="in", action="ACCEPT", proto="tcp", dport="8080", source="10.1.0.2", enable=1)
    new_lab.do("PUT", "/nodes/pve1/lxc/101/firewall/options", enable=1)
    new_lab.start(101, "bridge=vmbr0,firewall=1,ip=10.1.0.1/24")
    for port in (8080, 8081):
        new_lab.ok(101, f"cd /srv; setsid busybox httpd -p {port} || true")
    new_lab.start(102, "bridge=vmbr0,ip=10.1.0.2/24")
    new_lab.start(201, "bridge=vmbr0,ip=10.1.0.3/24")
    assert [_answers(new_lab, 102, port) for port in (8080, 8081)] == [True, False]
    assert not _answers(new_lab, 201, 8080)
    assert not new_lab.reaches(102, "10.1.0.1")
    assert new_lab.reaches(101, "10.1.0.2")
    new_lab.do("POST", rules, type="in", action="ACCEPT", macro="Ping", enable=1)
    until(lambda: new_lab.reaches(102, "10.1.0.1"))
    new_lab.do("PUT", "/cluster/firewall/options", enable=0)
    until(lambda: _answers(new_lab, 201, 8081))
