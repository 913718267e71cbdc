"""The addresses that the other guests of a cluster have.

The API tells them guest by guest; over SSH it takes one command for all, so they are only compared where the connection
has SSH.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from providers._runtime.facts import Facts
from providers._runtime.model import Values

READ = (
    "sh",
    "-c",
    "grep -sHE '^(net|ipconfig)[0-9]+:' /etc/pve/nodes/*/qemu-server/*.conf /etc/pve/nodes/*/lxc/*.conf || true",
)
LINE = re.compile(r"/etc/pve/nodes/(?P<node>[^/]+)/[^/]+/(?P<vmid>\d+)\.conf:[a-z]+\d+: (?P<text>.*)")
MAC = re.compile(r"=((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})\b")
IP = re.compile(r"\bip6?=([0-9A-Fa-f.:]+)/")


@dataclass(frozen=True)
class Taken:
    """An address, and the guest that has it."""

    address: str
    vmid: int
    node: str


def parse(text: str) -> Iterator[Taken]:
    """What the command prints; a guest's snapshots are in its file as well."""
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found:
            for address in (*MAC.findall(found["text"]), *IP.findall(found["text"])):
                yield Taken(_same(address), int(found["vmid"]), found["node"])


def prepare(facts: Facts, before: Values, wanted: Values) -> None:
    """Begin to read, where `sharers` will want to know."""
    if _addresses(wanted) - _addresses(before):
        facts.print_soon(READ)


def sharers(facts: Facts, before: Values, wanted: Values) -> Iterator[str]:
    """Who else has an address that is new here.

    A word of warning, no refusal: an IP address may well be in use in two networks, and what has it now may be on its
    way out. The guests of the program are compared by what they claim.
    """
    new = _addresses(wanted) - _addresses(before)
    text = facts.printed(READ) if new else None
    for taken in dict.fromkeys(parse(text or "")):
        mine = taken.vmid == wanted.get("vmid") or facts.announced("guest", str(taken.vmid))
        if taken.address in new and not mine:
            yield f"guest {taken.vmid} on {taken.node} has {taken.address} already"


def _addresses(values: Values) -> set[str]:
    """Of its cards, in the form in which they are compared."""
    nics = list((values.get("net") or {}).values())
    cards = [*nics, *(values.get("ipconfig") or {}).values()]
    given = [str(card.get(version) or "") for card in cards for version in ("ip", "ip6")]
    macs = [nic.get("macaddr") or nic.get("hwaddr") for nic in nics]
    found = [*macs, *(address.partition("/")[0] for address in given if "/" in address)]
    return {_same(address) for address in found if address}


def _same(address: str) -> str:
    """`2001:db8::0` and `2001:DB8::` are one address."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address.upper()
