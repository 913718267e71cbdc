"""Tells a recorded story again: every request in its order, and what in each answer and task is different here.

What a host makes up (names of tasks, tokens, digests) is not compared but learnt: where a recorded answer has
such a value and the answer of here another, later requests that use the recorded value are made with the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.simulator.client import Answer, Client
from tests.simulator.comparing import difference
from tests.simulator.masking import log_without_volatile, without_volatile

Record = dict[str, Any]
Call = tuple[str, str, dict[str, Any]]
"""A call that a story needs and that is not among its records: method, path and parameters.

Some have methods of their own: `control` calls the control plane, `wait` lets `seconds` pass, and `until` lets time
pass up to a `second` of the managers' rounds of ten.
"""

PASSWORDS = {
    "root@pam": "benchpw", "vmuser@pve": "vmuserpw1", "nobody2@pve": "nobodypw1", "ann@pve": "annpassword",
}  # fmt: skip
_MADE_UP = re.compile(r"[0-9a-f]{40}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|local:backup/vzdump-\S+")
_ARCHIVE = re.compile(r"vzdump-(?:qemu|lxc)-\d+-\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d")
_LONGEST_TASK = 300


@dataclass
class Replay:
    """A story that is being told to the nodes of a simulator."""

    clients: Mapping[str, Client]
    """The client of each node, by the node's name; the first one is asked where a record names none."""
    before: Mapping[str, Sequence[Call]] = field(default_factory=dict)
    """What happens before a record is played."""
    within: Mapping[str, int] = field(default_factory=dict)
    """How many seconds a record may take to agree, for what comes round only every few seconds."""
    differing: dict[str, str] = field(default_factory=dict)
    not_simulated: set[str] = field(default_factory=set)
    """The records of methods that the simulator does not have."""
    twins: dict[str, str] = field(default_factory=dict)

    def tell(self, records: Sequence[Record]) -> dict[str, str]:
        """Play all records; return in what each differing answer differs."""
        for record in records:
            for call in self.before.get(record["id"], ()):
                self._make(call)
            if record["method"] != "(measure)":
                self._play_and_compare(record)
        return self.differing

    @property
    def first(self) -> Client:
        """Return the client of the first node."""
        return next(iter(self.clients.values()))

    def _make(self, call: Call) -> None:
        method, path, values = call
        if method == "control":
            self.first.control(path, values)
        elif method == "wait":
            self.wait(int(values["seconds"]))
        elif method == "until":
            now = self.first.control("clock", {}).data["now"]
            self.wait(int(10 + values["second"] - now % 10))
        else:
            answer = self.first.call(method, path, values, as_user=self._logged_in("root@pam"))
            assert answer.status == 200, (call, answer)

    def wait(self, seconds: int) -> None:
        """Let time pass, second by second."""
        for _ in range(seconds):
            self.first.control("clock", {"advance": 1.0})

    def _play_and_compare(self, record: Record) -> None:
        found = self._compare(record, self.play(record))
        for _ in range(self.within.get(record["id"], 0)):
            if found is None:
                break
            self.wait(1)
            found = self._compare(record, self.play(record))
        if found is not None:
            self.differing[record["id"]] = found

    def play(self, record: Record) -> Answer:
        """Make a recorded request once more."""
        client = self.clients.get(record.get("asked_node") or "", self.first)
        headers = self._headers(client, record["as_user"]) | (record.get("request_headers") or {})
        if record["id"] == "auth.token-wrong-secret":
            headers["Authorization"] += "x"
        return client.send(
            record["method"],
            self._translated(record["path"]),
            self._translated(record["params"]),
            headers=headers,
            as_json=record.get("content_type") == "application/json" and record["params"] is not None,
            raw=record.get("raw_body"),
        )

    def _translated(self, value: Any) -> Any:
        """Return a part of a request with what this host made up in place of what the recorded one made up."""
        if isinstance(value, dict):
            return {name: self._translated(item) for name, item in value.items()}
        if not isinstance(value, str):
            return value
        for old, new in self.twins.items():
            value = value.replace(old, new).replace(quote(old, safe=""), quote(new, safe=""))
        return value

    def _learn(self, recorded: Any, got: Any) -> None:
        """Remember which value of here stands for which recorded one."""
        if isinstance(recorded, dict) and isinstance(got, dict):
            for name in recorded.keys() & got.keys():
                self._learn(recorded[name], got[name])
        elif isinstance(recorded, list) and isinstance(got, list):
            for pair in zip(recorded, got, strict=False):
                self._learn(*pair)
        elif isinstance(recorded, str) and isinstance(got, str) and _are_twins(recorded, got):
            self.twins[recorded] = got

    def _learn_archives(self, recorded: str, got: str) -> None:
        """Remember the names of backups, which have the second in them, from a line of a log."""
        for old, new in zip(_ARCHIVE.findall(recorded), _ARCHIVE.findall(got), strict=False):
            self.twins[old] = new

    def _compare(self, record: Record, answer: Answer) -> str | None:
        self._learn(record["response"], answer.body)
        data = answer.body.get("data") if isinstance(answer.body, dict) else None
        if isinstance(data, dict) and "full-tokenid" in data:
            for client in self.clients.values():
                client.tokens[data["full-tokenid"]] = data["value"]
        if answer.status == 501 != record["status"] and answer.reason.endswith(" not implemented"):
            self.not_simulated.add(record["id"])
            return None
        if (answer.status, without_volatile(answer.reason)) != (record["status"], without_volatile(record["reason"])):
            return f"recorded {record['status']} {record['reason']!r}, got {answer.status} {answer.reason!r}"
        found = difference(without_volatile(record["response"]), without_volatile(answer.body))
        return found or self._compare_digests(record, answer) or self._compare_task(record, data)

    def _compare_digests(self, record: Record, answer: Answer) -> str | None:
        """Compare digests where they are made from the contents alone, as those of the firewall are."""
        if "/firewall/" not in record["path"]:
            return None
        expected, got = _digests(record["response"]), _digests(answer.body)
        return None if expected == got else f"digests: recorded {expected}, got {got}"

    def _compare_task(self, record: Record, upid: Any) -> str | None:
        """Return in what the end and the log of a task differ from the recorded ones."""
        task = record.get("task")
        if not task or not isinstance(upid, str) or not upid.startswith("UPID:"):
            return None
        node = upid.split(":")[1]
        client = self.clients.get(node, self.first)
        user, place = self._logged_in("root@pam"), f"/nodes/{node}/tasks/{upid}"
        for _ in range(_LONGEST_TASK):
            if client.call("GET", f"{place}/status", as_user=user).data["status"] == "stopped":
                break
            self.wait(1)
        status = client.call("GET", f"{place}/status", as_user=user).data.get("exitstatus")
        lines = client.call("GET", f"{place}/log", {"limit": 5000}, as_user=user).data
        for pair in zip(task["log"], (line["t"] for line in lines), strict=False):
            self._learn_archives(*pair)
        expected = log_without_volatile([task["status"].get("exitstatus") or "", *task["log"]])
        got = log_without_volatile([status or "", *(line["t"] for line in lines)])
        if ":reloadnetworkall:" in upid:  # its nodes come in any order
            expected, got = sorted(expected), sorted(got)
        return None if expected == got else f"the task: recorded {expected}, got {got}"

    def _logged_in(self, user: str) -> str:
        """Log a user in on every node that has not seen him yet."""
        if user not in self.first.tickets:
            self.first.login(user, PASSWORDS[user])
            for client in self.clients.values():
                client.tickets |= self.first.tickets
        return user

    def _headers(self, client: Client, user: str | None) -> dict[str, str]:
        """Return the headers with which the recorded request was made."""
        if user == "(none)":
            return {}
        if user == "(bad ticket)":
            return {"Cookie": "PVEAuthCookie=PVE:root@pam:00000000::bad"}
        if user == "(unknown token)":
            return {"Authorization": "PVEAPIToken=root@pam!nosuch=00000000-0000-0000-0000-000000000000"}
        if user is not None and "!" in user:
            return {"Authorization": f"PVEAPIToken={user}={client.tokens.get(user, 'wrong')}"}
        headers = client.ticket_headers(self._logged_in((user or "root@pam").partition("(")[0]))
        if user is not None and "no csrf" in user:
            del headers["CSRFPreventionToken"]
        if user is not None and "bad csrf" in user:
            headers["CSRFPreventionToken"] = "00000000:bad"
        return headers


def wait(seconds: int) -> Call:
    """Return the call that lets time pass."""
    return ("wait", "", {"seconds": seconds})


def clock(mode: str) -> Call:
    """Return the call that lets time pass in another way."""
    return ("control", "clock", {"mode": mode})


def power(node: str, *, online: bool) -> Call:
    """Return the call that cuts a node's power or switches it on."""
    return ("control", "nodes", {"node": node, "online": online})


def _are_twins(recorded: str, got: str) -> bool:
    """Tell whether both are made up, for the same purpose."""
    if recorded.startswith("UPID:"):
        return recorded.split(":")[5:] == got.split(":")[5:]
    return recorded != got and _MADE_UP.fullmatch(recorded) is not None and _MADE_UP.fullmatch(got) is not None


def _digests(answer: Any) -> list[str]:
    data = answer.get("data") if isinstance(answer, dict) else None
    rows = data if isinstance(data, list) else [data]
    return [row["digest"] for row in rows if isinstance(row, dict) and "digest" in row]
