"""The files of a tinc mesh: whatever is declared stands in them once, and they read back as what was declared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.tinc import KEY, Net, Peer, files, name_of, problems

KEY_TEXT = "-----BEGIN PUBLIC KEY-----\nc29tZSBrZXk=\n-----END PUBLIC KEY-----\n"
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,7}", fullmatch=True)
MEMBERS = st.lists(NAMES, min_size=2, max_size=5, unique_by=name_of)


def settings(text: str) -> dict[str, list[str]]:
    """What stands in a file, as tinc reads it: up to the key."""
    found: dict[str, list[str]] = {}
    for line in text.partition("-----BEGIN")[0].splitlines():
        if line:
            name, _, value = line.partition(" = ")
            found.setdefault(name, []).append(value)
    return found


def mesh(members: list[str], net: Net) -> dict[str, dict[str, str]]:
    """The files of all members."""
    peers = {name: Peer(address=f"10.99.0.{place}/24") for place, name in enumerate(members, 1)}
    endpoints = {name: f"198.51.100.{place}" for place, name in enumerate(members, 1)}
    assert list(problems(net, peers)) == []
    return {me: files(net, me, peers, endpoints, dict.fromkeys(members, KEY_TEXT)) for me in members}


@given(members=MEMBERS, port=st.integers(1, 65535), mode=st.sampled_from(["switch", "router"]))
def test_every_member_reaches_out_to_all_others_and_knows_where_they_are(
    members: list[str], port: int, mode: str
) -> None:
    made = mesh(members, Net(name="cluster", port=port, mode=mode))  # type: ignore[arg-type]

    for me, found in made.items():
        own = settings(found["tinc.conf"])
        assert (own["Name"], own["Mode"], own["Interface"]) == ([name_of(me)], [mode], ["cluster"])
        assert own["Broadcast"] == ["direct"], "nothing goes through a member that may be gone"
        assert sorted(own["ConnectTo"]) == sorted(name_of(other) for other in members if other != me)
        hosts = {path.removeprefix("hosts/") for path in found if path.startswith("hosts/")}
        assert hosts == {name_of(member) for member in members}
    for place, member in enumerate(members, 1):
        (text,) = {found[f"hosts/{name_of(member)}"] for found in made.values()}
        expected = {"Address": [f"198.51.100.{place}"], "Port": [str(port)]}
        subnet = {"Subnet": [f"10.99.0.{place}"]} if mode == "router" else {}
        assert settings(text) == {**expected, **subnet}
        assert text.endswith(KEY_TEXT)


def test_a_mesh_can_be_a_port_of_a_bridge(tmp_path: Path) -> None:
    peers = {"pve1": Peer(bridge="vmbr1"), "pve2": Peer(address="10.99.0.2/24")}
    ends = {"pve1": "198.51.100.1", "pve2": "198.51.100.2"}
    found = {me: files(Net(name="services", mtu=1380), me, peers, ends, dict.fromkeys(peers, KEY_TEXT)) for me in peers}

    assert 'ip link set dev "$INTERFACE" master vmbr1' in found["pve1"]["tinc-up"]
    assert "ovs-vsctl add-port vmbr1" in found["pve1"]["tinc-up"]
    assert "master" not in found["pve2"]["tinc-up"]
    assert 'ip link set dev "$INTERFACE" mtu 1380 up' in found["pve2"]["tinc-up"]
    for name in ("tinc-up", "tinc-down"):
        script = tmp_path / name
        script.write_text(found["pve2"][name])
        subprocess.run(["sh", "-n", str(script)], check=True)
    assert KEY not in found["pve1"]


@pytest.mark.parametrize(
    ("net", "peers", "words"),
    [
        (Net(name="a-b"), {}, "is no name of a mesh"),
        (Net(name="a"), {"x-1": Peer(), "x_1": Peer()}, "are both x_1 to tinc"),
        (Net(name="a"), {"x": Peer(address="10.0.0.1/24"), "y": Peer(address="10.0.1.1/24")}, "not in one network"),
        (Net(name="a"), {"x": Peer(address="10.0.0.1/24"), "y": Peer(address="10.0.0.1/24")}, "the same address"),
        (Net(name="a", mode="router"), {"x": Peer()}, "has an address, and no bridge"),
    ],
)
def test_what_can_not_be_is_told(net: Net, peers: dict[str, Peer], words: str) -> None:
    (problem,) = problems(net, peers)

    assert words in problem
