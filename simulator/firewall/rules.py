"""Firewall rules: checked as Proxmox checks them, read from a line of a `.fw` file and written to one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.errors import ParamError
from simulator.firewall.macros import BY_LOWER_NAME, rules_of
from simulator.firewall.names import ICMP_TYPES, ICMPV6_TYPES, PROTOCOLS_WITH_PORTS
from simulator.firewall.values import NAME, SCOPED_NAME, address_version, check_ports, check_protocol
from simulator.formats import check_format

Rule = dict[str, Any]
Lookup = Callable[[str, str, str], Mapping[str, Any] | None]
"""Finds an alias or ipset: kind (`alias`, `ipset`), scope (`dc/`, `guest/` or empty) and name."""

LOG_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog")
PROPERTIES = (
    "type", "action", "macro", "iface", "source", "dest", "proto", "dport", "sport", "log", "icmp-type", "enable",
    "comment", "pos", "digest",
)  # fmt: skip
_TYPES = {
    "cluster": ("in", "out", "forward", "group"),
    "host": ("in", "out", "forward", "group"),
    "group": ("in", "out", "forward"),
    "vm": ("in", "out", "group"),
    "ct": ("in", "out", "group"),
    "vnet": ("forward", "group"),
}
_WITHOUT_IFACE = ("group", "vnet")
_ICMPV6 = ("icmpv6", "ipv6-icmp")
_OPTIONS = (
    ("-source", "source"), ("-dest", "dest"), ("-p", "proto"), ("-dport", "dport"), ("-sport", "sport"),
    ("-log", "log"), ("-icmp-type", "icmp-type"),
)  # fmt: skip
_OPTION = re.compile(r"(?P<flag>-i|-p|--?(?:proto|dport|sport|source|dest|log|icmp-type)) (?P<value>\S+)\s*")
_MACRO = re.compile(r"(\S+)\((ACCEPT|DROP|REJECT)\)")


class _Check:
    """One rule being checked; collects what is wrong, or refuses the call with the first thing that is."""

    def __init__(self, rule: Rule, environment: str, lookup: Lookup, *, collect: bool) -> None:
        self.rule = rule
        self._environment = environment
        self._lookup = lookup
        self._collect = collect
        self._version: int | None = None
        self._errors: dict[str, str] = {}

    def run(self) -> None:
        self._check_kind()
        self._check_iface()
        self._check_macro()
        self._check_protocol()
        self._check_icmp_type()
        for side, destination in (("dport", True), ("sport", False)):
            self._check_ports(side, destination=destination)
        for side in ("source", "dest"):
            self._check_address(side)
        if self._version:
            self.rule["ipversion"] = self._version
        if self.rule.get("macro") and not self._errors:
            self._check_against_macro()
        if self._errors:
            self.rule["errors"] = self._errors

    def _wrong(self, name: str, text: str) -> None:
        if not self._collect:
            raise ParamError({name: text})
        self._errors.setdefault(name, text)

    def _try(self, name: str, check: Callable[[], object]) -> None:
        try:
            check()
        except ValueError as error:
            self._wrong(name, str(error))

    def _set_version(self, version: int | None) -> None:
        if version and self._version and version != self._version:
            raise ValueError("detected mixed ipv4/ipv6 addresses in rule")
        self._version = version or self._version

    def _check_kind(self) -> None:
        kind, action = self.rule.get("type"), str(self.rule.get("action") or "")
        for name in ("type", "action"):
            if not self.rule.get(name):
                self._wrong(name, "missing property")
        if kind == "group" and "group" not in _TYPES[self._environment]:
            self._wrong("type", "security groups not allowed")
        elif kind not in _TYPES[self._environment]:
            self._wrong("type", f"invalid rule type '{kind}' for rule_env '{self._environment}'")
        if kind == "group" and not re.fullmatch(NAME, action):
            self._wrong("action", "invalid characters in security group name")
        elif kind != "group" and action and action not in ("ACCEPT", "DROP", "REJECT"):
            self._wrong("action", f"unknown action '{action}'")

    def _check_iface(self) -> None:
        iface = self.rule.get("iface")
        if not iface:
            return
        if self._environment in _WITHOUT_IFACE:
            self._wrong("type", "parameter -i not allowed for this rule type")
        self._try("iface", lambda: check_format("pve-iface", iface))
        if self._environment in ("vm", "ct") and not re.fullmatch(r"net\d+", iface):
            self._wrong("iface", "value does not match the regex pattern 'net\\d+'")

    def _check_macro(self) -> None:
        macro = self.rule.get("macro")
        if macro and macro.lower() in BY_LOWER_NAME:
            self.rule["macro"] = BY_LOWER_NAME[macro.lower()]
        elif macro:
            self._wrong("macro", f"unknown macro '{macro}'")

    def _check_protocol(self) -> None:
        protocol = self.rule.get("proto")
        if not protocol:
            return
        self._try("proto", lambda: check_protocol(protocol))
        if protocol == "icmp":
            self._set_version(4)
        elif protocol in _ICMPV6:
            self._set_version(6)

    def _check_icmp_type(self) -> None:
        kind, protocol = self.rule.get("icmp-type"), self.rule.get("proto")
        if not kind:
            return
        if protocol not in ("icmp", *_ICMPV6):
            self._wrong("proto", "missing property - 'icmp-type' requires this property")
        elif kind not in (ICMP_TYPES if protocol == "icmp" else ICMPV6_TYPES):
            self._wrong("icmp-type", f"invalid icmp-type '{kind}' for proto '{protocol}'")
        if self.rule.get("dport"):
            self._wrong("icmp-type", "'icmp-type' cannot be specified together with 'dport'")

    def _check_ports(self, side: str, *, destination: bool) -> None:
        ports, protocol = self.rule.get(side), self.rule.get("proto")
        if not ports:
            return
        self._try(side, lambda: check_ports(ports, destination=destination))
        may_be_icmp = destination and protocol in ("icmp", "icmpv6")
        if not protocol:
            self._wrong("proto", f"missing property - '{side}' requires this property")
        elif protocol not in PROTOCOLS_WITH_PORTS and not may_be_icmp:
            self._wrong(side, f"protocol '{protocol}' does not support ports")

    def _check_address(self, side: str) -> None:
        value = self.rule.get(side)
        if not value:
            return
        self._try(side, lambda: self._set_version(address_version(value)))
        self._try(side, lambda: self._check_reference(value))

    def _check_reference(self, value: str) -> None:
        """Refuse the name of an alias or ipset that does not exist."""
        name = SCOPED_NAME.fullmatch(value.removeprefix("+"))
        kind = "ipset" if value.startswith("+") else "alias"
        if name is None:
            if kind == "ipset":
                raise ValueError(f"invalid ipset name '{value}'")
            return
        found = self._lookup(kind, name[1] or "", name[2])
        if found is None:
            raise ValueError(f"no such {kind} '{name[2]}'")
        if kind == "alias":
            self._set_version(found["ipversion"])

    def _check_against_macro(self) -> None:
        macro = self.rule["macro"]
        for template in rules_of(macro, self._version):
            for name, value in template.items():
                given = self.rule.get(name)
                if given is not None and given != value:
                    self._wrong(name, f"parameter '{name}' already define in macro (value = '{value}')")


def verify(rule: Rule, environment: str, lookup: Lookup) -> None:
    """Refuse a wrong rule; a right one gets its IP version and the proper name of its macro."""
    _Check(rule, environment, lookup, collect=False).run()


def set_properties(rule: Rule, given: Mapping[str, Any]) -> None:
    """Set properties of a rule; an empty one or `-` is removed."""
    for name in PROPERTIES:
        value = given.get(name)
        if value in ("", "-"):
            rule.pop(name, None)
        elif value is not None:
            rule[name] = value


def delete_properties(rule: Rule, names: list[str]) -> None:
    """Remove properties of a rule, but not what every rule needs."""
    for name in names:
        if name not in PROPERTIES:
            raise ParamError({"delete": f"no such property ('{name}')"})
        if name in ("type", "action"):
            raise ParamError({"delete": f"unable to delete required property '{name}'"})
        rule.pop(name, None)


def parse_rule(line: str, environment: str, lookup: Lookup) -> Rule | None:
    """Read a rule; None when the line is none. What is wrong with it is in its `errors`."""
    text, mark, comment = line.partition("#")
    rule: Rule = {"enable": 0 if text.startswith("|") else 1}
    if mark:
        rule["comment"] = comment.strip()
    match = re.match(r"(\S+)\s+(\S+)\s*", text.removeprefix("|"))
    if match is None:
        return None
    rule |= {"type": match[1].lower(), "action": match[2]}
    macro = _MACRO.fullmatch(match[2])
    if macro and rule["type"] != "group":
        rule |= {"macro": macro[1], "action": macro[2]}
    rest = text.removeprefix("|")[match.end() :]
    while option := _OPTION.match(rest):
        name = option["flag"].lstrip("-")
        rule[{"i": "iface", "p": "proto"}.get(name, name)] = option["value"]
        rest = rest[option.end() :]
    if rest:
        return None
    _Check(rule, environment, lookup, collect=True).run()
    return rule


def format_rule(rule: Rule, *, with_iface: bool) -> str:
    """Write a rule as a line; one that is not enabled begins with a bar."""
    action = f"{rule['macro']}({rule['action']})" if rule.get("macro") else rule["action"]
    text = f"{'' if rule.get('enable') else '|'}{rule['type'].upper()} {action}"
    if with_iface and rule.get("iface"):
        text += f" -i {rule['iface']}"
    if rule["type"] != "group":
        text += "".join(f" {flag} {rule[name]}" for flag, name in _OPTIONS if rule.get(name))
    comment = str(rule.get("comment") or "")
    return f"{text} # {comment}" if comment.strip() else text
