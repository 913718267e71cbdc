"""What keeps rules from having an effect: a firewall that is off, a NIC that does not go through it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from providers._firewall.scope import Level, Scope
from providers._runtime.facts import Facts
from providers._runtime.model import Values

_ON_BY_DEFAULT: dict[Level, bool] = {"cluster": False, "node": True, "guest": False, "vnet": False}
ENABLED = "firewall enabled"
"""The kind under which options that switch a firewall on are announced."""


def effect_advice(facts: Facts, scope: Scope, rules: Iterable[Values]) -> Iterator[str]:
    """Why the rules of a scope have no effect as the host is now."""
    for place in dict.fromkeys((Scope(), scope)):
        if not _is_on(facts, place):
            yield f"the firewall of {place} is off, and rules have no effect there until it is switched on"
    if scope.level == "guest":
        yield from _nics_beside_the_firewall(facts, scope)
    if any(rule["type"] == "forward" for rule in rules):
        yield from _nodes_without_nftables(facts, scope)


def _is_on(facts: Facts, scope: Scope) -> bool:
    """Whether it is on, or this program switches it on; where that can't be seen it counts as on."""
    if facts.announced(ENABLED, scope.id()):
        return True
    path = scope.seen_path(facts)
    options = facts.look(f"{path}/options") if path else None
    return options is None or bool(int(options.get("enable", _ON_BY_DEFAULT[scope.level])))


def _nics_beside_the_firewall(facts: Facts, scope: Scope) -> Iterator[str]:
    path = scope.seen_path(facts)
    config = facts.look(f"{path.removesuffix('/firewall')}/config") if path else None
    beside = [
        nic
        for nic, text in sorted((config or {}).items())
        if re.fullmatch(r"net\d+", nic) and "firewall=1" not in str(text).split(",")
    ]
    if beside:
        yield f"{scope} has no `firewall=1` on {', '.join(beside)}, so that the rules do not concern what passes there"


def _nodes_without_nftables(facts: Facts, scope: Scope) -> Iterator[str]:
    rows = [row for row in facts.of_type("node") if row.get("status") == "online"]
    nodes = [scope.name] if scope.level == "node" else sorted(str(row["node"]) for row in rows)
    without = [
        node
        for node in nodes
        if (options := facts.look(f"/nodes/{node}/firewall/options")) is not None and not options.get("nftables")
    ]
    if without:
        yield f"rules of type forward take the newer firewall: `nftables` is off on {', '.join(without)}"
