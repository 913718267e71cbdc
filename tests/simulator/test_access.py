"""Permissions: propagation, the entry nearest to the object, groups, pools, NoAccess, privilege separation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.access import Access, normalize_path
from simulator.privileges import BUILTIN_ROLES
from simulator.records import Acl, Group, Pool, Token, User
from simulator.state import Datacenter, World
from tests.simulator.client import Client

_ROLES = st.sampled_from(["PVEAuditor", "PVEVMUser", "PVEVMAdmin", "NoAccess", "PVEPoolAdmin"])
_PATHS = st.sampled_from(["/", "/vms", "/vms/100", "/pool", "/pool/prod", "/storage"])
_SUBJECTS = st.sampled_from(["user/a@pve", "group/devs", "token/a@pve!t", "user/other@pve"])
_ENTRIES = st.dictionaries(_PATHS, st.dictionaries(_SUBJECTS, st.dictionaries(_ROLES, st.booleans(), min_size=1)))
_OBJECTS = st.sampled_from(["/", "/vms", "/vms/100", "/vms/101", "/pool/prod", "/storage/local"])


@pytest.fixture
def datacenter(tmp_path: Path) -> Iterator[Datacenter]:
    world = World(tmp_path / "state.sqlite")
    made = world.add("pve")
    with world.database.transaction():
        made.users.put(User(userid="a@pve"))
        made.groups.put(Group(groupid="devs", members=frozenset({"a@pve"})))
        made.tokens.put(Token(full_id="a@pve!t", secret=""))
        made.pools.put(Pool(poolid="prod", vms=frozenset({100}), storages=frozenset({"local"})))
    yield made
    world.database.close()


Entries = dict[str, dict[str, dict[str, bool]]]


def _grant(datacenter: Datacenter, entries: Entries) -> None:
    for acl in datacenter.acl:
        datacenter.acl.delete(acl.path)
    for path, subjects in entries.items():
        datacenter.acl.put(Acl(path=path, entries=subjects))


def _reference_roles(entries: Entries, path: str, subject: str, groups: list[str]) -> set[str]:
    """Say in other words which roles hold on a path: those of the nearest level that says anything."""
    parts = [part for part in path.split("/") if part]
    levels = ["/" + "/".join(parts[:depth]) for depth in range(len(parts) + 1)]
    for level in reversed(levels):
        said = entries.get(level, {})
        for names in ([subject], groups):
            roles = {
                role for name in names for role, propagate in said.get(name, {}).items() if propagate or level == path
            }
            if roles:
                return roles
    return set()


def _reference(entries: Entries, path: str, subject: str, groups: list[str]) -> set[str]:
    roles = _reference_roles(entries, path, subject, groups)
    if "NoAccess" not in roles and path in ("/vms/100", "/storage/local"):
        roles |= _reference_roles(entries, "/pool/prod", subject, groups)
    if "NoAccess" in roles:
        return set()
    return {privilege for role in roles for privilege in BUILTIN_ROLES[role]}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=_ENTRIES, path=_OBJECTS)
def test_privileges_of_a_user_and_of_its_separated_token_are_those_of_the_rules(
    datacenter: Datacenter, entries: Entries, path: str
) -> None:
    _grant(datacenter, entries)
    of_user = _reference(entries, path, "user/a@pve", ["group/devs"])
    of_token = _reference(entries, path, "token/a@pve!t", [])
    assert set(Access(datacenter, "a@pve").privileges(path)) == of_user
    assert set(Access(datacenter, "a@pve!t").privileges(path)) == of_user & of_token


@given(st.text(alphabet="ab/", max_size=12))
def test_a_normalized_path_stays_as_it_is(path: str) -> None:
    once = normalize_path(path)
    assert normalize_path(once) == once
    assert once.startswith("/")


def test_root_may_everything_and_its_unseparated_token_too(datacenter: Datacenter) -> None:
    datacenter.tokens.put(Token(full_id="root@pam!x", secret="", privsep=False))
    datacenter.tokens.put(Token(full_id="root@pam!y", secret=""))
    assert Access(datacenter, "root@pam").may("/vms/1", ["VM.Allocate", "Permissions.Modify"])
    assert Access(datacenter, "root@pam!x").may("/vms/1", ["VM.Allocate", "Permissions.Modify"])
    assert not Access(datacenter, "root@pam!y").may("/vms/1", ["VM.Audit"])


def _user(client: Client, name: str) -> None:
    client.call("POST", "/access/users", {"userid": name, "password": "password1"})
    assert client.login(name, "password1").status == 200


def test_a_user_sees_only_what_it_may(client: Client) -> None:
    _user(client, "a@pve")
    assert client.call("GET", "/cluster/resources", {"type": "vm"}, as_user="a@pve").data == []
    client.call("PUT", "/access/acl", {"path": "/vms/9000", "users": "a@pve", "roles": "PVEAuditor"})
    seen = client.call("GET", "/cluster/resources", {"type": "vm"}, as_user="a@pve").data
    assert [row["vmid"] for row in seen] == [9000]


def test_a_method_of_root_alone_and_a_missing_privilege_are_403(client: Client) -> None:
    _user(client, "a@pve")
    answer = client.call("POST", "/pools", {"poolid": "x"}, as_user="a@pve")
    assert (answer.status, answer.reason) == (403, "Permission check failed (/pool/x, Pool.Allocate)")


def test_who_may_modify_a_guest_cannot_hand_out_more_than_it_has(client: Client) -> None:
    _user(client, "a@pve")
    client.call("PUT", "/access/acl", {"path": "/vms/100", "users": "a@pve", "roles": "PVEVMAdmin"})
    change = {"path": "/vms/100", "users": "a@pve"}
    assert client.call("PUT", "/access/acl", change | {"roles": "PVEVMUser"}, as_user="a@pve").status == 200
    refused = client.call("PUT", "/access/acl", change | {"roles": "Administrator"}, as_user="a@pve")
    text = "Cannot add role 'Administrator' - requires 'Permissions.Modify' or superset of privileges."
    assert refused.body["errors"] == {"role": text}


def test_deleting_users_groups_tokens_and_roles_takes_their_entries_along(client: Client) -> None:
    _user(client, "a@pve")
    client.call("POST", "/access/groups", {"groupid": "g"})
    client.call("POST", "/access/roles", {"roleid": "r", "privs": "VM.Audit"})
    client.call("POST", "/access/users/root@pam/token/tk")
    for name, value in (("users", "a@pve"), ("groups", "g"), ("tokens", "root@pam!tk")):
        assert client.call("PUT", "/access/acl", {"path": "/", "roles": "PVEAuditor,r", name: value}).status == 200
    for path in ("/access/users/a@pve", "/access/groups/g", "/access/users/root@pam/token/tk", "/access/roles/r"):
        assert client.call("DELETE", path).status == 200
    assert client.call("GET", "/access/acl").data == []


def test_names_of_roles_that_begin_like_proxmoxs_own_are_refused(client: Client) -> None:
    refused = client.call("POST", "/access/roles", {"roleid": "pveops", "privs": "VM.Audit"})

    text = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"
    assert (refused.status, refused.body["errors"]) == (400, {"roleid": text})


def test_a_password_is_set_only_where_the_realm_has_passwords_here(client: Client) -> None:
    directory = {"realm": "corp", "type": "ldap", "server1": "192.0.2.5", "base_dn": "dc=x", "user_attr": "uid"}
    client.call("POST", "/access/domains", directory)

    def made(userid: str) -> str:
        return client.call("POST", "/access/users", {"userid": userid, "password": "password1"}).reason

    assert made("a@corp") == "create user failed: can't set password on auth type 'ldap'"
    assert made("a@nowhere") == "create user failed: auth domain 'nowhere' does not exist"
    assert made("a@pve") == "OK"
    assert client.call("GET", "/access/users/a@corp").status == 500


def test_a_built_in_realm_that_is_removed_is_as_it_was_by_itself(client: Client) -> None:
    before = client.call("GET", "/access/domains").data
    client.call("PUT", "/access/domains/pam", {"comment": "other", "default": 1})
    client.call("PUT", "/access/domains/pam", {"delete": "comment"})
    assert client.call("GET", "/access/domains/pam").data["comment"] == "Linux PAM standard authentication"

    assert client.call("DELETE", "/access/domains/pam").status == 200
    assert client.call("GET", "/access/domains").data == before


def test_a_backup_job_is_for_who_runs_its_storage(client: Client) -> None:
    _user(client, "a@pve")
    client.call("POST", "/access/roles", {"roleid": "jobs", "privs": "Sys.Modify"})
    client.call("PUT", "/access/acl", {"path": "/", "users": "a@pve", "roles": "jobs"})
    job = {"id": "nightly", "schedule": "2:00", "all": 1, "storage": "local"}

    refused = client.call("POST", "/cluster/backup", job, as_user="a@pve")
    assert refused.reason == "Permission check failed (/storage/local, Datastore.Allocate)"
    client.call("POST", "/cluster/backup", job)
    assert client.call("PUT", "/cluster/backup/nightly", {"enabled": 0}, as_user="a@pve").status == 200
    moved = client.call("PUT", "/cluster/backup/nightly", {"storage": "local"}, as_user="a@pve")
    assert moved.status == 403
