"""Roles: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import pytest

from tests.conftest import Simulator
from tests.providers.guests import Driver

EXAMPLE = {"roleid": "operator", "privs": ["VM.PowerMgmt", "VM.Audit"]}
UPDATES = [{"roleid": "operator", "privs": ["VM.Audit", "VM.Console"]}, {"roleid": "operator", "privs": ["VM.Audit"]}]
DRIFT = [("PUT", "/access/roles/operator", {"privs": "VM.Audit,VM.Clone"})]


@pytest.mark.parametrize(
    ("privilege", "told"),
    [
        ("vm.audit", "this host knows no privilege 'vm.audit'; there is VM.Audit"),
        ("Pool.Modify", "this host knows no privilege 'Pool.Modify'; there is Pool.Allocate, Pool.Audit"),
        ("VM.Monitor|", "this host knows no privilege 'VM.Monitor|'; there is VM.Allocate, "),
    ],
)
def test_a_privilege_that_the_host_does_not_know_is_refused_in_preview(
    simulator: Simulator, privilege: str, told: str
) -> None:
    problems = Driver(simulator, "role").problems({"roleid": "operator", "privs": ["VM.Audit", privilege]})

    assert problems["privs"].startswith(told)


def test_the_names_of_proxmoxs_own_roles_are_refused_as_proxmox_does(simulator: Simulator) -> None:
    problems = Driver(simulator, "role").problems({"roleid": "pveOperator", "privs": ["VM.Audit"]})

    assert "for its own roles" in problems["roleid"]


def test_the_order_of_privileges_means_nothing(simulator: Simulator) -> None:
    role = Driver(simulator, "role")
    role.up({"roleid": "operator", "privs": ["VM.PowerMgmt", "VM.Audit", "VM.Audit"]})

    assert role.drift() == {}
    assert role.outputs["privs"] == ["VM.Audit", "VM.PowerMgmt"]
