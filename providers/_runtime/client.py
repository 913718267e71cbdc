"""The one door to a Proxmox API: typed, retried where safe, bounded in time, and silent about secrets."""

from __future__ import annotations

import io
import logging
import math
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from proxmoxer.core import ProxmoxResource, ResourceException

from providers._runtime import retry
from providers._runtime.answers import Answers
from providers._runtime.connection import Connection
from providers._runtime.errors import (
    ApiRefused,
    LoginRefused,
    NotTrusted,
    ProxmoxError,
    TookTooLong,
    Unanswered,
    Unreachable,
)
from providers._runtime.session import TicketAuth, open_session, request_timeout

if TYPE_CHECKING:
    from providers._runtime.ssh import Ssh

log = logging.getLogger("proxmox")
logging.getLogger("proxmoxer").setLevel(logging.WARNING)  # at INFO it logs parameters, passwords included

Parameters = Mapping[str, Any]
UNAUTHORIZED = 401
SECRET_NAME = re.compile(r"password|secret|token|keyring|private|encryption-key|^key$")


class Client:
    """All requests of this process to one connection."""

    def __init__(self, name: str, connection: Connection, parallel: int) -> None:
        self.name = name
        self.connection = connection
        self._session, self._auth = open_session(connection, parallel)
        self._serializer = Answers()
        self._endpoint = 0
        self._limits: dict[tuple[str, str], threading.BoundedSemaphore] = {}
        self._guard = threading.Lock()

    @cached_property
    def ssh(self) -> Ssh:
        """The door to the nodes over SSH; most runs don't need it, nor the time that its library takes to load."""
        from providers._runtime.ssh import Ssh  # noqa: PLC0415 - a fifth of a second

        return Ssh(self.name, self.connection)

    def request(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        deadline: float,
        attempts: int = retry.ATTEMPTS,
    ) -> Any:
        """What a request gives, repeated where the retry table allows it; `deadline` is on the monotonic clock."""
        return self.answer(method, path, parameters, deadline=deadline, attempts=attempts).get("data")

    def answer(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        deadline: float,
        attempts: int = retry.ATTEMPTS,
    ) -> dict[str, Any]:
        """The same with what stands beside the data, such as the `changes` of a node's network."""
        if time.monotonic() >= deadline:
            raise TookTooLong(f"the time for this operation is over, before {method} {path}")
        renewed = False
        for attempt in range(attempts):
            endpoint, pause = self.connection.endpoints[self._endpoint], retry.pause(attempt)
            try:
                return self._send(method, path, parameters or {}, endpoint, deadline)
            except ApiRefused as refused:
                unauthorized = refused.status == UNAUTHORIZED
                again = self._logs_in_again(refused, renewed) if unauthorized else retry.passing(refused) is not None
                renewed = renewed or unauthorized
                if not again or attempt == attempts - 1 or time.monotonic() + pause >= deadline:
                    raise
            except Unreachable as lost:
                self._leave(endpoint)
                again = method in retry.IDEMPOTENT or not isinstance(lost, Unanswered)
                if not again or attempt == attempts - 1 or time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def heavy(
        self, *, node: str | None = None, storage: str | None = None, deadline: float = math.inf
    ) -> Iterator[None]:
        """Room for one heavy task on that node and that storage; waits until there is some."""
        wanted = (
            ("node", node, self.connection.limits.node),
            ("storage", storage, self.connection.limits.storage),
        )
        with ExitStack() as stack:
            for kind, name, size in wanted:
                if name is None:
                    continue
                limit = self._limit(kind, name, size)
                if not limit.acquire(timeout=min(max(deadline - time.monotonic(), 0), threading.TIMEOUT_MAX)):
                    raise TookTooLong(f"the time for this operation is over, waiting for others on {kind} {name}")
                stack.callback(limit.release)
            yield

    def _limit(self, kind: str, name: str, size: int) -> threading.BoundedSemaphore:
        with self._guard:
            return self._limits.setdefault((kind, name), threading.BoundedSemaphore(size))

    def _leave(self, endpoint: str) -> None:
        """Go on with the next endpoint, unless another thread has done so already."""
        endpoints = self.connection.endpoints
        with self._guard:
            if endpoints[self._endpoint] == endpoint:
                self._endpoint = (self._endpoint + 1) % len(endpoints)

    def _logs_in_again(self, refused: ApiRefused, renewed: bool) -> bool:
        """Whether the refusal may be a ticket that is good no longer, which the next attempt will renew."""
        if not renewed and isinstance(self._auth, TicketAuth):
            return True
        what = "login" if isinstance(self._auth, TicketAuth) else "API token"
        raise LoginRefused(f"connection {self.name!r}: the {what} was refused: {refused.reason}") from None

    def anew(self, connection: Connection) -> Client:
        """One with connections of its own, so that what it is told comes over no old one; the login stays."""
        made = Client(self.name, connection, 1)
        made._auth = made._session.auth = self._auth
        return made

    def follow(self, connection: Connection) -> None:
        """Go on with the same hosts where they are from now on."""
        self.close()
        vars(self).pop("ssh", None)
        self.connection = connection

    def close(self) -> None:
        """Close all connections; the next request makes new ones."""
        self._session.close()
        if "ssh" in vars(self):
            self.ssh.close()

    def _send(self, method: str, path: str, parameters: Parameters, endpoint: str, deadline: float) -> dict[str, Any]:
        began = time.monotonic()
        request_timeout.set(max(min(deadline - began, self.connection.request_timeout), 0.01))
        status: int | str = "no answer"
        ticket = ""
        for file in (value for value in parameters.values() if isinstance(value, io.IOBase)):
            file.seek(0)  # an attempt before may have read it
        try:
            if isinstance(self._auth, TicketAuth):
                ticket = self._auth.ticket(endpoint, self._session)
            door = ProxmoxResource(
                base_url=f"{endpoint}/api2/json{path}", session=self._session, serializer=self._serializer
            )
            answer: dict[str, Any] = getattr(door, method.lower())(**dict(parameters))
            status = 200
            return answer
        except ResourceException as error:
            status = error.status_code
            if status == UNAUTHORIZED and isinstance(self._auth, TicketAuth):
                self._auth.refused(ticket)
            raise _refused(method, path, error, _secrets(parameters)) from None
        except requests.exceptions.RequestException as error:
            raise self._lost(method, path, endpoint, error) from None
        finally:
            log.debug(
                "%s %s %s%s: %s, %.0f ms",
                self.name,
                method,
                endpoint,
                path,
                status,
                1000 * (time.monotonic() - began),
            )

    def _lost(self, method: str, path: str, endpoint: str, error: requests.exceptions.RequestException) -> ProxmoxError:
        """What a failure below HTTP means, in one line and without the request's parameters."""
        if isinstance(error, requests.exceptions.SSLError) and not _broken_off(error):
            return NotTrusted(
                f"connection {self.name!r}: {endpoint} could not be verified ({_cause(error)}); set ca_file, or pin "
                f"`fingerprint` to what `pvenode cert info` shows on the node"
            )
        if isinstance(error, requests.exceptions.ConnectTimeout) or _not_connected(error):
            return Unreachable(f"connection {self.name!r}: {endpoint} can't be reached: {_cause(error)}")
        return Unanswered(f"connection {self.name!r}: no answer to {method} {path} from {endpoint}: {_cause(error)}")


def _refused(method: str, path: str, error: ResourceException, secrets: list[str]) -> ApiRefused:
    """Proxmoxer's exception as ours: it calls Proxmox's reason line `content`. Proxmox may quote a parameter."""

    def redacted(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    errors = error.errors if isinstance(error.errors, dict) else {}
    texts = {str(name): redacted(text if isinstance(text, str) else repr(text)) for name, text in errors.items()}
    reason = redacted(str(error.content or error.status_message or ""))
    return ApiRefused(method, path, error.status_code, reason, texts)


def _secrets(parameters: Parameters) -> list[str]:
    """The values among a request's parameters that must not be told."""
    return [str(value) for name, value in parameters.items() if value and SECRET_NAME.search(name)]


def _broken_off(error: requests.exceptions.SSLError) -> bool:
    """Whether the connection broke in the middle of TLS, which says nothing about whom it was with."""
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else None
    cause = reason.args[0] if isinstance(reason, urllib3.exceptions.SSLError) and reason.args else reason
    return isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)


def _not_connected(error: requests.exceptions.RequestException) -> bool:
    """Whether the request never left: the connection could not be made."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _cause(error: BaseException) -> str:
    """The innermost reason of a stack of network exceptions."""
    cause = error.args[0] if error.args else error
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, urllib3.exceptions.ProtocolError) and isinstance(reason.args[-1], Exception):
        reason = reason.args[-1]  # it says what broke off, and only this why
    return str(reason).rsplit(": ", 1)[-1].strip(" )('\"")
