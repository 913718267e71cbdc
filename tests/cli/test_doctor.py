"""`proxmox-labs doctor`: what it finds in answers, and on hosts where something is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.doctor import command, findings
from cli.doctor.findings import Finding, Level
from cli.doctor.probe import examine
from cli.main import app
from providers._runtime.client import Client
from providers._runtime.privileges import Need
from tests.conftest import Simulator
from tests.runtime.doors import access_to, connection_to

NOW = datetime(2026, 1, 31, tzinfo=UTC)
OTHER_KEY = "SHA256:" + "A" * 43


def bad(found: list[Finding]) -> list[tuple[str, str]]:
    """Check and place of all that is not fine; each has something to do about it."""
    assert all(each.remedy for each in found if each.level is not Level.FINE)
    return [(each.check, each.where) for each in found if each.level is not Level.FINE]


@pytest.mark.parametrize(("days", "level"), [(-1, Level.ERROR), (0, Level.ERROR), (29, "warning"), (31, "fine")])
def test_a_certificate_is_renewed_before_it_ends(days: int, level: str) -> None:
    assert findings.certificate("https://pve1:8006", NOW + timedelta(days=days), NOW).level == level


def test_nodes_have_one_version_that_is_new_enough() -> None:
    assert bad(list(findings.versions("lab", {"pve1": "9.2.1", "pve2": "9.2.1"}))) == []
    assert bad(list(findings.versions("lab", {"pve1": "9.2.1", "pve2": "9.1.4"}))) == [("version", "lab")]
    assert bad(list(findings.versions("lab", {"pve1": "7.4-3"}))) == [("version", "pve1")]


def test_clocks_go_with_ours_and_with_each_other_as_far_as_that_can_be_measured() -> None:
    assert bad(list(findings.clocks({"pve1": (4.0, 0.5), "pve2": (0.0, 0.5)}))) == []
    assert bad(list(findings.clocks({"pve1": (7.0, 3.0)}))) == []
    assert bad(list(findings.clocks({"pve1": (-60.0, 0.5)}))) == [("clock", "pve1")]
    assert bad(list(findings.clocks({"pve1": (-5.0, 0.5), "pve2": (5.0, 0.5)}))) == [("clock", "pve2")]


def test_storages_are_active_with_room_and_for_guests() -> None:
    rows = [
        {"storage": "local", "active": 1, "content": "iso,images,rootdir", "total": 100, "used": 95, "avail": 5},
        {"storage": "nas", "active": 0, "content": "images"},
        {"storage": "off", "active": 0, "enabled": 0, "content": "images"},
    ]
    assert bad(list(findings.storages("pve1", rows))) == [("storage", "pve1/local"), ("storage", "pve1/nas")]
    assert bad(list(findings.storages("pve1", rows[1:]))) == [("storage", "pve1/nas"), *[("storage", "pve1")] * 2]


def look(simulator: Simulator, needs: list[Need] | None = None, **changes: Any) -> list[Finding]:
    """All findings of a simulator's first connection, with some of its values changed."""
    client = Client("lab", connection_to(simulator, **{"ssh": access_to(simulator), **changes}), 4)
    try:
        return examine(client, [("/vms", "VM.Audit")] if needs is None else needs)
    finally:
        client.close()


def test_where_all_is_well_everything_has_been_looked_at_and_nothing_changed(cluster: Simulator) -> None:
    before = cluster.state()

    found = look(cluster)

    assert bad(found) == []
    assert {each.check for each in found} == {
        "connection", "tls", "privileges", "quorum", "version", "clock", "storage", "ssh",
    }  # fmt: skip
    endpoints = len(next(iter(cluster.running.connections.values())).endpoints)
    assert len(cluster.requests()) <= endpoints + 2 + 3 * 3
    assert {row["method"] for row in cluster.requests()} == {"GET"}
    assert cluster.state() == before


def test_a_node_that_is_away_is_found_and_what_is_left_is_still_looked_at(cluster: Simulator) -> None:
    first = next(iter(cluster.running.connections.values())).endpoints[:1]
    for node in ("pve2", "pve3"):
        cluster.control("POST", "nodes", {"datacenter": "lab", "node": node, "online": False})

    found = look(cluster, endpoints=first, ssh=None)

    assert [each for each in bad(found) if each[0] == "quorum"] == [
        ("quorum", "lab"), ("quorum", "pve2"), ("quorum", "pve3"),
    ]  # fmt: skip
    assert any(each.check == "storage" and each.where == "pve1" for each in found)


def test_a_privilege_that_is_missing_is_named_with_the_command_that_grants_it(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "small@pve"})
    token = simulator.by_hand("POST", "/access/users/small@pve/token/labs", {"privsep": 0})
    simulator.by_hand("PUT", "/access/acl", {"path": "/", "users": "small@pve", "roles": "PVEAuditor"})
    small = {"token_id": "small@pve!labs", "token_secret": token["value"]}

    found = look(simulator, [("/vms", "VM.Audit"), ("/vms/100", "VM.Allocate")], **small)

    assert bad(found) == [("privileges", "lab")]
    (missing,) = [each for each in found if each.check == "privileges"]
    assert missing.what == "it needs VM.Allocate on /vms/100"
    assert missing.remedy.endswith("pveum acl modify /vms/100 --tokens 'small@pve!labs' --roles PVEVMAdmin")


def test_a_host_that_is_not_who_it_should_be_or_does_not_let_us_in_is_found(simulator: Simulator) -> None:
    hosts = access_to(simulator)["hosts"]
    others = {name: {**host, "host_key": OTHER_KEY} for name, host in hosts.items()}
    endpoint = connection_to(simulator).endpoints[0]

    assert bad(look(simulator, ca_file=None, fingerprint="ab" * 32)) == [("connection", endpoint)]
    assert bad(look(simulator, token_secret="00000000-0000-0000-0000-000000000000")) == [("connection", endpoint)]
    assert bad(look(simulator, ssh=access_to(simulator, hosts=others))) == [("ssh", node) for node in hosts]
    assert bad(look(simulator, endpoints=["https://127.0.0.1:1"])) == [("connection", "https://127.0.0.1:1")]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_host_that_need_not_prove_who_it_is_is_a_finding(simulator: Simulator) -> None:
    found = look(simulator, ca_file=None, insecure=True)

    assert bad(found) == [("tls", connection_to(simulator).endpoints[0])]
    assert not any("is trusted" in each.what for each in found)


def test_findings_are_for_people_or_for_programs_and_the_code_says_whether_there_are_any(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(simulator.base))
    monkeypatch.setenv("COLUMNS", "300")
    state: list[dict[str, Any]] = []
    monkeypatch.setattr(command, "resources", lambda _directory, _stack: state)

    unknown = CliRunner().invoke(app, ["doctor"])
    pool = {"type": "pulumi-python:dynamic/proxmox:Pool", "inputs": {"poolid": "demo"}}
    state.append(pool)
    known = CliRunner().invoke(app, ["doctor", "--json"])

    assert (unknown.exit_code, known.exit_code) == (2, 0)
    assert "the stack has no resources there yet" in unknown.output
    assert "\x1b" not in unknown.output
    assert {each["level"] for each in json.loads(known.output)} == {"fine"}


def test_all_connections_of_a_stack_are_looked_at_each_by_its_name(
    two_hosts: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(two_hosts.base))
    monkeypatch.setattr(command, "resources", lambda _directory, _stack: [])

    found = json.loads(CliRunner().invoke(app, ["doctor", "--stack", "dual-hypervisor", "--json"]).output)

    names = set(two_hosts.running.connections)
    assert len(names) > 1
    assert {each["where"] for each in found if each["check"] == "privileges"} == names
    assert {each["where"].partition("/")[0] for each in found if each["check"] in ("ssh", "storage", "clock")} == names
