"""Notifications: targets, matchers, what is built in, and that secrets are never shown."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.simulator.client import Client
from tests.simulator.node_bench import _started, data, node, somebody

__all__ = ["_started", "node"]
PATH = "/cluster/notifications"
SECRET = "hunter2"
ENCODED = base64.b64encode(SECRET.encode()).decode()
NEW: dict[str, dict[str, Any]] = {
    "gotify": {"server": "https://gotify.example.test", "token": SECRET},
    "sendmail": {"mailto": ["a@example.test", "b@example.test"], "author": "me"},
    "smtp": {
        "server": "mail.example.test", "from-address": "pve@example.test", "mailto-user": "root@pam",
        "username": "pve", "password": SECRET, "port": 2525, "mode": "starttls",
    },
    "webhook": {
        "url": "https://hook.example.test", "method": "post", "header": [f"name=X-Kind,value={ENCODED}"],
        "secret": [f"name=token,value={ENCODED}"],
    },
}  # fmt: skip


def _create(node: Client, kind: str, name: str, **changes: Any) -> None:
    data(node.call("POST", f"{PATH}/endpoints/{kind}", {"name": name, **NEW[kind], **changes}))


@pytest.mark.parametrize("kind", list(NEW))
def test_a_target_of_each_kind_lives_and_never_tells_its_secret(node: Client, kind: str) -> None:
    _create(node, kind, "mine", comment="first")
    one = f"{PATH}/endpoints/{kind}/mine"
    shown = data(node.call("GET", one))
    assert (shown["name"], shown["comment"], shown["origin"]) == ("mine", "first", "user-created")
    for answer in (shown, data(node.call("GET", f"{PATH}/endpoints/{kind}"))):
        assert SECRET not in str(answer)
        assert ENCODED not in str(answer).replace(f"name=X-Kind,value={ENCODED}", "")
    data(node.call("PUT", one, {"comment": "second", "disable": 1, "digest": shown["digest"]}))
    changed = data(node.call("GET", one))
    assert (changed["comment"], changed["disable"]) == ("second", 1)
    stale = node.call("PUT", one, {"comment": "third", "digest": shown["digest"]})
    assert (stale.status, stale.reason) == (
        400, "detected modified configuration - file changed by other user? Try again.",
    )  # fmt: skip
    data(node.call("PUT", one, {"delete": ["comment", "disable"]}))
    assert not {"comment", "disable"} & data(node.call("GET", one)).keys()
    wrong = node.call("PUT", one, {"delete": "name"})
    assert wrong.reason.startswith("unknown variant `name`, expected one of `")
    assert {row["name"]: row["type"] for row in data(node.call("GET", f"{PATH}/targets"))}["mine"] == kind
    data(node.call("DELETE", one))
    assert (node.call("GET", one).status, node.call("GET", one).reason) == (404, "endpoint 'mine' not found")


def test_values_come_back_with_their_types(node: Client) -> None:
    _create(node, "smtp", "post")
    shown = data(node.call("GET", f"{PATH}/endpoints/smtp/post"))
    assert (shown["port"], shown["mode"], shown["mailto-user"]) == (2525, "starttls", ["root@pam"])
    _create(node, "sendmail", "mail")
    assert data(node.call("GET", f"{PATH}/endpoints/sendmail/mail"))["mailto"] == ["a@example.test", "b@example.test"]


def test_a_name_is_taken_by_whatever_kind_has_it(node: Client) -> None:
    _create(node, "gotify", "mine")
    for kind in ("sendmail", "gotify"):
        refused = node.call("POST", f"{PATH}/endpoints/{kind}", {"name": "mine", **NEW[kind]})
        assert (refused.status, refused.reason) == (
            400, "Cannot create 'mine', an entity with the same name already exists",
        )  # fmt: skip


def test_a_mail_needs_a_recipient(node: Client) -> None:
    text = "must at least provide one recipient, either in mailto or in mailto-user"
    refused = node.call("POST", f"{PATH}/endpoints/sendmail", {"name": "mine"})
    assert (refused.status, refused.reason) == (400, text)
    _create(node, "sendmail", "mine")
    assert node.call("PUT", f"{PATH}/endpoints/sendmail/mine", {"delete": "mailto"}).reason == text


def test_the_secrets_of_a_webhook_are_named_kept_and_replaced(node: Client) -> None:
    _create(node, "webhook", "hook")
    one = f"{PATH}/endpoints/webhook/hook"
    assert data(node.call("GET", one))["secret"] == ["name=token"]
    data(node.call("PUT", one, {"secret": ["name=token", f"name=more,value={ENCODED}"]}))
    assert data(node.call("GET", one))["secret"] == ["name=token", "name=more"]
    for secret, reason in (
        (["name=nope"], "secret 'nope' not known"),
        (["name=token", "name=token"], "secret 'token' defined multiple times"),
        (["name=x,value=%%"], "secret 'x' does not have valid base64 encoded data"),
    ):
        assert node.call("PUT", one, {"secret": secret}).reason == reason
    for malformed in ("nonsense", f"value={ENCODED}"):
        new = {"name": "other", **NEW["webhook"], "secret": [malformed]}
        assert node.call("POST", f"{PATH}/endpoints/webhook", new).status == 400
    assert node.call("PUT", one, {"header": ["name=X-Kind"]}).reason == "header 'X-Kind' has empty value"
    data(node.call("PUT", one, {"delete": "secret"}))
    assert "secret" not in data(node.call("GET", one))


def test_what_is_built_in_can_be_changed_and_comes_back_when_it_is_deleted(node: Client) -> None:
    def target() -> dict[str, Any]:
        rows = {row["name"]: row for row in data(node.call("GET", f"{PATH}/targets"))}
        found: dict[str, Any] = rows["mail-to-root"]
        return found

    assert (target()["origin"], target()["type"]) == ("builtin", "sendmail")
    one = f"{PATH}/endpoints/sendmail/mail-to-root"
    assert data(node.call("GET", one))["mailto-user"] == ["root@pam"]
    data(node.call("PUT", one, {"comment": "mine now"}))
    assert (target()["origin"], target()["comment"]) == ("modified-builtin", "mine now")
    data(node.call("DELETE", one))
    assert target()["origin"] == "builtin"
    assert data(node.call("GET", f"{PATH}/matchers/default-matcher"))["target"] == ["mail-to-root"]


def test_a_matcher_names_targets_that_are_there_and_holds_them(node: Client) -> None:
    matcher = {"name": "night", "target": ["mine"], "match-severity": ["error,warning"], "mode": "any"}
    missing = node.call("POST", f"{PATH}/matchers", matcher)
    assert (missing.status, missing.reason) == (404, "endpoint 'mine' does not exist")
    _create(node, "gotify", "mine")
    data(node.call("POST", f"{PATH}/matchers", {**matcher, "match-field": ["exact:type=vzdump"], "invert-match": 1}))
    shown = data(node.call("GET", f"{PATH}/matchers/night"))
    assert (shown["target"], shown["match-severity"], shown["mode"], shown["invert-match"]) == (
        ["mine"], ["error,warning"], "any", 1,
    )  # fmt: skip
    held = node.call("DELETE", f"{PATH}/endpoints/gotify/mine")
    assert (held.status, held.reason) == (400, "cannot delete 'mine', referenced by: night")
    data(node.call("PUT", f"{PATH}/matchers/night", {"delete": "target"}))
    data(node.call("DELETE", f"{PATH}/endpoints/gotify/mine"))
    data(node.call("DELETE", f"{PATH}/matchers/night"))
    assert node.call("GET", f"{PATH}/matchers/night").reason == "matcher 'night' not found"


@pytest.mark.parametrize("wrong", [{"match-field": "type=vzdump"}, {"match-severity": "loud"}])
def test_a_matcher_that_makes_no_sense_is_refused(node: Client, wrong: dict[str, str]) -> None:
    assert node.call("POST", f"{PATH}/matchers", {"name": "night", **wrong}).status == 500


def test_what_matchers_can_look_at(node: Client) -> None:
    assert [row["name"] for row in data(node.call("GET", f"{PATH}/matcher-fields"))] == ["type", "hostname", "job-id"]
    values = data(node.call("GET", f"{PATH}/matcher-field-values"))
    assert {"field": "hostname", "value": "pve1"} in values
    assert {"field": "type", "value": "vzdump"} in values


def test_a_target_can_be_tried(node: Client) -> None:
    data(node.call("POST", f"{PATH}/targets/mail-to-root/test"))
    assert any("notified via target `mail-to-root`" in line for line in data(node.call("GET", "/nodes/pve1/journal")))
    missing = node.call("POST", f"{PATH}/targets/nope/test")
    assert (missing.status, missing.reason) == (404, "endpoint 'nope' does not exist")


def test_a_target_is_made_by_who_may_change_mappings_and_reach_the_network(node: Client) -> None:
    eve = somebody(node, "Mapping.Modify", path="/mapping/notifications")
    new = {"name": "mine", **NEW["gotify"]}
    assert node.call("POST", f"{PATH}/endpoints/gotify", new, as_user=eve).status == 403
    assert node.call("POST", f"{PATH}/matchers", {"name": "m1"}, as_user=eve).status == 200
    data(node.call("PUT", "/access/acl", {"path": "/", "roles": "PVEAdmin", "users": eve}))
    data(node.call("POST", "/access/roles", {"roleid": "net", "privs": "Sys.AccessNetwork"}))
    data(node.call("PUT", "/access/acl", {"path": "/", "roles": "net", "users": eve}))
    assert node.call("POST", f"{PATH}/endpoints/gotify", new, as_user=eve).status == 200


def test_without_quorum_nothing_is_configured(cluster_client: Client) -> None:
    for name in ("pve2", "pve3"):
        cluster_client.control("nodes", {"node": name, "online": False})
    refused = cluster_client.call("POST", f"{PATH}/endpoints/gotify", {"name": "mine", **NEW["gotify"]})
    assert refused.reason == "cfs-lock 'file-notifications_cfg' error: no quorum!"
