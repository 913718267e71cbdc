"""What no well-behaved client sends is refused as well, in one line and without harm to the next request."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

import pytest

from tests.simulator.client import Client

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_UPLOAD = "multipart/form-data; boundary=b"
_PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'


def _status_line(client: Client, head: str, body: bytes = b"") -> str:
    """Send a request byte by byte as it is; return the first line of the answer."""
    address = urlsplit(client.url)
    context = ssl.create_default_context(cafile=client.connection.ca_file)
    with (
        socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=address.hostname) as tls,
    ):
        tls.sendall(head.encode("latin-1") + b"\r\n\r\n" + body)
        return tls.makefile("rb").readline().decode("latin-1").strip().partition(" ")[2]


def _request(client: Client, method: str, path: str, *headers: str) -> str:
    token = client.token_header()["Authorization"]
    lines = [f"{method} {path} HTTP/1.1", "Host: pve1", f"Authorization: {token}", "Connection: close", *headers]
    return "\r\n".join(lines)


def _posted(client: Client, content_type: str, body: bytes, path: str = "/api2/json/pools") -> str:
    head = _request(client, "POST", path, f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
    return _status_line(client, head, body)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"poolid":"a","comment":"\\ud800"}', "500 malformed JSON string"),
        (b'{"poolid":"a","comment":"\xe9"}', "500 malformed JSON string"),
        (b'{"poolid":"a","comment":NaN}', "500 malformed JSON string"),
        (b'{"poolid":"a","comment":-Infinity}', "500 malformed JSON string"),
        (b'{"poolid":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "500 json text or perl structure exceeds maximum"),
        (b'{"poolid":{"a":"b"}}', "400 Parameter verification failed."),
        (b'{"poolid":["a","b"]}', "400 Parameter verification failed."),
        (b'{"poolid":"a","comment":' + b"9" * 5_000 + b"}", "200 OK"),
        (b"", "400 Parameter verification failed."),
    ],
)
def test_json_that_no_parser_likes(client: Client, body: bytes, status: str) -> None:
    assert _posted(client, _JSON, body).startswith(status)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"poolid=a&comment=%e9%ff", "200 OK"),
        (b"poolid=a&comment=%00", "200 OK"),
        (b"poolid=a%00b", "400 Parameter verification failed."),
        (b"poolid=a%0ab", "400 Parameter verification failed."),
        (b"&".join(b"a%d=1" % number for number in range(20_000)), "400 Parameter verification failed."),
        (b"poolid=a&comment=" + b"x" * (1 << 20), "501 for data too large"),
    ],
)
def test_forms_that_no_browser_sends(client: Client, body: bytes, status: str) -> None:
    assert _posted(client, _FORM, body).startswith(status)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"abc", "506 upload 'Content-Type 'multipart/form-data' not implemented"),
        (_UPLOAD, _PART % b"content", "500 upload is not complete"),
        (_UPLOAD, b"--b--\r\n", "400 Parameter verification failed."),
    ],
)
def test_uploads_that_break_off(client: Client, content_type: str, body: bytes, status: str) -> None:
    answer = _posted(client, content_type, body, "/api2/json/nodes/pve1/storage/local/upload")
    assert answer.startswith(status)


def test_an_upload_does_not_leave_its_folder(client: Client) -> None:
    named = b'--b\r\nContent-Disposition: form-data; name="filename"; filename="../../../etc/x.iso"\r\n\r\nX\r\n'
    body = _PART % b"content" + b"iso\r\n" + named + b"--b--\r\n"
    assert _posted(client, _UPLOAD, body, "/api2/json/nodes/pve1/storage/local/upload") == "200 OK"
    volumes = [row["volid"] for row in client.call("GET", "/nodes/pve1/storage/local/content").data]
    assert "local:iso/x.iso" in volumes
    assert not [volume for volume in volumes if ".." in volume]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api2/json/pools/%00", "400"),
        ("/api2/json/pools/%zz", "400"),
        ("/api2/json/pools/%ff%fe", "400"),
        ("/api2/json/pools/{}", "400"),
        ("/api2/json/../../etc/passwd", "501"),
        ("/api2/json/nodes/pve1/storage/local/content/local:..%2f..%2fetc%2fpasswd", "500"),
        ("/../etc/passwd", "404"),
        ("/", "404"),
    ],
)
def test_paths_that_lead_nowhere(client: Client, path: str, status: str) -> None:
    assert _status_line(client, _request(client, "GET", path)).startswith(status)


@pytest.mark.parametrize("head", ["GARBAGE", "GET /api2/json/version HTTP/1.1\r\nX: " + "a" * 20_000])
def test_what_is_no_http_is_refused(client: Client, head: str) -> None:
    assert _status_line(client, head).startswith("400")
    assert client.call("GET", "/version").status == 200


def test_bodies_in_chunks_are_refused(client: Client) -> None:
    head = _request(client, "POST", "/api2/json/pools", f"Content-Type: {_FORM}", "Transfer-Encoding: chunked")
    answer = _status_line(client, head, b"8\r\npoolid=g\r\n0\r\n\r\n")
    assert answer == "501 chunked transfer encoding not supported"
