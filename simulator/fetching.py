"""What a node gets when it fetches a URL.

Loopback addresses are really asked, over HTTP or HTTPS: size and checksums are those of the bytes that come. Any
other address is outside the simulated world: it gives a file of one fixed size that is what its checksum says it
is, as long as the checksum can be one at all (of the right length, and not a made-up pattern).
"""

from __future__ import annotations

import bz2
import hashlib
import ipaddress
import ssl
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPResponse
from typing import Protocol
from urllib.parse import unquote, urlsplit

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
OUTSIDE_SIZE = 512 << 20
_CHUNK, _TIMEOUT = 1 << 20, 5.0
_HEAD = 16
_FEWEST_DIGITS = 8


class FetchError(Exception):
    """A URL gives nothing; the text is the last line that the fetching program prints."""


class _Decompressor(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


_DECOMPRESSORS: Mapping[str, Callable[[], _Decompressor]] = {
    "gz": lambda: zlib.decompressobj(wbits=31),
    "bz2": bz2.BZ2Decompressor,
}


@dataclass(slots=True)
class Contents:
    """A file's size, its checksums as far as they are known, and its first bytes."""

    size: int = 0
    checksums: dict[str, str] = field(default_factory=dict)
    head: bytes = b""


def contents_of(chunks: Iterator[bytes]) -> Contents:
    """Measure what comes."""
    found, hashes = Contents(), [hashlib.new(name, usedforsecurity=False) for name in ALGORITHMS]
    for chunk in chunks:
        found.size += len(chunk)
        found.head = (found.head + chunk)[:_HEAD]
        for running in hashes:
            running.update(chunk)
    found.checksums = {running.name: running.hexdigest() for running in hashes}
    return found


@dataclass(frozen=True, slots=True)
class Download:
    """A fetched file: as it came, and as it is kept (unpacked, when that was asked for)."""

    received: Contents
    kept: Contents


def fetch(url: str, *, verify: bool, compression: str = "") -> Download:
    """Fetch a URL."""
    if not is_loopback(url):
        outside = Contents(OUTSIDE_SIZE)
        return Download(outside, Contents(OUTSIDE_SIZE) if compression else outside)
    with _open(url, "GET", verify=verify) as response:
        kept: list[bytes] = []
        received = contents_of(_unpacking(response, compression, kept))
    return Download(received, contents_of(iter(kept)) if compression in _DECOMPRESSORS else received)


def _unpacking(response: HTTPResponse, compression: str, kept: list[bytes]) -> Iterator[bytes]:
    """Yield what comes, and keep what it unpacks to."""
    unpack = _DECOMPRESSORS[compression]() if compression in _DECOMPRESSORS else None
    while chunk := response.read(_CHUNK):
        if unpack is not None:
            try:
                kept.append(unpack.decompress(chunk))
            except (OSError, EOFError, zlib.error) as error:
                raise FetchError(f"decompression failed: {error}") from None
        yield chunk


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of a file without sending it."""

    filename: str
    size: int
    mimetype: str


def describe(url: str, *, verify: bool) -> Facts:
    """Ask what a URL would give."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not is_loopback(url):
        return Facts(name, OUTSIDE_SIZE, "application/octet-stream")
    with _open(url, "HEAD", verify=verify) as response:
        headers: Message = response.headers
        size, kind = headers.get("Content-Length", ""), headers.get_content_type()
        return Facts(headers.get_filename() or name, int(size) if size.isdigit() else 0, kind)


def is_loopback(url: str) -> bool:
    """Tell whether a URL is one of this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def could_be(algorithm: str, checksum: str) -> bool:
    """Tell whether a text can be the checksum of some file."""
    digits = checksum.lower()
    length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
    is_hex = len(digits) == length and all(digit in "0123456789abcdef" for digit in digits)
    return is_hex and len(set(digits)) >= _FEWEST_DIGITS


def outside_checksum(algorithm: str, url: str) -> str:
    """Return the checksum that an outside file has when none is known: it follows from its URL."""
    return hashlib.new(algorithm, url.encode(), usedforsecurity=False).hexdigest()


def _open(url: str, method: str, *, verify: bool) -> HTTPResponse:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    parts = urlsplit(url)
    try:
        request = urllib.request.Request(url, method=method)  # noqa: S310 - the route lets http and https pass only
        response: HTTPResponse = opener.open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise FetchError(f"ERROR {error.code}: {error.reason}.") from None
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"To connect to {parts.hostname} insecurely, use `--no-check-certificate'."
            raise FetchError(text) from None
        port = _port(url)
        what = "Connection refused" if isinstance(cause, ConnectionRefusedError) else str(cause)
        raise FetchError(f"Connecting to {parts.hostname}:{port}... failed: {what}.") from None
    return response


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
