"""One HTTP session a connection: keep-alive pool, TLS that is verified, and the identity it speaks with.

Stands on proxmoxer's session and authentication hooks; what it adds is pinning by fingerprint, a certificate
authority of one's own also for the login, renewal of tickets that is safe between threads, and TOTP.
"""

from __future__ import annotations

import base64
import contextvars
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from proxmoxer.backends.https import ProxmoxHTTPAuthBase, ProxmoxHttpSession
from requests.adapters import HTTPAdapter

from providers._runtime.connection import Connection
from providers._runtime.errors import LoginRefused, Unreachable

RENEW_AFTER = 3600.0
"""Seconds; a ticket of Proxmox lives two hours."""
CONNECT_TIMEOUT = 10.0
"""Seconds for a host to take a connection: one that is off is left for the next endpoint before long."""

request_timeout: contextvars.ContextVar[float] = contextvars.ContextVar("request_timeout", default=60.0)
"""Seconds that the request at hand may take; proxmoxer has no room for it in a call."""


class _PinnedAdapter(HTTPAdapter):
    """A pool of connections, each of which shows the pinned certificate where there is one."""

    def __init__(self, size: int, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint
        super().__init__(pool_connections=8, pool_maxsize=size, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Hands the pin to urllib3, which compares it at every handshake."""
        if self._fingerprint:
            kwargs["assert_fingerprint"] = self._fingerprint
        super().init_poolmanager(*args, **kwargs)


class _Session(ProxmoxHttpSession):  # type: ignore[misc]  # proxmoxer is untyped
    """proxmoxer's session with a time limit for each request."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        """Sends one request."""
        kwargs["timeout"] = _timeout()
        return super().request(*args, **kwargs)


def _timeout() -> tuple[float, float]:
    """Seconds to connect, and to wait for the answer."""
    return min(CONNECT_TIMEOUT, request_timeout.get()), request_timeout.get()


class TokenAuth(ProxmoxHTTPAuthBase):  # type: ignore[misc]  # proxmoxer is untyped
    """An API token: a header on every request."""

    def __init__(self, connection: Connection, verify: bool | str) -> None:
        super().__init__(verify_ssl=verify)
        assert connection.token_secret is not None  # noqa: S101 - the model has checked it
        self._header = f"PVEAPIToken={connection.token_id}={connection.token_secret.get_secret_value()}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class TicketAuth(ProxmoxHTTPAuthBase):  # type: ignore[misc]  # proxmoxer is untyped
    """A login with password, and TOTP where the user has it: a ticket as cookie, a token against forgery."""

    def __init__(self, connection: Connection, verify: bool | str) -> None:
        super().__init__(verify_ssl=verify)
        self._connection = connection
        self._lock = threading.Lock()
        self._ticket = self._csrf = ""
        self._born = 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if request.method != "GET":
            request.headers["CSRFPreventionToken"] = self._csrf
        return request

    def get_cookies(self) -> dict[str, str]:
        """The ticket, as proxmoxer asks for it at each request."""
        return {"PVEAuthCookie": self._ticket}

    def ticket(self, endpoint: str, session: requests.Session) -> str:
        """The ticket to send a request with, renewed in time; one thread does that for all that wait."""
        with self._lock:
            if not self._ticket or time.monotonic() - self._born > RENEW_AFTER:
                self._log_in(endpoint, session)
            return self._ticket

    def refused(self, ticket: str) -> None:
        """That ticket is good no longer; another one is got with the next request."""
        with self._lock:
            if self._ticket == ticket:
                self._ticket = ""

    def _log_in(self, endpoint: str, session: requests.Session) -> None:
        user, password = self._connection.username, self._connection.password
        assert password is not None  # noqa: S101 - the model has checked it
        answer = self._ask(endpoint, session, {"username": user, "password": password.get_secret_value()})
        if answer.get("NeedTFA"):
            challenge = {
                "username": user,
                "tfa-challenge": answer["ticket"],
                "password": f"totp:{self._totp()}",
            }
            answer = self._ask(endpoint, session, challenge)
        self._ticket, self._csrf = answer["ticket"], answer["CSRFPreventionToken"]
        self._born = time.monotonic()

    def _ask(self, endpoint: str, session: requests.Session, form: dict[str, Any]) -> dict[str, Any]:
        answer = requests.Session.request(
            session,
            "POST",
            f"{endpoint}/api2/json/access/ticket",
            data=form,
            auth=ProxmoxHTTPAuthBase(),
            verify=self.verify_ssl,
            timeout=_timeout(),
        )
        told = f"{answer.status_code} {answer.reason}"
        if answer.status_code >= requests.codes.server_error:
            raise Unreachable(f"{endpoint} can't log in {form['username']} now: {told}")
        if answer.status_code != requests.codes.ok:
            raise LoginRefused(f"{endpoint} refused the login of {form['username']}: {told}")
        data: dict[str, Any] = answer.json()["data"]
        return data

    def _totp(self) -> str:
        secret = self._connection.totp_secret
        if secret is None:
            raise LoginRefused(
                f"{self._connection.username} needs a second factor: set totp_secret in the connection, "
                f"or use an API token"
            )
        return _totp_now(secret.get_secret_value())


def _totp_now(secret: str) -> str:
    """The six digits of this moment, from the base32 secret that Proxmox showed when it was set up."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    totp = TOTP(key, 6, hashes.SHA1(), 30, enforce_key_length=False)  # noqa: S303 - the algorithm of RFC 6238
    return totp.generate(int(time.time())).decode()


def open_session(connection: Connection, size: int) -> tuple[requests.Session, TokenAuth | TicketAuth]:
    """The session of a connection, with room for `size` requests at once."""
    verify: bool | str = str(connection.ca_file) if connection.ca_file else True
    if connection.fingerprint or connection.insecure:
        verify = False  # a pin is compared by the adapter; `insecure` was said out loud
    auth = TokenAuth(connection, verify) if connection.token_id else TicketAuth(connection, verify)
    session = _Session()
    session.auth = auth
    session.trust_env = False  # no proxy, netrc or CA bundle of the environment gets between us and the host
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # the ticket is the only cookie
    session.headers["accept"] = "application/json"
    session.mount("https://", _PinnedAdapter(size, connection.fingerprint))
    return session, auth
