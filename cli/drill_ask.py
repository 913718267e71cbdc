"""How a guest finds out whether a service answers, by nothing but what every Debian has: its shell.

`http://…` has to answer with a page or lead to one; `dns://SERVER/NAME` (RFC 4501) with an address of the name.
"""

from __future__ import annotations

from urllib.parse import urlsplit

LIMIT = "3"
"""Seconds for one answer."""
_HTTP = """\
exec 3<>"/dev/tcp/$1/$2" && printf 'GET %s HTTP/1.0\\r\\nHost: %s\\r\\n\\r\\n' "$3" "$1" >&3 && read -r line <&3 &&
case $line in HTTP/*" "[23]*) ;; *) exit 1 ;; esac"""
_DNS = """\
exec 3<>"/dev/udp/$1/$2" && printf "$3" >&3 &&
answer=$(dd bs=512 count=1 <&3 2>/dev/null | od -An -v -tx1 | tr -d ' \\n') &&
[ "${answer:0:4}" = 1234 ] && [ "${answer:7:1}" = 0 ] && [ "${answer:12:4}" != 0000 ]"""
_HEADER = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
"""A question, which wants to be answered in full."""
_ADDRESS_IN_THE_INTERNET = b"\x00\x01\x00\x01"


def can_ask(url: str) -> bool:
    """Whether it is a service of a kind that can be asked."""
    return urlsplit(url).scheme in ("http", "dns")


def command(url: str) -> list[str]:
    """What succeeds if the service answers."""
    parts = urlsplit(url)
    host, path = str(parts.hostname), parts.path or "/"
    if parts.scheme == "http":
        return ["timeout", LIMIT, "bash", "-c", _HTTP, "bash", host, str(parts.port or 80), path]
    octal = "".join(f"\\{byte:03o}" for byte in question(path.strip("/")))
    return ["timeout", LIMIT, "bash", "-c", _DNS, "bash", host, str(parts.port or 53), octal]


def question(name: str) -> bytes:
    """A packet that asks for the address of a name."""
    labels = [label.encode("ascii") for label in name.split(".")]
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\x00"
    return _HEADER + wire + _ADDRESS_IN_THE_INTERNET
