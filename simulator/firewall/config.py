"""A `.fw` file: options, aliases, ipsets, rules and security groups, read and written as Proxmox does it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.firewall.rules import Lookup, Rule, format_rule, parse_rule
from simulator.firewall.values import NAME, SCOPED_NAME, network
from simulator.formats import check_format
from simulator.schema import Param

Entry = dict[str, Any]
SetNames = Callable[[], frozenset[str]]

_SECTIONS = {
    "cluster": ("options", "aliases", "rules", "group", "ipset"),
    "host": ("options", "rules"),
    "vm": ("options", "aliases", "rules", "ipset"),
    "ct": ("options", "aliases", "rules", "ipset"),
    "vnet": ("options", "rules"),
}
_HEADER = re.compile(r"\[(options|aliases|rules)\]", re.IGNORECASE)
_NAMED_HEADER = re.compile(r"\[(group|ipset)\s+(\S+)\]\s*(?:#\s*(.*?)\s*)?", re.IGNORECASE)
_LONGEST = {"group": 18, "ipset": 64}


@dataclass(slots=True)
class Firewall:
    """The content of a `.fw` file. Aliases have their names in small letters as keys."""

    options: Entry = field(default_factory=dict)
    aliases: dict[str, Entry] = field(default_factory=dict)
    ipsets: dict[str, list[Entry]] = field(default_factory=dict)
    ipset_comments: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    groups: dict[str, list[Rule]] = field(default_factory=dict)
    group_comments: dict[str, str] = field(default_factory=dict)
    sdn_ipsets: SetNames = frozenset
    """Names the ipsets that a cluster has because of its virtual networks; no file holds them."""

    def find(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """Return an alias or an ipset, or None."""
        if kind == "alias":
            return self.aliases.get(name.lower())
        return {"name": name} if name in self.ipsets else None


def lookup_in(own: Firewall | None, cluster: Firewall | None) -> Lookup:
    """Return the look-up of names: `guest/` in the guest's file, `dc/` in the cluster's, else in both.

    `sdn/` is for the ipsets of virtual networks.
    """

    def find(kind: str, scope: str, name: str) -> Mapping[str, Any] | None:
        if scope == "sdn/":
            known = kind == "ipset" and cluster is not None and name in cluster.sdn_ipsets()
            return {"name": name} if known else None
        places = {"guest/": [own], "dc/": [cluster]}.get(scope, [own, cluster])
        return next((found for place in places if place and (found := place.find(kind, name))), None)

    return find


def digest_of(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest that Proxmox gives a list of entries: over their keys and plain values."""
    sha = hashlib.sha1(usedforsecurity=False)
    for entry in entries:
        for key in sorted(entry):
            if entry[key] is not None and not isinstance(entry[key], (dict, list)):
                sha.update(f"{key}:{entry[key]}\n".encode())
    return sha.hexdigest()


class _Reader:
    """Goes through a file; lines that say nothing sensible are skipped."""

    def __init__(
        self, environment: str, options: Mapping[str, Param], cluster: Firewall | None, sdn_ipsets: SetNames
    ) -> None:
        self._environment = environment
        self._options = options
        self.result = Firewall(sdn_ipsets=sdn_ipsets)
        self._cluster = self.result if environment == "cluster" else cluster
        self._section, self._name = "", ""

    def read(self, text: str) -> Firewall:
        for line in (raw.strip(" \t\r") for raw in text.split("\n")):
            if line and not line.startswith("#") and not self._begins_section(line):
                self._read_line(line)
        return self.result

    def _begins_section(self, line: str) -> bool:
        plain, named = _HEADER.fullmatch(line), _NAMED_HEADER.fullmatch(line)
        if plain and plain[1].lower() in _SECTIONS[self._environment]:
            self._section = plain[1].lower()
            return True
        if named and named[1].lower() in _SECTIONS[self._environment]:
            self._begin_named(named[1].lower(), named[2].lower(), named[3] or "")
            return True
        return False

    def _begin_named(self, kind: str, name: str, comment: str) -> None:
        if len(name) > _LONGEST[kind] or not re.fullmatch(NAME, name):
            self._section = ""
            return
        self._section, self._name = kind, name
        place: dict[str, list[Entry]] = self.result.groups if kind == "group" else self.result.ipsets
        comments = self.result.group_comments if kind == "group" else self.result.ipset_comments
        place[name] = []
        if comment:
            comments[name] = comment

    def _read_line(self, line: str) -> None:
        if self._section == "options":
            self._read_option(line)
        elif self._section == "aliases":
            self._read_alias(line)
        elif self._section == "rules":
            self._add_rule(self.result.rules, line, self._environment)
        elif self._section == "group":
            self._add_rule(self.result.groups[self._name], line, "group")
        elif self._section == "ipset":
            self._read_ipset_entry(line)

    def _read_option(self, line: str) -> None:
        name, colon, value = (part.strip() for part in line.partition(":"))
        param = self._options.get(name.lower())
        if not colon or param is None:
            return
        if param.type in ("boolean", "integer"):
            if re.fullmatch("[0-9]{1,18}", value):
                self.result.options[name.lower()] = int(value)
        elif param.enum is None or value in param.enum:
            self.result.options[name.lower()] = value

    def _read_alias(self, line: str) -> None:
        text, _, comment = line.partition("#")
        name, _, cidr = text.strip().partition(" ")
        try:
            check_format("IPorCIDR", cidr)
        except ValueError:
            return
        cidr = cidr.removesuffix("/128" if ":" in cidr else "/32")
        entry: Entry = {"name": name, "cidr": cidr, "ipversion": 6 if ":" in cidr else 4}
        if comment.strip():
            entry["comment"] = comment.strip()
        self.result.aliases[name.lower()] = entry

    def _add_rule(self, rules: list[Rule], line: str, environment: str) -> None:
        own = None if environment == "group" else self.result
        rule = parse_rule(line, environment, lookup_in(own, self._cluster))
        if rule is not None:
            rules.append(rule)

    def _read_ipset_entry(self, line: str) -> None:
        text, _, comment = line.partition("#")
        cidr = text.strip().removeprefix("!").strip()
        entries = self.result.ipsets[self._name]
        entry: Entry = {"cidr": cidr}
        try:
            entry["cidr"] = self._ipset_address(cidr)
            if any(other["cidr"] == entry["cidr"] for other in entries):
                entry["errors"] = {"cidr": f"duplicate ipset entry for '{cidr}'"}
        except ValueError as error:
            entry["errors"] = {"cidr": str(error).strip()}
        if text.startswith("!"):
            entry["nomatch"] = 1
        if comment.strip():
            entry["comment"] = comment.strip()
        entries.append(entry)

    def _ipset_address(self, cidr: str) -> str:
        name = SCOPED_NAME.fullmatch(cidr)
        if name is None:
            check_format("IPorCIDR", cidr)
            return network(cidr)
        if lookup_in(self.result, self._cluster)("alias", name[1] or "", name[2]) is None:
            raise ValueError(f"no such alias '{name[2]}'")
        return cidr


def parse(
    text: str,
    environment: str,
    options: Mapping[str, Param],
    cluster: Firewall | None = None,
    sdn_ipsets: SetNames = frozenset,
) -> Firewall:
    """Read a file; `options` are the options that it may have, `cluster` is the file of the cluster."""
    return _Reader(environment, options, cluster, sdn_ipsets).read(text)


def render(firewall: Firewall) -> str:
    """Write the file; nothing at all when nothing is configured."""
    sections = []
    if firewall.options:
        sections.append(("[OPTIONS]", [f"{name}: {value}" for name, value in firewall.options.items()]))
    if firewall.aliases:
        aliases = firewall.aliases.values()
        sections.append(("[ALIASES]", [_noted(f"{entry['name']} {entry['cidr']}", entry) for entry in aliases]))
    for name in sorted(firewall.ipsets):
        entries = {entry["cidr"]: entry for entry in reversed(firewall.ipsets[name])}
        lines = [
            _noted(f"{'!' if entries[cidr].get('nomatch') else ''}{cidr}", entries[cidr]) for cidr in sorted(entries)
        ]
        sections.append((_heading(f"[IPSET {name}]", firewall.ipset_comments.get(name)), lines))
    if firewall.rules:
        sections.append(("[RULES]", [format_rule(rule, with_iface=True) for rule in firewall.rules]))
    for name in sorted(firewall.groups):
        lines = [format_rule(rule, with_iface=False) for rule in firewall.groups[name]]
        sections.append((_heading(f"[group {name}]", firewall.group_comments.get(name)), lines))
    return "".join(f"{heading}\n\n" + "".join(f"{line}\n" for line in lines) + "\n" for heading, lines in sections)


def _heading(text: str, comment: str | None) -> str:
    return f"{text} # {comment}" if comment else text


def _noted(text: str, entry: Entry) -> str:
    comment = str(entry.get("comment") or "")
    return f"{text} # {comment}" if comment.strip() else text
