"""The HTTP side behaves as Proxmox's: bodies, status codes, reason lines, headers, connections."""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from tests.conftest import Simulator
from tests.simulator.client import Client
from tests.simulator.conftest import client_of


def test_an_error_stands_in_the_reason_line_and_in_the_body(client: Client) -> None:
    answer = client.call("GET", "/pools/nosuch")
    assert (answer.status, answer.reason) == (500, "pool 'nosuch' does not exist")
    assert answer.body == {"data": None, "message": "pool 'nosuch' does not exist\n"}
    assert answer.headers["Connection"] == "close"


def test_extjs_answers_200_and_tells_success_in_the_body(client: Client) -> None:
    fine = client.call("GET", "/api2/extjs/version")
    assert fine.body["success"] == 1
    refused = client.call("POST", "/api2/extjs/pools", {"poolid": "bad pool"})
    assert (refused.status, refused.body["success"], refused.body["status"]) == (200, 0, "400")


def test_a_method_that_is_not_there_is_refused_and_not_faked(client: Client) -> None:
    answer = client.call("PUT", "/cluster/ceph/metadata")
    assert (answer.status, answer.reason) == (501, "Method 'PUT /cluster/ceph/metadata' not implemented")


def test_slashes_too_many_are_no_different_path(client: Client) -> None:
    assert client.call("GET", "//nodes//pve1/version/").status == 200


def test_a_parameter_in_path_and_body_is_refused(client: Client) -> None:
    client.call("POST", "/pools", {"poolid": "a"})
    answer = client.call("PUT", "/pools/a", {"poolid": "b"})
    assert answer.body["errors"] == {"poolid": "duplicate parameter (already defined in URI)"}


def test_unicode_and_percent_encoding_survive(client: Client) -> None:
    client.call("POST", "/pools", {"poolid": "a", "comment": "žluťoučký 100% + & ="})
    assert client.call("GET", "/pools/%61").data["comment"] == "žluťoučký 100% + & ="


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    assert client.call("POST", "/pools", {"poolid": "a", "comment": "x" * 600_000}).status == 501
    assert client.call("GET", "/pools").data == []


def test_control_characters_stay_out_of_the_reason_line(client: Client) -> None:
    answer = client.call("GET", "/pools/a%0d%0aSet-Cookie:%20x")
    assert (answer.status, "Set-Cookie" in answer.headers) == (501, False)
    refused = client.call("PUT", "/access/acl", {"path": "/", "roles": "a\rb", "users": "x@pve"})
    assert refused.status == 500


def test_json_that_is_broken_or_no_object_is_refused_in_plain_text(client: Client) -> None:
    for raw in ('{"poolid": ', "[1, 2]", '"text"'):
        headers = client.token_header() | {"Content-Type": "application/json"}
        answer = client.send("POST", "/pools", headers=headers, raw=raw)
        assert (answer.status, "malformed JSON string" in answer.reason) == (500, True)


def test_long_answers_are_compressed_for_who_asks(client: Client) -> None:
    headers = client.token_header() | {"Accept-Encoding": "gzip"}
    response = client.session.get(f"{client.url}/api2/json/access/roles", headers=headers, stream=True, timeout=10)
    assert response.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(response.raw.read(decode_content=False)))["data"]


def test_a_connection_carries_a_hundred_requests(simulator: Simulator) -> None:
    client = client_of(simulator.running)
    address = urlsplit(client.url)
    context = ssl.create_default_context(cafile=client.connection.ca_file)
    connection = http.client.HTTPSConnection(address.hostname or "", address.port, context=context)
    seen = []
    for _ in range(100):
        connection.request("GET", "/api2/json/version", headers=client.token_header())
        response = connection.getresponse()
        response.read()
        seen.append(response.getheader("Connection"))
    connection.close()
    client.close()
    assert seen == ["Keep-Alive"] * 99 + ["close"]


def test_only_the_own_authority_is_needed_to_trust_it_and_without_it_nothing_goes(client: Client) -> None:
    session = requests.Session()
    session.trust_env = False
    with pytest.raises(requests.exceptions.SSLError):
        session.get(f"{client.url}/api2/json/version", timeout=10)
    session.close()


def test_a_ticket_dies_after_two_hours(client: Client, simulator: Simulator) -> None:
    client.login("root@pam", client.password)
    assert client.call("GET", "/version", as_user="root@pam").status == 200
    simulator.control("POST", "clock", {"advance": 2 * 3600 + 1})
    answer = client.call("GET", "/version", as_user="root@pam")
    assert (answer.status, answer.reason, answer.body) == (401, "Authentication failed!", {"_raw": ""})


def test_a_ticket_serves_as_a_password_to_renew_it(client: Client) -> None:
    client.login("root@pam", client.password)
    assert client.login("root@pam", client.tickets["root@pam"][0]).status == 200
    assert client.login("root@pam", "PVE:root@pam:00000000::x").status == 401


@pytest.mark.parametrize("header", ["PVEAPIToken=root@pam!labs=wrong", "PVEAPIToken=", "PVEAPIToken=root@pam!x"])
def test_a_wrong_token_is_no_user(client: Client, header: str) -> None:
    answer = client.send("GET", "/version", headers={"Authorization": header})
    assert (answer.status, answer.reason) == (401, "Authentication failed!")


@pytest.mark.parametrize("ticket", ["", "x", "PVE:", "PVE:root@pam:ZZ::a", "PVE:root@pam:6B015E10", "::", "PVE:ž:1::ž"])
def test_a_mangled_ticket_is_refused(client: Client, ticket: str) -> None:
    headers = {"Cookie": f"PVEAuthCookie={ticket}".encode().decode("latin-1")}
    assert client.send("GET", "/version", headers=headers).status == 401


def test_a_change_needs_the_csrf_token_of_its_ticket(client: Client) -> None:
    client.login("root@pam", client.password)
    headers = client.ticket_headers("root@pam")
    assert client.send("POST", "/pools", {"poolid": "a"}, headers=headers).status == 200
    for wrong in ("", "no", "ZZ:x", headers["CSRFPreventionToken"][:-2]):
        answer = client.send("POST", "/pools", {"poolid": "b"}, headers=headers | {"CSRFPreventionToken": wrong})
        assert (answer.status, answer.reason) == (401, "Permission denied - invalid csrf token")


def test_many_clients_at_once_all_get_their_pool(simulator: Simulator) -> None:
    def create(number: int) -> int:
        client = client_of(simulator.running)
        status = client.call("POST", "/pools", {"poolid": f"p{number}"}).status
        client.close()
        return status

    with ThreadPoolExecutor(20) as workers:
        assert set(workers.map(create, range(60))) == {200}
    assert len(simulator.state()["pve"]["pools"]) == 60


def test_the_request_log_names_who_asked_what_and_no_secret(client: Client, simulator: Simulator) -> None:
    client.login("root@pam", client.password)
    client.call("GET", "/nodes", as_user="root@pam")
    client.call("GET", "/pools/nosuch")
    rows = simulator.requests()
    assert [(row["method"], row["path"], row["user"], row["status"]) for row in rows] == [
        ("POST", "/api2/json/access/ticket", "", 200),
        ("GET", "/api2/json/nodes", "root@pam", 200),
        ("GET", "/api2/json/pools/nosuch", "root@pam!labs", 500),
    ]
    written = (simulator.running.home / "requests.jsonl").read_text(encoding="utf-8")
    secrets = [client.password, client.connection.token_secret, client.tickets["root@pam"][0]]
    assert not [secret for secret in secrets if secret in written]
