"""Users: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers._runtime.client import Client
from providers._runtime.errors import LoginRefused
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers.guests import Driver
from tests.runtime.doors import login_to, opened, soon

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/access/groups", {"groupid": "operators"}),
    ("POST", "/access/groups", {"groupid": "auditors"}),
]
EXAMPLE = {
    "userid": "ci@pve",
    "groups": ["operators", "auditors"],
    "email": "ci@example.org",
    "firstname": "See",
    "lastname": "Eye",
    "comment": "the build machine",
}
UPDATES = [
    {**EXAMPLE, "groups": ["auditors"], "enable": False, "expire": 2000000000, "email": "build@example.org"},
    {"userid": "ci@pve", "groups": [], "keys": "x!ccccccbcgujx"},
    {"userid": "ci@pve", "groups": ["operators"], "comment": "again"},
]
DRIFT = [("PUT", "/access/users/ci@pve", {"groups": "auditors", "comment": "by hand"})]


@pytest.fixture
def user(simulator: Simulator) -> Driver:
    """A user of a program."""
    return Driver(simulator, "user")


def test_what_is_declared_no_longer_is_as_proxmox_has_it_by_itself(user: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/groups", {"groupid": "operators"})
    user.up({**EXAMPLE, "groups": ["operators"], "enable": False, "expire": 2000000000})

    user.up({"userid": "ci@pve"})

    seen = simulator.by_hand("GET", "/access/users/ci@pve")
    assert seen.pop("comment") == user.owner.mark
    assert {name: value for name, value in seen.items() if value} == {"enable": 1}


@pytest.mark.parametrize(
    ("args", "field", "told"),
    [
        ({"userid": "ci@nowhere"}, "userid", "there is no realm 'nowhere' on the host, and none in this program"),
        ({"groups": ["ops"]}, "groups", "there is no group 'ops' on the host, and none in this program"),
        ({"password": "short"}, "password", "at least 8 characters"),
        ({"userid": "ci"}, "userid", "should match pattern"),
        ({"email": "nobody"}, "email", "should match pattern"),
    ],
)
def test_what_proxmox_would_refuse_is_refused_in_preview(
    user: Driver, args: dict[str, Any], field: str, told: str
) -> None:
    assert told in user.problems({"userid": "ci@pve", **args})[field]


def test_a_password_for_a_user_whose_realm_has_its_own_is_refused_in_preview(
    user: Driver, simulator: Simulator
) -> None:
    options = {"server1": "192.0.2.7", "base_dn": "dc=example", "user_attr": "uid"}
    simulator.by_hand("POST", "/access/domains", {"realm": "people", "type": "ldap", **options})

    problems = user.problems({"userid": "ci@people", "password": "a long one"})

    assert "the realm people knows the passwords of its users itself" in problems["password"]


def test_a_group_that_the_program_itself_makes_may_be_named(user: Driver) -> None:
    user.facts.announce("group", "operators")

    assert user.problems({"userid": "ci@pve", "groups": ["operators"]}) == {}


def logs_in(simulator: Simulator, password: str) -> bool:
    """Whether the user can log in with that password."""
    with opened(login_to(simulator, username="ci@pve", password=password)) as client:
        try:
            client.request("GET", "/version", None, deadline=soon())
        except LoginRefused:
            return False
    return True


def test_a_password_is_changed_by_a_login_and_by_no_token(user: Driver, simulator: Simulator) -> None:
    user.up({"userid": "ci@pve", "password": "the first one"})
    assert logs_in(simulator, "the first one")

    assert "from no API token" in user.problems({"userid": "ci@pve", "password": "the second one"})["password"]
    user.log_in_as_root()
    user.up({"userid": "ci@pve", "password": "the second one"})

    assert logs_in(simulator, "the second one")
    assert not logs_in(simulator, "the first one")
    user.up({"userid": "ci@pve", "comment": "without it"})
    assert logs_in(simulator, "the second one")


def test_the_right_to_one_group_is_enough_for_its_users(user: Driver, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/access/groups", {"groupid": "operators"})
    simulator.by_hand("POST", "/access/users", {"userid": "boss@pve", "password": "the boss's own"})
    for path in ("/access/groups/operators", "/access/realm/pve"):
        simulator.by_hand("PUT", "/access/acl", {"path": path, "users": "boss@pve", "roles": "PVEUserAdmin"})
    user.client = Client("lab", login_to(simulator, username="boss@pve", password="the boss's own"), 4)
    user.again()

    assert "Group.Allocate" not in str(user.problems({"userid": "ci@pve"}))
    assert "it needs User.Modify on /access/groups" in user.problems({"userid": "ci@pve"})["connection"]
    user.up({"userid": "ci@pve", "groups": ["operators"]})

    assert user.drift() == {}
    user.delete()
    assert user.drift() == {"gone": True}


@pytest.mark.engine
def test_a_password_is_in_the_state_only_as_a_secret(program: Program) -> None:
    program.declare({"it": Resource("providers.user.User", {"userid": "ci@pve", "password": "not to be seen"})})

    up = program.up()

    assert up.changes == {"create": 1}, up.text
    assert "not to be seen" not in up.text + json.dumps(program.state())
