"""Whether the source of a firewall's rule lets in strangers: everybody, or a large network that isn't private."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from policies.resources import UNKNOWN, Object

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE = [
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
]
WIDEST = {4: 24, 6: 48}
"""IP version -> prefix of the largest network outside those that still counts as somebody known."""
SCOPES = ("dc/", "guest/")


class Names:
    """What the IP sets and aliases of a stack stand for."""

    def __init__(self, sets: Iterable[Object], aliases: Iterable[Object]) -> None:
        self._aliases = {str(each.get("name")).lower(): str(each.get("cidr")) for each in aliases}
        self._sets = {str(each.get("name")).lower(): each.within("entries") for each in sets}

    def are_strangers(self, source: object) -> bool:
        """Whether a rule's source takes in strangers; a name that the stack doesn't declare is nobody's guess."""
        if source is None:
            return True
        return isinstance(source, str) and any(self._is_wide(part.strip()) for part in source.split(","))

    def _is_wide(self, part: str) -> bool:
        if part.startswith("+"):
            entries = self._sets.get(_bare(part[1:]), {})
            return any(self._is_wide(entry) for entry, how in entries.items() if not _is_exception(how))
        return any(map(_is_wide, _networks(self._aliases.get(_bare(part), part))))


def _bare(name: str) -> str:
    """A name without the scope that may stand before it."""
    lower = name.lower()
    return next((lower.removeprefix(scope) for scope in SCOPES if lower.startswith(scope)), lower)


def _is_exception(entry: object) -> bool:
    return isinstance(entry, Mapping) and entry.get("nomatch") in (True, UNKNOWN)


def _networks(text: str) -> list[Network]:
    """An address, a network or a range as networks; a name that nobody has declared is none."""
    first, _, last = text.partition("-")
    try:
        if last:
            ends: Any = (ipaddress.ip_address(first), ipaddress.ip_address(last))
            return list(ipaddress.summarize_address_range(*ends))
        return [ipaddress.ip_network(text, strict=False)]
    except (ValueError, TypeError):
        return []


def _is_wide(network: Any) -> bool:
    known = any(network.version == each.version and network.subnet_of(each) for each in PRIVATE)
    return not known and network.prefixlen < WIDEST[network.version]
