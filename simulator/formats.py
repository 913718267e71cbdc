"""Named formats of parameters (`pve-vmid`, `dns-name`, ...), each with the refusal Proxmox gives.

A check is a function that raises ValueError. Modules with formats of their own register them with
`named_format`; `name-list` (several values in one string) needs no registration of its own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

Check = Callable[[str], None]
_CHECKS: dict[str, Check] = {}


def named_format(name: str) -> Callable[[Check], Check]:
    """Register the decorated function as the check of this format."""

    def register(check: Check) -> Check:
        _CHECKS[name] = check
        return check

    return register


def split_list(text: str) -> list[str]:
    """Split a list as Proxmox does: by comma, semicolon, white space or NUL, empty items dropped."""
    return [item for item in re.split(r"[,;\s\0]+", text) if item]


def is_known(name: str) -> bool:
    """Tell whether there is a check for this format."""
    return name in _CHECKS or (name.endswith("-list") and name.removesuffix("-list") in _CHECKS)


def check_format(name: str, value: str) -> None:
    """Raise ValueError with Proxmox's text when the value does not have this format."""
    if name in _CHECKS:
        _CHECKS[name](value)
    elif name.endswith("-opt"):
        if value:
            check_format(name.removesuffix("-opt"), value)
    elif name.endswith("-list"):
        for item in split_list(value):
            check_format(name.removesuffix("-list"), item)
    else:
        raise LookupError(f"undefined format '{name}'")


def _register_pattern(name: str, pattern: str, text: str) -> None:
    """Register a format that is a regular expression; `{}` in the text stands for the value."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(text.replace("{}", value))

    _CHECKS[name] = check


_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?"
_IDENTIFIER = r"[A-Za-z0-9\.\-_]+"
_USER = r"[^\s:/]+"
_REALM = r"[A-Za-z][A-Za-z0-9.\-_]+"

for _name, _pattern, _text in (
    ("pve-vmid", r"[1-9][0-9]{2,8}", "value does not look like a valid VM ID"),
    ("pve-node", _LABEL, "value does not look like a valid node name"),
    ("dns-name", rf"{_LABEL}(?:\.{_LABEL})*", "value does not look like a valid DNS name"),
    ("pve-acme-domain", rf"{_LABEL}(?:\.{_LABEL})*", "value does not look like a valid domain name"),
    ("pve-acme-alias", rf"[a-zA-Z0-9_\-]+(?:\.{_LABEL})*", "value does not look like a valid domain alias"),
    ("pve-configid", r"[A-Za-z][A-Za-z0-9_\-]+", "invalid configuration ID '{}'"),
    ("pve-storage-id", r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]", "storage ID '{}' contains illegal characters"),
    ("pve-groupid", _IDENTIFIER, "group name '{}' contains invalid characters"),
    ("pve-roleid", _IDENTIFIER, "role name '{}' contains invalid characters"),
    ("pve-tokenid", rf"{_USER}@{_REALM}![A-Za-z][A-Za-z0-9.\-_]+", "value '{}' does not look like a valid token ID"),
    ("pve-realm", _REALM, "value does not look like a valid realm"),
    ("email", r"[\w+\-~.]+@[a-zA-Z0-9\-.]+", "value does not look like a valid email address"),
    ("mac-addr", r"(?i:[0-9a-f][02468ace](?::[0-9a-f]{2}){5})", "value does not look like a valid unicast MAC address"),
    ("mac-prefix", r"(?i:[0-9a-f][02468ace](?::[0-9a-f]{2}){2}:?)", "value is not a valid unicast MAC address prefix"),
    ("pve-volume-id", r"[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]:.+", "unable to parse volume ID '{}'\n"),
    ("bridge-pair", r"[A-Za-z0-9_.-]+(?::[A-Za-z0-9_.-]+)?", "invalid bridge pair: {}"),
    ("storage-pair", r"[A-Za-z0-9\-_.]+(?::[A-Za-z0-9\-_.]+)?", "invalid storage pair: {}"),
    ("pve-startup-order", r"(?:(?:order=)?\d+|up=\d+|down=\d+)(?:,(?:order=\d+|up=\d+|down=\d+))*",
     "unable to parse startup options"),
    ("pve-storage-path", r"/.*", "value does not look like a valid absolute path"),
    ("pve-task-status-type", r"(?i:ok|error|warning|unknown)", "invalid status '{}'"),
    ("string", r"(?s:.*)", ""),
    ("urlencoded", r"[\-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string: {}"),
    ("ldap-simple-attr", r"[a-zA-Z0-9]+", "value '{}' does not look like a simple ldap attribute name"),
    ("pve-bridge-id", r"[A-Za-z0-9_.\-]{1,15}", "invalid bridge ID '{}'"),
):  # fmt: skip
    _register_pattern(_name, _pattern, _text)


@named_format("pve-poolid")
def _poolid(value: str) -> None:
    if len(value.split("/")) > 3:  # noqa: PLR2004 - Proxmox's own bound on nesting
        raise ValueError(f"pool name '{value}' nested too deeply (max levels = 3)")
    if not re.fullmatch(rf"{_IDENTIFIER}(?:/{_IDENTIFIER})*", value):
        raise ValueError(f"pool name '{value}' contains invalid characters")


@named_format("pve-userid")
def _userid(value: str) -> None:
    if not re.fullmatch(rf"{_USER}@{_REALM}", value) or len(value) < 3 or len(value) > 64:  # noqa: PLR2004 - its bounds
        raise ValueError(f"value '{value}' does not look like a valid user name")


@named_format("email-or-username")
def _email_or_username(value: str) -> None:
    if "@" not in value or re.search(r"\s", value):
        raise ValueError(f"value '{value}' does not look like a valid email address or user name")


@named_format("pve-tag")
def _tag(value: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*", value, re.ASCII):
        raise ValueError("invalid characters in tag")


@named_format("pve-iface")
def _iface(value: str) -> None:
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{1,20}(?:[:.]\d+)?", value):
        raise ValueError(f"invalid network interface name '{value}'")


@named_format("address")
def _address(value: str) -> None:
    try:
        _ip(value)
    except ValueError:
        if not re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})*", value):
            raise ValueError(f"value does not look like a valid address: {value}") from None


@named_format("ip")
def _ip(value: str) -> None:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("value does not look like a valid IP address") from None


@named_format("ipv4")
def _ipv4(value: str) -> None:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError("value does not look like a valid IPv4 address") from None


@named_format("ipv6")
def _ipv6(value: str) -> None:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        raise ValueError("value does not look like a valid IPv6 address") from None


def _is_network(value: str, version: int | None) -> bool:
    """Tell whether the value is `address/prefix` (host bits may be set, as Proxmox accepts them)."""
    address, slash, prefix = value.partition("/")
    try:
        network = ipaddress.ip_interface(value)
    except ValueError:
        return False
    return bool(slash and address and prefix.isdigit()) and version in (None, network.version)


for _name, _version, _text in (
    ("CIDR", None, "value does not look like a valid CIDR network"),
    ("CIDRv4", 4, "value does not look like a valid IPv4 network"),
    ("CIDRv6", 6, "value does not look like a valid IPv6 network"),
):

    def _check_network(value: str, version: int | None = _version, text: str = _text) -> None:
        if not _is_network(value, version):
            raise ValueError(text)

    _CHECKS[_name] = _check_network


@named_format("pve-ipv4-config")
def _ipv4_config(value: str) -> None:
    if value not in ("dhcp", "manual") and not _is_network(value, 4):
        raise ValueError("value does not look like a valid ipv4 network configuration")


@named_format("pve-ipv6-config")
def _ipv6_config(value: str) -> None:
    if value not in ("auto", "dhcp", "manual") and not _is_network(value, 6):
        raise ValueError("value does not look like a valid ipv6 network configuration")


@named_format("pve-cpuset")
def _cpuset(value: str) -> None:
    if not re.fullmatch(r"\s*\d+(?:-\d+)?(?:\s*,\s*\d+(?:-\d+)?)*\s*", value):
        raise ValueError("unable to parse cpuset option")
