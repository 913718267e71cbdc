"""Commands of interfaces for `iptables` hold on a live node, and nothing else of their lines does anything there."""

from __future__ import annotations

import re

import pytest

from simulator.live.iptables import script


def chain(name: str, *lines: str, family: str = "ip") -> list[str]:
    """The rules of a chain."""
    _, _, table = script(lines).partition(f"table {family} interfaces {{ ")
    match = re.search(rf"chain {name} {{ ([^;]+; .*?)}}; (chain|}})", table)
    return [rule.strip() for rule in match[1].split(";")[1:] if rule.strip()] if match else []


def test_a_rule_under_guard_is_there_once() -> None:
    rule = "POSTROUTING -s 10.7.0.0/24 -o outside -j MASQUERADE"
    line = f"iptables -t nat -C {rule} 2>/dev/null || iptables -t nat -A {rule}"

    assert chain("postrouting", line, line) == ['ip saddr 10.7.0.0/24 oifname "outside" masquerade']


def test_a_rule_may_stand_before_the_others() -> None:
    found = chain(
        "forward",
        "/usr/sbin/iptables -A FORWARD -i vmbr1 -j ACCEPT",
        "iptables -t filter -I FORWARD -i vmbr1 ! -o vmbr0 -j DROP",
    )

    assert found == ['iifname "vmbr1" oifname != "vmbr0" drop', 'iifname "vmbr1" accept']


def test_rules_of_ipv6_and_of_connections_are_played_too() -> None:
    fence = "FORWARD ! -i vlan7i -o vlan7i -m conntrack ! --ctstate ESTABLISHED,RELATED -j DROP"
    host = "ip6tables -I INPUT -i vlan7i ! -d fd00::1 ! -p ipv6-icmp -j DROP"

    assert chain("forward", f"iptables -I {fence}") == [
        'iifname != "vlan7i" oifname "vlan7i" ct state != { established, related } drop'
    ]
    assert chain("forward", f"ip6tables -I {fence}") == []
    assert chain("input", host, family="ip6") == [
        'iifname "vlan7i" ip6 daddr != fd00::1/128 meta l4proto != { ipv6-icmp } drop'
    ]


@pytest.mark.parametrize(
    "line",
    [
        "echo 1 >/proc/sys/net/ipv4/ip_forward",
        "touch /tmp/iptables; rm -rf /",
        "iptables -t nat -D POSTROUTING -s 10.7.0.0/24 -j MASQUERADE",
        "iptables -A FORWARD -m state --state NEW -j DROP",
        "iptables -A MINE -j DROP",
        "iptables -A",
        'iptables -A FORWARD -i "vmbr1" -j LOG',
        "iptables -A FORWARD -i 'vmbr1",
        "iptables -A FORWARD -i 'a\"; drop' -j DROP",
        "iptables -A FORWARD -s '10.0.0.0/8; drop' -j DROP",
        "iptables -A FORWARD -s fd00::/8 -j DROP",
        "iptables -A FORWARD -p 'tcp; drop' -j DROP",
    ],
)
def test_what_is_not_played_does_nothing(line: str) -> None:
    assert [chain(name, line) for name in ("input", "forward", "output", "postrouting")] == [[], [], [], []]
