"""What a declaration makes of a ruleset: the same with the options, rules or names that are declared."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace

from providers._firewall.ruleset import Entry, Rule, Ruleset
from providers._firewall.scope import Scope
from providers._runtime.model import Values
from providers._runtime.wire import to_text

Change = Callable[[Ruleset], Ruleset]
_PARTS = {field.name for field in fields(Rule)} - {"enable"}


def key_of(scope: Scope) -> str:
    """How the scope's level is called in a ruleset."""
    return f"{scope.level} {scope.name}".rstrip()


def rule_of(content: Values) -> Rule:
    """A declared rule as plain data."""
    texts = {name: to_text(value) for name, value in content.items() if name in _PARTS}
    return Rule(**texts, enable=bool(content.get("enable", True)))


def with_options(scope: Scope, options: Values, unset: Iterable[str]) -> Change:
    """Options set, and others back at their defaults."""
    gone = set(unset)

    def change(ruleset: Ruleset) -> Ruleset:
        there = ruleset.level(scope.level, scope.name).options
        kept = {name: value for name, value in there.items() if name not in gone}
        return ruleset.changed(key_of(scope), options={**kept, **options})

    return change


def with_rules(scope: Scope, contents: Iterable[Values]) -> Change:
    """The list of rules of a scope."""
    rules = [rule_of(content) for content in contents]
    return lambda ruleset: ruleset.changed(key_of(scope), rules=rules)


def with_group(name: str, contents: Iterable[Values]) -> Change:
    """A security group."""
    rules = [rule_of(content) for content in contents]
    return lambda ruleset: replace(ruleset, groups=ChainMap({name: rules}, ruleset.groups))  # type: ignore[arg-type]  # only read


def with_alias(scope: Scope, name: str, cidr: str) -> Change:
    """An alias."""

    def change(ruleset: Ruleset) -> Ruleset:
        aliases = ruleset.level(scope.level, scope.name).aliases
        return ruleset.changed(key_of(scope), aliases={**aliases, name.lower(): cidr})

    return change


def with_ip_set(scope: Scope, name: str, entries: Mapping[str, Values]) -> Change:
    """An ipset."""
    made = [Entry(cidr, bool(entry.get("nomatch"))) for cidr, entry in entries.items()]

    def change(ruleset: Ruleset) -> Ruleset:
        ipsets = ruleset.level(scope.level, scope.name).ipsets
        return ruleset.changed(key_of(scope), ipsets=ChainMap({name: made}, ipsets))  # type: ignore[arg-type]  # only read

    return change


_CHANGES: dict[str, Callable[[Values], Change]] = {
    "firewall_options": lambda values: with_options(Scope.of(values), values, ()),
    "firewall_rules": lambda values: with_rules(Scope.of(values), values["rules"]),
    "security_group": lambda values: with_group(values["group"], values["rules"]),
    "firewall_alias": lambda values: with_alias(Scope.of(values), values["name"], values["cidr"]),
    "ip_set": lambda values: with_ip_set(Scope.of(values), values["name"], values["entries"]),
}


def ruleset_of(resources: Iterable[tuple[str, Values]]) -> Ruleset:
    """What resources (kind and inputs) declare together, without any host: what a policy can ask about."""
    ruleset = Ruleset()
    for kind, values in resources:
        if kind in _CHANGES:
            ruleset = _CHANGES[kind](values)(ruleset)
    return ruleset
