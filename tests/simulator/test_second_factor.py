"""A user with a generator of one-time codes logs in with password and code, and with neither alone."""

from __future__ import annotations

import base64
import time

import pytest

from simulator.totp import code
from tests.simulator.client import Answer, Client

_SECRET = base64.b32encode(b"12345678901234567890").decode()
_URI = f"otpauth://totp/root@pam?secret={_SECRET}&issuer=labs"


@pytest.mark.parametrize(("moment", "expected"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_standard(moment: int, expected: str) -> None:
    assert code(_SECRET, moment // 30) == expected


def _step() -> int:
    return int(time.time()) // 30


def _register(client: Client) -> None:
    client.login("root@pam", client.password)
    params = {"type": "totp", "totp": _URI, "value": code(_SECRET, _step()), "description": "phone"}
    assert client.call("POST", "/access/tfa/root@pam", params, as_user="root@pam").status == 200


def _answer(client: Client, challenge: str, given: str) -> Answer:
    params = {"username": "root@pam", "tfa-challenge": challenge, "password": f"totp:{given}"}
    return client.send("POST", "/access/ticket", params, headers={})


def test_the_password_alone_gives_a_challenge_and_the_code_a_ticket(client: Client) -> None:
    _register(client)
    first = client.login("root@pam", client.password)
    assert first.data["NeedTFA"] == 1
    refused = client.call("GET", "/version", as_user="root@pam")
    assert (refused.status, refused.reason) == (401, "Authentication failed!")
    assert _answer(client, first.data["ticket"], "000000").status == 401
    second = _answer(client, first.data["ticket"], code(_SECRET, _step() + 1))
    client.tickets["root@pam"] = (second.data["ticket"], second.data["CSRFPreventionToken"])
    assert client.call("GET", "/version", as_user="root@pam").status == 200


def test_a_code_is_good_once_and_never_without_its_challenge(client: Client) -> None:
    _register(client)
    challenge = client.login("root@pam", client.password).data["ticket"]
    given = code(_SECRET, _step() + 1)
    assert _answer(client, "PVE:!tfa!root@pam:00000000::x", given).status == 401
    assert client.login("root@pam", f"totp:{given}").status == 401
    assert _answer(client, challenge, given).status == 200
    assert _answer(client, challenge, given).status == 401


def test_a_factor_that_is_switched_off_or_removed_is_not_asked_for(client: Client) -> None:
    client.login("root@pam", client.password)
    _register(client)
    headers = client.ticket_headers("root@pam")
    (entry,) = client.send("GET", "/access/tfa/root@pam", headers=headers).data
    path = f"/access/tfa/root@pam/{entry['id']}"
    assert client.send("PUT", path, {"enable": "0"}, headers=headers).status == 200
    assert "NeedTFA" not in client.login("root@pam", client.password).data
    assert client.send("PUT", path, {"enable": "1"}, headers=headers).status == 200
    assert client.send("DELETE", path, headers=headers).status == 200
    assert "NeedTFA" not in client.login("root@pam", client.password).data


def test_a_wrong_uri_or_code_registers_nothing(client: Client) -> None:
    client.login("root@pam", client.password)
    for params in ({"totp": "https://x"}, {"totp": _URI, "value": "000000"}, {"totp": "otpauth://totp/x?secret=1"}):
        answer = client.call("POST", "/access/tfa/root@pam", {"type": "totp"} | params, as_user="root@pam")
        assert answer.status == 500
    assert client.call("GET", "/access/tfa").data == []
