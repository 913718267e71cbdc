"""A plain HTTP client for the tests: any user, any body, and every detail of the answer.

Whatever a test asks, the answer has to be what the schema of Proxmox VE says that the method returns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import requests

from simulator.daemon import SimulatedConnection
from tests.simulator import returning


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    body: Any
    headers: dict[str, str]

    @property
    def data(self) -> Any:
        """Return the body's `data`."""
        return self.body["data"]


@dataclass
class Client:
    """Talks to one node; as root's token unless it is told otherwise."""

    connection: SimulatedConnection
    node: int = 0
    password: str = ""
    control_key: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, tuple[str, str]] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """Trust the simulator's authority and no proxy."""
        self.session.verify = str(self.connection.ca_file)
        self.session.trust_env = False

    @property
    def url(self) -> str:
        """Return the address of the node."""
        return self.connection.endpoints[self.node]

    def token_header(self) -> dict[str, str]:
        """Return the header of the token that the simulator made at its first start."""
        return {"Authorization": f"PVEAPIToken={self.connection.token_id}={self.connection.token_secret}"}

    def login(self, user: str, password: str) -> Answer:
        """Log in and keep the ticket for calls `as_user`."""
        answer = self.send("POST", "/access/ticket", {"username": user, "password": password}, headers={})
        if answer.status == 200:
            self.tickets[user] = (answer.data["ticket"], answer.data["CSRFPreventionToken"])
        return answer

    def ticket_headers(self, user: str) -> dict[str, str]:
        """Return the headers of a user who has logged in."""
        ticket, csrf = self.tickets[user]
        return {"Cookie": f"PVEAuthCookie={ticket}", "CSRFPreventionToken": csrf}

    def control(self, command: str, body: dict[str, Any]) -> Answer:
        """Call the control plane."""
        text = json.dumps(body)
        answer = self.send("POST", f"/_sim/{command}", headers={"X-Sim-Key": self.control_key}, raw=text)
        assert answer.status == 200, answer.body
        return answer

    def call(self, method: str, path: str, params: dict[str, Any] | None = None, as_user: str = "") -> Answer:
        """Call a method as root's token, or as a user who has logged in."""
        headers = self.ticket_headers(as_user) if as_user else self.token_header()
        return self.send(method, path, params, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        *,
        headers: dict[str, str],
        as_json: bool = False,
        raw: str | None = None,
    ) -> Answer:
        """Send a request as it is; the path is below `/api2/json` unless it starts with `/api2` or `/_sim`."""
        url = self.url + (path if path.startswith(("/api2", "/_sim")) else f"/api2/json{path}")
        in_query = method in ("GET", "DELETE")
        response = self.session.request(
            method,
            url,
            headers=headers,
            params=params if in_query and raw is None else None,
            json=params if as_json else None,
            data=raw if raw is not None else (params if not in_query and not as_json else None),
            timeout=30,
        )
        answer = Answer(response.status_code, response.reason, _body(response), dict(response.headers))
        if answer.status == requests.codes.ok and not path.startswith(("/api2", "/_sim")):
            wrong = returning.unexplained(method, unquote(path.partition("?")[0]), answer.body.get("data"))
            assert not wrong, wrong
        return answer

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


def _body(response: requests.Response) -> Any:
    response.encoding = "utf-8"
    try:
        return json.loads(response.text)
    except ValueError:
        return {"_raw": response.text}
