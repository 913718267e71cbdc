"""Whom the client believes, and as whom it speaks."""

from __future__ import annotations

import hashlib
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from providers._runtime import session
from providers._runtime.client import Client
from providers._runtime.connection import Connection
from providers._runtime.errors import ApiRefused, LoginRefused, NotTrusted
from tests.conftest import Simulator
from tests.runtime.doors import at_once, connection_to, login_to, opened, password_of, requests_on, soon


def version(connection: Connection) -> Any:
    """What a host answers to the simplest question."""
    with opened(connection) as client:
        return client.request("GET", "/version", deadline=soon())


def fingerprint_of(simulator: Simulator) -> str:
    """The SHA-256 fingerprint of the simulator's certificate, as Proxmox shows it."""
    address = ("127.0.0.1", int(connection_to(simulator).endpoints[0].rpartition(":")[2]))
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address))
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(certificate).digest())


def logins(simulator: Simulator) -> int:
    """How often somebody has logged in."""
    return requests_on(simulator, "/access/ticket", "POST")


# ---------------------------------------------------------------- trust


def test_a_certificate_of_the_given_authority_is_trusted(simulator: Simulator) -> None:
    assert version(connection_to(simulator))


def test_the_pinned_certificate_is_trusted(simulator: Simulator) -> None:
    assert version(connection_to(simulator, ca_file=None, fingerprint=fingerprint_of(simulator)))


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")  # which the hub says in its own words
def test_insecure_trusts_anybody(simulator: Simulator) -> None:
    assert version(connection_to(simulator, ca_file=None, insecure=True))


@pytest.mark.parametrize("made", [connection_to, login_to])
@pytest.mark.parametrize("trust", ["public", "other authority", "other pin", "no authority at all"])
def test_anybody_else_is_not_trusted_and_told_what_to_do(
    simulator: Simulator, two_hosts: Simulator, tmp_path: Path, made: Callable[..., Connection], trust: str
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    trusts: dict[str, dict[str, Any]] = {
        "public": {"ca_file": None},
        "other authority": {"ca_file": connection_to(two_hosts).ca_file},
        "other pin": {"ca_file": None, "fingerprint": "ab" * 32},
        "no authority at all": {"ca_file": empty},
    }

    with pytest.raises(NotTrusted, match="set ca_file, or pin `fingerprint`") as told:
        version(made(simulator, **trusts[trust]))

    assert "\n" not in str(told.value)
    assert simulator.requests() == [], "nothing is sent to whom we don't trust"


# ---------------------------------------------------------------- identity


def test_a_login_is_made_once_for_many_requests(simulator: Simulator) -> None:
    with opened(login_to(simulator)) as client:
        for name in ("a", "b"):
            client.request("POST", "/pools", {"poolid": name}, deadline=soon())

    assert logins(simulator) == 1
    assert {row["user"] for row in simulator.requests() if row["path"] == "/api2/json/pools"} == {"root@pam"}


def test_a_login_is_made_once_for_many_threads(simulator: Simulator) -> None:
    with opened(login_to(simulator), parallel=8) as client:
        at_once(8, lambda: client.request("GET", "/version", deadline=soon()))

    assert logins(simulator) == 1


def test_a_wrong_password_is_one_line_and_tried_once(simulator: Simulator) -> None:
    with pytest.raises(LoginRefused, match="refused the login of root@pam: 401") as told:
        version(login_to(simulator, password="wrong-password"))

    assert "wrong-password" not in str(told.value)
    assert "\n" not in str(told.value)
    assert logins(simulator) == 1


def test_a_host_that_can_not_log_in_now_is_asked_again(simulator: Simulator) -> None:
    simulator.fail(action="fail", path="/access/ticket", status=503, count=2)

    assert version(login_to(simulator))
    assert logins(simulator) == 3


@pytest.fixture
def logged_in(simulator: Simulator) -> Iterator[Client]:
    """A client that has a ticket."""
    with opened(login_to(simulator), parallel=8) as client:
        client.request("GET", "/version", deadline=soon())
        yield client


def test_a_ticket_that_is_good_no_longer_is_renewed(logged_in: Client, simulator: Simulator) -> None:
    simulator.control("POST", "clock", {"advance": 3 * 3600})

    logged_in.request("POST", "/pools", {"poolid": "prod"}, deadline=soon())

    assert logins(simulator) == 2


def test_a_ticket_is_renewed_once_for_many_threads(logged_in: Client, simulator: Simulator) -> None:
    simulator.control("POST", "clock", {"advance": 3 * 3600})

    at_once(8, lambda: logged_in.request("GET", "/pools", deadline=soon()))

    assert logins(simulator) == 2


def test_a_ticket_is_renewed_before_its_two_hours_are_over(
    logged_in: Client, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "RENEW_AFTER", -1.0)
    logged_in.request("GET", "/version", deadline=soon())

    assert logins(simulator) == 2
    assert all(row["status"] == 200 for row in simulator.requests())


def test_a_host_that_refuses_fresh_tickets_is_not_asked_for_ever(logged_in: Client, simulator: Simulator) -> None:
    simulator.fail(action="fail", path="/pools", status=401, count=99, reason="permission denied - invalid ticket")

    with pytest.raises(LoginRefused, match="the login was refused: permission denied - invalid ticket"):
        logged_in.request("GET", "/pools", deadline=soon())

    assert logins(simulator) == 2


def test_a_second_factor_is_answered_with_the_code_of_the_moment(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def answer(_: object, __: str, ___: object, form: dict[str, Any]) -> dict[str, Any]:
        asked.append(form)
        if "tfa-challenge" in form:
            return {"ticket": "good", "CSRFPreventionToken": "csrf"}
        return {"ticket": "PVE:!tfa!challenge", "NeedTFA": 1}

    monkeypatch.setattr(session.TicketAuth, "_ask", answer)
    monkeypatch.setattr(session, "time", SimpleNamespace(time=lambda: 59.0, monotonic=time.monotonic))
    # The secret and the code of RFC 6238's first test vector.
    connection = login_to(simulator, totp_secret="GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")
    with opened(connection) as client, pytest.raises(LoginRefused):
        client.request("GET", "/pools", deadline=soon())

    assert asked[1]["tfa-challenge"] == "PVE:!tfa!challenge"
    assert asked[1]["password"] == "totp:287082"


def test_a_second_factor_without_its_secret_is_told_with_the_remedy(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.TicketAuth, "_ask", lambda *_: {"ticket": "challenge", "NeedTFA": 1})

    with pytest.raises(LoginRefused, match="set totp_secret in the connection, or use an API token"):
        version(login_to(simulator))


# ---------------------------------------------------------------- secrets


def test_nothing_secret_is_logged(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.fail(action="fail", path="/access/ticket", nth=2, status=500)
    with opened(login_to(simulator)) as client:
        client.request("GET", "/version", deadline=soon())
        ticket = client._session.auth._ticket  # type: ignore[union-attr]
        form = {"userid": "a@pve", "password": "hush-hush"}
        client.request("POST", "/access/users", form, deadline=soon())
        with pytest.raises(ApiRefused) as told:
            client.request("POST", "/access/users", {**form, "cipassword": "hush-too"}, deadline=soon())
    with opened(connection_to(simulator)) as client:
        client.request("GET", "/version", deadline=soon())

    said = caplog.text + str(told.value)
    token = next(iter(simulator.running.connections.values())).token_secret
    assert "POST" in caplog.text, "there is a log"
    for secret in ("hush-hush", "hush-too", password_of(simulator), ticket, ticket.rpartition("::")[2], token):
        assert secret not in said


def test_a_secret_that_proxmox_quotes_is_not_told(simulator: Simulator) -> None:
    simulator.fail(action="fail", path="/pools", status=500, reason="password 'hush-hush' is too short")

    with opened(connection_to(simulator)) as client, pytest.raises(ApiRefused, match="password '\\*\\*\\*' is too"):
        client.request("POST", "/pools", {"poolid": "a", "cipassword": "hush-hush"}, deadline=soon())


def test_a_connection_made_anew_needs_no_other_login(simulator: Simulator) -> None:
    with opened(login_to(simulator)) as client:
        client.request("GET", "/version", deadline=soon())
        with closing(client.anew(client.connection)) as other:
            other.request("GET", "/version", deadline=soon())

    assert logins(simulator) == 1
