"""Users and groups of a directory are taken over, when asked for and by the clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.client import Answer, Client

DIRECTORY = [
    {"realm": "corp", "type": "user", "name": "ann", "attributes": {"mail": "ann@example.test", "sn": "Archer"}},
    {"realm": "corp", "type": "user", "name": "bob", "attributes": {"mail": "bob@example.test"}},
    {"realm": "corp", "type": "group", "name": "admins", "members": ["ann", "nobody"]},
]
REALM = {
    "realm": "corp", "type": "ldap", "server1": "192.0.2.5", "base_dn": "dc=example,dc=test", "user_attr": "uid",
    "sync_attributes": "email=mail,lastname=sn",
}  # fmt: skip
SYNC = "/access/domains/corp/sync"
JOB = "/cluster/jobs/realm-sync/nightly"


@pytest.fixture
def corp(client: Client) -> Client:
    """A host with a realm whose directory answers."""
    assert client.call("POST", "/access/domains", REALM).status == 200
    client.control("seed", {"table": "directory", "records": DIRECTORY})
    return client


def _sync(client: Client, **options: Any) -> tuple[str, list[str]]:
    answer = client.call("POST", SYNC, {"scope": "both", **options})
    return _outcome(client, answer)


def _outcome(client: Client, answer: Answer) -> tuple[str, list[str]]:
    assert answer.status == 200, answer
    place = f"/nodes/{answer.data.split(':')[1]}/tasks/{answer.data}"
    log = [line["t"] for line in client.call("GET", f"{place}/log").data]
    return client.call("GET", f"{place}/status").data["exitstatus"], log


def _users(client: Client) -> dict[str, dict[str, Any]]:
    rows = client.call("GET", "/access/users").data
    return {row["userid"]: row for row in rows if row["userid"].endswith("@corp")}


def test_users_and_groups_are_taken_over_with_the_attributes_that_the_realm_names(corp: Client) -> None:
    status, log = _sync(corp)
    assert status == "OK"
    assert log == [
        "starting sync for realm corp",
        "got data from server, updating users and groups",
        "syncing users (remove-vanished opts: none)",
        "adding user 'ann@corp'",
        "adding user 'bob@corp'",
        "syncing groups (remove-vanished opts: none)",
        "adding group 'admins-corp'",
        "successfully updated users and groups configuration",
        "TASK OK",
    ]
    ann = _users(corp)["ann@corp"]
    assert (ann["email"], ann["lastname"], ann["enable"]) == ("ann@example.test", "Archer", 1)
    assert corp.call("GET", "/access/groups/admins-corp").data["members"] == ["ann@corp"]


def test_new_users_can_be_kept_disabled_and_a_dry_run_changes_nothing(corp: Client) -> None:
    status, log = _sync(corp, **{"dry-run": 1})
    assert (status, log[0]) == ("OK", "(dry test run) starting sync for realm corp")
    assert _users(corp) == {}
    _sync(corp, **{"scope": "users", "enable-new": 0})
    assert [row["enable"] for row in _users(corp).values()] == [0, 0]
    assert corp.call("GET", "/access/groups").data == []


def test_what_has_vanished_stays_unless_it_is_said_to_be_removed(corp: Client) -> None:
    gone = {"userid": "gone@corp", "comment": "by hand"}
    corp.call("POST", "/access/users", gone)
    corp.call("POST", "/access/groups", {"groupid": "old-corp"})
    for subject in ({"users": "gone@corp"}, {"groups": "old-corp"}):
        corp.call("PUT", "/access/acl", {"path": "/vms", "roles": "PVEAuditor", **subject})
    _sync(corp)
    assert "gone@corp" in _users(corp)
    _, log = _sync(corp, **{"remove-vanished": "entry;acl"})
    assert "remove user 'gone@corp'" in log
    assert "purge groups 'old-corp' ACL entries" in log
    assert "gone@corp" not in _users(corp)
    assert corp.call("GET", "/access/acl").data == []


def test_properties_set_by_hand_stay_unless_they_are_to_be_overwritten(corp: Client) -> None:
    _sync(corp)
    corp.call("PUT", "/access/users/ann@corp", {"comment": "by hand", "email": "other@example.test", "enable": 0})
    _, log = _sync(corp, scope="users")
    assert "updating user 'ann@corp'" in log
    assert (_users(corp)["ann@corp"]["comment"], _users(corp)["ann@corp"]["email"]) == ("by hand", "ann@example.test")
    _, log = _sync(corp, scope="users", full=1)
    assert "overwriting user 'ann@corp'" in log
    assert "comment" not in _users(corp)["ann@corp"]
    assert _users(corp)["ann@corp"]["enable"] == 0


def test_what_to_sync_may_be_said_by_the_realm(corp: Client) -> None:
    answer = corp.call("POST", SYNC)
    text = "Not passed as parameter and not defined in realm default sync options."
    assert (answer.status, answer.body["errors"]) == (400, {"scope": text})
    corp.call("PUT", "/access/domains/corp", {"sync-defaults-options": "scope=groups,enable-new=1"})
    assert _outcome(corp, corp.call("POST", SYNC))[1][1] == "got data from server, updating groups"


def test_a_realm_without_a_directory_cannot_be_synced(corp: Client) -> None:
    assert corp.call("POST", "/access/domains/nope/sync").body["errors"] == {"realm": "Realm does not exist."}
    answer = corp.call("POST", "/access/domains/pve/sync", {"scope": "both"})
    assert answer.reason == "Cannot sync realm type 'pve'! Only LDAP/AD realms can be synced."
    corp.call("POST", "/access/domains", REALM | {"realm": "silent"})
    status, _ = _outcome(corp, corp.call("POST", "/access/domains/silent/sync", {"scope": "both"}))
    assert status == "IO::Socket::INET: connect: No route to host"


def test_a_job_has_its_own_rules(corp: Client) -> None:
    job = {"realm": "corp", "schedule": "02:00", "scope": "both"}
    refused = corp.call("POST", JOB, {**job, "realm": "nope"})
    assert (refused.status, refused.body["message"]) == (
        500,
        "400 Parameter verification failed.\nrealm: No such realm 'nope'\n",
    )
    assert corp.call("POST", JOB, {"realm": "corp", "schedule": "02:00"}).status == 500
    assert corp.call("POST", JOB, job).status == 200
    assert corp.call("POST", JOB, job).reason == "Job 'nightly' already exists"
    assert corp.call("GET", JOB).data == {"type": "realm-sync", "enabled": 1, **job}
    assert corp.call("PUT", JOB, {"schedule": "03:00", "delete": "scope"}).status == 500
    assert corp.call("PUT", JOB, {"schedule": "03:00", "enabled": 0}).status == 200
    row = corp.call("GET", "/cluster/jobs/realm-sync").data[0]
    assert (row["id"], row["schedule"], row["enabled"], row["last-run"]) == ("nightly", "03:00", 0, None)
    assert corp.call("DELETE", JOB).status == 200
    assert corp.call("GET", JOB).body["errors"] == {"id": "No such job 'nightly'"}


def test_a_job_runs_when_its_time_has_come(corp: Client) -> None:
    now = corp.control("clock", {"mode": "held"}).data["now"]
    assert corp.call("POST", JOB, {"realm": "corp", "schedule": "*:0/10", "scope": "users"}).status == 200
    due = corp.call("GET", "/cluster/jobs/realm-sync").data[0]["next-run"]
    corp.control("clock", {"advance": due - now + 5})
    assert set(_users(corp)) == {"ann@corp", "bob@corp"}
    assert corp.call("GET", "/cluster/jobs/realm-sync").data[0]["last-run"] == due
    task = corp.call("GET", "/cluster/tasks").data[0]
    assert (task["type"], task["id"], task["user"]) == ("auth-realm-sync", "corp", "root@pam")


def test_a_schedule_is_told_in_advance(client: Client) -> None:
    params = {"schedule": "sat 03:30", "starttime": 1795255246, "iterations": 2}
    assert client.call("GET", "/cluster/jobs/schedule-analyze", params).data == [
        {"timestamp": 1795836600, "utc": "Sat Nov 28 03:30:00 2026"},
        {"timestamp": 1796441400, "utc": "Sat Dec  5 03:30:00 2026"},
    ]


def test_an_identity_provider_is_pointed_to_but_its_logins_cannot_be_proved(client: Client) -> None:
    redirect = {"redirect-url": "https://pve.example.test"}
    realm = {"realm": "sso", "type": "openid", "issuer-url": "https://id.example.test/", "client-id": "pve"}
    assert client.call("POST", "/access/domains", realm).status == 200
    url = client.send("POST", "/access/openid/auth-url", {"realm": "sso", **redirect}, headers={}).data
    assert url.startswith("https://id.example.test/authorize?response_type=code&client_id=pve&state=")
    wrong = client.send("POST", "/access/openid/auth-url", {"realm": "pve", **redirect}, headers={})
    assert wrong.reason == "wrong realm type (pve != openid)"
    unknown = client.send("POST", "/access/openid/auth-url", {"realm": "nope", **redirect}, headers={})
    assert unknown.reason == "authentication domain 'nope' does not exist"
    login = client.send("POST", "/access/openid/login", {"code": "c", "state": "s", **redirect}, headers={})
    assert (login.status, login.reason) == (401, "authentication failure")


def test_a_user_shows_which_second_factors_he_has(client: Client) -> None:
    assert client.call("GET", "/access/users/root@pam/tfa").data == {}
    client.call("PUT", "/access/domains/pam", {"tfa": "type=oath,step=30,digits=6"})
    assert client.call("GET", "/access/users/root@pam/tfa").data == {"realm": "oath"}
    client.login("root@pam", client.password)
    unknown = client.call("GET", "/access/users/ann@nope/tfa", as_user="root@pam")
    assert unknown.reason == "auth domain 'nope' does not exist"
    assert client.call("PUT", "/access/users/root@pam/unlock-tfa").data == 0
