"""`.../firewall/rules` on every level, and the rules of security groups."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from simulator.errors import ApiError
from simulator.firewall.config import Firewall, digest_of, lookup_in
from simulator.firewall.levels import ALL, CLUSTER, Level
from simulator.firewall.rules import LOG_LEVELS, Rule, delete_properties, set_properties, verify
from simulator.routing import Call, route
from simulator.schema import integer, string

GROUP = string(min_length=2, max_length=18, pattern=r"[A-Za-z][A-Za-z0-9\-\_]+")
DIGEST = string(max_length=64, optional=True)
_POSITION = integer(minimum=0, optional=True)
_ADDRESS = string(format="pve-fw-addr-spec", max_length=512, optional=True)
_ACTION = {"min_length": 2, "max_length": 20, "pattern": r"[A-Za-z][A-Za-z0-9\-\_]+"}
_TYPES = ("in", "out", "forward", "group")
_OPTIONAL = {
    "comment": string(optional=True),
    "dest": _ADDRESS,
    "digest": DIGEST,
    "dport": string(format="pve-fw-dport-spec", optional=True),
    "enable": integer(minimum=0, optional=True),
    "icmp-type": string(format="pve-fw-icmp-type-spec", optional=True),
    "iface": string(format="pve-iface", min_length=2, max_length=20, optional=True),
    "log": string(enum=LOG_LEVELS, optional=True),
    "macro": string(max_length=128, optional=True),
    "pos": _POSITION,
    "proto": string(format="pve-fw-protocol-spec", optional=True),
    "source": _ADDRESS,
    "sport": string(format="pve-fw-sport-spec", optional=True),
}
_CREATE = _OPTIONAL | {"action": string(**_ACTION), "type": string(enum=_TYPES)}
_UPDATE = _OPTIONAL | {
    "action": string(**_ACTION, optional=True),
    "delete": string(format="pve-configid-list", optional=True),
    "moveto": _POSITION,
    "type": string(enum=_TYPES, optional=True),
}


class _Place:
    """Where a list of rules is: on a level, or in a security group of the cluster's file."""

    def __init__(self, level: Level, *, in_group: bool = False) -> None:
        self.level = level
        self.in_group = in_group
        self.environment = "group" if in_group else level.environment
        self.path = f"{level.path}/groups/{{group}}" if in_group else f"{level.path}/rules"
        self.params = {**level.params, "group": GROUP} if in_group else dict(level.params)

    def rules(self, call: Call, firewall: Firewall) -> list[Rule]:
        if not self.in_group:
            return firewall.rules
        rules = firewall.groups.get(call.text("group"))
        if rules is None:
            raise ApiError(f"no such security group '{call.text('group')}'")
        return rules

    def verify(self, call: Call, rule: Rule) -> None:
        verify(rule, self.environment, lookup_in(*self.level.load(call)))


def _list(place: _Place, call: Call) -> list[dict[str, Any]]:
    """List the rules."""
    place.level.check(call, modify=False)
    rules = place.rules(call, place.level.load(call)[0])
    digest = digest_of(rules)
    return [{**rule, "pos": position, "digest": digest} for position, rule in enumerate(rules)]


def _read(place: _Place, call: Call) -> dict[str, Any]:
    """Return a rule; its position is a text here."""
    place.level.check(call, modify=False)
    rules = place.rules(call, place.level.load(call)[0])
    return {**rules[_position(call, rules)], "pos": str(call.integer("pos")), "digest": digest_of(rules)}


def _position(call: Call, rules: list[Rule]) -> int:
    position = call.integer("pos")
    if position >= len(rules):
        raise ApiError(f"no rule at position {position}")
    return position


def _create(place: _Place, call: Call) -> None:
    """Add a rule before all others, wherever the call wants it."""
    firewall = place.level.begin_change(call)
    rules = place.rules(call, firewall)
    rule: Rule = {}
    set_properties(rule, call.params)
    place.verify(call, rule)
    rules.insert(0, rule)
    place.level.save(call, firewall)


def _update(place: _Place, call: Call) -> None:
    """Change a rule, or move it before the one that is at another position now: never both."""
    firewall = place.level.begin_change(call)
    rules = place.rules(call, firewall)
    call.check_digest(digest_of(rules))
    position = _position(call, rules)
    target = call.integer("moveto", position)
    if target != position:
        rule = rules.pop(position)
        rules.insert(target - (target > position), rule)
    else:
        rule = rules[position]
        set_properties(rule, call.params)
        delete_properties(rule, call.listing("delete"))
        place.verify(call, rule)
    place.level.save(call, firewall)


def _delete(place: _Place, call: Call) -> None:
    """Remove a rule."""
    firewall = place.level.begin_change(call)
    rules = place.rules(call, firewall)
    call.check_digest(digest_of(rules))
    del rules[_position(call, rules)]
    place.level.save(call, firewall)


def _declare(place: _Place) -> None:
    """Declare the five methods of one place."""
    level, one = place.level, f"{place.path}/{{pos}}"
    methods: tuple[tuple[str, str, Callable[[_Place, Call], Any], dict[str, Any]], ...] = (
        ("GET", place.path, _list, {}),
        ("GET", one, _read, {"pos": _POSITION}),
        ("POST", place.path, _create, _CREATE),
        ("PUT", one, _update, _UPDATE),
        ("DELETE", one, _delete, {"pos": _POSITION, "digest": DIGEST}),
    )
    for method, path, handler, params in methods:
        reads = method == "GET"
        route(
            method, path, params={**place.params, **params}, check=level.audit if reads else level.modify,
            user=level.user, protected=not reads, proxyto=level.proxyto,
        )(functools.partial(handler, place))  # fmt: skip


for _level in ALL:
    _declare(_Place(_level))
_declare(_Place(CLUSTER, in_group=True))
