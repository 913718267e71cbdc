"""Addresses that move: what each member is told, read back, and checked by keepalived itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.render import keepalived
from components.render.keepalived import TrackScript, Vrrp, priorities
from components.virtual_ip import VirtualIp, VirtualIpArgs, VirtualIpMember
from tests.components.asked import inputs_of
from tests.components.checking import checked
from tests.conftest import Simulator, as_json
from tests.engine import Program

MEMBERS = [VirtualIpMember(name=f"r{place}", vmid=100 + place, address=f"10.0.1.{place}") for place in (2, 3, 4)]
TRACK = [TrackScript(name="answers", command="/bin/true", interval=2, weight=-60)]


def wanted(version: Literal[2, 3] = 3, **more: Any) -> dict[str, dict[str, Any]]:
    """What an address on three members asks for."""
    args = VirtualIpArgs(
        members=MEMBERS, address="10.0.1.1/24", virtual_router_id=10, vrrp_version=version, track=TRACK, **more
    )
    return inputs_of(lambda: VirtualIp("VI_10", args).address)


def read(text: str, key: str) -> list[str]:
    """The values of a setting."""
    return re.findall(rf"^ *{key} (\S+)$", text, re.MULTILINE)


@pytest.mark.parametrize("version", [2, 3])
def test_keepalived_takes_what_each_member_is_told(version: Literal[2, 3], tmp_path: Path) -> None:
    found = wanted(version, notify='#!/bin/sh\necho "$@"\n')

    texts = [checked(found, f"VI_10-{member.name}", tmp_path) for member in MEMBERS]

    assert [read(text, "priority") for text in texts] == [["100"], ["50"], ["40"]]
    assert {tuple(read(text, "garp_master_delay")) for text in texts} == {("1",)}, "sooner than a client listens again"
    assert [read(text, "state") for text in texts] == [["MASTER"], ["BACKUP"], ["BACKUP"]]
    assert "10.0.1.1/24 brd 10.0.1.255 dev eth0" in texts[0]


def test_version_2_has_whole_seconds_and_a_password_that_all_members_know() -> None:
    texts = [values["content"] for name, values in wanted(2).items() if name.endswith("-config")]

    assert {tuple(read(text, "auth_pass")) for text in texts} == {("x" * 8,)}
    assert {tuple(read(text, "advert_int")) for text in texts} == {("1",)}


def test_version_3_is_faster_and_has_no_password() -> None:
    texts = [values["content"] for name, values in wanted().items() if name.endswith("-config")]

    assert {(*read(text, "auth_pass"), *read(text, "advert_int")) for text in texts} == {("0.2",)}


def test_only_root_reads_the_configuration_and_the_script_can_be_run() -> None:
    found = wanted(notify="#!/bin/sh\n")

    assert found["VI_10-r2-config"]["mode"] == "0600"
    assert (found["VI_10-r2-etc-keepalived-notify"]["path"], found["VI_10-r2-etc-keepalived-notify"]["mode"]) == (
        "/etc/keepalived/notify",
        "0755",
    )


@given(st.integers(1, 51))
def test_priorities_are_distinct_and_fall_in_the_order_of_the_hosts(count: int) -> None:
    found = priorities(count)

    assert len(found) == len(set(found)) == count
    assert found == sorted(found, reverse=True)
    assert min(found) >= 1
    assert max(found) <= 254


@given(st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=20, unique=True), st.integers(1, 255))
def test_each_host_speaks_to_all_others_and_one_is_the_master(hosts: list[str], router: int) -> None:
    vrrp = Vrrp(name="lab", virtual_router_id=router, address="10.0.1.1/24")

    texts = [keepalived.config(vrrp, place, "eth0", hosts) for place in range(len(hosts))]

    for text, host in zip(texts, hosts, strict=True):
        peers = re.search(r"unicast_peer \{\n(.*?)\n    \}", text, re.DOTALL)
        assert sorted((peers[1] if peers else "").split()) == sorted(set(hosts) - {host})
        assert read(text, "unicast_src_ip") == [host]
    assert [read(text, "state")[0] for text in texts].count("MASTER") == 1
    assert {tuple(read(text, "virtual_router_id")) for text in texts} == {(str(router),)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"advert_int": 0.5, "vrrp_version": 2}, "version 2 can't have that"),
        ({"advert_int": 41.0}, "version 3 can't have that"),
        ({"virtual_router_id": 0}, "1 to 255"),
        ({"name": "a b"}, "is no name"),
        ({"address": "10.0.1.300/24"}, "does not appear to be"),
        ({"track": [*TRACK, *TRACK]}, "called the same"),
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, Any], words: str) -> None:
    given_ = {"name": "lab", "virtual_router_id": 10, "address": "10.0.1.1/24", **change}

    with pytest.raises(ValueError, match=words):
        Vrrp(**given_)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([*MEMBERS, MEMBERS[0]], "the same name"),
        ([VirtualIpMember(name="r1", vmid=101, address="10.0.1.1")], "is the address of one of its members"),
    ],
)
def test_members_that_can_not_be_are_refused(members: list[VirtualIpMember], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        VirtualIpArgs(members=members, address="10.0.1.1/24", virtual_router_id=10)


MAIN = """\
from dataclasses import replace
import pulumi
from components.dns_dhcp import DnsDhcp, DnsDhcpArgs
from components.virtual_ip import VirtualIp, VirtualIpArgs, VirtualIpMember
from tests.components.test_dns_dhcp import SERVERS, ZONE

template = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
servers = {name: replace(host, ostemplate=template, bridge="vmbr0") for name, host in SERVERS.items()}
names = DnsDhcp("names", DnsDhcpArgs(servers=servers, zone=ZONE))
members = [VirtualIpMember(name=name, vmid=names.vmids[name], address=host.ip) for name, host in servers.items()]
args = VirtualIpArgs(
    members=members, address="10.0.1.1/24", virtual_router_id=10, vrrp_version=2, after=[names])
address = VirtualIp("router", args)
pulumi.export("password", address.auth_pass)
"""


@pytest.mark.engine
def test_two_servers_share_an_address_and_their_password_is_plain_nowhere(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    before = as_json(cluster.state())
    program = program_on(cluster)
    (program.folder / "__main__.py").write_text(MAIN)

    preview = program.preview()
    assert preview.code == 0, preview.text
    first = program.up()

    assert first.code == 0, first.text
    password = json.loads(program.pulumi("stack", "output", "--json", "--show-secrets").stdout)["password"]
    assert len(password) == 8
    state = program.state()
    assert password not in json.dumps(state)
    assert password not in json.dumps(cluster.requests())
    for earlier, later in (
        ("dns1-healthy", "dns2-packages"),
        ("dns2-healthy", "router-dns2-packages"),
        ("router-dns2-healthy", "router-dns1-packages"),
    ):
        assert any(urn.endswith(f"::{earlier}") for urn in state[later]["dependencies"])
    assert not any("dns1" in urn for urn in state["dns2"].get("dependencies", ()))
    assert not program.up().changes
    assert program.destroy().code == 0
    assert as_json(cluster.state()) == before
