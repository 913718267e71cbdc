"""The lab of two hosts: its page, and on the real engine guests on both, and what it is like when one host is down."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import bcrypt
import pytest
import requests

from tests.conftest import Simulator
from tests.engine import Program
from tests.stacks.pages import Page, declare, with_own_main
from tests.stacks.told import told_by

PAGE = Page("dual-hypervisor")
FILE, page, refusal = PAGE.file, PAGE.changed, PAGE.refusal


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("cluster", "two hosts have no quorum when one is down"),
        ("ha", "high availability needs a cluster with a quorum"),
        ("replication", "replication is between nodes of one cluster"),
        ("shared_storage", "each host has its own storage"),
        ("migration", "guests migrate between nodes of one cluster"),
    ],
)
def test_what_two_hosts_without_a_cluster_can_not_have_is_refused_with_the_reason(key: str, reason: str) -> None:
    said = refusal(**{key: {"enabled": True}})

    assert said.startswith(f"{FILE}: proxmox:lab.{key}: {reason}")
    assert "; take it out (it is {'enabled': True})" in said


def test_what_does_not_fit_together_is_told_all_at_once_with_file_key_value_and_remedy() -> None:
    tenants = page()["tenants"]
    same = {**tenants[1], "vlan": 110, "dhcp_pool": "10.120.1.1-10.120.1.9"}

    assert refusal(tenants=[tenants[0], same]).split(f"; {FILE}: ") == [
        f"{FILE}: proxmox:lab.tenants.1.dhcp_pool: it has to go upwards from 10.120.0.1 or later to 10.120.0.254 or "
        "earlier, inside of 10.120.0.0/24 (it is '10.120.1.1-10.120.1.9')",
        "proxmox:lab.tenants.1.vlan: tenants.0 has it already; each tenant has its own (it is 110)",
    ]


def test_a_mistyped_key_of_a_part_is_told() -> None:
    hosts = page()["hosts"]

    said = refusal(hosts={**hosts, "beta": {**hosts["beta"], "brige": "vmbr1"}})

    assert "proxmox:lab.hosts.beta.brige: there is no such key; take it out, or look for a typing error" in said


@pytest.fixture
def lab(two_hosts: Simulator, program_on: Callable[..., Program]) -> Program:
    """The project's own program, with the page that is shipped."""
    return with_own_main(program_on(two_hosts, {"proxmox:lab": page()}))


def running_on(simulator: Simulator, connection: str) -> set[str]:
    """Names of the guests that run on the host behind one of the connections."""
    simulated = simulator.running.connections[connection]
    token = f"PVEAPIToken={simulated.token_id}={simulated.token_secret}"
    answer = requests.get(
        f"{simulated.endpoints[0]}/api2/json/cluster/resources",
        params={"type": "vm"},
        headers={"Authorization": token},
        verify=str(simulated.ca_file),
        timeout=10,
    )
    return {row["name"] for row in answer.json()["data"] if row["status"] == "running"}


@pytest.mark.engine
def test_the_lab_comes_up_from_nothing_and_goes_without_a_trace(lab: Program, two_hosts: Simulator) -> None:
    before = two_hosts.state()

    first = lab.up()

    assert first.code == 0, first.text
    told = told_by(lab)
    assert set(told.guests) == {"ci-1", "ci-2", "iot-backend", "blue-web-1", "blue-web-2", "green-web"}
    assert {guest.host for guest in told.guests.values()} == {"alpha", "beta"}
    assert told.networks["blue"].bridge == "vlan110"
    assert told.guests["blue-web-2"].address == "10.110.0.12"
    hashed = tomllib.loads(told.secret_files["alpha-answer.toml"])["global"]["root-password-hashed"]
    assert bcrypt.checkpw(told.credentials["root@alpha"].password.encode(), hashed.encode())
    plain = lab.pulumi("stack", "export").stdout
    assert told.credentials["guests"].password not in plain
    assert hashed not in plain
    second = lab.up()
    assert (second.code, second.changes) == (0, {}), second.text
    moved = [{**guest, "host": "alpha"} if guest["name"] == "iot-backend" else guest for guest in page()["guests"]]
    declare(lab, page(guests=moved))
    refused = lab.preview()
    assert refused.code != 0
    assert "is behind 'beta' and not behind 'alpha'" in refused.text
    gone = lab.destroy()
    assert gone.code == 0, gone.text
    assert two_hosts.state() == before


@pytest.mark.engine
def test_a_host_that_is_down_does_not_keep_the_other_from_its_work(lab: Program, two_hosts: Simulator) -> None:
    beta = {"datacenter": "beta", "node": "beta"}
    two_hosts.control("POST", "nodes", {**beta, "online": False})

    assert lab.preview().code == 0
    met = lab.up("--continue-on-error")

    assert met.code != 0
    assert running_on(two_hosts, "alpha") == {"ci-2", "blue-web-1"}, met.text
    two_hosts.control("POST", "nodes", {**beta, "online": True})
    assert lab.up().code == 0

    two_hosts.control("POST", "nodes", {**beta, "online": False})
    more = {"name": "more", "workload": "application", "host": "alpha", "memory": 512, "disk": "10G"}
    router = {"host": "alpha", "iso": "local:iso/debian-13.1.0-amd64-netinst.iso", "wan_bridge": "vmbr1"}
    declare(lab, page(guests=[*page()["guests"], more], opnsense={"device": "vtnet1", "vm": router}))
    preview = lab.preview()
    assert (preview.code, preview.changes) == (0, {"create": 2}), preview.text
    up = lab.up()
    assert (up.code, up.changes) == (0, {"create": 2}), up.text
    assert running_on(two_hosts, "alpha") == {"ci-2", "blue-web-1", "more", "opnsense"}
    assert lab.destroy("--continue-on-error").code != 0
    assert running_on(two_hosts, "alpha") == set()
    two_hosts.control("POST", "nodes", {**beta, "online": True})
    assert lab.destroy().code == 0
