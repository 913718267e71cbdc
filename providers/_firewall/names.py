"""The names that rules and IP sets use: whether there is such an alias, IP set, security group or macro.

One answer of the host (`refs`) has all aliases and IP sets that a scope can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from providers._firewall.formats import SCOPED_NAME
from providers._firewall.scope import Scope
from providers._runtime.facts import Facts
from providers._runtime.model import Problem, Values

NameKind = Literal["alias", "ipset"]
CLUSTER = Scope()
GROUP = "security group"
_WORDS = {"alias": "alias", "ipset": "IP set"}


def announced_name(scope: Scope, kind: NameKind, name: str) -> tuple[str, str]:
    """How an alias or IP set is announced; the case of an alias does not count."""
    return f"firewall {kind}", scope.id(name.lower() if kind == "alias" else name)


def name_problems(facts: Facts, scope: Scope, field: str, text: str) -> Iterator[Problem]:
    """That the alias or IP set that a text names is not there, and this program makes none."""
    found = SCOPED_NAME.fullmatch(text.removeprefix("+"))
    if found is None:
        return
    kind: NameKind = "ipset" if text.startswith("+") else "alias"
    prefix, name = found[1] or "", found[2]
    places = {"dc/": [CLUSTER], "guest/": [scope], "sdn/": []}.get(prefix, [CLUSTER, scope])
    if any(facts.announced(*announced_name(place, kind, name)) for place in places):
        return
    rows = _refs(facts, scope)
    wanted = name.lower() if kind == "alias" else name
    scopes = {prefix.removesuffix("/")} if prefix else {"dc", "guest"}
    if rows is not None and not any(
        row["type"] == kind and row["name"] == wanted and row.get("scope") in scopes for row in rows
    ):
        yield field, f"there is no {_WORDS[kind]} {text!r}, and this program makes none"


def _refs(facts: Facts, scope: Scope) -> list[dict[str, Any]] | None:
    """All names that a scope can use; None if the identity may not look."""
    path = scope.seen_path(facts) if scope.level == "guest" else None
    rows: list[dict[str, Any]] | None = facts.look(f"{path or '/cluster/firewall'}/refs")
    return rows


def rule_problems(facts: Facts, scope: Scope, rules: Iterable[Values]) -> Iterator[Problem]:
    """What the rules name and nobody has."""
    for number, rule in enumerate(rules):
        for field in ("source", "dest"):
            yield from name_problems(facts, scope, f"rules.{number}.{field}", rule.get(field, ""))
        if rule["type"] == "group":
            yield from _group_problems(facts, f"rules.{number}.action", rule["action"])
        if "macro" in rule:
            yield from _macro_problems(facts, f"rules.{number}.macro", rule["macro"])


def _group_problems(facts: Facts, field: str, name: str) -> Iterator[Problem]:
    """Proxmox takes a rule for a group that does not exist, and it then does nothing."""
    rows = facts.look("/cluster/firewall/groups")
    if rows is None or facts.announced(GROUP, name) or any(row["group"] == name for row in rows):
        return
    yield field, f"there is no security group {name!r}, and this program makes none"


def _macro_problems(facts: Facts, field: str, name: str) -> Iterator[Problem]:
    """Proxmox takes a macro in any case, and gives it back as it writes it itself."""
    macros = {str(row["macro"]).lower(): str(row["macro"]) for row in facts.look("/cluster/firewall/macros") or ()}
    if macros and name not in macros.values():
        known = macros.get(name.lower())
        yield field, f"there is no macro {name!r}" + (f"; Proxmox writes it {known}" if known else "")
