"""What Proxmox's firewall takes as a name, an address or a list of ports, checked before it is asked."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from providers._runtime.errors import InvalidValue
from providers._runtime.wire import to_text

_NAME = r"[A-Za-z][A-Za-z0-9_-]+"
SCOPED_NAME = re.compile(rf"(dc/|guest/|sdn/)?({_NAME})", re.ASCII)
"""The name of an alias or, behind a `+`, of an IP set, with the scope where it is looked for."""
_PORT = re.compile(r"[0-9]+(:[0-9]+)?")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LAST_PORT = 65535
_MOST_PORTS = 15
_SCOPE_LENGTH = 64

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _one_line(text: str) -> str:
    if "\n" in text:
        raise InvalidValue("it is one line")
    return text.strip()


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise InvalidValue(f"{text!r} is no IP address") from None


def _network(text: str, *, strict: bool) -> int:
    """Check an address or a network; returns its IP version."""
    try:
        return ipaddress.ip_network(text, strict=strict).version
    except ValueError as error:
        raise InvalidValue(f"{text!r} is no IP address or network: {error}") from None


def _cidr(text: str) -> str:
    """Proxmox leaves the length out where the network is one address."""
    version = _network(text, strict=False)
    return text.removesuffix("/32" if version == 4 else "/128")  # noqa: PLR2004 - IPv4


def _entry(text: str) -> str:
    """An alias by its name, or a network, of which Proxmox drops the bits behind its length."""
    if SCOPED_NAME.fullmatch(text):
        return text
    _network(text, strict=False)
    network = ipaddress.ip_network(text, strict=False)
    if not network.prefixlen:
        raise InvalidValue("a zero prefix is not allowed in ipset entries")
    return _cidr(str(network)) if "/" in text else text


def _range_version(text: str) -> int:
    first, last = (_address(item) for item in text.split("-", 1))
    if first.version != last.version or int(first) > int(last):
        raise InvalidValue(f"{text!r} is no range: its first address is behind its last")
    return first.version


def version_of(text: str) -> int | None:
    """Check what a rule's packets come from or go to; returns its IP version, None for a name."""
    if text.startswith("+") or SCOPED_NAME.fullmatch(text):
        if not SCOPED_NAME.fullmatch(text.removeprefix("+")) or len(text) > _SCOPE_LENGTH:
            raise InvalidValue(f"{text!r} is no name of an IP set")
        return None
    items = text.split(",")
    if len(items) > 1 and "-" in text:
        raise InvalidValue("a range of addresses can't stand in a list")
    versions = {_range_version(item) if "-" in item else _network(item, strict=True) for item in items}
    if len(versions) > 1:
        raise InvalidValue("addresses of IPv4 and IPv6 can't stand in one list")
    return versions.pop()


def _endpoint(text: str) -> str:
    version_of(text)
    return text


def _ports(text: str) -> str:
    """A list of ports, ranges and names of services; of ICMP messages, as a destination."""
    numbers = 0
    for item in text.split(","):
        if not _PORT.fullmatch(item):
            if not _SERVICE.fullmatch(item):
                raise InvalidValue(f"{item!r} is no port: write it like 22, 80:90 or https")
            continue
        ports = [int(port) for port in item.split(":")]
        numbers += len(ports)
        if ports[-1] > _LAST_PORT or ports[0] > ports[-1]:
            raise InvalidValue(f"{item!r} is no port or range of ports")
    if numbers > _MOST_PORTS:
        raise InvalidValue(f"a list of ports has {_MOST_PORTS} numbers at most, where a range counts as two")
    return text


def _as_text(value: Any) -> Any:
    """A port or a protocol may be given as the number that it is."""
    return to_text(value) if isinstance(value, int | float) else value


FirewallName = Annotated[str, Field(min_length=2, max_length=64, pattern=rf"^{_NAME}$")]
GroupName = Annotated[str, Field(min_length=2, max_length=18, pattern=rf"^{_NAME}$")]
Comment = Annotated[str, AfterValidator(_one_line)]
Cidr = Annotated[str, AfterValidator(_cidr)]
SetEntry = Annotated[str, AfterValidator(_entry)]
Endpoint = Annotated[str, Field(max_length=512), AfterValidator(_endpoint)]
Ports = Annotated[str, BeforeValidator(_as_text), AfterValidator(_ports)]
Protocol = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]
