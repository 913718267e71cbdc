"""Realms: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers._access.realm_kinds import KINDS
from providers._runtime.errors import AlreadyThere, TaskFailed
from tests.conftest import Simulator, as_json
from tests.engine import Program, Resource
from tests.providers.guests import Driver

EXAMPLE = {
    "realm": "people",
    "type": "ldap",
    "server1": "192.0.2.7",
    "base_dn": "dc=example,dc=org",
    "user_attr": "uid",
    "sync_defaults_options": {"scope": "both", "remove_vanished": "acl;entry"},
    "user_classes": ["person", "inetorgperson"],
}
UPDATES = [
    {**EXAMPLE, "mode": "ldaps", "verify": True, "sync_attributes": {"email": "mail"}, "user_classes": ["person"]},
    {**EXAMPLE, "comment": "All of us", "default": True, "tfa": {"type": "oath", "digits": 6}, "case_sensitive": False},
    {**EXAMPLE, "comment": "Everybody", "sync_defaults_options": {"scope": "users"}},
]
DRIFT = [("PUT", "/access/domains/people", {"comment": "by hand", "sync-defaults-options": "scope=both"})]

DIRECTORY = [
    {"realm": "people", "type": "user", "name": "ann", "attributes": {"mail": "ann@example.test"}},
    {"realm": "people", "type": "group", "name": "admins", "members": ["ann"]},
]


@pytest.fixture
def realm(simulator: Simulator) -> Driver:
    """A realm of a program."""
    return Driver(simulator, "realm")


MADE_AND_CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ad": (
        {"server1": "192.0.2.7", "domain": "example.org", "bind_dn": "cn=labs", "password": "a secret"},
        {"password": "another secret", "server2": "192.0.2.8", "port": 636, "group_classes": ["group"]},
    ),
    "ldap": (
        {"server1": "192.0.2.7", "base_dn": "dc=example", "user_attr": "uid", "filter": "(a=b)"},
        {"user_attr": "cn", "sslversion": "tlsv1_3", "group_name_attr": "cn"},
    ),
    "openid": (
        {
            "issuer_url": "https://id.example.org", "client_id": "labs", "client_key": "a secret",
            "username_claim": "email", "scopes": ["profile", "email"],
        },
        {"client_key": "another secret", "autocreate": True, "audiences": ["b", "a"], "groups_claim": "roles"},
    ),
    "pam": ({"comment": "The machine's own"}, {"comment": "Of the machine", "tfa": {"type": "oath", "step": 30}}),
    "pve": ({"default": True}, {"default": False, "comment": "Of the cluster"}),
}  # fmt: skip
"""Type -> what makes one, and what is changed in place."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_realm_of_each_type_is_made_changed_in_place_and_removed(
    realm: Driver, simulator: Simulator, kind: str
) -> None:
    made, changed = MADE_AND_CHANGED[kind]
    before = as_json(simulator.state())
    named = {"realm": kind if kind in ("pam", "pve") else "people", "type": kind}
    realm.up({**named, **made})
    assert realm.drift() == {}

    realm.again()
    outputs = realm.up({**named, **made, **changed})

    unordered = {name: sorted(value) if isinstance(value, list) else value for name, value in changed.items()}
    assert {name: outputs[name] for name in changed} == unordered
    assert realm.drift() == {}
    realm.delete()
    assert as_json(simulator.state()) == before


def test_a_built_in_realm_that_somebody_has_set_is_taken_over_only_when_that_is_said(
    realm: Driver, simulator: Simulator
) -> None:
    simulator.by_hand("PUT", "/access/domains/pam", {"comment": "by hand"})
    args = {"realm": "pam", "type": "pam", "default": True}

    with pytest.raises(AlreadyThere, match=r"set adopt to `if-exists`"):
        realm.up(args)
    assert realm.up({**args, "adopt": "if-exists"})["default"] is True


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"server1": None}, "server1: a realm of type ldap needs it"),
        ({"client_id": "x"}, "client_id: a realm of type ldap has no such field"),
        ({"realm": "pam"}, "the realms pam and pve are the only ones of their types"),
        ({"realm": "people", "type": "pve"}, "has no such field"),
        ({"sync_on_change": True, "sync_defaults_options": None}, "its `scope` has to say what a sync takes over"),
        ({"sync_defaults_options": {"remove_vanished": "all"}}, "should match pattern"),
    ],
)
def test_what_proxmox_would_refuse_is_refused_in_preview(realm: Driver, args: dict[str, Any], told: str) -> None:
    given = {name: value for name, value in {**EXAMPLE, **args}.items() if value is not None}

    assert told in str(realm.problems(given))


def test_two_default_realms_of_a_program_are_refused_in_preview(realm: Driver, simulator: Simulator) -> None:
    other = Driver(simulator, "realm", "other")
    other.facts = realm.facts
    realm.up({**EXAMPLE, "default": True})

    assert "default" in other.problems({"realm": "pve", "type": "pve", "default": True})


def people(simulator: Simulator) -> set[str]:
    """The users that have come from the directory."""
    users = {str(row["userid"]) for row in simulator.by_hand("GET", "/access/users")}
    return {name for name in users if name.endswith("@people")}


def test_a_sync_brings_the_users_when_it_is_said_and_no_sooner(realm: Driver, simulator: Simulator) -> None:
    simulator.control("POST", "seed", {"table": "directory", "records": DIRECTORY})
    realm.up(EXAMPLE)
    assert people(simulator) == set()

    realm.up({**EXAMPLE, "triggers": {"day": "Monday"}})

    assert people(simulator) == {"ann@people"}
    assert realm.drift() == {}
    simulator.by_hand("DELETE", "/access/users/ann@people")
    realm.up({**EXAMPLE, "triggers": {"day": "Monday"}, "comment": "Us"})
    assert people(simulator) == set()
    realm.again()
    inputs, _ = realm.check({**EXAMPLE, "triggers": {"day": "Tuesday"}, "comment": "Us"})
    assert inputs["impact"] == "triggers: syncs live"
    realm.up({**EXAMPLE, "triggers": {"day": "Tuesday"}, "comment": "Us"})
    assert people(simulator) == {"ann@people"}


def test_a_sync_that_fails_is_done_by_the_next_run(realm: Driver, simulator: Simulator) -> None:
    args = {**EXAMPLE, "sync_on_change": True}
    with pytest.raises(TaskFailed, match="No route to host"):
        realm.up(args)
    realm.id = "access/domains/people"
    realm.refresh()
    assert "sync_on_change" not in realm.outputs, "so that the next run has something to do"

    simulator.control("POST", "seed", {"table": "directory", "records": DIRECTORY})
    realm.up(args)

    assert people(simulator) == {"ann@people"}
    assert realm.drift() == {}


@pytest.mark.engine
def test_the_secrets_of_a_realm_are_in_the_state_only_as_secrets(program: Program) -> None:
    program.declare(
        {
            kind: Resource("providers.realm.Realm", {"realm": kind + "1", "type": kind, **MADE_AND_CHANGED[kind][0]})
            for kind in ("ad", "openid")
        }
    )

    up = program.up()

    assert up.changes == {"create": 2}, up.text
    assert "a secret" not in up.text + json.dumps(program.state())
