"""The simulator answers what the real Proxmox VE was recorded to answer, one whole story at a time."""

from __future__ import annotations

import re
from typing import Any

from simulator.upid import parse as parse_upid
from tests.simulator.client import Answer, Client
from tests.simulator.comparing import difference
from tests.simulator.oracles import recordings

GROUPS = ("auth", "http", "base", "options", "pools", "access", "tasks", "permissions", "extra-shapes", "json-bodies")
CLUSTER_GROUPS = ("proxy", "one-down", "no-quorum", "recovery")
CORE = re.compile(
    r"(?:/api2/(?:json|extjs|html|png))?(?:/foo/bar|/nosuch|/version|/access(?:/.*)?|/pools(?:/.*)?|/cluster"
    r"|/cluster/(?:status|nextid|options|tasks|resources)"
    r"|/nodes|/nodes/[^/]+(?:/(?:nosuch|doesnotexist|status|version|time|dns|config|network|tasks(?:/.*)?))?)"
)
PASSWORDS = {
    "root@pam": "benchpw", "vmuser@pve": "vmuserpw1", "nobody2@pve": "nobodypw1", "ann@pve": "annpassword",
}  # fmt: skip

_OTHER_GUESTS = "it lists guests, or tasks of guests, from stories that are not told here"

DISAGREEMENTS: dict[str, str] = {
    "tk.list-vmid": _OTHER_GUESTS,
    "tk.cluster": _OTHER_GUESTS,
    "tk.active-list": _OTHER_GUESTS,
    "pm.pool-get": _OTHER_GUESTS,
    "pm.nextid": _OTHER_GUESTS,
    "pm.resources-nobody": "`hastate` comes from high availability, which was in use there by then",
    "ex.html": "the simulator has no pages for browsers to look at the API with",
    "ex.png": "as above",
}


DOWN = {"proxy": (), "one-down": ("pve3",), "no-quorum": ("pve2", "pve3"), "recovery": ("pve3",)}
CLUSTER_DISAGREEMENTS: dict[str, str] = {
    "down.req-status": "the first call of a dead node ran into a time limit there; here it is refused at once",
    "down.resources": _OTHER_GUESTS,
    "down.tasks": _OTHER_GUESTS,
    "nq.resources": _OTHER_GUESTS,
    "nq.get~7": _OTHER_GUESTS,
    "nq.get~25": _OTHER_GUESTS,
    "nq.get~26": "the recorded host had a bridge without a network card",
}


def _headers(client: Client, user: str | None) -> dict[str, str]:
    """Return the headers with which the recorded request was made."""
    if user == "(none)":
        return {}
    if user == "(bad ticket)":
        return {"Cookie": "PVEAuthCookie=PVE:root@pam:00000000::bad"}
    if user == "(unknown token)":
        return {"Authorization": "PVEAPIToken=root@pam!nosuch=00000000-0000-0000-0000-000000000000"}
    if user is not None and "!" in user:
        return {"Authorization": f"PVEAPIToken={user}={client.tokens.get(user, 'wrong')}"}
    name = (user or "root@pam").partition("(")[0]
    if name not in client.tickets:
        client.login(name, PASSWORDS[name])
    headers = client.ticket_headers(name)
    if user is not None and "no csrf" in user:
        del headers["CSRFPreventionToken"]
    if user is not None and "bad csrf" in user:
        headers["CSRFPreventionToken"] = "00000000:bad"
    return headers


def _play(client: Client, record: dict[str, Any]) -> Answer:
    """Make a recorded request once more."""
    headers = _headers(client, record.get("as_user"))
    if record["id"] == "auth.token-wrong-secret":
        headers["Authorization"] += "x"
    headers |= record.get("request_headers") or {}
    answer = client.send(
        record["method"],
        record["path"],
        record["params"],
        headers=headers,
        as_json=record.get("content_type") == "application/json" and record["params"] is not None,
        raw=record.get("raw_body"),
    )
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    if isinstance(data, dict) and "full-tokenid" in data:
        client.tokens[data["full-tokenid"]] = data["value"]
    return answer


def _disagreement(record: dict[str, Any], answer: Answer) -> str | None:
    """Return in what an answer differs from the recorded one."""
    if (answer.status, answer.reason) != (record["status"], record["reason"]):
        return f"recorded {record['status']} {record['reason']!r}, got {answer.status} {answer.reason!r}"
    return difference(record["response"], answer.body)


def _about_a_recorded_task(record: dict[str, Any]) -> bool:
    """Tell whether a request names a task that ran only on the recorded host."""
    part = record["path"].partition("/tasks/")[2].partition("/")[0].replace("%3A", ":").replace("%40", "@")
    upid = parse_upid(part)
    return upid is not None and upid.starttime > 0x60000000


def _differing(client: Client, records: list[dict[str, Any]]) -> dict[str, str]:
    """Play records of the core's methods; return in what each differing answer differs."""
    differing = {}
    for record in records:
        written = record["path"].endswith("/network") and record["method"] != "GET"
        if CORE.fullmatch(record["path"]) and not written and not _about_a_recorded_task(record):
            found = _disagreement(record, _play(client, record))
            if found is not None:
                differing[record["id"]] = found
    return differing


def _assert_explained(differing: dict[str, str], explained: dict[str, str]) -> None:
    unexplained = {name: text for name, text in differing.items() if name not in explained}
    assert not unexplained, "\n".join(f"{name}: {text}" for name, text in unexplained.items())
    assert not explained.keys() - differing.keys(), "these agree by now"


def test_the_recorded_story_of_a_standalone_host_is_told_again(recorded_host: Client) -> None:
    recorded_host.call("DELETE", "/access/users/root@pam/token/labs")
    story = [record for record in recordings("pve-9.2.jsonl") if record["group"] in GROUPS and record["path"]]
    _assert_explained(_differing(recorded_host, story), DISAGREEMENTS)


def test_the_recorded_story_of_a_cluster_that_loses_its_nodes_is_told_again(recorded_cluster: Client) -> None:
    differing: dict[str, str] = {}
    for group in CLUSTER_GROUPS:
        for node in ("pve2", "pve3"):
            online = node not in DOWN[group]
            recorded_cluster.control("nodes", {"node": node, "online": online})
        story = [record for record in recordings("pve-9.2-cluster.jsonl") if record["group"] == group]
        asked = [record for record in story if record.get("asked_node") == "pve1" and record["path"]]
        differing |= _differing(recorded_cluster, asked)
    _assert_explained(differing, CLUSTER_DISAGREEMENTS)
