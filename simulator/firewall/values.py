"""Addresses, ports and protocols of firewall rules, with the refusals that Proxmox has for wrong ones."""

from __future__ import annotations

import ipaddress
import re

from simulator.firewall.names import ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS, SERVICES
from simulator.formats import named_format

NAME = r"[A-Za-z][A-Za-z0-9\-_]+"
SCOPED_NAME = re.compile(rf"(dc/|guest/|sdn/)?({NAME})", re.ASCII)
_LONGEST_NAME = 64
_LAST_PORT = 65535
_MOST_PORTS = 15
_BITS = {4: 32, 6: 128}


def address_version(text: str) -> int | None:
    """Check a list of addresses, networks or a range; return its IP version, None for a set, an alias or nothing."""
    if text.startswith("+") and not re.search(r"\s", text):
        if len(text) > _LONGEST_NAME + 1:
            raise ValueError("ipset name too long")
        return None
    if not text or SCOPED_NAME.fullmatch(text):
        if len(text) > _LONGEST_NAME:
            raise ValueError("alias name too long")
        return None
    items = text.split(",")
    if not items[-1]:
        raise ValueError("extraneous commas in list")
    versions = [_item_version(item) for item in items]
    if len(set(versions)) > 1:
        raise ValueError(f"detected mixed ipv4/ipv6 addresses in address list '{text}'")
    if len(items) > 1 and "-" in text:
        raise ValueError("you can't use a range in a list")
    return versions[0]


def _item_version(item: str) -> int:
    """Check an address, network or range; return its IP version."""
    try:
        if "-" in item:
            return _range_version(*item.partition("-")[::2])
        address, slash, prefix = item.partition("/")
        if slash:
            check_prefix(address, prefix)
        return _version(address)
    except ValueError as error:
        raise ValueError(f"invalid IP address: {error}") from None


def _range_version(first: str, last: str) -> int:
    if _binary(first) > _binary(last):
        raise ValueError(f"Begin address is greater than End address {first} - {last}")
    return _version(first)


def _version(address: str) -> int:
    _check_address(address)
    return 6 if ":" in address else 4


def _binary(address: str) -> str:
    """Return the bits of an address; one of IPv4 may lack its last numbers (`10.1`)."""
    if _version(address) == _SIX:
        return f"{int(ipaddress.IPv6Address(address)):0128b}"
    numbers = [int(number) for number in address.split(".")]
    return "".join(f"{number:08b}" for number in [*numbers, 0, 0, 0][:4])


_SIX = 6


def _check_address(address: str) -> None:
    """Refuse what is no address, in the words of the library that Proxmox reads addresses with."""
    if ":" in address:
        try:
            ipaddress.IPv6Address(address)
        except ValueError:
            raise ValueError(f"Invalid IP address {address}") from None
        return
    if not re.fullmatch(r"[0-9.]+", address):
        raise ValueError(f"Invalid chars in IP {address}")
    for wrong, what in ((address.startswith("."), "starts"), (address.endswith("."), "ends")):
        if wrong:
            raise ValueError(f"Invalid IP {address} - {what} with a dot")
    if address.count(".") > 3:  # noqa: PLR2004 - an address has four numbers
        raise ValueError(f"Invalid IP address {address}")
    if ".." in address:
        raise ValueError(f"Empty quad in IP address {address}")
    wrong_number = next((number for number in address.split(".") if len(number) > 9 or int(number) > 255), None)  # noqa: PLR2004 - a byte
    if wrong_number is not None:
        raise ValueError(f"Invalid quad in IP address {address} - {wrong_number}")


def check_prefix(address: str, prefix: str, *, host_bits: bool = False) -> None:
    """Refuse a wrong prefix length and, unless they are allowed, bits behind the prefix."""
    bits = _binary(address)
    if not re.fullmatch(r"[0-9]{1,9}", prefix):
        raise ValueError(f"Invalid prefix length {prefix}")
    if int(prefix) > len(bits):
        raise ValueError(f"Prefix length {prefix} is longer than IP address ({len(bits)})")
    if not host_bits and "1" in bits[int(prefix) :]:
        raise ValueError(f"Invalid prefix {bits}/{prefix}")


def network(text: str) -> str:
    """Return a network without bits behind its prefix, and a single address without prefix."""
    if "/" not in text:
        return text
    found = ipaddress.ip_interface(text).network
    return str(found.network_address) if found.prefixlen == _BITS[found.version] else str(found)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@named_format("IPorCIDR")
def _ip_or_cidr(value: str) -> None:
    address, slash, prefix = value.partition("/")
    if not _is_address(address) or (slash and not re.fullmatch("[0-9]{1,9}", prefix)):
        raise ValueError("value does not look like a valid IP address or CIDR network\n")
    if slash:
        check_prefix(address, prefix, host_bits=True)


@named_format("IPorCIDRorAlias")
def _ip_or_cidr_or_alias(value: str) -> None:
    if not SCOPED_NAME.fullmatch(value):
        _ip_or_cidr(value)


@named_format("pve-fw-addr-spec")
def _addr_spec(value: str) -> None:
    address_version(value)


def check_ports(text: str, *, destination: bool) -> None:
    """Check a list of ports, ranges and service names; as a destination also types of ICMP messages."""
    items = text.split(",") if text else []
    if items and not items[-1]:
        raise ValueError("extraneous commas in list")
    numbers, icmp = 0, False
    for item in items:
        if re.fullmatch(r"[0-9]+(?::[0-9]+)?", item):
            numbers += _check_port_numbers(item)
        elif destination and item in ICMP_TYPES | ICMPV6_TYPES:
            icmp = True
        elif item not in SERVICES:
            raise ValueError(f"invalid port '{item}'")
    if icmp and numbers:
        raise ValueError("ICMP ports not allowed in port range")
    if numbers > _MOST_PORTS:
        raise ValueError(f"too many entries in port list (> {_MOST_PORTS} numbers)")


def _check_port_numbers(item: str) -> int:
    """Check a port or a range; return how many numbers it counts for."""
    ports = item.split(":")
    for port in ports:
        if len(port) > 9 or int(port) > _LAST_PORT:  # noqa: PLR2004 - far beyond any port
            raise ValueError(f"invalid port '{port}'")
    if int(ports[0]) > int(ports[-1]):
        raise ValueError(f"backwards range '{item}' not allowed, did you mean '{ports[1]}:{ports[0]}'?")
    return len(ports)


@named_format("pve-fw-sport-spec")
def _sport_spec(value: str) -> None:
    check_ports(value, destination=False)


@named_format("pve-fw-dport-spec")
def _dport_spec(value: str) -> None:
    check_ports(value, destination=True)


@named_format("pve-fw-protocol-spec")
def check_protocol(value: str) -> None:
    """Refuse a protocol that has neither a known name nor a known number."""
    if value and value != "0" and value not in PROTOCOLS and value not in PROTOCOLS.values():
        raise ValueError(f"unknown protocol '{value}'")


@named_format("pve-fw-icmp-type-spec")
def _icmp_type_spec(value: str) -> None:
    if value and value not in ICMP_TYPES | ICMPV6_TYPES:
        raise ValueError(f"invalid icmp-type value '{value}'")


_HELPERS = ("amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp")


@named_format("pve-fw-conntrack-helper")
def _conntrack_helpers(value: str) -> None:
    for helper in value.split(","):
        if value and helper not in _HELPERS:
            raise ValueError(f"invalid conntrack helper '{helper}'")
