"""Connections from the stack's configuration: what is taken, and what is told about the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers._runtime.connection import Connection, load, pick
from providers._runtime.errors import ConfigProblem
from simulator import daemon
from tests.conftest import Simulator

SECRET = "e7a1c0de-very-secret"
FINGERPRINT = ":".join(["AB"] * 32)
TOKEN: dict[str, Any] = {
    "endpoints": ["https://pve1.example.org:8006"],
    "token_id": "automation@pve!labs",
    "token_secret": SECRET,
}
LOGIN: dict[str, Any] = {"endpoints": ["pve1"], "username": "root@pam", "password": SECRET}


def loaded(connections: object) -> dict[str, Connection]:
    """The connections of a stack that has these."""
    return load({"proxmox:connections": connections}, Path("/nowhere"))


def problem(connections: object) -> str:
    """What is told about connections that can't be used."""
    with pytest.raises(ConfigProblem) as told:
        loaded(connections)
    return str(told.value)


@pytest.mark.parametrize("given", [{"lab": TOKEN}, json.dumps({"lab": TOKEN})])
def test_connections_come_as_an_object_or_as_its_json(given: object) -> None:
    assert loaded(given)["lab"].token_id == "automation@pve!labs"


def test_a_stack_may_have_several() -> None:
    assert sorted(loaded({"one": TOKEN, "two": LOGIN})) == ["one", "two"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pve1", "https://pve1:8006"),
        ("pve1:443", "https://pve1:443"),
        ("https://pve1.example.org/", "https://pve1.example.org:8006"),
        ("[2001:db8::1]", "https://[2001:db8::1]:8006"),
    ],
)
def test_an_endpoint_may_be_written_short(written: str, meant: str) -> None:
    assert loaded({"lab": {**TOKEN, "endpoints": [written]}})["lab"].endpoints == [meant]


def test_a_host_that_has_another_address_is_followed_there() -> None:
    ssh = {"password": "x", "hosts": {"pve1": {"address": "192.0.2.1", "host_key": "ssh-ed25519 AAAA"}}}
    endpoints = ["192.0.2.1", "https://pve2.example.org", "[2001:db8::1]:443"]
    lab = loaded({"lab": {**TOKEN, "endpoints": endpoints, "ssh": ssh}})["lab"]

    moved = lab.at({"192.0.2.1": "2001:db8::7", "2001:db8::1": "192.0.2.7"})

    assert moved.endpoints == ["https://[2001:db8::7]:8006", "https://pve2.example.org:8006", "https://192.0.2.7:443"]
    assert moved.ssh is not None
    assert moved.ssh.hosts["pve1"].address == "2001:db8::7"
    assert lab.at({}) == lab


def test_a_fingerprint_is_taken_as_proxmox_shows_it() -> None:
    assert loaded({"lab": {**TOKEN, "fingerprint": FINGERPRINT}})["lab"].fingerprint == "ab" * 32


@pytest.mark.parametrize(
    ("wrong", "where", "what"),
    [
        ({**TOKEN, "endpoints": []}, "lab.endpoints", "at least 1"),
        ({**TOKEN, "endpoints": ["http://pve1"]}, "lab.endpoints.0", "write it like https://"),
        ({**TOKEN, "token_id": f"root!{SECRET}"}, "lab.token_id", "match"),
        ({**TOKEN, "fingerprint": SECRET}, "lab.fingerprint", "pvenode cert info"),
        ({**TOKEN, "fingerprint": FINGERPRINT, "insecure": True}, "lab", "only one of"),
        ({**TOKEN, "ca_file": "/no/such/ca.pem"}, "lab", "there is no file /no/such/ca.pem"),
        ({**TOKEN, "pasword": SECRET}, "lab.pasword", "not permitted"),
        ({"endpoints": ["pve1"]}, "lab", "either token_id and token_secret"),
        ({**TOKEN, **LOGIN}, "lab", "either token_id and token_secret"),
        ({**LOGIN, "token_id": "a@pve!b"}, "lab", "either token_id and token_secret"),
        ({**LOGIN, "totp_secret": f"{SECRET}!"}, "lab.totp_secret", "no base32"),
        ({**TOKEN, "limits": {"node": 0}}, "lab.limits.node", "greater than or equal to 1"),
        (SECRET, "lab", "valid dictionary"),
    ],
)
def test_what_is_wrong_is_told_by_its_key_and_never_with_a_secret(wrong: object, where: str, what: str) -> None:
    told = problem({"lab": wrong})

    assert told.startswith(f"proxmox:connections.{where}: ")
    assert what in told
    assert SECRET not in told
    assert "\n" not in told


@pytest.mark.parametrize("given", [f"{{{SECRET}", [SECRET], {}, SECRET])
def test_what_is_no_map_of_connections_is_told_without_showing_it(given: object) -> None:
    told = problem(given)

    assert told.startswith("proxmox:connections ")
    assert SECRET not in told


def test_a_connection_shows_no_secret_when_it_is_printed() -> None:
    connections = loaded({"one": TOKEN, "two": {**LOGIN, "totp_secret": "JBSWY3DPEHPK3PXP"}})

    assert SECRET not in repr(connections)
    assert "JBSWY3DPEHPK3PXP" not in repr(connections)


def test_a_stack_without_any_is_told_both_ways_to_have_one() -> None:
    with pytest.raises(ConfigProblem, match=r"proxmox:connections .* proxmox:simulator"):
        load({}, Path("/nowhere"))


def test_a_slip_of_the_pen_in_the_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match=r"; is that what proxmox:simulater is meant to be\?$"):
        load({"proxmox:lab": {}, "proxmox:simulater": "standalone"}, tmp_path)


def test_a_simulated_topology_gives_a_connection_for_each_of_its_hosts(
    two_hosts: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(two_hosts.base))

    connections = load({"proxmox:simulator": "two-hosts"}, Path("/nowhere"))

    assert sorted(connections) == sorted(two_hosts.running.connections)
    assert all(connection.ca_file for connection in connections.values())


def test_a_topology_may_say_that_programs_log_in_as_root_and_know_all_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(tmp_path))
    nodes = ", ".join(f"{name}: {{clustered: false, nodes: {{{name}: {{}}}}}}" for name in ("one", "two"))
    topology = tmp_path / "hosts.yaml"
    topology.write_text(f"{{login: password, password: secret, datacenters: {{{nodes}}}}}")
    try:
        connections = load({"proxmox:simulator": str(topology)}, tmp_path)
    finally:
        daemon.stop(tmp_path / "hosts")

    for connection in connections.values():
        assert (connection.username, connection.token_id) == ("root@pam", None)
        assert connection.password is not None
        assert connection.password.get_secret_value() == "secret"
        assert connection.ssh is not None
        assert set(connection.ssh.hosts) == {"one", "two"}


def test_a_topology_that_does_not_exist_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(tmp_path))
    with pytest.raises(ConfigProblem, match=r"^proxmox:simulator: .*no-such-topology") as told:
        load({"proxmox:simulator": "no-such-topology"}, tmp_path)

    assert "\n" not in str(told.value)


def test_the_only_connection_needs_no_name_and_one_of_several_does() -> None:
    one, two = loaded({"lab": TOKEN}), loaded({"one": TOKEN, "two": LOGIN})

    assert pick(one, None) == "lab"
    assert pick(two, "two") == "two"
    with pytest.raises(ConfigProblem, match=r"several connections \(one, two\)"):
        pick(two, None)
    with pytest.raises(ConfigProblem, match=r"no connection 'three'; the stack has one, two"):
        pick(two, "three")
