"""Entries of the access control list: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.client import Client
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.runtime.doors import login_to

SETUP: list[tuple[str, str, dict[str, Any]]] = [("POST", "/access/groups", {"groupid": "operators"})]
EXAMPLE = {"path": "/vms/100", "roleid": "PVEVMUser", "group": "operators", "propagate": True}
UPDATES = [{**EXAMPLE, "propagate": False}, EXAMPLE]
DRIFT = [("PUT", "/access/acl", {"path": "/vms/100", "roles": "PVEVMUser", "groups": "operators", "propagate": 0})]


@pytest.fixture
def acl(simulator: Simulator) -> Driver:
    """An entry of a program."""
    simulator.by_hand("POST", "/access/groups", {"groupid": "operators"})
    return Driver(simulator, "acl")


def rows(simulator: Simulator) -> list[tuple[str, str, str, str]]:
    """The entries on the host, without those that were there."""
    found = simulator.by_hand("GET", "/access/acl")
    return [(row["path"], row["type"], row["ugid"], row["roleid"]) for row in found]


@pytest.mark.parametrize("path", ["/", "/pool/a/b/c", "/sdn/zones/localnetwork/vmbr0", "/mapping/pci/gpu", "/vms"])
def test_a_path_that_proxmox_knows_is_taken(acl: Driver, path: str, simulator: Simulator) -> None:
    before = rows(simulator)
    acl.up({**EXAMPLE, "path": path})

    assert set(rows(simulator)) - set(before) == {(path, "group", "operators", "PVEVMUser")}
    acl.delete()
    assert rows(simulator) == before


@pytest.mark.parametrize(
    ("args", "field", "told"),
    [
        ({"path": "/guests"}, "path", "should match pattern"),
        ({"path": "/vms/99"}, "path", "should match pattern"),
        ({"path": "/vms/"}, "path", "should match pattern"),
        ({"roleid": "Nobody"}, "roleid", "there is no role 'Nobody'"),
        ({"group": "ops"}, "group", "there is no group 'ops'"),
        ({"group": None, "user": "ghost@pve"}, "user", "there is no user 'ghost@pve'"),
        ({"group": None, "token": "root@pam!ghost"}, "token", "there is no token 'root@pam!ghost'"),
        ({"user": "root@pam"}, "", "an entry is for exactly one user, group or token"),
        ({"group": None}, "", "an entry is for exactly one user, group or token"),
    ],
)
def test_what_proxmox_would_refuse_is_refused_in_preview(
    acl: Driver, args: dict[str, Any], field: str, told: str
) -> None:
    given = {name: value for name, value in {**EXAMPLE, **args}.items() if value is not None}

    assert told in acl.problems(given)[field]


def test_entries_on_one_path_stand_side_by_side(acl: Driver, simulator: Simulator) -> None:
    other = Driver(simulator, "acl", "other")
    acl.up(EXAMPLE)
    other.up({**EXAMPLE, "roleid": "PVEAuditor"})

    acl.delete()

    assert other.drift() == {}
    assert acl.drift() == {"gone": True}


def test_the_entries_of_a_group_that_is_gone_are_gone_without_complaint(acl: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/roles", {"roleid": "operator", "privs": "VM.Audit"})
    acl.up({**EXAMPLE, "roleid": "operator"})
    simulator.by_hand("DELETE", "/access/groups/operators")
    simulator.by_hand("DELETE", "/access/roles/operator")

    assert acl.drift() == {"gone": True}
    acl.delete()


def test_a_role_beyond_what_the_connection_has_itself_is_refused_in_preview(acl: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "boss@pve", "password": "the boss's own"})
    simulator.by_hand("PUT", "/access/acl", {"path": "/vms", "users": "boss@pve", "roles": "PVEVMAdmin"})
    acl.client = Client("lab", login_to(simulator, username="boss@pve", password="the boss's own"), 4)
    acl.again()

    assert "it needs Permissions.Modify" in acl.problems({**EXAMPLE, "path": "/nodes"})["connection"]
    refused = acl.problems({**EXAMPLE, "roleid": "PVEAuditor"})
    assert refused["roleid"].startswith("it has what the connection itself does not have on /vms/100: ")
    assert acl.up(EXAMPLE)["roleid"] == "PVEVMUser"
    assert acl.drift() == {}
