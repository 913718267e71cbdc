"""Whether an identity may do what will be done, and what an administrator has to run if not."""

from __future__ import annotations

import pytest

from providers._runtime.connection import Connection
from providers._runtime.facts import Facts
from providers._runtime.privileges import ROLES, grant, granted, missing
from tests.conftest import Simulator
from tests.runtime.doors import connection_to, opened

PERMISSIONS = {
    "/": {"Sys.Audit": 1, "Sys.Modify": 0},
    "/vms": {"VM.Audit": 1},
    "/vms/100": {"VM.PowerMgmt": 1},
    "/pool/prod": {"Pool.Allocate": 0},
}


@pytest.mark.parametrize(
    ("path", "privilege", "may"),
    [
        ("/", "Sys.Modify", True),
        ("/nodes/pve1", "Sys.Audit", True),
        ("/nodes/pve1", "Sys.Modify", False),
        ("/vms/200", "VM.Audit", True),
        ("/vms/100", "VM.Audit", False),
        ("/vms/100", "VM.PowerMgmt", True),
        ("/pool/prod", "Pool.Allocate", True),
        ("/pool/prod/web", "Pool.Allocate", False),
        ("/storage/local", "Datastore.Audit", False),
        ("/vms/200", "VM.Allocate|VM.Audit", True),
        ("/pool/prod/web", "Pool.Audit|Pool.Allocate", False),
        ("/vms/*", "VM.Audit", True),
        ("/vms/100/*", "VM.PowerMgmt", True),
        ("/pool/prod/*", "Pool.Allocate", False),
        ("/nodes/pve1/*", "Sys.Audit", True),
    ],
)
def test_a_privilege_counts_on_its_path_and_below_where_it_is_handed_down(path: str, privilege: str, may: bool) -> None:
    assert granted(PERMISSIONS, path, privilege) is may


def test_without_any_permission_nothing_is_granted() -> None:
    assert not granted({}, "/vms/100", "VM.Audit")


def test_the_command_that_grants_it_names_the_token_or_the_user() -> None:
    token = Connection.model_validate({"endpoints": ["pve1"], "token_id": "a@pve!labs", "token_secret": "x"})
    user = Connection.model_validate({"endpoints": ["pve1"], "username": "a@pve", "password": "x"})

    assert grant(token, "/vms", "VM.Clone") == "pveum acl modify /vms --tokens 'a@pve!labs' --roles PVEVMAdmin"
    assert grant(user, "/vms/*", "VM.Clone") == "pveum acl modify /vms --users a@pve --roles PVEVMAdmin"
    assert grant(user, "/pool/x", "Pool.Allocate") == "pveum acl modify /pool/x --users a@pve --roles PVEPoolAdmin"


def test_the_roles_that_are_named_have_the_privilege(simulator: Simulator) -> None:
    roles = {row["roleid"]: set(row["privs"].split(",")) for row in simulator.by_hand("GET", "/access/roles")}

    assert [name for name, role in ROLES.items() if name not in roles[role]] == []


def test_an_identity_without_privileges_is_told_each_that_it_needs_once(simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "new@pve"})
    token = simulator.by_hand("POST", "/access/users/new@pve/token/labs")
    simulator.by_hand("PUT", "/access/acl", {"path": "/vms", "users": "new@pve", "roles": "PVEVMUser"})
    simulator.by_hand("PUT", "/access/acl", {"path": "/vms", "tokens": "new@pve!labs", "roles": "PVEVMUser"})
    needs = [("/vms/100", "VM.Audit"), ("/pool/prod", "Pool.Allocate"), ("/pool/prod", "Pool.Allocate")]

    with opened(connection_to(simulator, token_id="new@pve!labs", token_secret=token["value"])) as client:
        problems = list(missing(Facts(client), needs))

    assert problems == [
        (
            "connection",
            "it needs Pool.Allocate on /pool/prod: "
            "pveum acl modify /pool/prod --tokens 'new@pve!labs' --roles PVEPoolAdmin",
        )
    ]
