"""Names and addresses of a network: what each server is told, read back, and checked by dnsmasq itself."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dns_dhcp import DnsDhcp, DnsDhcpArgs, DnsHost, DnsZone
from components.render.dnsmasq import config, free, split
from components.service_container import ServiceHost
from tests.components.asked import inputs_of
from tests.components.checking import checked

ZONE = DnsZone(
    domain="example.lab",
    network="10.0.1.0/24",
    first="10.0.1.100",
    last="10.0.1.199",
    router="10.0.1.100",
    hosts=[DnsHost(name="web", address="10.0.1.150", mac="BC:24:11:00:00:01"), DnsHost(name="db", address="10.0.1.9")],
    taken=["10.0.1.120"],
    upstream=["192.0.2.53"],
)
HOST = ServiceHost(
    node="pve1", ostemplate="local:vztmpl/debian.tar.zst", storage="local-lvm", bridge="vmbr1", address="10.0.1.130/24"
)
SERVERS = {"dns1": HOST, "dns2": replace(HOST, node="pve2", address="10.0.1.3/24")}


def wanted(servers: dict[str, ServiceHost]) -> dict[str, dict[str, Any]]:
    """What the servers ask for."""
    return inputs_of(lambda: DnsDhcp("names", DnsDhcpArgs(servers=servers, zone=ZONE)).vmids)


def given_out(*texts: str) -> list[str]:
    """Every address of the ranges in these configurations."""
    spans = re.findall(r"^dhcp-range=([^,]+),([^,]+),255\.255\.255\.0,48h$", "".join(texts), re.MULTILINE)
    return [
        str(IPv4Address(number))
        for first, last in spans
        for number in range(int(IPv4Address(first)), int(IPv4Address(last)) + 1)
    ]


def test_two_servers_give_out_the_range_between_them_without_what_is_taken(tmp_path: Path) -> None:
    found = wanted(SERVERS)

    texts = [checked(found, server, tmp_path) for server in SERVERS]

    addresses = given_out(*texts)
    assert len(addresses) == len(set(addresses)) == 96
    assert not {"10.0.1.100", "10.0.1.120", "10.0.1.130", "10.0.1.150"} & set(addresses)
    assert len(given_out(texts[0])) == len(given_out(texts[1]))
    assert not any("dhcp-authoritative" in text for text in texts)


def test_a_server_is_told_the_domain_the_router_and_the_hosts(tmp_path: Path) -> None:
    lines = checked(wanted({"dns1": HOST}), "dns1", tmp_path).splitlines()

    assert {
        "port=53",
        "interface=eth0",
        "bind-interfaces",
        "domain=example.lab",
        "local=/example.lab/",
        "server=192.0.2.53",
        "dhcp-option=option:router,10.0.1.100",
        "dhcp-option=option:dns-server,10.0.1.130",
        "dhcp-authoritative",
        "host-record=db.example.lab,db,10.0.1.9",
        "host-record=dns1.example.lab,dns1,10.0.1.130",
        "dhcp-host=BC:24:11:00:00:01,10.0.1.150,web",
    } < set(lines)


def test_guests_ask_the_server_that_gave_them_their_address_first() -> None:
    found = wanted(SERVERS)

    assert "dns-server,10.0.1.130,10.0.1.3\n" in found["dns1-config"]["content"]
    assert "dns-server,10.0.1.3,10.0.1.130\n" in found["dns2-config"]["content"]


PLACES = st.integers(int(IPv4Address("10.0.0.1")), int(IPv4Address("10.0.1.0"))).map(IPv4Address)


@given(first=PLACES, last=PLACES, taken=st.sets(PLACES, max_size=30), servers=st.integers(1, 5))
def test_every_free_address_is_given_out_by_one_server(
    first: IPv4Address, last: IPv4Address, taken: set[IPv4Address], servers: int
) -> None:
    first, last = sorted((first, last))
    left = [number for number in range(int(first), int(last) + 1) if IPv4Address(number) not in taken]

    spans = free(first, last, taken)
    if len(left) < servers:
        with pytest.raises(ValueError, match="too few"):
            split(spans, servers)
        return

    parts = [[number for a, b in part for number in range(int(a), int(b) + 1)] for part in split(spans, servers)]
    assert [number for part in parts for number in part] == left
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
HOSTS = st.dictionaries(NAMES, st.integers(10, 99), max_size=10).filter(lambda of: len(set(of.values())) == len(of))


@given(HOSTS)
def test_every_host_that_is_declared_is_in_the_text_once(hosts: dict[str, int]) -> None:
    declared = [
        DnsHost(name=name, address=f"10.0.1.{place}", mac=f"BC:24:11:00:00:{place:02}") for name, place in hosts.items()
    ]

    text = config(replace(ZONE, hosts=declared), 0, "eth0", ["10.0.1.3"])

    records = re.findall(r"^host-record=(\S+)\.example\.lab,(\S+),(\S+)$", text, re.MULTILINE)
    assert records == [(host.name, host.name, host.address) for host in declared]
    reserved = re.findall(r"^dhcp-host=(\S+),(\S+),(\S+)$", text, re.MULTILINE)
    assert reserved == [(host.mac, host.address, host.name) for host in declared]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": "10.0.1.200"}, "is no range of addresses"),
        ({"last": "10.0.1.255"}, "is no range of addresses"),
        ({"router": "10.0.2.1"}, "is not in 10.0.1.0/24"),
        ({"domain": "example_lab"}, "is no domain"),
        ({"lease": "two days"}, "is no time of a lease"),
        ({"hosts": [DnsHost(name=name, address="10.0.1.9") for name in "ab"]}, "the same address: 10.0.1.9"),
        ({"hosts": [DnsHost(name="a", address=address) for address in ("10.0.1.8", "10.0.1.9")]}, "the same name: a"),
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(ZONE, **change)


def test_a_host_that_can_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="is no name of a host"):
        DnsHost(name="a b", address="10.0.1.9")
    with pytest.raises(ValueError, match="is no MAC address"):
        DnsHost(name="a", address="10.0.1.9", mac="1")
    with pytest.raises(ipaddress.AddressValueError):
        DnsHost(name="a", address="10.0.1.9/24")
