"""`/etc/network/interfaces` is read and written without losing anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.network.parsing import Entry, Interfaces, parse
from simulator.network.rendering import render
from simulator.network.unified_diff import hunks

HAND_WRITTEN = """\
# made by hand
auto lo
iface lo inet loopback

source-directory interfaces.d

allow-hotplug eno1
iface eno1 inet manual

iface eno2 inet manual
    post-up ethtool -K eno2 tso off
# the spare one

auto bond0
iface bond0 inet manual
    slaves eno2
    bond_mode 1
    bond-primary eno2

auto vmbr0
iface vmbr0 inet static
    address  10.0.0.2
    netmask  255.255.255.0
    gateway  10.0.0.1
    bridge_ports eno1
    bridge_stp off
    bridge_fd 0
    up ip route add 10.9.0.0/16 via 10.0.0.9

iface vmbr0 inet6 static
    address 2001:db8::2/64
    up sysctl -w net.ipv6.conf.all.forwarding=1

mapping hotplug
"""


def _settings(config: Interfaces) -> dict[str, Entry]:
    """Return all interfaces without their place in the file."""
    return {
        name: {key: value for key, value in entry.items() if key != "priority"}
        for name, entry in config.entries.items()
    }


_words = st.from_regex(r"[a-z0-9./:=-]{1,8}", fullmatch=True)
_names = st.sampled_from(
    ["eno1", "eno2", "enp3s0", "bond0", "bond1", "vmbr0", "vmbr1", "lan", "eno1.5", "vlan7", "vmbr0:1", "mgmt0", "lo"]
)
_settings_lines = st.one_of(
    st.sampled_from(
        [
            "address 192.0.2.1/24", "address 192.0.2.1", "netmask 255.255.255.0", "gateway 192.0.2.254",
            "bridge-ports eno1 eno2", "bridge_ports none", "bridge-stp on", "bridge-fd 2", "bridge-vlan-aware yes",
            "bridge-vids 2-100 200", "bond-slaves eno1", "bond-mode 802.3ad", "bond_mode 1", "bond-miimon 50",
            "mtu 9000", "ovs_type OVSBridge", "ovs_type OVSIntPort", "ovs_type OVSBond", "ovs_bridge vmbr1",
            "ovs_options tag=7 vlan_mode=access", "ovs_ports mgmt0 eno2", "ovs_mtu 1600", "vlan-raw-device eno1",
            "vlan-id 12", "up echo hello", "# a comment", "#", "link-type dummy", "vxlan-id 77",
            "vxlan-remoteip 10.0.0.9",
        ]
    ),
    st.builds("{} {}".format, _words, _words),
)  # fmt: skip


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """Draw a file in which each interface stands once, with its address families."""
    text = draw(st.sampled_from(["", "source /etc/network/interfaces.d/*\n\n", "# note\n", "mapping eth0\n"]))
    for name in draw(st.lists(_names, unique=True, max_size=6)):
        text += draw(st.sampled_from(["", f"auto {name}\n", f"allow-hotplug {name}\n"]))
        for family in draw(
            st.sampled_from([[""], [" inet manual"], [" inet6 auto"], [" inet static", " inet6 static"]])
        ):
            settings = draw(st.lists(_settings_lines, max_size=6))
            text += f"iface {name}{family}\n" + "".join(f"\t{line}\n" for line in settings) + "\n"
    return text


@given(_texts())
def test_what_was_written_once_stays_as_it_is(text: str) -> None:
    written = render(parse(text))
    assert _settings(parse(render(parse(written)))) == _settings(parse(written))


@given(st.text(max_size=300))
def test_any_text_can_be_read_and_written(text: str) -> None:
    render(parse(text))


def test_a_file_written_by_hand_keeps_what_is_not_understood() -> None:
    written = render(parse(HAND_WRITTEN))
    for kept in ("source-directory interfaces.d\n", "\tpost-up ethtool ", "\tup sysctl -w ", "mapping hotplug\n"):
        assert kept in written
    assert "\taddress 10.0.0.2/24\n\tgateway 10.0.0.1\n" in written
    assert "\tbond-mode active-backup\n\tbond-primary eno2\n" in written
    assert "auto eno1\niface eno1 inet manual\n" in written


def test_settings_of_both_address_families_are_told_apart() -> None:
    bridge = parse(HAND_WRITTEN).entries["vmbr0"]
    assert (bridge["cidr"], bridge["cidr6"]) == ("10.0.0.2/24", "2001:db8::2/64")
    assert bridge["families"] == ["inet", "inet6"]
    assert bridge["options"] == ["up ip route add 10.9.0.0/16 via 10.0.0.9"]
    assert bridge["options6"] == ["up sysctl -w net.ipv6.conf.all.forwarding=1"]


@given(st.lists(st.sampled_from("ab c"), max_size=14), st.lists(st.sampled_from("ab c"), max_size=14))
def test_a_diff_leads_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    result, at = list[str](), 0
    for line in hunks("\n".join(old), "\n".join(new)).splitlines():
        if start := re.match(r"@@ -(\d+)(,0)?", line):
            begin = int(start[1]) - (0 if start[2] else 1)
            result += old[at:begin]
            at = begin
        else:
            result += [] if line[0] == "-" else [line[1:]]
            at += line[0] != "+"
    wanted = "\n".join(new).splitlines()
    assert [" ".join(line.split()) for line in result + "\n".join(old).splitlines()[at:]] == [
        " ".join(line.split()) for line in wanted
    ]


@pytest.mark.skipif(shutil.which("diff") is None, reason="there is no diff to compare with")
def test_a_diff_is_the_one_that_diff_writes(tmp_path: Path) -> None:
    old = render(parse(HAND_WRITTEN))
    config = parse(old)
    config.entries["vmbr1"] = {"type": "bridge", "method": "manual", "families": ["inet"], "autostart": 1}
    config.entries["eno2"]["mtu"] = 9000
    del config.entries["bond0"]
    new = render(config)
    (tmp_path / "old").write_text(old, encoding="utf-8")
    (tmp_path / "new").write_text(new, encoding="utf-8")
    command = ["diff", "-b", "-u", "old", "new"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert hunks(old, new) == "".join(printed.splitlines(keepends=True)[2:])
