"""What the lines of interfaces say to `iptables`, in the language of nftables; other commands do nothing here.

A node's file has such commands in its `post-up` lines, and they hold for as long as their interface is up. A guard
(`iptables -C … || iptables -A …`) sets a rule once, and so it is set once here whatever is written.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_CHAINS = {
    ("nat", "PREROUTING"): "type nat hook prerouting priority dstnat",
    ("nat", "POSTROUTING"): "type nat hook postrouting priority srcnat",
    ("filter", "INPUT"): "type filter hook input priority filter",
    ("filter", "FORWARD"): "type filter hook forward priority filter",
    ("filter", "OUTPUT"): "type filter hook output priority filter",
}
_FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}
_MATCHES = {"-s": "{} saddr", "-d": "{} daddr", "-i": "iifname", "-o": "oifname", "-p": "meta l4proto",
            "--ctstate": "ct state"}  # fmt: skip
_TARGETS = {"MASQUERADE": "masquerade", "DROP": "drop", "REJECT": "reject", "ACCEPT": "accept"}
TABLE = "interfaces"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule that is added."""

    family: str
    chain: tuple[str, str]
    text: str
    first: bool
    """Whether it stands before those that are there already."""


def commands(lines: Iterable[str]) -> Iterator[str]:
    """Yield the commands of lines of shell, one by one."""
    for line in lines:
        yield from re.split(r"\|\||&&|;", line)


def script(lines: Iterable[str]) -> str:
    """Return what makes the tables of the rules that the lines add, one for each version of IP; empty ones without."""
    chains: dict[tuple[str, tuple[str, str]], list[str]] = {
        (family, chain): [] for family in _FAMILIES.values() for chain in _CHAINS
    }
    for rule in filter(None, map(_rule, commands(lines))):
        there = chains[rule.family, rule.chain]
        if rule.text not in there:
            there.insert(0 if rule.first else len(there), rule.text)
    return "; ".join(
        _table(family, {chain: chains[family, chain] for chain in _CHAINS}) for family in _FAMILIES.values()
    )


def _table(family: str, chains: Mapping[tuple[str, str], list[str]]) -> str:
    """Return what makes the table of a version of IP anew."""
    text = "".join(
        f"chain {chain[1].lower()} {{ {'; '.join([_CHAINS[chain], *rules])}; }}; " for chain, rules in chains.items()
    )
    return f"table {family} {TABLE}; delete table {family} {TABLE}; table {family} {TABLE} {{ {text}}}"


def _rule(command: str) -> _Rule | None:
    """Return the rule that a command adds; None where it does something else, or what is not played here."""
    words = _words(command)
    family = _FAMILIES.get(words.pop(0).rpartition("/")[2]) if words else None
    if family is None:
        return None
    table, chain, first, parts = "filter", "", False, []
    while words:
        other = words[0] == "!" and bool(words.pop(0))
        if len(words) < 2:  # noqa: PLR2004 - each option has a value
            return None
        option, value = words.pop(0), words.pop(0)
        if option == "-t":
            table = value
        elif option in ("-A", "-I"):
            chain, first = value, option == "-I"
        elif option == "-j" and value in _TARGETS:
            parts.append(_TARGETS[value])
        elif option in _MATCHES and (text := _value(option, value, family)):
            parts.append(f"{_MATCHES[option].format(family)} {'!= ' if other else ''}{text}")
        elif (option, value) != ("-m", "conntrack"):
            return None
    return _Rule(family, (table, chain), " ".join(parts), first) if (table, chain) in _CHAINS else None


def _words(command: str) -> list[str]:
    """Return the words of a command without redirections; none where a quote is left open."""
    try:
        return [word for word in shlex.split(command, comments=True) if not re.match(r"\d?>", word)]
    except ValueError:
        return []


def _value(option: str, value: str, family: str) -> str:
    """Return what an option is compared with as nftables writes it; nothing where it is no such thing."""
    if option in ("-i", "-o"):
        return f'"{value}"' if re.fullmatch(r"[A-Za-z0-9_.:-]{1,15}", value) else ""
    if option in ("-p", "--ctstate"):
        return f"{{ {value.lower().replace(',', ', ')} }}" if re.fullmatch(r"[A-Za-z0-9,-]+", value) else ""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return ""
    return str(network) if (network.version == 6) == (family == "ip6") else ""  # noqa: PLR2004 - of IP
