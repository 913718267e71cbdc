"""What the lines of interfaces say to `iptables`, in the language of nftables; other commands do nothing here.

A node's file has such commands in its `post-up` lines, and they hold for as long as their interface is up. A guard
(`iptables -C … || iptables -A …`) sets a rule once, and so it is set once here whatever is written.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_CHAINS = {
    ("nat", "PREROUTING"): "type nat hook prerouting priority dstnat",
    ("nat", "POSTROUTING"): "type nat hook postrouting priority srcnat",
    ("filter", "INPUT"): "type filter hook input priority filter",
    ("filter", "FORWARD"): "type filter hook forward priority filter",
    ("filter", "OUTPUT"): "type filter hook output priority filter",
}
_MATCHES = {"-s": "ip saddr", "-d": "ip daddr", "-i": "iifname", "-o": "oifname"}
_TARGETS = {"MASQUERADE": "masquerade", "DROP": "drop", "REJECT": "reject", "ACCEPT": "accept"}
TABLE = "interfaces"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule that is added."""

    chain: tuple[str, str]
    text: str
    first: bool
    """Whether it stands before those that are there already."""


def commands(lines: Iterable[str]) -> Iterator[str]:
    """Yield the commands of lines of shell, one by one."""
    for line in lines:
        yield from re.split(r"\|\||&&|;", line)


def script(lines: Iterable[str]) -> str:
    """Return what makes a table of the rules that the lines add; an empty one where they add none."""
    chains: dict[tuple[str, str], list[str]] = {chain: [] for chain in _CHAINS}
    for rule in filter(None, map(_rule, commands(lines))):
        there = chains[rule.chain]
        if rule.text not in there:
            there.insert(0 if rule.first else len(there), rule.text)
    text = "".join(
        f"chain {chain[1].lower()} {{ {'; '.join([_CHAINS[chain], *rules])}; }}; " for chain, rules in chains.items()
    )
    return f"table ip {TABLE}; delete table ip {TABLE}; table ip {TABLE} {{ {text}}}"


def _rule(command: str) -> _Rule | None:
    """Return the rule that a command adds; None where it does something else, or what is not played here."""
    words = _words(command)
    if not words or words.pop(0).rpartition("/")[2] != "iptables":
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
        elif option in _MATCHES and (name := _name(option, value)):
            parts.append(f"{_MATCHES[option]} {'!= ' if other else ''}{name}")
        else:
            return None
    return _Rule((table, chain), " ".join(parts), first) if (table, chain) in _CHAINS else None


def _words(command: str) -> list[str]:
    """Return the words of a command without redirections; none where a quote is left open."""
    try:
        return [word for word in shlex.split(command, comments=True) if not re.match(r"\d?>", word)]
    except ValueError:
        return []


def _name(option: str, value: str) -> str:
    """Return an interface or a network as nftables writes it; nothing where it is none."""
    if option in ("-i", "-o"):
        return f'"{value}"' if re.fullmatch(r"[A-Za-z0-9_.:-]{1,15}", value) else ""
    try:
        return str(ipaddress.IPv4Network(value, strict=False))
    except ValueError:
        return ""
